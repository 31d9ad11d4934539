//! `cp [-r] FROM... TO` copies files, and with `-r` directories with everything in them, to `TO`, or into `TO` if that is a
//! directory. What was copied is on the medium when it ends with status 0.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;

use commands::{CommandLine, Copying, targets};
use resea::ExitStatus;

/// Does what the command line says. What cannot be copied is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let line = CommandLine::read("cp [-r] FROM... TO", "r")?;
    let mut copying = Copying::new(line.has('r'), false);
    let mut status = ExitStatus::SUCCESS;
    for (from, to) in targets(&line)? {
        if !copying.copy(&from, &to) {
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}
