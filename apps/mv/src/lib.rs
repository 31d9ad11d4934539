//! `mv FROM... TO` moves or renames files and directories to `TO`, or into `TO` if that is a directory. To another file system
//! they are copied, with the times of the files, and removed when all of it is on the medium there.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use commands::{CommandLine, Copying, each, nothing_mounted, targets};
use ipc::Error;
use resea::ExitStatus;

/// Does what the command line says. What cannot be moved is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let line = CommandLine::read("mv FROM... TO", "")?;
    Ok(each(targets(&line)?, |(from, to)| move_one(&from, &to)))
}

fn move_one(from: &str, to: &str) -> Result<(), String> {
    nothing_mounted(from)?;
    match fs::rename(from, to) {
        Err(error) if error.kind == Error::CrossDevice => {}
        result => return result.map_err(|error| format!("{error}")),
    }
    let is_directory = fs::metadata(from).map_err(|error| format!("{error}"))?.is_dir();
    // As in one file system: only a file takes a place, that of another file.
    if let Ok(found) = fs::metadata(to)
        && (is_directory || found.is_dir())
    {
        return Err(format!("{from} is not moved to {to}: there is something with this name"));
    }
    if !Copying::new(true, true).copy(from, to) {
        return Err(format!("{from} is still there, because not all of it could be copied to {to}"));
    }
    let removed = if is_directory { fs::remove_dir_all(from) } else { fs::remove_file(from) };
    removed.map_err(|error| format!("copied to {to}, and both are there now: {error}"))
}
