//! Requests between the driver of a disk and its users, through shared memory.
//!
//! Each user of a disk shares memory with its driver: two pages for the rings, and [`PAGE`]s of data that the device itself
//! reads and writes where it can. The user puts requests into one ring, the driver answers to another; both have
//! [`REQUESTS`] places. A request has a tag that nothing else in flight has, and names data pages by their numbers.
//!
//! * [`Disk`]: a disk for those that use it. Finds the driver, and repeats what was not answered when it has died.
//! * [`Server`] and [`Controller`]: what all drivers do, and what each one adds.
//! * [`User`] and [`Driver`]: the two sides of the rings alone.
//!
//! Each side keeps its own account of what is in flight and checks every word that it reads against it: nothing that the
//! other one writes does more than end the cooperation with [`Broken`]. The remedy is `attach` of the interface `blk`, which
//! empties the rings and leaves the data as it is. Nothing is allocated for a request.
//!
//! Relies on [`ipc::Region`] for all accesses to what is shared. Never panics.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod controller;
mod disk;
mod error;
mod name;
mod request;
mod ring;
mod server;
mod user;
mod users;
mod work;

pub use controller::{Controller, Start, Transfer, TransferPart, Unit};
pub use disk::Disk;
pub use error::Broken;
pub use name::split_partition;
pub use request::{MOST_PAGES, MOST_SECTORS, Operation, Request, Taken};
pub use ring::Driver;
pub use server::{Server, UNITS, USERS, run};
pub use user::User;

/// The end of a request: its tag or token, and whether it was done.
pub type Ended = (u16, Result<(), ipc::Error>);

/// Bytes of a sector.
pub const SECTOR: usize = 512;
/// Bytes of a page of data.
pub const PAGE: usize = 4096;
/// Sectors of a page.
pub const PAGE_SECTORS: usize = PAGE / SECTOR;
/// Most requests that are not answered, of one user. Tags are below this.
pub const REQUESTS: usize = 64;
/// Pages of data of a user, in most drivers: with the rings it is 1 MiB, as much as a program may share if its manifest does not
/// tell.
pub const PAGES: u16 = 254;

/// Size of the memory that a driver shares with a user, in bytes, with so many pages of data.
pub const fn size(pages: u16) -> usize {
    DATA_AT + pages as usize * PAGE
}

/// Offsets in the shared memory: how many requests were ever made, how many were answered, how many answers the user
/// has taken, whether the driver wants to be notified of requests. Each has a cache line of its own.
const MADE: usize = 0;
const ANSWERED: usize = 64;
const SEEN: usize = 128;
const DRIVER_SLEEPS: usize = 192;
/// Where the user writes to find out whether two mappings are the same memory.
const MARK: usize = 256;
/// The ring of answers: a word each, the tag in bits 0 to 15, the code of an error or 0 above.
const ANSWERS: usize = 1024;
/// The ring of requests, of [`request::BYTES`] each.
const RING: usize = 4096;
/// The data pages.
const DATA_AT: usize = 8192;

/// Where a page of data begins in the shared memory.
const fn page_offset(page: u16) -> usize {
    DATA_AT + page as usize * PAGE
}
