//! `etude-bindgen FILE.wasm FOLDER`: writes NAME.js and NAME_bg.wasm into FOLDER, for a page that imports the one as a module.

use std::{env::args_os, path::PathBuf, process::ExitCode};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder] = paths.as_slice() else {
        eprintln!("usage: etude-bindgen FILE.wasm FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    match bindgen.input_path(module).web(true).and_then(|bindgen| bindgen.typescript(false).generate(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("etude-bindgen: {}: {error:#}", module.display());
            ExitCode::from(1)
        }
    }
}
