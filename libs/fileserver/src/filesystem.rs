//! What a file system has to do, in the server's words.

use crate::{Kind, Sink, Source};
use alloc::string::String;
use ipc::Error;

/// What is known of a file or directory. Times are in milliseconds since 1970-01-01 00:00 UTC, 0 if unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// Whether it is a file.
    pub kind: Kind,
    /// Bytes of a file; of a directory, any number.
    pub size: u64,
    /// When its content was changed last.
    pub modified: i64,
    /// When it was made.
    pub created: i64,
    /// When it was used last, as exactly as the format knows.
    pub accessed: i64,
    /// Whether it cannot be changed. In a file system that cannot be written to nothing can.
    pub read_only: bool,
}

/// What is known of a file system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Bytes for files.
    pub total: u64,
    /// Bytes of those that are free.
    pub free: u64,
    /// Space is given out in units of so many bytes.
    pub unit: u32,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// The format, as `FAT32`.
    pub format: &'static str,
    /// The volume's name; empty if it has none.
    pub label: String,
}

/// A file system: directories, names and bytes.
///
/// The server keeps the rules of the interface, so a file system relies on it: a node is open at most once at any time; names are
/// neither empty nor `.` nor `..`, have no `/` and no NUL, and are at most [`NAME_MAX`](interfaces::fs::NAME_MAX) bytes
/// long; what is open is never removed or replaced; a directory is never moved into itself. `now` is the time, in
/// milliseconds since 1970-01-01 00:00 UTC.
///
/// Every method may answer `InputOutput` (the device has failed) and `Damaged` (what is stored contradicts itself); what changes
/// something also `ReadOnly`, `NoSpace` and `OutOfMemory`. After an error everything is as consistent as before.
pub trait FileSystem {
    /// Names a file or directory: the same one as long as it exists and is not renamed.
    type Node: Copy + Ord;
    /// What is kept of an open one.
    type Open;

    /// The root directory.
    fn root(&self) -> Self::Node;

    /// Finds a name in a directory.
    ///
    /// Errors: `NotFound`, `NotADirectory` (the node is a file), `BadName` (no name here can be like this).
    fn lookup(&mut self, directory: Self::Node, name: &str) -> Result<Self::Node, Error>;

    /// What is known of a node that is not open.
    fn attributes(&mut self, node: Self::Node) -> Result<Attributes, Error>;

    /// Opens a node.
    fn open(&mut self, node: Self::Node) -> Result<Self::Open, Error>;

    /// Closes it, and keeps what is known of it only there.
    fn close(&mut self, open: Self::Open);

    /// As [`FileSystem::attributes`], of an open one.
    fn open_attributes(&mut self, open: &Self::Open) -> Result<Attributes, Error>;

    /// Reads from a file: puts `length` bytes from `offset` on into `sink`, less only at the end of the file, and says how
    /// many. Nothing from past the end is read.
    ///
    /// Errors: those of the sink.
    fn read(
        &mut self,
        open: &mut Self::Open,
        offset: u64,
        length: usize,
        sink: &mut dyn Sink,
    ) -> Result<usize, Error>;

    /// Writes to a file: takes `length` bytes from `source`, puts them at `offset`, and says how many, less only if no space is
    /// left; a gap before them reads as zeros.
    ///
    /// Errors: `TooLarge` (for a file in this file system), `NoSpace` (for the gap or the first byte), those of the source; then some
    /// of what was written over may have changed.
    fn write(
        &mut self,
        open: &mut Self::Open,
        offset: u64,
        length: usize,
        source: &mut dyn Source,
        now: i64,
    ) -> Result<usize, Error>;

    /// Sets the size of a file; what is added reads as zeros.
    ///
    /// Errors: `TooLarge` (for a file in this file system).
    fn resize(&mut self, open: &mut Self::Open, size: u64, now: i64) -> Result<(), Error>;

    /// The entry of an open directory at `position`, 0 at first: its name, which replaces what is in `name`, and the next
    /// position; `None` past the last. Every entry that is there all the time is told exactly once; what an open file's size and
    /// time are need not be known before it is flushed.
    fn entry(
        &mut self,
        directory: &mut Self::Open,
        position: u64,
        name: &mut String,
    ) -> Result<Option<(u64, Attributes)>, Error>;

    /// Makes an empty file or directory.
    ///
    /// Errors: `AlreadyExists`, `BadName`, `NotADirectory`.
    fn create(
        &mut self,
        directory: Self::Node,
        name: &str,
        kind: Kind,
        now: i64,
    ) -> Result<Self::Node, Error>;

    /// Removes a file or an empty directory that nobody has open.
    ///
    /// Errors: `NotFound`, `NotEmpty`.
    fn remove(&mut self, directory: Self::Node, name: &str) -> Result<(), Error>;

    /// Gives what is called `from` the name `to`, and says which node it is then. A file that is called `to` is replaced by
    /// a file. `to` may name the same node as `from`: the name may be written differently then.
    ///
    /// Errors: `NotFound`, `BadName`.
    fn rename(
        &mut self,
        from: (Self::Node, &str),
        to: (Self::Node, &str),
        now: i64,
    ) -> Result<Self::Node, Error>;

    /// An open file or directory was renamed, and is now `node`.
    fn moved(&mut self, open: &mut Self::Open, node: Self::Node);

    /// Sets when a node that is not open was modified last.
    fn set_modified(&mut self, node: Self::Node, modified: i64) -> Result<(), Error>;

    /// Stores what is known of an open node only there, its size for one, where [`FileSystem::entry`] and
    /// [`FileSystem::sync`] find it.
    fn flush(&mut self, open: &mut Self::Open) -> Result<(), Error>;

    /// Returns when everything that was stored is on the medium.
    fn sync(&mut self) -> Result<(), Error>;

    /// How large it is, and what else is known of it.
    fn statistics(&mut self) -> Result<Statistics, Error>;

    /// Notifications have arrived that are the file system's own: a timer it has set, a device.
    fn notified(&mut self, bits: usize) {
        let _ = bits;
    }
}
