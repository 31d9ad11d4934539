//! Compiles the interface definitions of this directory, and runs again when one of them changes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(out_dir) = std::env::var_os("OUT_DIR") else {
        eprintln!("OUT_DIR is not set: this program is run by cargo");
        return ExitCode::FAILURE;
    };
    match compile(Path::new("all.idl"), &PathBuf::from(out_dir).join("interfaces.rs")) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Compiles one file and what it includes; false if that failed, which has been reported.
fn compile(source: &Path, output: &Path) -> bool {
    let compilation = idl::compile(source, &idl::Disk);
    for path in compilation.sources.paths() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let interfaces = match &compilation.result {
        Ok(interfaces) => interfaces,
        Err(_) => {
            eprintln!("{}", compilation.errors(false));
            return false;
        }
    };
    if let Err(error) = std::fs::write(output, idl::rust::generate(interfaces)) {
        eprintln!("cannot write `{}`: {error}; check that the disk has room", output.display());
        return false;
    }
    true
}
