//! The driver of virtio network cards: modern and legacy, with split and packed queues.
//!
//! * [`Card`]: the device as a whole: features, registers, queues.
//! * [`Traffic`]: buffers on their way between the user's packet rings and the device's queues.
//! * `server`: the program, which waits for interrupts and for its user and does nothing in between.
//!
//! The device reads and writes frames in the user's buffers; its own header lies before the frame. Section numbers are those
//! of the standard: Virtual I/O Device (VIRTIO) Version 1.2. Never trusts the device nor the user; allocates nothing after
//! the start.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

mod card;
mod server;
mod traffic;

pub use card::Card;
pub use server::run;
pub use traffic::{Counts, Header, News, Side, Stop, Traffic};
