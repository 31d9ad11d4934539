//! What ends the driver.

use core::fmt;
use virtio::{Faulty, Unusable};

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
