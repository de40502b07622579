//! What is printed where: nothing but answers on standard output, nothing at all that was not asked for, and files on standard output.

use crate::{Place, Run, fixture, npz, small};
use serde_json::Value;
use std::{
    fs,
    process::{Command, Stdio},
};

/// The one JSON object that a command prints.
fn object(place: &Place, line: &str) -> Value {
    let out = place.succeed(line);
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}\n{out}"));
    assert!(value.is_object(), "{line}: {out}");
    value
}

/// No environment of a desktop: what drivers say about that is no answer of this program.
#[test]
fn a_headless_machine_is_told_nothing_of_the_desktop_it_has_not() {
    let place = Place::new();
    for line in ["devices".to_owned(), format!("sample --model {} -n 1 -S 1 -o x.png", small())] {
        for folder in [None, Some("not/absolute"), Some("/nowhere/at/all")] {
            let mut command = place.command(&line);
            folder.iter().for_each(|folder| _ = command.env("XDG_RUNTIME_DIR", folder));
            let run: Run = command.output().expect("started").into();
            assert_eq!(run.code, Some(0), "{line}: {}", run.err);
            let is_ours = |said: &str| said.starts_with("device: ") || said.starts_with("note: ");
            assert!(run.err.lines().all(is_ours), "{line}: {}", run.err);
        }
    }
}

#[test]
fn quiet_leaves_faults_and_answers() {
    let place = Place::new();
    let model = small();
    // Which device it is, a note on S = 1 where there is one, what was written: all that is left out.
    for line in [
        format!("sample --device cpu --model {model} -S 2 -n 2 -o x.png"),
        format!("sample --device cpu --model {model} -S 2 -n 2 -o folder"),
        format!("sample --device cpu --model {model} -S 2 -n 1 --save-trajectory t.safetensors"),
        format!("trajectory --device cpu --model {model} -S 2 -o x.gif"),
        format!("encode --device cpu --model {model} -S 2 folder -o x.safetensors"),
    ] {
        let loud = place.run(&line);
        assert!(loud.code == Some(0) && !loud.out.is_empty() && loud.err.contains("device: "), "{line}: {}{}", loud.out, loud.err);
        for line in [format!("{line} --quiet"), format!("-q {line}")] {
            let run = place.run(&line);
            assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""), "{line}");
        }
    }
    // Answers stay.
    let run = place.run("devices --quiet");
    assert!(run.out.contains("--device auto takes ") && run.err.is_empty(), "{}{}", run.out, run.err);
    let run = place.run(&format!("bench -q --device cpu --model {model} --batch 1 --seconds 0.1"));
    assert!(run.out.contains("GFLOP/s") && run.err.is_empty(), "{}{}", run.out, run.err);
    // And so do faults.
    let run = place.run("sample --quiet --model nowhere -o y.png");
    assert!(run.code == Some(2) && run.err.starts_with("etude: ") && run.out.is_empty(), "{}{}", run.out, run.err);
}

#[test]
fn every_command_that_prints_a_number_prints_json() {
    let place = Place::new();
    let model = small();
    let devices = object(&place, "devices --json");
    assert!(devices["devices"].as_array().is_some_and(|list| !list.is_empty()) && devices["auto"]["name"].is_string(), "{devices}");
    let models = object(&place, "models --json");
    assert_eq!(models["program"][0]["name"], etude::model::EMBEDDED[0].name);
    assert!(models["program"][0]["parameters"].as_u64() > Some(1_000_000) && models["hub"][0]["megabytes"].is_u64(), "{models}");
    let info = object(&place, "info fashion --json");
    assert_eq!((&info["name"], &info["sample"]), (&"fashion".into(), &serde_json::json!([1, 32, 32])));
    assert!(info["parameters"].as_u64() > Some(1_000_000) && info["scheduler"]["predicts"] == "v_prediction", "{info}");
    assert_eq!(object(&place, "info --json")["models"].as_array().map(Vec::len), Some(etude::model::EMBEDDED.len()));
    let program = object(&place, &format!("info {model} --program --json"));
    assert!(program["program"].as_array().is_some_and(|lines| lines.len() > 20), "{program}");
    let verified = object(&place, &format!("verify --device cpu --model {model} --json"));
    assert!(verified["passed"] == true && verified["calls"][0]["error"].is_f64(), "{verified}");
    let bench = object(&place, &format!("bench --device cpu --model {model} --batch 1 --seconds 0.1 --json"));
    assert!(bench["ms_per_step"].is_f64(), "{bench}");
    let sampled = object(&place, &format!("sample --device cpu --model {model} -S 2 -n 2 --json -o folder"));
    assert_eq!((&sampled["images"], &sampled["steps"], &sampled["out"]), (&2.into(), &2.into(), &"folder".into()));
    assert!(sampled["seconds"].is_f64() && sampled["interrupted"] == false, "{sampled}");
    assert_eq!(object(&place, "info folder/00001.png --json")["image"], 1);
    assert_eq!(object(&place, &format!("trajectory --device cpu --model {model} -S 3 -n 1 --json -o t.png"))["shown"], 3);
    let recorded = format!("sample --device cpu --model {model} -S 3 -n 1 --json --save-trajectory t.safetensors");
    assert_eq!(object(&place, &recorded)["steps"], 3);
    let encoded = object(&place, &format!("encode --device cpu --model {model} -S 2 folder --json"));
    assert!(encoded["norm_per_sqrt_d"].is_f64() && encoded["images"] == 2, "{encoded}");
    let case = fixture("unets/ddpm/case.safetensors");
    let eps = object(&place, &format!("eps --device cpu --model {model} --input {case} --output eps.safetensors --json"));
    assert_eq!((&eps["images"], &eps["out"]), (&2.into(), &"eps.safetensors".into()));
    let lost = object(&place, &format!("reconstruct --device cpu --model {model} -S 2 folder --json"));
    assert!(lost["mse"][0].is_f64(), "{lost}");
    let decided = object(&place, &format!("forks --device cpu --model {model} -S 4 --eta 1 --places 2 --seeds 2 --json"));
    assert!(decided["distance"][0].is_f64(), "{decided}");
    // Where it fails standard output stays empty.
    let run = place.run("info nowhere.png --json");
    assert!(run.code == Some(2) && run.out.is_empty() && run.err.lines().count() == 1, "{}{}", run.out, run.err);
}

