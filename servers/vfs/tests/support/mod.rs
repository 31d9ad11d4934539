//! A file system in memory for tests, whose source says how it behaves, and systems with it.
#![allow(dead_code, reason = "each test uses its part")]

use interfaces::fs::{
    self, APPEND, AttributesAtReply, AttributesReply, CREATE, EXCLUSIVE, Kind, ListReply, MapReply, READ,
    StatisticsReply, TRUNCATE, WRITE, WriteReply,
};
use interfaces::vfs::NOTIFY_MOUNTED;
use ipc::{Error, Handle, Handles, ReadLend, StrLend, TaskId, WriteLend};
use resea::abi::NOTIFY_CHILD;
use sim::{Program, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const MANIFEST: &str = "provides = [\"fs\"]\nuses = [\"vfs\", \"dm\"]\nshared = \"1MiB\"";

/// What most tests have mounted.
pub const FSTAB: &str = "none /tmp memfs\nnone /mnt/other memfs ro\n";

/// A system with vfs and file servers.
pub fn system(fstab: &str) -> System {
    System::new()
        .memory(8 << 20)
        .file("fstab", fstab)
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(Program::new("memfs", MANIFEST, memfs))
}

/// How many servers with the source `boot/mortal` end when they are next asked to examine or to remove something.
pub static DEATHS: AtomicUsize = AtomicUsize::new(0);

/// The server. Its source: `boot/refuse`, `boot/panic` and `boot/quit` end before they have mounted anything, `boot/silent` never
/// does, `boot/slow` takes a second; `boot/hang` cannot be finished, `boot/full` not without loss. All others work.
pub fn memfs() {
    let mut arguments = resea::arguments();
    let (source, _point) = (arguments.next().unwrap(), arguments.next().unwrap());
    let vfs = TaskId::from_raw(resea::environment("VFS").unwrap().parse().unwrap()).unwrap();
    // It has ended already, perhaps.
    if resea::watch(vfs).is_err() {
        return;
    }
    match source {
        "boot/refuse" => ipc::exit(Error::WrongFormat.code() as i32),
        "boot/panic" => panic!("as planned"),
        "boot/quit" => return,
        "boot/silent" => loop {
            resea::wait();
        },
        "boot/slow" => resea::sleep(Duration::from_secs(1)),
        _ => {}
    }
    let read_only = arguments.next() == Some("--read-only");
    let nodes = BTreeMap::from([(String::new(), None)]);
    let mut server = MemFs { source, nodes, open: Handles::new(), read_only, vfs };
    if ipc::notify(vfs, NOTIFY_MOUNTED as usize).is_ok() {
        ipc::server::run(&mut server, fs::dispatch);
    }
}

struct MemFs {
    source: &'static str,
    /// By their paths without a `/` at the beginning; directories have no content.
    nodes: BTreeMap<String, Option<Vec<u8>>>,
    open: Handles<(String, u32, Vec<String>), 64>,
    read_only: bool,
    vfs: TaskId,
}

fn name(path: &StrLend<'_>) -> Result<String, Error> {
    let mut buffer = [0; fs::PATH_MAX];
    Ok(path.read(&mut buffer)?.trim_start_matches('/').into())
}

impl MemFs {
    /// Ends, if that is wanted, in the middle of a request.
    fn live(&self) {
        if self.source == "boot/mortal" && DEATHS.load(Ordering::Relaxed) > 0 {
            DEATHS.fetch_sub(1, Ordering::Relaxed);
            ipc::exit(0);
        }
    }

    fn changes(&self) -> Result<(), Error> {
        if self.read_only { Err(Error::ReadOnly) } else { Ok(()) }
    }

    fn node(&mut self, path: &str) -> Result<&mut Option<Vec<u8>>, Error> {
        self.nodes.get_mut(path).ok_or(Error::NotFound)
    }

    fn content(&mut self, task: TaskId, file: Handle, flag: u32) -> Result<(&mut Vec<u8>, u32), Error> {
        let (path, flags, _) = self.open.get(task, file)?.clone();
        if flags & flag == 0 {
            return Err(Error::NotPermitted);
        }
        Ok((self.node(&path)?.as_mut().ok_or(Error::IsADirectory)?, flags))
    }

    fn make(&mut self, path: &str, content: Option<Vec<u8>>) -> Result<(), Error> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.node(parent)?.is_some() {
            return Err(Error::NotADirectory);
        }
        self.changes()?;
        self.nodes.insert(path.into(), content);
        Ok(())
    }

    fn is_open(&self, path: &str) -> bool {
        self.open.iter().any(|(_, _, (open, ..))| open == path)
    }

    fn below(&self, path: &str) -> Vec<String> {
        let inside = |other: &str| match path {
            "" => !other.is_empty(),
            _ => other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
        };
        self.nodes.keys().filter(|other| inside(other)).cloned().collect()
    }

    fn names(&self, path: &str) -> Vec<String> {
        let start = if path.is_empty() { 0 } else { path.len() + 1 };
        let names = self.below(path).into_iter().map(|path| path[start..].to_string());
        names.filter(|name| !name.contains('/')).collect()
    }

    fn known(&mut self, path: &str) -> Result<AttributesReply, Error> {
        let read_only = self.read_only;
        let content = self.node(path)?;
        let kind = if content.is_some() { Kind::File } else { Kind::Directory };
        let size = content.as_ref().map_or(0, Vec::len) as u64;
        Ok(AttributesReply { kind, size, modified: 5, created: 0, accessed: 0, read_only })
    }
}

