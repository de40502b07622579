//! clap's errors in this program's words: one line that begins as every other fault does.

use super::output::errln;
use etude::platform;
use std::process::ExitCode;

/// Prints what clap has to say: help and the version as they are, a fault in one line. Returns the exit code.
pub fn print(error: &clap::Error, program: &clap::Command) -> ExitCode {
    if error.use_stderr() && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        errln!("etude: {}", one_line(&error.to_string(), asked_for(program)));
        return ExitCode::from(2);
    }
    // Where it cannot be written nobody reads it.
    let _ = error.print();
    ExitCode::from(u8::from(error.use_stderr()) * 2)
}

/// The command among the arguments of this process.
fn asked_for(program: &clap::Command) -> Option<&str> {
    let arguments = platform::arguments();
    arguments
        .iter()
        .skip(1)
        .find_map(|argument| program.get_subcommands().map(clap::Command::get_name).find(|name| argument == name))
}

/// A text of clap's, of several paragraphs: what is wrong, tips, how the command is used, where there is help.
fn one_line(text: &str, command: Option<&str>) -> String {
    let (mut said, mut command) = (Vec::new(), command.map_or_else(|| "etude".to_owned(), |command| format!("etude {command}")));
    for paragraph in text.split("\n\n") {
        let paragraph = paragraph.trim();
        if let Some(usage) = paragraph.strip_prefix("Usage: ") {
            // `etude sample [OPTIONS] --input <FILE>`: the command is what comes before the first option.
            let words = usage.split_whitespace().take_while(|word| !word.starts_with(['[', '<', '-']));
            command = words.collect::<Vec<_>>().join(" ");
        } else if !paragraph.starts_with("For more information") {
            said.push(lines(paragraph));
        }
    }
    let said = said.join("; ");
    format!("{}; `{command} --help` says more", said.strip_prefix("error: ").unwrap_or(&said)).replace(char::is_control, " ")
}

/// The lines of a paragraph on one: an announcement and its list, or a sentence and what explains it.
fn lines(paragraph: &str) -> String {
    let mut line = String::new();
    for part in paragraph.lines().map(|part| part.trim().trim_start_matches("tip: ")).filter(|part| !part.is_empty()) {
        let between = match line.as_str() {
            "" => "",
            before if before.ends_with(':') || part.starts_with('[') => " ",
            _ => ", ",
        };
        line += between;
        line += part;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn paragraphs_become_one_line() {
        let missing = "error: the following required arguments were not provided:\n  --input <FILE>\n  --output <FILE>\n\nUsage: etude eps \
                       --input <FILE> --output <FILE>\n\nFor more information, try '--help'.\n";
        let expected =
            "the following required arguments were not provided: --input <FILE>, --output <FILE>; `etude eps --help` says more";
        assert_eq!(one_line(missing, None), expected);
        let value = "error: invalid value 'x' for '--noise <NOISE>'\n  [possible values: step, path]\n\n  tip: some tip\n\nFor more \
                     information, try '--help'.\n";
        let expected =
            "invalid value 'x' for '--noise <NOISE>' [possible values: step, path]; some tip; `etude sample --help` says more";
        assert_eq!(one_line(value, Some("sample")), expected);
        assert!(!one_line("error: a\tb\r\n", None).contains(char::is_control));
    }
}