/// The bytes on standard output are the file's, and all else is on standard error.
#[test]
fn a_minus_is_standard_output() {
    let place = Place::new();
    let model = small();
    let sample = format!("sample --device cpu --model {model} -S 2 -n 2");
    place.succeed(&format!("{sample} -o folder"));
    for (line, out, name) in [
        (sample.clone(), "-o", "x.png"),
        (format!("{sample} --format npz"), "-o", "x.npz"),
        (sample.clone(), "--save-trajectory", "t.safetensors"),
        (format!("trajectory --device cpu --model {model} -S 2"), "--out", "t.png"),
        (format!("trajectory --device cpu --model {model} -S 2 --format gif"), "--out", "t.gif"),
        (format!("encode --device cpu --model {model} -S 2 folder"), "-o", "e.safetensors"),
        (format!("eps --device cpu --model {model} --input {model}/case.safetensors"), "--output", "eps.safetensors"),
        (format!("reconstruct --device cpu --model {model} -S 2 folder"), "-o", "r.png"),
        (format!("forks --device cpu --model {model} -S 4 --eta 1 --places 2 --seeds 2"), "-o", "f.png"),
    ] {
        place.succeed(&format!("{line} {out} {name}"));
        let output = place.command(&format!("{line} {out} -")).output().expect("started");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        assert!(output.stdout == place.bytes(name), "{line}: {} bytes, expected those of {name}", output.stdout.len());
        assert!(said.contains("device: ") && said.lines().count() > 1, "{line}: {said}");
        let output = place.command(&format!("{line} {out} - --quiet")).output().expect("started");
        assert!(output.stdout == place.bytes(name) && output.stderr.is_empty(), "{line} --quiet");
    }
    assert_eq!(npz(&place.path("x.npz")).0, [2, 16, 16, 3]);
    assert!(!place.path("-").exists());
    // A file of that name.
    place.succeed(&format!("{sample} --format png -o ./-"));
    assert_eq!(place.bytes("-"), place.bytes("x.png"));
    for (options, words) in [("--format folder -o -", ["--out -", "folder"]), ("--json -o -", ["--json", "standard output"])] {
        let run = place.run(&format!("{sample} {options}"));
        assert!(run.code == Some(2) && run.out.is_empty() && run.err.lines().count() == 1, "{options}: {}", run.err);
        assert!(words.iter().all(|word| run.err.contains(word)), "{options}: {}", run.err);
    }
}