impl ipc::server::Events for MemFs {
    fn notified(&mut self, bits: usize) {
        while bits & NOTIFY_CHILD != 0
            && let Ok(Some(exit)) = resea::next_exit()
        {
            if exit.task == self.vfs {
                ipc::exit(0);
            }
        }
    }
}

impl fs::Server for MemFs {
    fn open(&mut self, sender: TaskId, path: StrLend<'_>, flags: u32) -> Result<Handle, Error> {
        let path = name(&path)?;
        match self.nodes.get(&path) {
            None if flags & CREATE != 0 => self.make(&path, Some(Vec::new()))?,
            None => return Err(Error::NotFound),
            Some(_) if flags & EXCLUSIVE != 0 => return Err(Error::AlreadyExists),
            Some(None) if flags != READ => return Err(Error::IsADirectory),
            Some(_) => {}
        }
        if flags & WRITE != 0 {
            self.changes()?;
        }
        if flags & TRUNCATE != 0 {
            *self.node(&path)? = Some(Vec::new());
        }
        let names = self.names(&path);
        self.open.insert(sender, (path, flags, names))
    }

    fn close(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        self.open.remove(sender, file).map(drop)
    }

    fn read(
        &mut self,
        sender: TaskId,
        file: Handle,
        offset: u64,
        data: WriteLend<'_>,
    ) -> Result<usize, Error> {
        let (content, _) = self.content(sender, file, READ)?;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let rest = &rest[..rest.len().min(data.len())];
        data.write(0, rest)?;
        Ok(rest.len())
    }

    /// Takes 1000 bytes at most, and a file has 100,000 at most.
    fn write(
        &mut self,
        sender: TaskId,
        file: Handle,
        offset: u64,
        data: ReadLend<'_>,
    ) -> Result<WriteReply, Error> {
        let (content, flags) = self.content(sender, file, WRITE)?;
        let offset = if flags & APPEND != 0 { content.len() } else { offset as usize };
        let length = data.len().min(1000).min(100_000_usize.saturating_sub(offset));
        if length == 0 {
            return Err(if data.is_empty() {
                return Ok(WriteReply { written: 0, end: offset as u64 });
            } else {
                Error::NoSpace
            });
        }
        content.resize(content.len().max(offset + length), 0);
        data.read(0, &mut content[offset..offset + length])?;
        Ok(WriteReply { written: length, end: (offset + length) as u64 })
    }

    fn resize(&mut self, sender: TaskId, file: Handle, size: u64) -> Result<(), Error> {
        self.content(sender, file, WRITE)?.0.resize(size as usize, 0);
        Ok(())
    }

    fn sync(&mut self, sender: TaskId, file: Handle) -> Result<(), Error> {
        self.open.get(sender, file).map(drop)
    }

    fn sync_all(&mut self, _: TaskId) -> Result<(), Error> {
        Ok(())
    }

    fn attributes(&mut self, sender: TaskId, file: Handle) -> Result<AttributesReply, Error> {
        let path = self.open.get(sender, file)?.0.clone();
        self.known(&path)
    }

