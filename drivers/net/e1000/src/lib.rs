//! The driver of Intel's 8254x network cards, among them the 82540EM that QEMU calls `e1000`.
//!
//! * `registers`, [`Card`]: the card as a whole.
//! * `ring`, `frame`: descriptors, and what they say.
//! * [`Nic`]: the card at work for a user of the packet rings.
//! * [`run`]: the program.
//!
//! All but the server is pure code over registers and memory that others provide. "The manual" is Intel's "PCI/PCI-X Family of
//! Gigabit Ethernet Controllers Software Developer's Manual", 317453-006.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod card;
mod frame;
mod nic;
mod registers;
mod ring;
mod server;

pub use card::{Card, CardError, Registers};
pub use frame::{RECEIVE_MOST, TRANSMIT_MOST};
pub use nic::{Counts, Nic, Trouble};
pub use ring::RING_SIZE;
pub use server::{StartError, run};

/// Memory that the driver shares with the card.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Where the driver has it.
    pub region: ipc::Region,
    /// Where the card has it.
    pub physical: u64,
}
