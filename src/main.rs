//! Entry point: arguments -> run -> exit code.

fn main() -> std::process::ExitCode {
    etude::cli::main()
}
