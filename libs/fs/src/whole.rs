//! Whole files: their content, their names.

use crate::error::{Action, Error, Result};
use crate::file::File;
use crate::options::OpenOptions;
use crate::path::absolute;
use crate::server::{Place, Repeat, ask, named};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use embedded_io::{Read, Write};

/// Bytes that are copied at once.
const CHUNK: usize = 16 << 10;
/// Bytes by which a buffer grows when a file has more than it said.
const GROWTH: usize = 4096;

/// The content of a file.
///
/// Errors: as [`File::open`] and [`File::read_at`]; `OutOfMemory` (the program's heap is too small).
pub fn read(path: impl AsRef<str>) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut content = Vec::new();
    let mut filled = 0;
    // One byte more, so that the end is noticed without another buffer.
    let mut room = usize::try_from(size).ok().and_then(|size| size.checked_add(1)).unwrap_or(usize::MAX);
    loop {
        let reserved = content.try_reserve_exact(room).or(Err(ipc::Error::OutOfMemory));
        file.check(Action::Read, reserved)?;
        content.resize(filled + room, 0);
        while let Some(buffer) = content.get_mut(filled..).filter(|buffer| !buffer.is_empty()) {
            match file.read(buffer)? {
                0 => {
                    content.truncate(filled);
                    return Ok(content);
                }
                length => filled += length,
            }
        }
        room = GROWTH;
    }
}

/// The content of a file of text.
///
/// Errors: as [`read`], and `BadText` (it is not UTF-8).
pub fn read_to_string(path: impl AsRef<str>) -> Result<String> {
    let path = path.as_ref();
    let content = read(path)?;
    String::from_utf8(content).map_err(|_| Error::new(Action::Read, &absolute(path), ipc::Error::BadText))
}

/// Makes a file with this content, in place of the one before. It is on the medium after [`File::sync_all`] or
/// [`crate::sync`].
///
/// Errors: as [`File::create`] and [`File::write_at`]; the file may then have a part of it.
pub fn write(path: impl AsRef<str>, content: impl AsRef<[u8]>) -> Result<()> {
    File::create(path)?.write_all(content.as_ref())
}

/// Copies a file's content, to a new file or in place of another's; returns how many bytes. They are on the medium then: no end
/// of a server goes unnoticed.
///
/// Errors: as [`File::open`], [`File::create`], [`File::read_at`], [`File::write_at`] and [`File::sync_all`], with the path that
/// it happened to; `InvalidArgument` (both are the same file).
pub fn copy(from: impl AsRef<str>, to: impl AsRef<str>) -> Result<u64> {
    let mut source = File::open(from)?;
    if source.metadata()?.is_dir() {
        return Err(Error::new(Action::Copy, source.path(), ipc::Error::IsADirectory));
    }
    let to = named(Action::Copy, to.as_ref())?;
    if source.path() == to {
        return Err(Error::between(Action::Copy, source.path(), &to, ipc::Error::InvalidArgument));
    }
    // It is cut in the end: should both be the same file by different names, it stays what it is.
    let mut target = OpenOptions::new().write(true).create(true).open(&to)?;
    let mut buffer = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let length = source.read(&mut buffer)?;
        let Some(data) = buffer.get(..length).filter(|data| !data.is_empty()) else { break };
        target.write_all(data)?;
        copied += length as u64;
    }
    target.set_len(copied)?;
    target.sync_all()?;
    Ok(copied)
}

/// Renames a file or directory, or moves it to another directory of the same file system. A file takes the place of another file.
///
/// Errors: `NotFound`, `AlreadyExists` (a directory, or for a directory), `Busy`, `CrossDevice` (copy it instead),
/// `InvalidArgument` (a directory into itself), `ReadOnly`, `NoSpace`.
pub fn rename(from: impl AsRef<str>, to: impl AsRef<str>) -> Result<()> {
    let (from, to) = (named(Action::Rename, from.as_ref())?, named(Action::Rename, to.as_ref())?);
    let renamed = ask(Action::Rename, &from, Repeat::Wrong, |server, path| {
        let target = Place::find(Action::Rename, &to).map_err(|error| error.kind)?;
        if *server == target.server {
            server.rename(path, target.rest())
        } else {
            Err(ipc::Error::CrossDevice)
        }
    });
    renamed.map(drop).map_err(|error| Error::between(Action::Rename, &from, &to, error.kind))
}

/// Removes a file.
///
/// Errors: `NotFound`, `IsADirectory`, `Busy` (somebody has it open), `ReadOnly`.
pub fn remove_file(path: impl AsRef<str>) -> Result<()> {
    ask(Action::Remove, path.as_ref(), Repeat::Wrong, |server, path| server.remove(path)).map(drop)
}
