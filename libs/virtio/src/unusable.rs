//! Why a device cannot be used.

use core::fmt;
use driver::DriverError;
use ipc::Error;

/// Why a driver cannot start: the device, or what it says of itself, is not as the standard wants it; or its registers or memory
/// cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// It has neither the capabilities of a modern device nor the ports of a legacy one.
    NoRegisters,
    /// Its registers or its configuration space cannot be had.
    Driver(DriverError),
    /// It says that registers lie where it has none: at this offset behind this base address register.
    Place(u8, u32),
    /// It changes its registers all the time.
    Restless,
    /// It does not come out of reset.
    InReset,
    /// It does not work with these features, of those that it has offered.
    Features(u64),
    /// It has no queue with this number.
    NoQueue(u16),
    /// It insists on a queue of so many descriptors, which is too many or too few.
    QueueSize(u16),
    /// It does not take an interrupt vector for this queue.
    NoVector(u16),
    /// There cannot be queues in the memory: why.
    Queues(Error),
    /// The queue's memory is at this physical address, which a legacy device cannot be told.
    Address(u64),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegisters => {
                write!(
                    f,
                    "the device has neither the capabilities of a modern virtio device nor a legacy one's ports"
                )
            }
            Self::Driver(error) => error.fmt(f),
            Self::Place(bar, offset) => {
                write!(
                    f,
                    "the device says that it has registers at {offset:#x} behind base address register {bar}, where it has none"
                )
            }
            Self::Restless => write!(f, "the device changes its registers faster than they can be read"),
            Self::InReset => write!(f, "the device does not come out of reset"),
            Self::Features(features) => {
                write!(f, "the device does not work with the features {features:#x}, which it has offered")
            }
            Self::NoQueue(queue) => write!(f, "the device has no queue {queue}"),
            Self::QueueSize(size) => {
                write!(f, "the device insists on a queue of {size} descriptors, which is not supported")
            }
            Self::NoVector(queue) => write!(f, "the device takes no interrupt vector for queue {queue}"),
            Self::Queues(error) => write!(f, "the memory for the device's queues cannot be used: {error}"),
            Self::Address(address) => {
                write!(f, "the device cannot be told that a queue is at {address:#x}: it is too high")
            }
        }
    }
}

impl From<DriverError> for Unusable {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl core::error::Error for Unusable {}
