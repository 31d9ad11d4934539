//! What is known of files and directories.

use crate::error::{Action, Error, Result};
use crate::server::{Repeat, ask};
use interfaces::fs;

/// What a path names.
pub use interfaces::fs::Kind as FileType;

/// What is known of a file or directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    pub(crate) kind: FileType,
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) created: i64,
    pub(crate) accessed: i64,
    pub(crate) read_only: bool,
}

/// A time, if it is known.
pub(crate) const fn known(time: i64) -> Option<i64> {
    if time == 0 { None } else { Some(time) }
}

impl Metadata {
    /// Whether it is a file or a directory.
    pub const fn file_type(&self) -> FileType {
        self.kind
    }

    /// Whether it is a directory.
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, FileType::Directory)
    }

    /// Whether it is a file.
    pub const fn is_file(&self) -> bool {
        matches!(self.kind, FileType::File)
    }

    /// Its size in bytes; of a directory it says nothing.
    #[allow(clippy::len_without_is_empty, reason = "as in std::fs")]
    pub const fn len(&self) -> u64 {
        self.size
    }

    /// When it was modified last, in milliseconds since 1970-01-01 00:00 UTC, if that is known.
    pub const fn modified(&self) -> Option<i64> {
        known(self.modified)
    }

    /// When it was made, as [`Metadata::modified`].
    pub const fn created(&self) -> Option<i64> {
        known(self.created)
    }

    /// When it was read last, as [`Metadata::modified`].
    pub const fn accessed(&self) -> Option<i64> {
        known(self.accessed)
    }

    /// Whether it cannot be changed.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }
}

impl From<fs::AttributesReply> for Metadata {
    fn from(reply: fs::AttributesReply) -> Self {
        let fs::AttributesReply { kind, size, modified, created, accessed, read_only } = reply;
        Self { kind, size, modified, created, accessed, read_only }
    }
}

impl From<fs::AttributesAtReply> for Metadata {
    fn from(reply: fs::AttributesAtReply) -> Self {
        let fs::AttributesAtReply { kind, size, modified, created, accessed, read_only } = reply;
        Self { kind, size, modified, created, accessed, read_only }
    }
}

/// What is known of a file or directory.
///
/// Errors: `NotFound`, `NotADirectory`, `BadName`, `BadText`, `TooLarge`, `InputOutput`, `Damaged`; those of mounting the file
/// system.
pub fn metadata(path: impl AsRef<str>) -> Result<Metadata> {
    metadata_of(path.as_ref())
}

fn metadata_of(path: &str) -> Result<Metadata> {
    let answer = ask(Action::Examine, path, Repeat::Harmless, |server, path| server.attributes_at(path));
    answer.map(|(_, reply)| reply.into())
}

/// Whether there is something with this path.
///
/// Errors: as [`metadata`], but for those that say that there is nothing.
pub fn exists(path: impl AsRef<str>) -> Result<bool> {
    match metadata(path) {
        Ok(_) => Ok(true),
        Err(Error {
            kind: ipc::Error::NotFound | ipc::Error::NotADirectory | ipc::Error::BadName, ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sets when a file or directory was modified last: milliseconds since 1970-01-01 00:00 UTC, or `None` for now.
///
/// Errors: as [`metadata`], and `ReadOnly`.
pub fn set_modified(path: impl AsRef<str>, time: Option<i64>) -> Result<()> {
    let time = time.unwrap_or(0);
    ask(Action::Touch, path.as_ref(), Repeat::Harmless, |server, path| server.set_modified(path, time))
        .map(drop)
}
