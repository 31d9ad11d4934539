//! Directories.

use crate::error::{Action, Error, Result};
use crate::file::File;
use crate::metadata::{FileType, known, metadata};
use crate::options::OpenOptions;
use crate::path::{Path, join};
use crate::server::{Repeat, ask, named};
use crate::whole::remove_file;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of entries that are asked for at once.
const BUFFER: usize = 4096;

/// An entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirEntry {
    directory: String,
    name: String,
    kind: FileType,
    size: u64,
    modified: i64,
    read_only: bool,
}

impl DirEntry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its absolute path.
    pub fn path(&self) -> String {
        join(&self.directory, &self.name)
    }

    /// Whether it is a file or a directory.
    pub const fn file_type(&self) -> FileType {
        self.kind
    }

    /// Whether it is a directory.
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, FileType::Directory)
    }

    /// Its size in bytes when the directory was read.
    #[allow(clippy::len_without_is_empty, reason = "as in std::fs")]
    pub const fn len(&self) -> u64 {
        self.size
    }

    /// When it was modified last, in milliseconds since 1970-01-01 00:00 UTC, if that is known.
    pub const fn modified(&self) -> Option<i64> {
        known(self.modified)
    }

    /// Whether it cannot be changed.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// The entries of a directory, without `.` and `..`, in the order of the file system. What is made or removed meanwhile may be
/// among them or not.
#[derive(Debug)]
pub struct ReadDir {
    directory: File,
    /// Where to go on.
    position: u64,
    /// Entries, of which those before `taken` were returned.
    packed: Vec<u8>,
    filled: usize,
    taken: usize,
    ended: bool,
}

/// Reads a directory.
///
/// Errors: `NotFound`, `NotADirectory`, `InputOutput`, `Damaged`; those of mounting the file system.
pub fn read_dir(path: impl AsRef<str>) -> Result<ReadDir> {
    let directory = OpenOptions::new().read(true).open(path)?;
    if !directory.metadata()?.is_dir() {
        return Err(Error::new(Action::List, directory.path(), ipc::Error::NotADirectory));
    }
    Ok(ReadDir { directory, position: 0, packed: vec![0; BUFFER], filled: 0, taken: 0, ended: false })
}

impl ReadDir {
    /// The next entry among those that were asked for.
    fn take(&mut self) -> Option<DirEntry> {
        let packed = self.packed.get(self.taken..self.filled)?;
        let (entry, length) = entries::first(packed)?;
        self.taken += length;
        Some(DirEntry {
            directory: self.directory.path().into(),
            name: entry.name.into(),
            kind: entry.kind,
            size: entry.size,
            modified: entry.modified,
            read_only: entry.read_only,
        })
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        if self.ended {
            return None;
        }
        if self.taken == self.filled {
            match self.directory.list(self.position, &mut self.packed) {
                Ok(reply) => (self.position, self.filled, self.taken) = (reply.next, reply.entries, 0),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
            if self.filled == 0 {
                self.ended = true;
                return None;
            }
        }
        let entry = self.take();
        self.ended = entry.is_none();
        // What cannot be read was not packed as it should be.
        Some(entry.ok_or_else(|| Error::new(Action::List, self.directory.path(), ipc::Error::BadMessage)))
    }
}

/// Makes a directory.
///
/// Errors: `AlreadyExists`, `NotFound` (the directory that it would be in), `ReadOnly`, `NoSpace`, `BadName`.
pub fn create_dir(path: impl AsRef<str>) -> Result<()> {
    let path = path.as_ref();
    ask(Action::MakeDirectory, path, Repeat::Wrong, |server, path| server.make_directory(path)).map(drop)
}

/// Makes a directory and those that it is in, as far as they do not exist.
///
/// Errors: as [`create_dir`]; `AlreadyExists` means that there is a file in the way.
pub fn create_dir_all(path: impl AsRef<str>) -> Result<()> {
    let path = named(Action::MakeDirectory, path.as_ref())?;
    let ends = path.match_indices('/').map(|(end, _)| end).skip(1).chain([path.len()]);
    for end in ends {
        let part = path.get(..end).unwrap_or_default();
        match create_dir(part) {
            Ok(()) => {}
            // It may be where nothing can be made, but exist.
            Err(error) => match metadata(part) {
                Ok(found) if found.is_dir() => {}
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

/// Removes an empty directory.
///
/// Errors: `NotFound`, `NotADirectory`, `NotEmpty`, `Busy` (somebody has it open, or it is mounted), `ReadOnly`.
pub fn remove_dir(path: impl AsRef<str>) -> Result<()> {
    let path = path.as_ref();
    ask(Action::Remove, path, Repeat::Wrong, |server, path| server.remove_directory(path)).map(drop)
}

/// Removes a directory and everything in it. Stops at the first thing that cannot be removed.
///
/// Errors: as [`remove_dir`] and [`remove_file`], with the path of what could not be removed.
pub fn remove_dir_all(path: impl AsRef<str>) -> Result<()> {
    let top = named(Action::Remove, path.as_ref())?;
    let mut current = top.clone();
    // Down to a directory without directories, which is removed, and up again: needs no memory for the way.
    loop {
        let mut below = None;
        for entry in read_dir(&current)? {
            let entry = entry?;
            if entry.is_dir() {
                below = Some(entry.path());
                break;
            }
            remove_file(entry.path())?;
        }
        if let Some(below) = below {
            current = below;
            continue;
        }
        remove_dir(&current)?;
        if current == top {
            return Ok(());
        }
        current = Path::new(&current).parent().map_or_else(|| top.clone(), |parent| parent.as_str().into());
    }
}
