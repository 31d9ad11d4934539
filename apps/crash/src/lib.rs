//! Crashes in the way asked for, to see that only this task ends and that the report is right: `crash KIND`. Without
//! an argument it lists the kinds.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod fault;
mod kind;

use core::fmt;
use kind::Kind;
use resea::{Arg, ExitStatus, UsageError, print, println};

const USAGE: &str = "crash [KIND]";

/// Why there was no crash.
#[derive(PartialEq, Eq, Debug)]
pub enum CrashError {
    /// The command line is wrong.
    Usage(UsageError),
    /// There is no such kind.
    UnknownKind(&'static str),
    /// It went on after what should have ended it.
    Survived(&'static str),
}

impl fmt::Display for CrashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::UnknownKind(name) => {
                write!(f, "there is no kind of crash called `{name}`; choose one of")?;
                Kind::ALL.iter().try_for_each(|kind| write!(f, " {}", kind.name))
            }
            Self::Survived(name) => write!(f, "`{name}` did not end the task, which it should have"),
        }
    }
}

/// Crashes, or lists the kinds.
///
/// Errors: why it has not crashed.
pub fn run() -> Result<ExitStatus, CrashError> {
    let mut arguments = resea::arguments();
    let Some(name) = arguments.next() else {
        list();
        return Ok(ExitStatus::SUCCESS);
    };
    if let Some(more) = arguments.next() {
        return Err(CrashError::Usage(UsageError::unexpected(Arg::Positional(more), USAGE)));
    }
    let kind = Kind::named(name).ok_or(CrashError::UnknownKind(name))?;
    (kind.crash)();
    Err(CrashError::Survived(name))
}

fn list() {
    println!("usage: {USAGE}");
    for kind in Kind::ALL {
        print!("  {:14}{}\n", kind.name, kind.description);
    }
}
