//! The program of a file server: what it is started with, and what it says when it cannot serve.

use crate::{FileSystem, Server};
use alloc::format;
use alloc::string::String;
use interfaces::vfs::NOTIFY_MOUNTED;
use ipc::{Error, TaskId};
use resea::{Outcome, UsageError};

/// What is to be mounted, by the command line `SOURCE POINT [--read-only]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where the file system comes from: a device, an archive.
    pub source: &'static str,
    /// The directory that it becomes.
    pub point: &'static str,
    /// Nothing may be changed.
    pub read_only: bool,
}

impl Mount {
    /// The command line of this program. `usage` is the right one.
    ///
    /// Errors: it is not as it has to be.
    pub fn from_arguments(usage: &'static str) -> Result<Self, Failure> {
        let (mut source, mut point, mut read_only) = (None, None, false);
        for argument in resea::arguments() {
            match argument {
                "--read-only" => read_only = true,
                text if source.is_none() => source = Some(text),
                text if point.is_none() => point = Some(text),
                text => return Err(Failure::usage(UsageError::TooMany(text, usage))),
            }
        }
        let needed =
            |value: Option<_>, name| value.ok_or_else(|| Failure::usage(UsageError::Missing(name, usage)));
        Ok(Self { source: needed(source, "SOURCE")?, point: needed(point, "POINT")?, read_only })
    }
}

/// Why a file server could not serve: one line for people, and an error whose code is the exit status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    error: Error,
    text: String,
}

impl Failure {
    /// `text` says what happened, with which value, and what to do.
    pub const fn new(error: Error, text: String) -> Self {
        Self { error, text }
    }

    fn usage(error: UsageError) -> Self {
        Self::new(Error::InvalidArgument, format!("{error}"))
    }
}

impl Outcome for Failure {
    fn status(self) -> i32 {
        resea::eprintln!("{}: {}", resea::name(), self.text);
        self.error.code() as i32
    }
}

/// The time in milliseconds since 1970-01-01 00:00 UTC; 0 if nobody knows it.
pub fn now() -> i64 {
    calendar::now().unwrap_or(0)
}

/// Tells vfs, whose task is in the environment variable `VFS`, that the file system is mounted, and serves it for ever. `now` is
/// the clock, mostly [`now`].
pub fn serve<F: FileSystem>(filesystem: F, now: fn() -> i64) -> ! {
    let mounter = resea::environment("VFS").and_then(|text| TaskId::from_raw(text.parse().ok()?));
    let mut server = Server::new(filesystem, now, mounter);
    if let Some(vfs) = mounter
        && let Err(error) = resea::watch(vfs).and_then(|()| ipc::notify(vfs, NOTIFY_MOUNTED as usize))
    {
        // It has ended, and the next vfs starts other servers.
        ipc::exit(error.code() as i32);
    }
    ipc::server::run(&mut server, interfaces::fs::dispatch)
}
