//! Open files.

use crate::error::{Action, Error, Result};
use crate::mapped::Mapped;
use crate::metadata::Metadata;
use crate::options::OpenOptions;
use crate::server::Place;
use alloc::string::String;
use embedded_io::{ErrorType, Read, Seek, SeekFrom, Write};
use interfaces::fs;
use ipc::Handle;

/// An open file, or a directory that was opened for reading. Dropping it closes it; what was written is then seen by all, and
/// gets to the medium by itself soon, or at once by [`File::sync_all`].
///
/// [`Read`], [`Write`] and [`Seek`] are at a position that moves along; [`File::read_at`] and [`File::write_at`] are not.
///
/// When the file server ends, everything fails with an [`Error`] whose [`server_ended`](Error::server_ended) is true: open the
/// file again.
#[derive(Debug)]
pub struct File {
    server: fs::Client,
    handle: Handle,
    position: u64,
    path: String,
}

impl File {
    pub(crate) fn new(place: Place, handle: Handle) -> Self {
        Self { server: place.server, handle, position: 0, path: place.path }
    }

    /// Opens a file for reading.
    ///
    /// Errors: as [`OpenOptions::open`].
    pub fn open(path: impl AsRef<str>) -> Result<Self> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file for writing: makes it, or empties it.
    ///
    /// Errors: as [`OpenOptions::open`].
    pub fn create(path: impl AsRef<str>) -> Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file and opens it for reading and writing.
    ///
    /// Errors: as [`OpenOptions::open`], `AlreadyExists` above all.
    pub fn create_new(path: impl AsRef<str>) -> Result<Self> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// What can be set before a file is opened.
    pub const fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Its absolute path when it was opened.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn check<T>(&self, action: Action, result: core::result::Result<T, ipc::Error>) -> Result<T> {
        result.map_err(|kind| Error::new(action, &self.path, kind))
    }

    /// Reads from `offset` on: as much as the buffer takes, less only at the end of the file, nothing past it.
    ///
    /// Errors: `NotPermitted` (not opened for reading), `IsADirectory`, `InputOutput`, `Damaged`; the server has ended.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.check(Action::Read, self.server.read(self.handle, offset, buffer))
    }

    /// Writes at `offset`, or at the end of a file that was opened to append; how much: less than all only if no space is left.
    ///
    /// Errors: `NotPermitted` (not opened for writing), `NoSpace` (not even a byte), `ReadOnly`, `TooLarge`, `InputOutput`,
    /// `Damaged`; the server has ended.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<usize> {
        Ok(self.put(data, offset)?.written)
    }

    fn put(&self, data: &[u8], offset: u64) -> Result<fs::WriteReply> {
        let reply = self.check(Action::Write, self.server.write(self.handle, offset, data))?;
        if reply.written == 0 && !data.is_empty() {
            return Err(Error::new(Action::Write, &self.path, ipc::Error::NoSpace));
        }
        if reply.written > data.len() {
            return Err(Error::new(Action::Write, &self.path, ipc::Error::BadMessage));
        }
        Ok(reply)
    }

    /// Returns when all that was written is on the medium.
    ///
    /// Errors: `InputOutput`, `NoSpace`, `Damaged`. If the server has ended, what was written may be lost: write it again.
    pub fn sync_all(&self) -> Result<()> {
        self.check(Action::Sync, self.server.sync(self.handle))
    }

    /// Sets its size; what is added reads as zeros.
    ///
    /// Errors: as [`File::write_at`].
    pub fn set_len(&self, size: u64) -> Result<()> {
        self.check(Action::Resize, self.server.resize(self.handle, size))
    }

    /// What is known of it.
    ///
    /// Errors: `InputOutput`, `Damaged`; the server has ended.
    pub fn metadata(&self) -> Result<Metadata> {
        self.check(Action::Examine, self.server.attributes(self.handle)).map(Metadata::from)
    }

    /// Its content as it is now, in memory that is shared with the server: not copied.
    ///
    /// Errors: `NotPermitted` (not opened for reading), `IsADirectory`, `Empty`, `TooLarge` (read it instead), `OutOfMemory`; the
    /// server has ended.
    pub fn map(&self) -> Result<Mapped> {
        let reply = self.check(Action::Map, self.server.map(self.handle))?;
        self.check(Action::Map, Mapped::new(reply.memory, reply.size))
    }

    pub(crate) fn list(&self, position: u64, entries: &mut [u8]) -> Result<fs::ListReply> {
        self.check(Action::List, self.server.list(self.handle, position, entries))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It fails only if the server has ended, and the file with it.
        let _ = self.server.close(self.handle);
    }
}

impl ErrorType for File {
    type Error = Error;
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.read_at(buffer, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Write for File {
    fn write(&mut self, data: &[u8]) -> Result<usize> {
        let reply = self.put(data, self.position)?;
        self.position = reply.end;
        Ok(reply.written)
    }

    /// Does nothing: the library keeps nothing back. To have it on the medium there is [`File::sync_all`].
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for File {
    /// Errors: `InvalidArgument` (before the beginning), and those of [`File::metadata`].
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.metadata()?.len().checked_add_signed(distance),
        };
        self.position = self.check(Action::Examine, position.ok_or(ipc::Error::InvalidArgument))?;
        Ok(self.position)
    }
}
