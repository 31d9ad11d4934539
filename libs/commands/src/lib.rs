//! What the programs for files at the command line share (`ls`, `cp` and so on).
//!
//! * [`CommandLine`]: flags and paths; [`each`] does something with each path, and goes on after what fails.
//! * [`fn@targets`]: what is copied or moved where. [`Copying`] copies files and whole directories; [`nothing_mounted`] keeps them
//!   from being moved or removed with other file systems in them.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod copying;
mod progress;
mod targets;

pub use copying::Copying;
pub use targets::{nothing_mounted, targets};

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use resea::{Arg, ExitStatus, UsageError, eprintln};

/// A command line of flags, single letters that take no value, and paths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandLine {
    usage: &'static str,
    flags: Vec<char>,
    /// The other arguments.
    pub paths: Vec<&'static str>,
}

impl CommandLine {
    /// The program's. `flags` are the letters that it knows.
    ///
    /// Errors: a sentence that says what is wrong.
    pub fn read(usage: &'static str, flags: &str) -> Result<Self, String> {
        let mut line = Self { usage, flags: Vec::new(), paths: Vec::new() };
        let mut options = resea::options();
        while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {usage}"))? {
            match argument {
                Arg::Short(flag) if flags.contains(flag) => line.flags.push(flag),
                // One that was forgotten in a script, and not the directory that one is in.
                Arg::Positional("") => return Err(format!("a path is empty: name a file; usage: {usage}")),
                Arg::Positional(path) => line.paths.push(path),
                other => return Err(format!("{}", UsageError::unexpected(other, usage))),
            }
        }
        Ok(line)
    }

    /// As [`CommandLine::read`], with at least one path.
    ///
    /// Errors: a sentence that says what is wrong.
    pub fn with_paths(usage: &'static str, flags: &str) -> Result<Self, String> {
        let line = Self::read(usage, flags)?;
        if line.paths.is_empty() { Err(line.missing("PATH")) } else { Ok(line) }
    }

    /// Whether a flag is given.
    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }

    /// Says that an argument is missing.
    pub fn missing(&self, argument: &'static str) -> String {
        format!("{}", UsageError::Missing(argument, self.usage))
    }
}

/// Does something with each of some things. Says what goes wrong, goes on with the next, and fails in the end.
pub fn each<T, E: Display>(
    things: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Result<(), E>,
) -> ExitStatus {
    let mut status = ExitStatus::SUCCESS;
    for thing in things {
        if let Err(error) = work(thing) {
            complain(&error);
            status = ExitStatus::FAILURE;
        }
    }
    status
}

/// Says on the console what went wrong.
fn complain(error: &dyn Display) {
    eprintln!("{}: {error}", resea::name());
}
