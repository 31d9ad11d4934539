//! The interface `fs`: whose handle is whose, and what each message does.

use crate::clients::Clients;
use crate::list::Lister;
use crate::nodes::{Nodes, Opened};
use crate::tree::{Tree, check_flags, note_change};
use crate::{FileSystem, Kind, map};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use interfaces::fs::{
    self, APPEND, AttributesAtReply, AttributesReply, ListReply, MapReply, PATH_MAX, READ, StatisticsReply,
    WRITE, WriteReply,
};
use ipc::{Error, Handle, Handles, ReadLend, StrLend, TaskId, WriteLend};
use resea::abi::NOTIFY_CHILD;

/// Most open files of all tasks.
const FILES_MAX: usize = 512;
/// Besides the flags of `open`: it is a directory.
const DIRECTORY: u32 = 1 << 31;

/// What a handle stands for.
#[derive(Clone, Copy)]
struct File {
    place: u16,
    flags: u32,
}

/// A file server.
pub struct Server<F: FileSystem> {
    tree: Tree<F>,
    files: Box<Handles<File, FILES_MAX>>,
    clients: Clients,
    lister: Lister,
    /// Room for the paths of a message.
    paths: [Box<[u8]>; 2],
    mounter: Option<TaskId>,
    is_finished: bool,
}

impl<F: FileSystem> Server<F> {
    /// A server of this file system. `now` is the clock, in milliseconds since 1970-01-01 00:00 UTC; `mounter` may tell it
    /// to finish.
    pub fn new(filesystem: F, now: fn() -> i64, mounter: Option<TaskId>) -> Self {
        Self {
            tree: Tree { filesystem, nodes: Nodes::new(), now },
            files: Box::new(Handles::new()),
            clients: Clients::default(),
            lister: Lister::new(),
            paths: [vec![0; PATH_MAX].into(), vec![0; PATH_MAX].into()],
            mounter,
            is_finished: false,
        }
    }

    /// A task has ended, and its files are closed.
    fn bury(&mut self, task: TaskId) {
        let mut places = Vec::new();
        self.files.free_all(task, |file| places.push(file.place));
        for place in places {
            self.tree.close(place);
        }
        self.clients.forget(task);
    }

    /// An open file, if the caller may read (or write) it.
    #[inline]
    fn file(&mut self, task: TaskId, handle: Handle, right: u32) -> Result<(File, &mut Tree<F>), Error> {
        let file = *self.files.get(task, handle)?;
        if file.flags & (right | DIRECTORY) != right {
            return Err(if file.flags & right == 0 { Error::NotPermitted } else { Error::IsADirectory });
        }
        Ok((file, &mut self.tree))
    }

    /// The path of a message. `Aborted` if nothing more can be done here.
    fn path<'a>(&'a mut self, path: StrLend<'_>) -> Result<(&'a str, &'a mut Tree<F>), Error> {
        if self.is_finished {
            return Err(Error::Aborted);
        }
        let [buffer, _] = &mut self.paths;
        Ok((path.read(buffer)?, &mut self.tree))
    }
}

impl<F: FileSystem> fs::Server for Server<F> {
    fn open(&mut self, sender: TaskId, path: StrLend<'_>, flags: u32) -> Result<Handle, Error> {
        check_flags(flags)?;
        self.clients.admit(sender)?;
        if self.files.len() == FILES_MAX {
            return Err(Error::TableFull);
        }
        let (path, tree) = self.path(path)?;
        let place = tree.open(path, flags)?;
        tree.nodes.add_handle(place);
        let is_directory = tree.nodes.get(place)?.kind == Kind::Directory;
        let flags = flags | if is_directory { DIRECTORY } else { 0 };
        let handle = self.files.insert(sender, File { place, flags });
        match handle {
            Ok(_) => self.clients.add(sender),
            Err(_) => self.tree.close(place),
        }
        handle
    }

    fn close(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        let file = self.files.remove(sender, file)?;
        self.clients.remove(sender);
        self.tree.close(file.place);
        Ok(())
    }

    #[inline]
    fn read(
        &mut self,
        sender: TaskId,
        file: Handle,
        offset: u64,
        mut data: WriteLend<'_>,
    ) -> Result<usize, Error> {
        let (file, tree) = self.file(sender, file, READ)?;
        let opened = tree.nodes.get(file.place)?;
        let length = data.len();
        tree.filesystem.read(&mut opened.open, offset, length, &mut data)
    }

    #[inline]
    fn write(
        &mut self,
        sender: TaskId,
        file: Handle,
        mut offset: u64,
        mut data: ReadLend<'_>,
    ) -> Result<WriteReply, Error> {
        let (file, Tree { filesystem, nodes, now }) = self.file(sender, file, WRITE)?;
        let opened = nodes.get(file.place)?;
        if file.flags & APPEND != 0 {
            offset = filesystem.open_attributes(&opened.open)?.size;
        }
        if data.is_empty() {
            return Ok(WriteReply { written: 0, end: offset });
        }
        let length = data.len();
        offset.checked_add(length as u64).ok_or(Error::TooLarge)?;
        note_change(opened);
        let written = filesystem.write(&mut opened.open, offset, length, &mut data, now())?;
        Ok(WriteReply { written, end: offset + written as u64 })
    }

