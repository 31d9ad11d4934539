//! The driver of the clock that goes on while the machine is off: a Motorola MC146818, or what behaves like one, as in
//! every PC.
//!
//! * [`registers`]: what its registers mean, without touching any.
//! * [`Clock`]: reading and setting it through its two ports.
//! * [`run`]: the service `rtc`.
//!
//! "The manual" is Motorola's "MC146818 Real-time clock plus RAM", ADI856R1. The clock is on UTC; it counts whole seconds.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod clock;
pub mod registers;

pub use clock::{Clock, ClockError, Ports};

use interfaces::rtc::{self, Server};
use ipc::{Error, TaskId};

/// The ports of the machine.
struct Machine;

impl Ports for Machine {
    fn read(&mut self, register: u8) -> u8 {
        ipc::port::write_u8(clock::SELECT, register);
        ipc::port::read_u8(clock::VALUE)
    }

    fn write(&mut self, register: u8, value: u8) {
        ipc::port::write_u8(clock::SELECT, register);
        ipc::port::write_u8(clock::VALUE, value);
    }

    fn now(&self) -> u64 {
        ipc::clock()
    }
}

struct Rtc(Clock<Machine>);

impl ipc::server::Events for Rtc {}

impl Server for Rtc {
    fn time(&mut self, _: TaskId) -> Result<i64, Error> {
        self.0.time().map_err(|error| failed("does not tell the time", error))
    }

    fn set_time(&mut self, _: TaskId, seconds: i64) -> Result<(), Error> {
        self.0.set(seconds).map_err(|error| match error {
            ClockError::OutOfRange => Error::InvalidArgument,
            other => failed("cannot be set", other),
        })
    }
}

fn failed(what: &str, error: ClockError) -> Error {
    resea::warn!("the clock {what}: {error}");
    Error::InputOutput
}

/// Serves for ever.
pub fn run() -> Result<resea::Never, resea::ServeError> {
    resea::serve(rtc::NAME, rtc::dispatch, Rtc(Clock::new(Machine)))
}
