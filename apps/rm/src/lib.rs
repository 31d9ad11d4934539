//! `rm [-r] [-f] PATH...` removes files, and with `-r` directories with everything in them; `-f`: what does not exist is
//! nothing to complain about. Nothing is removed in which a file system is mounted, nor what is only named by `.` or `..`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use commands::{CommandLine, each, nothing_mounted};
use ipc::Error;
use resea::ExitStatus;

/// Does what the command line says. What cannot be removed is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let line = CommandLine::with_paths("rm [-r] [-f] PATH...", "rf")?;
    Ok(each(&line.paths, |path| remove(path, line.has('r'), line.has('f'))))
}

fn remove(path: &str, directories: bool, may_lack: bool) -> Result<(), String> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    if names.next_back().is_some_and(|name| matches!(name, "." | "..")) {
        let path = fs::absolute(path);
        return Err(format!("{path} is not removed: name it, or what is in it, without . and .. at the end"));
    }
    match fs::remove_file(path) {
        Err(error) if may_lack && error.kind == Error::NotFound => return Ok(()),
        Err(error) if error.kind == Error::IsADirectory => {}
        result => return result.map_err(|error| format!("{error}")),
    }
    if !directories {
        return Err(format!(
            "{} is a directory: use -r to remove it with everything in it",
            fs::absolute(path)
        ));
    }
    nothing_mounted(path)?;
    fs::remove_dir_all(path).map_err(|error| format!("{error}"))
}
