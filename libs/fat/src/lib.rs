//! FAT12, FAT16 and FAT32 volumes with long names.
//!
//! What is here knows the format and does no input and output: a [`Storage`] does. File server, tool, tests and fuzzers
//! use the same code over storages of their own.
//!
//! - [`Volume`] is a mounted volume: names, attributes, directories, statistics.
//! - [`Open`] is what is kept of an open file or directory. Data is moved by whoever has the cache:
//!   [`Volume::extent`] and [`Volume::prepare`] only say where it lies.
//! - [`format()`] makes an empty volume, [`partitions`] reads the table of a disk.
//!
//! What is stored may be damaged or forged: everything read is checked, walks are bounded, and so is memory. Nothing here
//! panics. References: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03 ("the specification" in
//! what follows); UEFI specification 2.10, chapter 5, for partitions. `docs/fat.md` says what FAT cannot promise.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bytes;
mod change;
mod commit;
mod crc;
mod directory;
mod file;
mod format;
mod geometry;
mod insert;
mod long_name;
mod open;
mod partition;
mod rename;
mod short_name;
mod slot;
mod table;
mod time;
mod volume;

pub use format::{Format, format};
pub use geometry::Kind as FatKind;
pub use open::Open;
pub use partition::{Part, Partition, Scheme, Table, partitions, select};
pub use volume::{Statistics, Volume};

pub use abi::Error;

/// What is written, by what must be on the medium before what.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// Content of files, and clusters that nothing points to yet. May reach the medium at any time.
    Data,
    /// The allocation tables, and what is counted of them. Held back until [`Storage::write_out`].
    Table,
    /// Directory entries. Held back until [`Storage::write_out`].
    Entry,
}

/// A block device, or a part of one, with a cache.
///
/// Offsets and sizes are in bytes and need not be those of sectors. What was written is read back at once. A
/// sector (512 bytes) is of the class in which it was written last. A storage that does not care about power cuts
/// writes at once and does nothing in `write_out`.
pub trait Storage {
    /// The size of the volume.
    fn size(&self) -> u64;

    /// Reads `buffer.len()` bytes from `at` on.
    ///
    /// # Errors
    ///
    /// [`Error::InputOutput`], or whatever the storage has; [`Error::OutOfBounds`] past the end.
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// Writes `data` to `at`.
    ///
    /// # Errors
    ///
    /// As [`Storage::read`].
    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error>;

    /// Returns when everything of this class is on the medium. Costs next to nothing if nothing of it is held back.
    ///
    /// # Errors
    ///
    /// As [`Storage::read`]; then it is still held back.
    fn write_out(&mut self, class: Class) -> Result<(), Error>;

    /// Whether so much is held back that the volume should [sync](Volume::sync) before its next operation.
    fn is_pressed(&self) -> bool;
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        (**self).read(at, buffer)
    }

    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error> {
        (**self).write(at, data, class)
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        (**self).write_out(class)
    }

    fn is_pressed(&self) -> bool {
        (**self).is_pressed()
    }
}

/// A file or directory: the place of its directory entry, or the root. Valid until it is removed or renamed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node(pub(crate) u64);

impl Node {
    /// The root directory.
    pub const ROOT: Self = Self(0);
}

/// What a name names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
}

/// What is known of a file or directory. Times are in milliseconds since 1970-01-01 00:00 UTC, 0 if unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// File or directory.
    pub kind: Kind,
    /// Size in bytes, 0 for directories.
    pub size: u64,
    /// Last change of the content, to 2 seconds.
    pub modified: i64,
    /// When it was made, to 10 milliseconds.
    pub created: i64,
    /// Day of the last access.
    pub accessed: i64,
    /// Whether it must not be written or removed.
    pub read_only: bool,
}

/// One entry of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it names.
    pub node: Node,
    /// What is known of that.
    pub attributes: Attributes,
}

/// A part of a file that lies in one piece on the volume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Where on the volume, in bytes.
    pub at: u64,
    /// How many bytes: 1 at least.
    pub length: u64,
}