    fn attributes_at(&mut self, _: TaskId, path: StrLend<'_>) -> Result<AttributesAtReply, Error> {
        self.live();
        let AttributesReply { kind, size, modified, created, accessed, read_only } =
            self.known(&name(&path)?)?;
        Ok(AttributesAtReply { kind, size, modified, created, accessed, read_only })
    }

    fn set_modified(&mut self, _: TaskId, path: StrLend<'_>, _: i64) -> Result<(), Error> {
        self.node(&name(&path)?).map(drop)
    }

    fn remove(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        self.live();
        let path = name(&path)?;
        match self.node(&path)?.clone() {
            None => Err(Error::IsADirectory),
            Some(_) if self.is_open(&path) => Err(Error::Busy),
            Some(_) => self.changes().map(|()| drop(self.nodes.remove(&path))),
        }
    }

    fn make_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        let path = name(&path)?;
        if self.nodes.contains_key(&path) { Err(Error::AlreadyExists) } else { self.make(&path, None) }
    }

    fn remove_directory(&mut self, _: TaskId, path: StrLend<'_>) -> Result<(), Error> {
        let path = name(&path)?;
        match self.node(&path)?.clone() {
            Some(_) => Err(Error::NotADirectory),
            None if !self.below(&path).is_empty() => Err(Error::NotEmpty),
            None if path.is_empty() || self.is_open(&path) => Err(Error::Busy),
            None => self.changes().map(|()| drop(self.nodes.remove(&path))),
        }
    }

    fn rename(&mut self, _: TaskId, from: StrLend<'_>, to: StrLend<'_>) -> Result<(), Error> {
        let (from, to) = (name(&from)?, name(&to)?);
        self.node(&from)?;
        for old in [vec![from.clone()], self.below(&from)].concat() {
            let content = self.nodes.remove(&old).unwrap();
            self.make(&(to.clone() + &old[from.len()..]), content)?;
        }
        Ok(())
    }

    /// Two entries at a time.
    fn list(
        &mut self,
        sender: TaskId,
        directory: Handle,
        position: u64,
        entries: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let (path, _, names) = self.open.get(sender, directory)?.clone();
        if self.node(&path)?.is_some() {
            return Err(Error::NotADirectory);
        }
        let mut packed: Vec<u8> = Vec::new();
        let shown: Vec<_> = names.iter().skip(position as usize).take(2).collect();
        for child in &shown {
            let path = format!("{path}/{child}");
            let Ok(known) = self.known(path.trim_start_matches('/')) else { continue };
            packed.resize(packed.len().next_multiple_of(8), 0);
            packed.extend(known.size.to_le_bytes());
            packed.extend(known.modified.to_le_bytes());
            packed.extend([known.kind as u8, known.read_only.into()]);
            packed.extend((child.len() as u16).to_le_bytes());
            packed.extend(child.as_bytes());
        }
        entries.write(0, &packed)?;
        Ok(ListReply { next: position + shown.len() as u64, entries: packed.len() })
    }

    fn map(&mut self, sender: TaskId, file: Handle) -> Result<MapReply, Error> {
        let content = self.content(sender, file, READ)?.0.clone();
        if content.is_empty() {
            return Err(Error::Empty);
        }
        let memory = resea::SharedMemory::create(content.len())?;
        memory.region().write(0, &content)?;
        Ok(MapReply { memory: memory.grant(sender, false)?, size: content.len() as u64 })
    }

    fn statistics(
        &mut self,
        _: TaskId,
        format: WriteLend<'_>,
        label: WriteLend<'_>,
    ) -> Result<StatisticsReply, Error> {
        format.write(0, b"MEM")?;
        label.write(0, b"test")?;
        Ok(StatisticsReply { total: 100, free: 50, unit: 1, read_only: self.read_only, format: 3, label: 4 })
    }

    fn finish(&mut self, sender: TaskId, force: bool) -> Result<(), Error> {
        assert_eq!(sender, self.vfs, "only vfs may do that");
        match self.source {
            "boot/hang" => loop {
                resea::wait();
            },
            "boot/full" => Err(Error::NoSpace),
            _ if !force && !self.open.is_empty() => Err(Error::Busy),
            _ => Ok(()),
        }
    }
}
