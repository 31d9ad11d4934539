//! Packets between the driver of a network card and its one user, TCP/IP, through shared memory.
//!
//! The memory holds [`BUFFERS`] buffers and four rings of buffer numbers, in the manner of Linux's AF_XDP. The *user* owns
//! all buffers; a buffer is lent to the driver by one ring and comes back by another:
//!
//! | ring | from | to | what |
//! |---|---|---|---|
//! | `fill` | user | driver | an empty buffer, to receive a frame into |
//! | `receive` | driver | user | that buffer with a frame, and its length |
//! | `transmit` | user | driver | a buffer with a frame to send, and its length |
//! | `complete` | driver | user | that buffer, when the device has sent it |
//!
//! A buffer is in one place at a time, so no ring of [`RING`] places can overflow. Each side keeps its own account of who
//! has which buffer and checks every word that it reads against it: nothing that the other side writes does more
//! than end the cooperation with [`Broken`]. The remedy is `attach` of the interface `nic`, which empties all rings and
//! makes all buffers the user's again; so nothing is lost when the driver dies.
//!
//! Whoever has nothing left to do *sleeps*: it says in the memory what it wants to be woken for, looks once more, and waits for
//! a notification. Whoever puts something into a ring asks (`must_wake`) whether the other one sleeps. While both
//! are busy, no system call is made.
//!
//! Relies on [`Region`] for all accesses. Never allocates, never panics.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod driver;
mod ring;
mod user;

pub use driver::Driver;
pub use user::User;

use core::fmt;
use ipc::Region;

/// How many buffers there are.
pub const BUFFERS: usize = 512;
/// Size of a buffer in bytes.
pub const BUFFER: usize = 2048;
/// Bytes at the start of a buffer that are the driver's: what its device puts before a frame ends where the frame begins.
pub const HEADROOM: usize = 16;
/// Longest frame in bytes.
pub const FRAME_MAX: usize = BUFFER - HEADROOM;
/// Places in each ring.
pub const RING: usize = BUFFERS;

/// The size of the shared memory in bytes.
pub const SIZE: usize = BUFFERS_AT + BUFFERS * BUFFER;

/// Where the rings' entries lie; the indices lie before them, each in a cache line of its own.
const RINGS_AT: usize = 4096;
const BUFFERS_AT: usize = RINGS_AT + 4 * RING * 8;

/// Offsets of the words that say what the user and the driver want to be woken for.
const USER_SLEEPS: usize = 1024;
const DRIVER_SLEEPS: usize = 1088;

/// The number of a buffer: below [`BUFFERS`].
pub type Buffer = u16;

/// The other side has written what cannot be: a buffer that it does not have, a frame that is too long, an index that
/// jumps. Or the memory is smaller than [`SIZE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side of the packet rings has written what cannot be")
    }
}

impl core::error::Error for Broken {}

impl From<ipc::Error> for Broken {
    fn from(_: ipc::Error) -> Self {
        Self
    }
}

/// Where a buffer's frame begins in the shared memory, in bytes: the driver adds the memory's physical address.
pub const fn frame_offset(buffer: Buffer) -> usize {
    BUFFERS_AT + (buffer as usize % BUFFERS) * BUFFER + HEADROOM
}

/// What to be woken for; bits of one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wake(u64);

impl Wake {
    /// Work: for the user frames in `receive`, for the driver frames in `transmit`.
    pub const FRAMES: Self = Self(1);
    /// Empty buffers: for the user in `complete`, for the driver in `fill`.
    pub const BUFFERS: Self = Self(2);
    /// Both.
    pub const BOTH: Self = Self(3);
}

/// Says in the word at `offset` what its writer wants to be woken for.
fn sleep(memory: &Region, offset: usize, wake: Wake) -> Result<(), Broken> {
    memory.store(offset, wake.0)?;
    // The look at the rings that follows must not come before this store; on x86 it otherwise could.
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    Ok(())
}

/// Takes the wish to be woken for any of `news` out of the word at `offset`; whether it was there.
fn must_wake(memory: &Region, offset: usize, news: Wake) -> Result<bool, Broken> {
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    let wanted = memory.load(offset)? & news.0 != 0;
    if wanted {
        memory.store(offset, 0)?;
    }
    Ok(wanted)
}