/// `sample -o - | head`: who reads no further has what they wanted.
#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_fault() {
    let place = Place::new();
    let mut command = place.command(&format!("sample --device cpu --model {} -S 1 -n 64 --format npz -o -", small()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    drop(child.stdout.take());
    let run: Run = child.wait_with_output().expect("ended").into();
    assert_eq!(run.code, Some(0), "{}", run.err);
}

/// What a command prints to a terminal.
#[cfg(target_os = "linux")]
fn in_a_terminal(place: &Place, line: &str, colours: bool) -> (Option<i32>, String) {
    let program = place.command("");
    let mut command = Command::new("script");
    command.arg("-qec").arg(format!("'{}' {line}", program.get_program().display())).arg("/dev/null");
    command.current_dir(place.path("")).env("TERM", "xterm-256color").env_remove("NO_COLOR").stdin(Stdio::null());
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let output = command.output().expect("`script`, of bsdutils or util-linux, which opens a terminal");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn no_picture_goes_to_a_terminal() {
    let place = Place::new();
    let (code, said) = in_a_terminal(&place, &format!("sample --device cpu --model {} -S 1 -n 1 -o -", small()), true);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("etude: standard output: is a terminal, expected a pipe or a file"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn there_are_colours_in_a_terminal_unless_it_is_asked_for_none() {
    let place = Place::new();
    for line in ["--help", "sample --help"] {
        let (_, coloured) = in_a_terminal(&place, line, true);
        let (_, plain) = in_a_terminal(&place, line, false);
        assert!(coloured.contains("\x1b[") && !plain.contains("\x1b["), "{line}\n{plain}");
        assert!(!place.succeed(line).contains('\x1b'), "{line}: to a pipe");
    }
    for line in ["dance", "info nowhere.png"] {
        assert!(!in_a_terminal(&place, line, false).1.contains("\x1b["), "{line}");
    }
    // A bar moves the cursor and takes itself away; it has no colours either.
    let (code, said) = in_a_terminal(&place, &format!("sample --device cpu --model {} -S 20 -n 2 -o x.png", small()), false);
    assert!(code == Some(0) && !said.contains("\x1b[3") && !said.contains("\x1b[1m"), "{said:?}");
}

#[test]
fn a_models_card_is_text() {
    let place = Place::new();
    for embedded in etude::model::EMBEDDED {
        let said = place.succeed(&format!("info {}", embedded.name));
        // The card stands below the facts.
        let said = said.split_once("\n\n").expect("a card").1;
        assert!(said.lines().all(|line| !line.starts_with(['|', '#', '!'])), "{said}");
        // The names stand in one column, what they say in another.
        let row = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {said}"));
        let at = |line: &str| line.find("  ").map(|end| end + line[end..].len() - line[end..].trim_start().len());
        assert_eq!(at(row("Network  ")), at(row("Licence  ")), "{said}");
        assert!(row("Network  ").contains("UNet2DModel") && said.lines().all(|line| line.chars().count() <= 101), "{said}");
    }
}

#[test]
fn shells_can_complete_commands_and_options() {
    let place = Place::new();
    for (shell, words) in [
        ("bash", ["_etude", "complete -F _etude"]),
        ("zsh", ["#compdef etude", "_arguments"]),
        ("fish", ["complete -c etude", "trajectory"]),
        ("powershell", ["Register-ArgumentCompleter", "trajectory"]),
        ("elvish", ["edit:completion", "trajectory"]),
    ] {
        let script = place.succeed(&format!("completions {shell}"));
        assert!(words.iter().all(|word| script.contains(word)), "{shell}");
        assert!(script.contains("--noise-seed") && script.contains("interpolate"), "{shell}");
    }
    let run = place.run("completions tcsh");
    assert!(run.code == Some(2) && run.err.contains("bash") && run.err.lines().count() == 1, "{}", run.err);
}

/// What a person types before Tab, in the shell itself.
#[cfg(unix)]
#[test]
fn bash_completes() {
    let place = Place::new();
    fs::write(place.path("etude.bash"), place.succeed("completions bash")).expect("written");
    for (words, expected) in
        [("etude traj", "trajectory"), ("etude sample --noise-s", "--noise-seed"), ("etude completions z", "zsh")]
    {
        let list: Vec<&str> = words.split(' ').collect();
        let script = format!(
            "source etude.bash; COMP_WORDS=({words}); COMP_CWORD={}; _etude etude {} {}; echo \"${{COMPREPLY[@]}}\"",
            list.len() - 1,
            list[list.len() - 1],
            list[list.len() - 2]
        );
        let output = Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output().expect("bash");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn there_is_a_manual() {
    let place = Place::new();
    let page = place.succeed("man");
    for part in [".TH etude 1", ".SH NAME", ".SH SYNOPSIS", "etude\\-sample(1)", ".SH \"EXIT STATUS\"", "NO_COLOR"] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let page = place.succeed("man sample");
    assert!(page.contains(".TH etude\\-sample 1") || page.contains(".TH etude-sample 1"), "{page}");
    assert!(page.contains("noise\\-seed") && page.contains("quiet"), "{page}");
    place.succeed("man --out man1");
    assert!(place.path("man1/etude.1").is_file() && place.bytes("man1/etude-sample.1") == page.as_bytes());
    assert_eq!(fs::read_dir(place.path("man1")).expect("made").count(), place.files().len());
    for (line, word) in [("man dance", "sample"), ("man -o -", "folder")] {
        let run = place.run(line);
        assert!(run.code == Some(2) && run.err.contains(word) && run.err.lines().count() == 1, "{}", run.err);
    }
}
