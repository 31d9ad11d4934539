//! `umount [-f] POINT` writes everything to the medium and takes the file system at POINT away; with `-f` also if files in it
//! are open, or not everything can be written.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use resea::{Arg, UsageError};

const USAGE: &str = "umount [-f] POINT";

/// Does what the command line says.
///
/// Errors: a sentence that says why not.
pub fn run() -> Result<(), String> {
    let (mut point, mut force) = (None, false);
    let mut options = resea::options();
    while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {USAGE}"))? {
        match argument {
            Arg::Short('f') => force = true,
            Arg::Positional(name) if point.is_none() => point = Some(name),
            other => return Err(UsageError::unexpected(other, USAGE).to_string()),
        }
    }
    let point = point.ok_or_else(|| UsageError::Missing("POINT", USAGE).to_string())?;
    fs::unmount(point, force).map_err(|error| error.to_string())
}
