//! Why the driver cannot start, and what ends it.

use core::fmt;
use driver::DriverError;
use ipc::Error;
use virtio::{Faulty, Unusable};

/// Why the driver could not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// It could not get at its device.
    Driver(DriverError),
    /// The device cannot be used.
    Device(Unusable),
    /// There cannot be a queue in the memory: why.
    Queue(Error),
    /// The device's queue has so few descriptors that no request fits.
    Small(u16),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => error.fmt(f),
            Self::Device(error) => error.fmt(f),
            Self::Queue(error) => write!(f, "the memory for the device's queue cannot be used: {error}"),
            Self::Small(size) => {
                write!(f, "the device's queue has {size} descriptors, and a request needs at least 3")
            }
        }
    }
}

impl core::error::Error for StartError {}

impl From<DriverError> for StartError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<Unusable> for StartError {
    fn from(error: Unusable) -> Self {
        Self::Device(error)
    }
}

/// What a device has done that ends the driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be reset.
    Unusable(Unusable),
    /// It has broken the rules of the queue.
    Faulty(Faulty),
    /// It has ended a request with a status that does not exist.
    Status(u8),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(error) => error.fmt(f),
            Self::Faulty(faulty) => write!(f, "the device is faulty: {faulty}"),
            Self::Status(status) => {
                write!(
                    f,
                    "the device is faulty: it ends a request with status {status}, which does not exist"
                )
            }
        }
    }
}

impl From<Unusable> for Fault {
    fn from(error: Unusable) -> Self {
        Self::Unusable(error)
    }
}

impl From<Faulty> for Fault {
    fn from(faulty: Faulty) -> Self {
        Self::Faulty(faulty)
    }
}
