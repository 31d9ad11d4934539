//! The service `datetime`: what is to be added to the machine's clock to get the time of day.
//!
//! The clock that goes on while the machine is off (`rtc`) is asked once; after that the machine's own clock counts, which
//! is finer. Who sets the time sets both. Relies on nothing else; never guesses: while nobody knows the time, it says so.
#![no_std]
#![forbid(unsafe_code)]

use calendar::{FIRST, LAST};
use interfaces::{datetime, rtc};
use ipc::{Error, TaskId};

const SECOND: i64 = 1_000_000_000;
/// How often the driver of the clock is asked, if it ends before it answers.
const ATTEMPTS: usize = 3;

struct Datetime {
    /// Nanoseconds to add; `None` while nobody knows the time.
    offset: Option<i64>,
}

impl ipc::server::Events for Datetime {}

impl datetime::Server for Datetime {
    fn offset(&mut self, _: TaskId) -> Result<i64, Error> {
        if self.offset.is_none() {
            let seconds = ask(|clock| clock.time())?;
            let nanoseconds = seconds.checked_mul(SECOND).ok_or(Error::InputOutput)?;
            self.offset = Some(offset(nanoseconds));
        }
        self.offset.ok_or(Error::InputOutput)
    }

    fn set(&mut self, _: TaskId, nanoseconds: i64) -> Result<(), Error> {
        let seconds = nanoseconds.div_euclid(SECOND);
        if !(FIRST..=LAST).contains(&seconds) {
            return Err(Error::InvalidArgument);
        }
        self.offset = Some(offset(nanoseconds));
        ask(|clock| clock.set_time(seconds))
    }
}

/// What is to be added if it is `nanoseconds` now.
fn offset(nanoseconds: i64) -> i64 {
    nanoseconds.saturating_sub_unsigned(ipc::clock())
}

/// Asks the clock. All that can go wrong with it is the same for who wants to know the time.
fn ask<T>(question: impl Fn(rtc::Client) -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..ATTEMPTS {
        let clock = resea::lookup(rtc::NAME).map_err(|failed| {
            resea::warn!("{failed}");
            Error::InputOutput
        })?;
        match question(rtc::Client::new(clock)) {
            // It has ended; vm starts it again.
            Err(Error::Aborted | Error::NoTask) => {}
            answer => return answer.map_err(|_| Error::InputOutput),
        }
    }
    resea::warn!("the driver of the clock has ended {ATTEMPTS} times; the time is not known");
    Err(Error::InputOutput)
}

/// Serves for ever.
pub fn run() -> Result<resea::Never, resea::ServeError> {
    resea::serve(datetime::NAME, datetime::dispatch, Datetime { offset: None })
}
