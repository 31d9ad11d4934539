//! The lowest layer of userland: system calls, the message page, lends, and what generated stubs stand on.
//!
//! * [`calls`] (re-exported here): one safe function for each system call.
//! * [`stub`]: what generated clients and dispatchers call. Everything inlines to plain stores and one instruction.
//! * [`ReadLend`], [`StrLend`], [`WriteLend`]: memory that a client lends for the duration of its call.
//! * [`server`]: the main loop of a server; [`Pending`]: a call that is answered later.
//! * [`Handles`], [`Slab`], [`Outbox`]: bounded tables for open objects and for asynchronous messages.
//! * [`Region`]: memory that is not Rust's (shared, or a frame of another task), accessed by copies only.
//! * [`port`]: x86 I/O ports.
//! * [`memory`]: what the first task maps for itself for good.
//! * `host`: on Linux and macOS the calls go to a backend that a test or a simulator installs.
//!
//! This crate may use `unsafe`: it executes the system call instruction and touches the message page, whose address
//! is a number. Its users need none. It never allocates and keeps no state of its own.
#![no_std]

#[cfg(not(target_os = "none"))]
extern crate std;

#[cfg(target_os = "none")]
mod bare;
pub mod calls;
mod handle;
mod hardware;
#[cfg(not(target_os = "none"))]
pub mod host;
mod lend;
pub mod memory;
mod outbox;
mod page;
mod pending;
pub mod port;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub mod raw;
mod region;
mod registers;
pub mod server;
mod slab;
pub mod stub;

pub use abi::{
    Access, Affinity, Error, Exception, MapFlags, MessageInfo, Policy, Received, Rights, SendFlags,
    TaskCreate, TaskId, TaskIndex, TaskInfo, TaskState, kind,
};
pub use calls::*;
pub use handle::{Handle, Handles};
pub use hardware::hardware_random;
pub use lend::{ReadLend, StrLend, WriteLend};
pub use outbox::{Outbox, pull};
pub use page::{
    boot_info, payload_word, payload_words, set_payload_word, startup, startup_arguments, startup_environment,
};
pub use pending::Pending;
pub use region::Region;
pub use slab::{Key, Slab};

/// A message that has arrived: who sent it and its info word. The payload is in the message page until the next
/// message is sent or received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Incoming {
    /// The task that sent it, as the kernel says.
    pub sender: TaskId,
    /// Type, length and lends.
    pub info: MessageInfo,
}

/// What a dispatcher has made of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Reply with this; the payload is in the message page.
    Reply(MessageInfo),
    /// Nothing to send now: the message was one-way, or will be answered later.
    Nothing,
    /// The message is not of this interface.
    Unknown,
}

impl Answer {
    /// The reply of type `kind` with `words` words of payload.
    #[inline(always)]
    pub const fn reply(kind: u16, words: usize) -> Self {
        Self::Reply(MessageInfo::new(kind, words))
    }

    /// The reply that says why there is none.
    #[inline(always)]
    pub const fn error(error: Error) -> Self {
        Self::Reply(MessageInfo::error(error))
    }
}
