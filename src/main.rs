//! Entry point: arguments -> run -> exit code. Built without the feature `cli` it opens the viewer and takes no arguments.

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
mod cli;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    // Before anything that could start a thread.
    etude::platform::name_session_folder();
    let filter = tracing_subscriber::EnvFilter::try_from_env("ETUDE_LOG").unwrap_or_else(|_| "error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    etude::gpu::keep_in(etude::platform::cache_folder());
    run()
}

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
use cli::main as run;

/// Opens the viewer. Returns 0, or 2 and one line on standard error where no window can be opened.
#[cfg(all(feature = "app", not(feature = "cli"), not(target_arch = "wasm32")))]
fn run() -> std::process::ExitCode {
    use std::io::Write as _;
    match etude::app::run(etude::app::WindowOptions::default()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, nobody reads it.
            let _ = writeln!(std::io::stderr(), "etude: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(any(feature = "app", feature = "cli")))]
compile_error!("the program needs the feature `cli` or `app`; with neither there is only the library (cargo build --lib)");

/// Called once by the script of the page, and once by that of its worker, which computes.
#[cfg(target_arch = "wasm32")]
fn main() {
    etude::platform::show_panics();
    if etude::platform::is_page() {
        etude::app::start_page();
    } else {
        etude::session::serve();
    }
}
