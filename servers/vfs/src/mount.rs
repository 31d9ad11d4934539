//! A mount: what is wanted, and how it stands.

use crate::source::Source;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::vfs::{MountCall, ResolveCall, State};
use ipc::{Error, TaskId};
use resea::restart::Record;

/// What is to be mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// What the file system is on.
    pub source: String,
    /// The directory that it is to be: a normal path, not `/`.
    pub point: String,
    /// The program that serves it.
    pub kind: String,
    /// Nothing can be changed.
    pub read_only: bool,
    /// The log does not say that the source is missing.
    pub optional: bool,
}

/// How a mount stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// Its server is started as soon as no other one is starting: a notification does not tell which server it is from.
    Queued,
    /// Its server was started at this time and has not mounted it yet.
    Starting(TaskId, u64),
    /// Its server, started at this time, works.
    Mounted(TaskId, u64),
    /// Its server is started again when a timer expires.
    Pausing,
    /// The driver of its device is starting.
    Coming,
    /// It does not work, for this reason, until its device comes or somebody mounts it.
    Waiting(Error),
}

impl Life {
    /// As others see it.
    pub const fn state(self) -> State {
        match self {
            Self::Mounted(..) => State::Mounted,
            Self::Waiting(_) => State::Waiting,
            Self::Queued | Self::Starting(..) | Self::Pausing | Self::Coming => State::Starting,
        }
    }

    /// The server, and when it was started.
    pub const fn server(self) -> Option<(TaskId, u64)> {
        match self {
            Self::Starting(task, since) | Self::Mounted(task, since) => Some((task, since)),
            _ => None,
        }
    }
}

/// A mount.
#[derive(Debug)]
pub struct Mount {
    /// Its number, which no other ever has.
    pub id: u32,
    /// What is wanted.
    pub wanted: Wanted,
    /// How it stands.
    pub life: Life,
    /// Its server's quick ends.
    pub record: Record,
    /// How often its server was started.
    pub starts: u32,
    /// The driver of the device when the server was started last.
    pub driver: Option<TaskId>,
    /// Who wants to know the server, and gets the answer when it has mounted the file system.
    pub resolving: Vec<ResolveCall>,
    /// Who has asked for the mount and has no answer yet.
    pub mounting: Option<MountCall>,
    /// What waits at the same point, and is wanted again if this cannot be mounted.
    pub before: Option<Box<Mount>>,
}

impl Mount {
    /// A mount that nothing was done for yet.
    pub const fn new(id: u32, wanted: Wanted, mounting: Option<MountCall>) -> Self {
        Self {
            id,
            wanted,
            life: Life::Queued,
            record: Record::NEW,
            starts: 0,
            driver: None,
            resolving: Vec::new(),
            mounting,
            before: None,
        }
    }

    /// Its source.
    pub fn source(&self) -> Source<'_> {
        Source::parse(&self.wanted.source)
    }

    /// It works: answers all who have waited for it.
    pub fn answer(&mut self, server: TaskId) {
        for call in self.resolving.drain(..) {
            call.reply(server, self.wanted.point.len());
        }
        self.before = None;
        if let Some(call) = self.mounting.take() {
            call.reply();
        }
    }

    /// It does not: tells all who have waited for it.
    pub fn refuse(&mut self, error: Error) {
        for call in self.resolving.drain(..) {
            call.fail(error);
        }
        if let Some(call) = self.mounting.take() {
            call.fail(error);
        }
    }
}
