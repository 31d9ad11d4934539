//! A compact table of function names by address: what turns `0x21034f` in a backtrace into `shell::main+0x1f`.
//!
//! The tool makes one table for the kernel and one for each program (`build`, feature `builder`) and puts them into
//! the boot image; the kernel and vm look addresses up with [`Symbols`].
//!
//! The reader is part of the kernel, which must not be able to panic: it uses no indexing, no unchecked arithmetic and
//! no formatting. It relies on nothing but a byte slice; a damaged table gives missing or wrong names, never worse.
//!
//! # Format, version 1
//!
//! All numbers are little-endian.
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 4 | magic: [`MAGIC`] |
//! | 4 | 4 | number of entries |
//! | 8 | 8 | base: the address that entries count from |
//! | 16 | 8 for each entry | entries, sorted by address |
//! | then | to the end | names: for each one its length (2 bytes), then its bytes, UTF-8 |
//!
//! An entry is the distance of an address from the base (4 bytes) and the place of a name, counted from the start of
//! the names (4 bytes). It holds up to the next entry; an entry with the name [`NO_NAME`] says that there is no
//! function from there on, and one ends every table.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "builder"))]
extern crate std;

#[cfg(feature = "builder")]
mod builder;
mod reader;

#[cfg(feature = "builder")]
pub use builder::{BuildError, Function, build};
pub use reader::{Error, Symbol, Symbols};

/// The first four bytes of a table; the last one is the version.
pub const MAGIC: [u8; 4] = *b"sym1";

/// The name's place in entries where no function is.
pub const NO_NAME: u32 = u32::MAX;

/// Size of the fields before the entries, in bytes.
const HEADER_SIZE: usize = 16;

/// Size of an entry in bytes.
const ENTRY_SIZE: usize = 8;
