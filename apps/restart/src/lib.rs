//! Ends the driver of a device and starts it again: `restart NAME`, with the name of the device (`net0`) or of the driver.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;
use interfaces::dm;
use resea::{Arg, Error, LookupError, UsageError};

const USAGE: &str = "restart NAME";

/// Why nothing was started.
#[derive(PartialEq, Eq, Debug)]
pub enum RestartError {
    /// The command line is wrong.
    Usage(UsageError),
    /// The device manager cannot be reached.
    NoManager(LookupError<'static>),
    /// The device manager has refused it.
    Refused(&'static str, Error),
}

impl fmt::Display for RestartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::NoManager(error) => error.fmt(f),
            // Names that are too long are those of no device.
            Self::Refused(name, Error::NotFound | Error::TooLarge) => {
                write!(f, "no device has the name or the driver `{name}`; `lspci` lists them")
            }
            Self::Refused(name, error) => write!(f, "`{name}` cannot be started again: {error}"),
        }
    }
}

impl core::error::Error for RestartError {}

/// Does what the command line says.
///
/// Errors: why not.
pub fn run() -> Result<(), RestartError> {
    let mut arguments = resea::arguments();
    let name = arguments.next().ok_or(RestartError::Usage(UsageError::Missing("NAME", USAGE)))?;
    if let Some(more) = arguments.next() {
        return Err(RestartError::Usage(UsageError::unexpected(Arg::Positional(more), USAGE)));
    }
    let manager = resea::lookup(dm::NAME).map_err(RestartError::NoManager)?;
    dm::Client::new(manager).restart(name).map_err(|error| RestartError::Refused(name, error))
}
