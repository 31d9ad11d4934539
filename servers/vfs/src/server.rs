//! The interface `vfs`: interfaces/vfs.idl says what each message does.

use crate::devices::{Devices, Presence};
use crate::directories::Directories;
use crate::mount::{Life, Mount, Wanted};
use crate::names::{is_normal, longest};
use crate::source::Source;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::dm::NOTIFY_DEVICES;
use interfaces::fs::PATH_MAX;
use interfaces::vfs::{ListReply, MountCall, NOTIFY_MOUNTED, ResolveCall, Server, UnmountCall};
use ipc::{Error, StrLend, TaskId, WriteLend};
use resea::Timers;
use resea::abi::{MAX_TASKS, NOTIFY_CHILD, NOTIFY_TIMER};

/// Most mounts.
pub const MOST_MOUNTS: usize = 16;
/// Longest source, and longest name of a file server, in bytes.
const WORD_MAX: usize = 128;

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// To start the server of the mount with this number.
    Start(u32),
    /// To end the server that is starting.
    Patience,
    /// To end the servers of a vfs before.
    Predecessors,
    /// To look for dm.
    Devices,
}

/// The name space.
pub struct Vfs {
    /// In the order in which they were made.
    pub(crate) mounts: Vec<Mount>,
    /// How many there ever were.
    pub(crate) made: u32,
    pub(crate) devices: Devices,
    /// File servers of a vfs before this one that have not ended.
    pub(crate) predecessors: Vec<TaskId>,
    /// The programs that are file servers.
    pub(crate) file_servers: Vec<String>,
    pub(crate) timers: Timers<Timer, { MOST_MOUNTS + 3 }>,
    pub(crate) directories: Directories,
    /// Room for the path that is resolved.
    path: Box<[u8; PATH_MAX]>,
}

impl Vfs {
    /// A name space in which nothing is mounted.
    pub fn new() -> Self {
        Self {
            mounts: Vec::new(),
            made: 0,
            devices: Devices::default(),
            predecessors: Vec::new(),
            file_servers: Vec::new(),
            timers: Timers::new(),
            directories: Directories::new(),
            path: Box::new([0; PATH_MAX]),
        }
    }

    /// The place of the mount at a point.
    pub(crate) fn place_of(&self, point: &str) -> Option<usize> {
        self.mounts.iter().position(|mount| mount.wanted.point == point)
    }

    /// Whether the server of another mount than that at `point` has the source, or is about to.
    pub(crate) fn is_in_use(&self, source: Source<'_>, point: &str) -> bool {
        let mut others = self.mounts.iter().filter(|mount| mount.wanted.point != point);
        others.any(|mount| !matches!(mount.life, Life::Waiting(_)) && mount.source().overlaps(source))
    }

    /// What a call to mount wants, if that is possible.
    ///
    /// Errors: as of `mount`, as far as they are known before a server is started.
    fn wanted(&self, call: &MountCall) -> Result<Wanted, Error> {
        let (mut point, mut source, mut kind) = ([0; PATH_MAX], [0; WORD_MAX], [0; WORD_MAX]);
        let point = call.point().read(&mut point)?;
        let source = call.source().read(&mut source)?;
        let kind = call.kind().read(&mut kind)?;
        if !is_normal(point) || point == "/" {
            return Err(Error::InvalidArgument);
        }
        if !self.file_servers.iter().any(|name| name == kind) {
            return Err(Error::NotFound);
        }
        if self.is_in_use(Source::parse(source), point) {
            return Err(Error::Busy);
        }
        match self.place_of(point).and_then(|place| self.mounts.get(place)) {
            Some(mount) if !matches!(mount.life, Life::Waiting(_)) => return Err(Error::AlreadyExists),
            None if self.mounts.len() >= MOST_MOUNTS => return Err(Error::TableFull),
            _ => {}
        }
        if let Some(device) = Source::parse(source).device()
            && self.devices.presence(device) == Presence::Missing
        {
            return Err(Error::NotFound);
        }
        let (source, point, kind) = (source.into(), point.into(), kind.into());
        Ok(Wanted { source, point, kind, read_only: call.read_only, optional: false })
    }

