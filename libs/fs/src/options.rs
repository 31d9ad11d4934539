//! How a file is opened.

use crate::error::{Action, Result};
use crate::file::File;
use crate::server::{Repeat, ask};
use interfaces::fs;

/// How a file is opened: everything is off at first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpenOptions {
    flags: u32,
}

impl OpenOptions {
    /// Everything off.
    pub const fn new() -> Self {
        Self { flags: 0 }
    }

    const fn with(self, flag: u32, on: bool) -> Self {
        Self { flags: if on { self.flags | flag } else { self.flags & !flag } }
    }

    /// For reading.
    #[must_use]
    pub const fn read(self, on: bool) -> Self {
        self.with(fs::READ, on)
    }

    /// For writing.
    #[must_use]
    pub const fn write(self, on: bool) -> Self {
        self.with(fs::WRITE, on)
    }

    /// For writing, everything to the end of the file, wherever that is then.
    #[must_use]
    pub const fn append(self, on: bool) -> Self {
        self.with(fs::APPEND, on)
    }

    /// The file is emptied. With [`OpenOptions::write`].
    #[must_use]
    pub const fn truncate(self, on: bool) -> Self {
        self.with(fs::TRUNCATE, on)
    }

    /// A file that does not exist is made.
    #[must_use]
    pub const fn create(self, on: bool) -> Self {
        self.with(fs::CREATE, on)
    }

    /// The file is made, and must not exist.
    #[must_use]
    pub const fn create_new(self, on: bool) -> Self {
        self.with(fs::CREATE | fs::EXCLUSIVE, on)
    }

    /// Opens the file.
    ///
    /// Errors: `NotFound`, `IsADirectory` (for writing), `AlreadyExists` ([`OpenOptions::create_new`]), `InvalidArgument` (the
    /// options contradict each other), `ReadOnly`, `NoSpace`, `TableFull`, `BadName` and the others of `open` in
    /// interfaces/fs.idl.
    pub fn open(self, path: impl AsRef<str>) -> Result<File> {
        self.open_path(path.as_ref())
    }

    fn open_path(self, path: &str) -> Result<File> {
        let append = self.flags & fs::APPEND != 0;
        let flags = if append { self.flags | fs::WRITE } else { self.flags };
        let repeat = if flags & fs::EXCLUSIVE != 0 { Repeat::Wrong } else { Repeat::Harmless };
        let (place, handle) = ask(Action::Open, path, repeat, |server, path| server.open(path, flags))?;
        Ok(File::new(place, handle))
    }
}
