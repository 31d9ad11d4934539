//! `mkdir [-p] PATH...` makes directories; `-p`: with those that they are in, and without a complaint if they exist.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;

use commands::{CommandLine, each};
use resea::ExitStatus;

/// Does what the command line says. What cannot be made is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let line = CommandLine::with_paths("mkdir [-p] PATH...", "p")?;
    Ok(each(&line.paths, |path| if line.has('p') { fs::create_dir_all(path) } else { fs::create_dir(path) }))
}