    fn resize(&mut self, sender: TaskId, file: Handle, size: u64) -> Result<(), Error> {
        let (file, tree) = self.file(sender, file, WRITE)?;
        tree.resize(file.place, size)
    }

    fn sync(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        self.files.get(sender, file)?;
        self.tree.sync()
    }

    fn sync_all(&mut self, _: TaskId) -> Result<(), Error> {
        self.tree.sync()
    }

    fn attributes(&mut self, sender: TaskId, file: Handle) -> Result<AttributesReply, Error> {
        let file = *self.files.get(sender, file)?;
        let Opened { open, .. } = self.tree.nodes.get(file.place)?;
        let known = self.tree.filesystem.open_attributes(open)?;
        Ok(AttributesReply {
            kind: known.kind,
            size: known.size,
            modified: known.modified,
            created: known.created,
            accessed: known.accessed,
            read_only: known.read_only,
        })
    }

    fn attributes_at(&mut self, _: TaskId, path: StrLend<'_>) -> Result<AttributesAtReply, Error> {
        let (path, tree) = self.path(path)?;
        let node = tree.find(path)?;
        let known = tree.attributes(node)?;
        Ok(AttributesAtReply {
            kind: known.kind,
            size: known.size,
            modified: known.modified,
            created: known.created,
            accessed: known.accessed,
            read_only: known.read_only,
        })
    }

    fn set_modified(&mut self, _: TaskId, path: StrLend<'_>, modified: i64) -> Result<(), Error> {
        let (path, tree) = self.path(path)?;
        tree.set_modified(path, modified)
    }

    fn remove(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        let (path, tree) = self.path(path)?;
        tree.remove(path, Kind::File)
    }

    fn make_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        let (path, tree) = self.path(path)?;
        tree.make_directory(path)
    }

    fn remove_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        let (path, tree) = self.path(path)?;
        tree.remove(path, Kind::Directory)
    }

    fn rename(&mut self, _: TaskId, from: StrLend<'_>, to: StrLend<'_>) -> Result<(), Error> {
        if self.is_finished {
            return Err(Error::Aborted);
        }
        let [first, second] = &mut self.paths;
        self.tree.rename(from.read(first)?, to.read(second)?)
    }

    fn list(
        &mut self,
        sender: TaskId,
        directory: Handle,
        position: u64,
        entries: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let file = *self.files.get(sender, directory)?;
        if file.flags & DIRECTORY == 0 {
            return Err(Error::NotADirectory);
        }
        self.tree.flush()?;
        let Opened { open, .. } = self.tree.nodes.get(file.place)?;
        self.lister.list(&mut self.tree.filesystem, open, position, entries)
    }

    fn map(&mut self, sender: TaskId, file: Handle) -> Result<MapReply, Error> {
        let (file, tree) = self.file(sender, file, READ)?;
        let (memory, size) = map::map(&mut tree.filesystem, &mut tree.nodes, file.place, sender)?;
        Ok(MapReply { memory, size })
    }

    fn statistics(
        &mut self,
        _: TaskId,
        format: WriteLend<'_>,
        label: WriteLend<'_>,
    ) -> Result<StatisticsReply, Error> {
        let known = self.tree.filesystem.statistics()?;
        if known.format.len() > format.len() || known.label.len() > label.len() {
            return Err(Error::TooLarge);
        }
        format.write(0, known.format.as_bytes())?;
        label.write(0, known.label.as_bytes())?;
        Ok(StatisticsReply {
            total: known.total,
            free: known.free,
            unit: known.unit,
            read_only: known.read_only,
            format: known.format.len(),
            label: known.label.len(),
        })
    }

    fn finish(&mut self, sender: TaskId, force: bool) -> Result<(), Error> {
        if self.mounter != Some(sender) {
            return Err(Error::NotPermitted);
        }
        if !self.files.is_empty() && !force {
            return Err(Error::Busy);
        }
        let done = self.tree.sync();
        if done.is_ok() || force {
            let owners: Vec<_> = self.files.iter().map(|(owner, ..)| owner).collect();
            owners.into_iter().for_each(|owner| self.bury(owner));
            self.is_finished = true;
        }
        done
    }
}

impl<F: FileSystem> ipc::server::Events for Server<F> {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_CHILD != 0 {
            while let Ok(Some(exit)) = resea::next_exit() {
                self.bury(exit.task);
                if self.mounter == Some(exit.task) {
                    // The next vfs starts another server for the same file system, and waits for the end of this one.
                    let _ = self.tree.sync();
                    ipc::exit(0);
                }
            }
        }
        self.tree.filesystem.notified(bits);
    }
}
