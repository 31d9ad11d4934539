//! Tells the time, or sets it: `date [-u] [--iso | --unix | --set DATE]`. All is UTC, so `-u` changes nothing.
#![no_std]
#![forbid(unsafe_code)]

use calendar::{Date, NotADate};
use core::fmt;
use interfaces::datetime::{self, Client};
use resea::{Arg, Error, UsageError, println};

const USAGE: &str = "date [-u] [--iso | --unix | --set DATE]";
const SECOND: i64 = 1_000_000_000;

/// Why there was no time to tell, or it was not set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DateError {
    /// The command line is wrong.
    Usage(UsageError),
    /// An option has no value, or one that it does not take.
    Options(getargs::Error<&'static str>),
    /// This is no date.
    NotADate(&'static str),
    /// `datetime` cannot be found.
    NoServer(resea::LookupError<'static>),
    /// Nobody knows the time.
    Unknown(Error),
    /// The time is set, but will be forgotten when the machine is off.
    NotKept,
    /// The time was not set.
    NotSet(Error),
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Options(error) => write!(f, "{error}; usage: {USAGE}"),
            Self::NotADate(text) => write!(f, "`{text}` is {NotADate}"),
            Self::NoServer(error) => error.fmt(f),
            Self::Unknown(Error::InputOutput) => {
                write!(f, "nobody knows the time (`log` says why); set it: date --set '2026-11-21 09:00:00'")
            }
            Self::Unknown(error) => write!(f, "the time cannot be asked: {error}"),
            Self::NotKept => write!(
                f,
                "the time is set, but the clock that goes on while the machine is off is not (`log` says why): \
                 after the next start it has to be set again"
            ),
            Self::NotSet(error) => write!(f, "the time cannot be set: {error}"),
        }
    }
}

impl core::error::Error for DateError {}

/// How the time is written.
#[derive(Clone, Copy)]
enum Form {
    Readable,
    Iso,
    Unix,
}

/// Does what the command line says.
///
/// Errors: what is wrong with the command line, or with the clock.
pub fn run() -> Result<(), DateError> {
    let (mut form, mut new, mut options) = (Form::Readable, None, resea::options());
    while let Some(argument) = options.next_arg().map_err(DateError::Options)? {
        match argument {
            Arg::Short('u') => {}
            Arg::Long("iso") => form = Form::Iso,
            Arg::Long("unix") => form = Form::Unix,
            Arg::Long("set") => {
                let text = options.value().map_err(DateError::Options)?;
                let date = text.parse::<Date>().ok().and_then(|date| date.seconds());
                new = Some(date.ok_or(DateError::NotADate(text))?);
            }
            other => return Err(DateError::Usage(UsageError::unexpected(other, USAGE))),
        }
    }
    let server = Client::new(resea::lookup(datetime::NAME).map_err(DateError::NoServer)?);
    let set = match new {
        // It was read as a date before 2100.
        Some(seconds) => server.set(seconds * SECOND),
        None => Ok(()),
    };
    match set {
        Ok(()) => {}
        Err(Error::InputOutput) => return Err(DateError::NotKept),
        Err(error) => return Err(DateError::NotSet(error)),
    }
    let offset = server.offset().map_err(DateError::Unknown)?;
    print(offset.saturating_add_unsigned(resea::clock()).div_euclid(SECOND), form)
}

fn print(seconds: i64, form: Form) -> Result<(), DateError> {
    // Nanoseconds in 64 bits are from 1677 to 2262.
    let date = Date::from_seconds(seconds).ok_or(DateError::Unknown(Error::OutOfBounds))?;
    match form {
        Form::Unix => println!("{seconds}"),
        Form::Iso => println!("{date}"),
        Form::Readable => println!("{} {date:#} UTC", date.weekday().unwrap_or_default()),
    }
    Ok(())
}
