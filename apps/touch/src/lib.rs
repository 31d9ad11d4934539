//! `touch PATH...` says of files and directories that they were modified now, and makes empty files where nothing is.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;

use commands::{CommandLine, each};
use fs::File;
use ipc::Error;
use resea::ExitStatus;

/// Does what the command line says. What goes wrong is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let line = CommandLine::with_paths("touch PATH...", "")?;
    Ok(each(line.paths, |path| match fs::set_modified(path, None) {
        Err(error) if error.kind == Error::NotFound => {
            File::options().write(true).create(true).open(path).map(drop)
        }
        result => result,
    }))
}
