//! The directories that only mount points make, as a file system that cannot be changed: the interface `fs`, see
//! interfaces/fs.idl.

use crate::mount::{Life, Mount};
use crate::names::{is_directory, is_normal, shown};
use crate::server::Vfs;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use entries::Entry;
use interfaces::fs::{
    self, AttributesAtReply, AttributesReply, CREATE, Kind, ListReply, MapReply, OPEN_MAX, PATH_MAX, READ,
    StatisticsReply, WRITE, WriteReply,
};
use ipc::{Error, Handle, Handles, ReadLend, StrLend, TaskId, WriteLend};

/// Most directories that are open.
const MOST_OPEN: usize = 64;
/// Most bytes of entries at once.
const MOST_PACKED: usize = 4096;
/// What the file system calls its format.
const FORMAT: &str = "mount points";

/// Most bytes of names in all of them: a mount point may be called anything.
const MOST_BYTES: usize = 32 << 10;

/// The names that were in a directory when it was opened, and whether nothing can be changed there.
type Names = Vec<(String, bool)>;

/// The open directories.
pub struct Directories {
    open: Box<Handles<Names, MOST_OPEN>>,
}

impl Directories {
    /// None.
    pub fn new() -> Self {
        Self { open: Box::new(Handles::new()) }
    }

    /// Opens one for a task.
    ///
    /// Errors: `TableFull`.
    fn open(&mut self, task: TaskId, names: Names) -> Result<Handle, Error> {
        let bytes = |names: &Names| names.iter().map(|(name, _)| name.len()).sum::<usize>();
        let fits = |open: &Handles<Names, MOST_OPEN>| {
            let all = open.iter().map(|(_, _, names)| bytes(names)).sum::<usize>();
            open.len() < MOST_OPEN && all + bytes(&names) <= MOST_BYTES
        };
        if !fits(&self.open) {
            self.forget_ended();
        }
        if !fits(&self.open) {
            return Err(Error::TableFull);
        }
        if self.open.iter().filter(|(owner, ..)| *owner == task).count() >= OPEN_MAX / 2 {
            return Err(Error::TableFull);
        }
        self.open.insert(task, names)
    }

    /// Closes those of tasks that have ended: notifying one of nothing tells whether it lives.
    fn forget_ended(&mut self) {
        let owners: Vec<TaskId> = self.open.iter().map(|(owner, ..)| owner).collect();
        for owner in owners {
            if ipc::notify(owner, 0).is_err() {
                self.open.free_all(owner, drop);
            }
        }
    }
}

impl Vfs {
    /// The path that a client calls a directory, as a normal one; an error if it is none.
    ///
    /// Errors: `NotFound`, `InvalidArgument` (it is not normal), `BadText`, `TooLarge`.
    fn directory(&self, path: &StrLend<'_>) -> Result<String, Error> {
        let path = normal(path)?;
        if self.is_directory(&path) { Ok(path) } else { Err(Error::NotFound) }
    }

    fn is_directory(&self, path: &str) -> bool {
        // What has a mount is not here.
        self.mount_of(path).is_none() && is_directory(self.points(), path)
    }

    fn points(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().map(|mount| mount.wanted.point.as_str())
    }

    /// Whether nothing can be changed in what has this name in a directory: in none but those that are mounted to be changed.
    fn is_fixed(&self, directory: &str, name: &str) -> bool {
        let point = format!("{}/{name}", directory.trim_end_matches('/'));
        let mount = self.mounts.iter().find(|mount| mount.wanted.point == point);
        mount.is_none_or(|mount| mount.wanted.read_only)
    }

    /// Why something cannot be made at this path.
    fn cannot_make(&self, path: &str) -> Error {
        if self.is_directory(path) {
            return Error::AlreadyExists;
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.is_directory(if parent.is_empty() { "/" } else { parent }) {
            Error::ReadOnly
        } else {
            Error::NotFound
        }
    }
}

/// The path of a message with the `/` that it may lack.
fn normal(path: &StrLend<'_>) -> Result<String, Error> {
    let mut buffer = [0; PATH_MAX];
    let path = path.read(&mut buffer)?;
    let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
    if is_normal(&path) { Ok(path) } else { Err(Error::InvalidArgument) }
}

/// Whether a mount point is shown: not if there is nothing to be seen.
const fn is_shown(mount: &Mount) -> bool {
    !matches!(mount.life, Life::Waiting(_))
}

impl fs::Server for Vfs {
    fn open(&mut self, sender: TaskId, path: StrLend<'_>, flags: u32) -> Result<Handle, Error> {
        let path = normal(&path)?;
        if !self.is_directory(&path) {
            return Err(if flags & CREATE != 0 { self.cannot_make(&path) } else { Error::NotFound });
        }
        match flags {
            READ => {}
            _ if flags & (WRITE | CREATE) != 0 => return Err(Error::IsADirectory),
            _ => return Err(Error::InvalidArgument),
        }
        let points = self.mounts.iter().map(|mount| (mount.wanted.point.as_str(), is_shown(mount)));
        let names = shown(points, &path).into_iter();
        let names = names.map(|name| (name.into(), self.is_fixed(&path, name))).collect();
        self.directories.open(sender, names)
    }

