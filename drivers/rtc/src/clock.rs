//! Reading and setting the clock, so that nobody ever gets a mixture of two times.
//!
//! Reading: not while the clock counts up, and twice, until both are the same: the task may be interrupted for long in
//! between. Setting: the clock is stopped by its bit SET first. The bit says also that what the registers hold is not whole, so
//! a driver that died there leaves no wrong time behind: none is told until the clock was set.

use crate::registers::{
    A, B, CENTURY, D, DIVIDER, Raw, SET, STOPPED, TIME, UPDATING, USUAL_DIVIDER, VALID, WEEKDAY, decode,
    encode,
};
use core::fmt;

/// The port that selects a register. Its highest bit, which is 0, would mask non-maskable interrupts.
pub const SELECT: u16 = 0x70;
/// The port of the register's value.
pub const VALUE: u16 = 0x71;

/// Nanoseconds to wait for a clock that is counting up. That takes 2 ms (the manual, "Update cycle").
const PATIENCE: u64 = 3_000_000;
/// How often two readings may differ. They do once a second.
const ATTEMPTS: usize = 8;

/// The registers of a clock, and the time that passes.
pub trait Ports {
    /// Reads a register.
    fn read(&mut self, register: u8) -> u8;
    /// Writes a register.
    fn write(&mut self, register: u8, value: u8);
    /// Nanoseconds of the machine's clock.
    fn now(&self) -> u64;
}

/// Why the clock does not tell the time, or was not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockError {
    /// It counts up all the time: there is no such clock.
    NoClock,
    /// It was without power.
    NoPower,
    /// It does not count.
    Stopped,
    /// Somebody has begun to set it and not ended, or it was without power.
    HalfSet,
    /// Its registers hold no date.
    NoDate(Raw),
    /// It does not hold what was written.
    NotSet,
    /// The time is not from 1970 to 2099.
    OutOfRange,
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoClock => write!(f, "there is none, or it does not work"),
            Self::NoPower => {
                write!(f, "it has lost its power; replace its battery, and set it with `date --set`")
            }
            Self::Stopped => write!(f, "it is stopped; set it with `date --set`"),
            Self::HalfSet => write!(f, "it was being set and is not whole; set it with `date --set`"),
            Self::NoDate(raw) => {
                write!(f, "it holds {:02x?}, century {:02x}", raw.time, raw.century)?;
                write!(f, ", which is no date; set it with `date --set`")
            }
            Self::NotSet => write!(f, "it does not keep what is written"),
            Self::OutOfRange => write!(f, "the time is not from 1970 to 2099"),
        }
    }
}

impl core::error::Error for ClockError {}

/// The clock.
#[derive(Debug)]
pub struct Clock<P> {
    ports: P,
}

impl<P: Ports> Clock<P> {
    /// The clock with these registers.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }

    /// Its time, in seconds since 1970.
    ///
    /// Errors: `NoClock`, `NoPower`, `Stopped`, `HalfSet`, `NoDate`.
    pub fn time(&mut self) -> Result<i64, ClockError> {
        let (raw, modes) = self.read()?;
        // Where there is no clock there are ones everywhere; those were noticed in status A.
        if self.ports.read(D) & VALID == 0 {
            // That it was read makes it valid (the manual, "Register D"). Whoever asks next must not believe it.
            self.ports.write(B, modes | SET);
            return Err(ClockError::NoPower);
        }
        if self.ports.read(A) & STOPPED == STOPPED {
            return Err(ClockError::Stopped);
        }
        if modes & SET != 0 {
            return Err(ClockError::HalfSet);
        }
        decode(&raw, modes).ok_or(ClockError::NoDate(raw))
    }

    /// Sets it to a time in seconds since 1970, which begins within the next second.
    ///
    /// Errors: `OutOfRange`, `NoClock`, `NotSet`.
    pub fn set(&mut self, seconds: i64) -> Result<(), ClockError> {
        self.wait_for_update()?;
        let modes = self.ports.read(B) & !SET;
        let (raw, weekday) = encode(seconds, modes).ok_or(ClockError::OutOfRange)?;
        self.ports.write(B, modes | SET);
        for (register, value) in TIME.into_iter().zip(raw.time) {
            self.ports.write(register, value);
        }
        self.ports.write(WEEKDAY, weekday);
        self.ports.write(CENTURY, raw.century);
        if self.read_once() != raw || self.ports.read(B) != modes | SET {
            return Err(ClockError::NotSet);
        }
        let status = self.ports.read(A) & !UPDATING;
        if status & STOPPED == STOPPED {
            self.ports.write(A, status & !DIVIDER | USUAL_DIVIDER);
        }
        self.ports.write(B, modes);
        Ok(())
    }

    /// The registers at one instant, and the modes.
    fn read(&mut self) -> Result<(Raw, u8), ClockError> {
        for _ in 0..ATTEMPTS {
            self.wait_for_update()?;
            let first = (self.read_once(), self.ports.read(B));
            self.wait_for_update()?;
            if first == (self.read_once(), self.ports.read(B)) {
                return Ok(first);
            }
        }
        Err(ClockError::NoClock)
    }

    fn read_once(&mut self) -> Raw {
        Raw { time: TIME.map(|register| self.ports.read(register)), century: self.ports.read(CENTURY) }
    }

    /// Waits while the clock counts up. Afterwards it does not for 244 µs.
    fn wait_for_update(&mut self) -> Result<(), ClockError> {
        let end = self.ports.now().saturating_add(PATIENCE);
        while self.ports.read(A) & UPDATING != 0 {
            // The task may have been interrupted for long between the two: it looks once more.
            if self.ports.now() >= end && self.ports.read(A) & UPDATING != 0 {
                return Err(ClockError::NoClock);
            }
        }
        Ok(())
    }
}
