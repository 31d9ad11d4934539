//! The command `idl`: compiles an interface definition to Rust and Markdown.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compiles interface definitions.
///
/// Reads FILE and all that it includes, checks them, and writes what is asked for. Without an option it only checks.
/// The language is described in docs/idl.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The interface definition, usually interfaces/all.idl
    file: PathBuf,
    /// Write Rust clients and servers to this file (`-`: standard output)
    #[arg(long, value_name = "OUT")]
    rust: Option<PathBuf>,
    /// Write the reference in Markdown to this file (`-`: standard output)
    #[arg(long, value_name = "OUT")]
    markdown: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let compilation = idl::compile(&arguments.file, &idl::Disk);
    let Ok(interfaces) = &compilation.result else {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        eprint!("{}", compilation.errors(colour));
        return ExitCode::FAILURE;
    };
    let outputs = [
        (&arguments.rust, idl::rust::generate as fn(&_) -> String),
        (&arguments.markdown, idl::markdown::generate as fn(&_) -> String),
    ];
    for (path, generate) in outputs {
        let Some(path) = path else { continue };
        if let Err(error) = write(path, &generate(interfaces)) {
            eprintln!(
                "error: cannot write `{}`: {error}; check the path and its permissions",
                path.display()
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if path == Path::new("-") {
        use std::io::Write;
        return std::io::stdout().write_all(text.as_bytes());
    }
    std::fs::write(path, text)
}