    /// The place of the mount that has a path; `None`: vfs itself has it.
    pub(crate) fn mount_of(&self, path: &str) -> Option<usize> {
        mount_of(&self.mounts, path)
    }
}

fn mount_of(mounts: &[Mount], path: &str) -> Option<usize> {
    longest(mounts.iter().map(|mount| mount.wanted.point.as_str()), path)
}

/// The place of the mount that has the path of a call.
///
/// Errors: `BadText`, `TooLarge`, `InvalidArgument` (it is not normal).
fn find(mounts: &[Mount], path: &StrLend<'_>, buffer: &mut [u8; PATH_MAX]) -> Result<Option<usize>, Error> {
    let path = path.read(buffer)?;
    if is_normal(path) { Ok(mount_of(mounts, path)) } else { Err(Error::InvalidArgument) }
}

impl Default for Vfs {
    fn default() -> Self {
        Self::new()
    }
}

impl ipc::server::Events for Vfs {
    fn notified(&mut self, bits: usize) {
        // A server may have mounted its file system before it has ended.
        if bits & NOTIFY_MOUNTED as usize != 0 {
            self.mounted();
        }
        if bits & NOTIFY_CHILD != 0 {
            self.collect_ends();
        }
        if bits & NOTIFY_DEVICES as usize != 0 {
            self.devices.look();
            self.devices_have_changed();
        }
        if bits & NOTIFY_TIMER != 0 {
            self.timers_expired();
        }
        self.advance();
    }
}

fn give(text: &str, room: &WriteLend<'_>) -> Result<usize, Error> {
    if text.len() > room.len() {
        return Err(Error::TooLarge);
    }
    room.write(0, text.as_bytes())?;
    Ok(text.len())
}

impl Server for Vfs {
    fn resolve(&mut self, call: ResolveCall) {
        let place = match find(&self.mounts, &call.path(), &mut self.path) {
            Ok(place) => place,
            Err(error) => return call.fail(error),
        };
        match place.and_then(|place| self.mounts.get_mut(place)) {
            None => call.reply(resea::own_id(), 0),
            Some(mount) => match mount.life {
                Life::Mounted(task, _) => call.reply(task, mount.wanted.point.len()),
                Life::Waiting(error) => call.fail(error),
                // Of a task that lives there is one call; those of others are forgotten when this has an end.
                _ if mount.resolving.len() < MAX_TASKS => mount.resolving.push(call),
                _ => call.fail(Error::TableFull),
            },
        }
    }

    fn mount(&mut self, call: MountCall) {
        match self.wanted(&call) {
            Ok(wanted) => {
                self.add(wanted, Some(call));
                self.advance();
            }
            Err(error) => call.fail(error),
        }
    }

    fn unmount(&mut self, call: UnmountCall) {
        let mut buffer = [0; PATH_MAX];
        let point = match call.point().read(&mut buffer) {
            Ok(point) => point,
            Err(error) => return call.fail(error),
        };
        let ended = self.end_mount(point, call.force);
        match ended {
            Ok(()) => call.reply(),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn list(
        &mut self,
        _: TaskId,
        index: u32,
        source: WriteLend<'_>,
        point: WriteLend<'_>,
        kind: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let mount = self.mounts.get(index as usize).ok_or(Error::NotFound)?;
        let error = match mount.life {
            Life::Waiting(error) => error.code() as u32,
            _ => 0,
        };
        Ok(ListReply {
            state: mount.life.state(),
            read_only: mount.wanted.read_only,
            starts: mount.starts,
            server: mount.life.server().map_or(0, |(task, _)| task.raw() as u32),
            error,
            source: give(&mount.wanted.source, &source)?,
            point: give(&mount.wanted.point, &point)?,
            kind: give(&mount.wanted.kind, &kind)?,
        })
    }
}
