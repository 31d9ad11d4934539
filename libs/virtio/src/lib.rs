//! Virtio devices, as a driver sees them: queues (split and packed), features, transports.
//!
//! Names and sections are those of the standard: Virtual I/O Device (VIRTIO) Version 1.2, OASIS. "Legacy" is what came
//! before version 1.0, as its sections "Legacy Interface" tell.
//!
//! * [`Queue`]: buffers go to the device and come back. Pure code over memory that the device shares.
//! * [`Transport`]: how the device is found, reset, told its queues: PCI, modern or legacy.
//! * [`features`]: the features that this library understands.
//! * `model` (on the host): the device's side of a queue, for tests of drivers.
//!
//! The device is never trusted: whatever it writes, a queue answers with buffers that were given to it, each once and no
//! longer than it was, or with [`Faulty`]; then the driver resets it. Nothing is allocated after a queue was made.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod capabilities;
pub mod features;
mod layout;
mod legacy;
mod memory;
#[cfg(not(target_os = "none"))]
pub mod model;
mod modern;
mod packed;
mod queue;
mod slots;
mod split;
mod transport;
mod unusable;

pub use layout::{Layout, Ring};
pub use queue::Queue;
pub use transport::{Doorbell, Transport};
pub use unusable::Unusable;

/// A piece of a buffer: memory that the device reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its physical address.
    pub address: u64,
    /// Its length in bytes.
    pub length: u32,
    /// Whether the device writes it, else it reads it. In a buffer, what it reads comes first (2.7.4.2).
    pub writable: bool,
}

/// A buffer that the device has given back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Used {
    /// What the driver has called it.
    pub token: u16,
    /// How many bytes the device says it has written from the start of the writable parts on: at most their length, 0 if
    /// there are none.
    pub written: u32,
}

/// The queue has not enough free descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// The device has done what no device may: the driver must reset it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Faulty {
    /// It says that it has used so many buffers, which is more than it has.
    Count(u16),
    /// It gives back a buffer with this number, which it does not have.
    Buffer(u32),
    /// It says that it has written so many bytes, which is more than the buffer has.
    Length(u32),
}

impl core::fmt::Display for Faulty {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "it says that it has used {count} buffers, more than it has"),
            Self::Buffer(number) => write!(f, "it gives back buffer {number}, which it does not have"),
            Self::Length(length) => write!(f, "it says that it has written {length} bytes, more than fit"),
        }
    }
}

impl core::error::Error for Faulty {}
