//! Does nothing for some seconds: `sleep SECONDS`, where fractions such as 0.5 are allowed.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;
use resea::{Arg, UsageError};

const USAGE: &str = "sleep SECONDS";

/// Why there was no sleep.
#[derive(PartialEq, Eq, Debug)]
pub enum SleepError {
    /// The command line is wrong.
    Usage(UsageError),
    /// This is not a time.
    NotSeconds(&'static str),
}

impl fmt::Display for SleepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::NotSeconds(text) => {
                write!(f, "`{text}` is not a number of seconds; write it like 2 or 0.5")
            }
        }
    }
}

/// Sleeps.
///
/// Errors: what is wrong with the command line.
pub fn run() -> Result<(), SleepError> {
    let mut arguments = resea::arguments();
    let text = arguments.next().ok_or(SleepError::Usage(UsageError::Missing("SECONDS", USAGE)))?;
    if let Some(more) = arguments.next() {
        return Err(SleepError::Usage(UsageError::unexpected(Arg::Positional(more), USAGE)));
    }
    resea::sleep(resea::seconds(text).ok_or(SleepError::NotSeconds(text))?);
    Ok(())
}