    fn close(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        self.directories.open.remove(sender, file).map(drop)
    }

    fn read(&mut self, sender: TaskId, file: Handle, _: u64, _: WriteLend<'_>) -> Result<usize, Error> {
        self.directories.open.get(sender, file)?;
        Err(Error::IsADirectory)
    }

    fn write(&mut self, sender: TaskId, file: Handle, _: u64, _: ReadLend<'_>) -> Result<WriteReply, Error> {
        self.directories.open.get(sender, file)?;
        Err(Error::NotPermitted)
    }

    fn resize(&mut self, sender: TaskId, file: Handle, _: u64) -> Result<(), Error> {
        self.directories.open.get(sender, file)?;
        Err(Error::NotPermitted)
    }

    fn sync(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        self.directories.open.get(sender, file).map(drop)
    }

    fn sync_all(&mut self, _: TaskId) -> Result<(), Error> {
        Ok(())
    }

    fn attributes(&mut self, sender: TaskId, file: Handle) -> Result<AttributesReply, Error> {
        self.directories.open.get(sender, file)?;
        let kind = Kind::Directory;
        Ok(AttributesReply { kind, size: 0, modified: 0, created: 0, accessed: 0, read_only: true })
    }

    fn attributes_at(&mut self, _: TaskId, path: StrLend<'_>) -> Result<AttributesAtReply, Error> {
        self.directory(&path)?;
        let kind = Kind::Directory;
        Ok(AttributesAtReply { kind, size: 0, modified: 0, created: 0, accessed: 0, read_only: true })
    }

    fn set_modified(&mut self, _: TaskId, path: StrLend<'_>, _: i64) -> Result<(), Error> {
        self.directory(&path)?;
        Err(Error::ReadOnly)
    }

    fn remove(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        self.directory(&path)?;
        Err(Error::IsADirectory)
    }

    fn make_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        Err(self.cannot_make(&normal(&path)?))
    }

    fn remove_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        self.directory(&path)?;
        Err(Error::ReadOnly)
    }

    fn rename(&mut self, _: TaskId, from: StrLend<'_>, to: StrLend<'_>) -> Result<(), Error> {
        self.directory(&from)?;
        Err(self.cannot_make(&normal(&to)?))
    }

    fn list(
        &mut self,
        sender: TaskId,
        directory: Handle,
        position: u64,
        room: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let names = self.directories.open.get(sender, directory)?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = names.get(position..).unwrap_or_default();
        let mut packed = vec![0; room.len().min(MOST_PACKED)];
        let (mut used, mut count) = (0, 0);
        for (name, read_only) in rest {
            // Neither size nor time is known.
            let entry = Entry { name, kind: Kind::Directory, size: 0, modified: 0, read_only: *read_only };
            let Some(length) = packed.get_mut(used..).and_then(|room| entries::pack(&entry, room)) else {
                break;
            };
            (used, count) = (used + length, count + 1);
        }
        if count == 0 && !rest.is_empty() {
            return Err(Error::TooLarge);
        }
        room.write(0, packed.get(..used).unwrap_or_default())?;
        Ok(ListReply { next: (names.len() - rest.len() + count) as u64, entries: used })
    }

    fn map(&mut self, sender: TaskId, file: Handle) -> Result<MapReply, Error> {
        self.directories.open.get(sender, file)?;
        Err(Error::IsADirectory)
    }

    fn statistics(
        &mut self,
        _: TaskId,
        format: WriteLend<'_>,
        _: WriteLend<'_>,
    ) -> Result<StatisticsReply, Error> {
        let name = FORMAT.as_bytes();
        if name.len() > format.len() {
            return Err(Error::TooLarge);
        }
        format.write(0, name)?;
        Ok(StatisticsReply { total: 0, free: 0, unit: 1, read_only: true, format: name.len(), label: 0 })
    }

    fn finish(&mut self, _: TaskId, _: bool) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }
}
