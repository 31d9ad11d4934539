//! Which server has a file: vfs is asked for every path, so that nothing here can be out of date. Only vfs's own task is remembered,
//! until it has ended: no other task ever gets its ID.

use crate::cache;
use crate::error::{Action, Error, Result};
use crate::path::absolute;
use alloc::string::String;
use interfaces::{fs, vfs};
use ipc::TaskId;

/// How often a server is looked for that has ended while it was asked. vfs learns of such an end at once, and answers when there
/// is a new one; what ends again and again is not waited for.
const ATTEMPTS: usize = 4;

/// Asks vfs something. The inner error is its answer.
///
/// Errors: it cannot be found.
pub(crate) fn ask_vfs<T>(
    repeat: Repeat,
    request: impl Fn(vfs::Client) -> core::result::Result<T, ipc::Error>,
) -> Result<core::result::Result<T, ipc::Error>> {
    let mut attempt = 1;
    loop {
        let server = cache::get().map_or_else(find_vfs, Ok)?;
        match request(vfs::Client::new(server)) {
            Err(kind) if has_ended(kind) => {
                // It may be vfs itself, which is started again; the next lookup waits for that.
                cache::set(None);
                if attempt == ATTEMPTS || !repeat.is_right_after(kind) {
                    return Ok(Err(kind));
                }
                attempt += 1;
            }
            answer => return Ok(answer),
        }
    }
}

fn find_vfs() -> Result<TaskId> {
    let task = resea::lookup(vfs::NAME).map_err(|failed| Error::new(Action::Find, "", failed.error))?;
    cache::set(Some(task));
    Ok(task)
}

/// The absolute path. An empty one names nothing: in scripts it is an argument that was forgotten, and not the directory
/// that one is in.
///
/// Errors: `NotFound`.
pub(crate) fn named(action: Action, path: &str) -> Result<String> {
    if path.is_empty() { Err(Error::new(action, "", ipc::Error::NotFound)) } else { Ok(absolute(path)) }
}

/// A path with its server.
pub(crate) struct Place {
    /// The absolute path.
    pub path: String,
    pub server: fs::Client,
    skip: usize,
}

impl Place {
    /// Finds the server of a path.
    pub(crate) fn find(action: Action, path: &str) -> Result<Self> {
        Self::of_absolute(action, named(action, path)?)
    }

    fn of_absolute(action: Action, path: String) -> Result<Self> {
        match ask_vfs(Repeat::Harmless, |vfs| vfs.resolve(&path))? {
            Ok(found) => Ok(Self { path, server: fs::Client::new(found.server), skip: found.skip }),
            Err(kind) => Err(Error { action, path, to: None, kind }),
        }
    }

    /// What the server calls it.
    pub(crate) fn rest(&self) -> &str {
        self.path.get(self.skip..).unwrap_or_default()
    }

    /// The error that has happened to it.
    pub(crate) fn failed(self, action: Action, kind: ipc::Error) -> Error {
        Error { action, path: self.path, to: None, kind }
    }
}

/// Whether it means that the server has ended.
const fn has_ended(kind: ipc::Error) -> bool {
    matches!(kind, ipc::Error::NoTask | ipc::Error::Aborted)
}

/// Whether a request may be made again when nobody knows whether it was fulfilled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Fulfilling it twice is the same as once.
    Harmless,
    /// It is not.
    Wrong,
}

impl Repeat {
    /// Whether it may be made again after this end of a server. A request to nobody was certainly not fulfilled.
    fn is_right_after(self, kind: ipc::Error) -> bool {
        kind == ipc::Error::NoTask || (has_ended(kind) && self == Self::Harmless)
    }
}

/// Asks the server of a path something, and the next one if that server has ended before it could answer.
pub(crate) fn ask<T>(
    action: Action,
    path: &str,
    repeat: Repeat,
    request: impl Fn(&fs::Client, &str) -> core::result::Result<T, ipc::Error>,
) -> Result<(Place, T)> {
    let mut place = Place::find(action, path)?;
    let mut attempt = 1;
    loop {
        match request(&place.server, place.rest()) {
            Ok(answer) => return Ok((place, answer)),
            Err(kind) if attempt < ATTEMPTS && repeat.is_right_after(kind) => {
                attempt += 1;
                place = Place::of_absolute(action, place.path)?;
            }
            Err(kind) => return Err(place.failed(action, kind)),
        }
    }
}
