//! A file server for these tests, and the name space too: files in one directory, `/`, and an empty directory `/sub`. A path
//! with `hang` in it makes the server hang; a file holds at most 64 KiB.

use interfaces::{fs, vfs};
use ipc::server::{self, Events};
use ipc::{Answer, Handle, ReadLend, StrLend, WriteLend};
use resea::{Error, Never, ServeError, SharedMemory, TaskId};
use sim::Program;
use std::collections::BTreeMap;

const MAX_FILE: usize = 64 << 10;

/// The program.
pub fn store() -> Program {
    let manifest = "provides = [\"vfs\", \"fs\"]\nstart = \"boot\"\nheap = \"1MiB\"\nshared = \"1MiB\"";
    Program::new("store", manifest, || -> Result<Never, ServeError> {
        resea::vm().serve(vfs::NAME).map_err(|error| ServeError { service: vfs::NAME, error })?;
        let mut store = Store { files: BTreeMap::new(), open: Vec::new(), shared: Vec::new() };
        server::run(&mut store, |store, message| match vfs::dispatch(store, message) {
            Answer::Unknown => fs::dispatch(store, message),
            answer => answer,
        })
    })
}

#[derive(Clone)]
struct Open {
    name: String,
    flags: u32,
}

struct Store {
    files: BTreeMap<String, Vec<u8>>,
    /// Never closed; the index is the handle.
    open: Vec<Open>,
    shared: Vec<SharedMemory>,
}

impl Store {
    fn name(&self, path: &StrLend<'_>) -> Result<String, Error> {
        let mut buffer = [0; fs::PATH_MAX];
        let path = path.read(&mut buffer)?.trim_start_matches('/').to_string();
        while path.contains("hang") {
            // vm sends nothing, and nobody else is heard.
            let _ = ipc::receive(Some(resea::vm().task()));
        }
        Ok(path)
    }

    fn opened(&self, handle: Handle, flag: u32) -> Result<Open, Error> {
        let open = self.open.get(handle.raw() as usize).cloned().ok_or(Error::BadHandle)?;
        if open.flags & flag == flag { Ok(open) } else { Err(Error::NotPermitted) }
    }

    fn file(&mut self, handle: Handle, flag: u32) -> Result<&mut Vec<u8>, Error> {
        let name = self.opened(handle, flag)?.name;
        self.files.get_mut(&name).ok_or(Error::IsADirectory)
    }

    fn attributes_of(&self, name: &str) -> Result<fs::AttributesReply, Error> {
        let (kind, size) = match self.files.get(name) {
            Some(content) => (fs::Kind::File, content.len() as u64),
            None if is_directory(name) => (fs::Kind::Directory, 0),
            None => return Err(Error::NotFound),
        };
        Ok(fs::AttributesReply { kind, size, modified: 0, created: 0, accessed: 0, read_only: false })
    }
}

fn is_directory(name: &str) -> bool {
    ["", "sub"].contains(&name)
}

impl Events for Store {}

impl vfs::Server for Store {
    fn resolve(&mut self, call: vfs::ResolveCall) {
        call.reply(resea::own_id(), 0);
    }

    fn mount(&mut self, call: vfs::MountCall) {
        call.fail(Error::NotSupported);
    }

    fn unmount(&mut self, call: vfs::UnmountCall) {
        call.fail(Error::NotSupported);
    }

    fn list(
        &mut self,
        _: TaskId,
        _: u32,
        _: WriteLend<'_>,
        _: WriteLend<'_>,
        _: WriteLend<'_>,
    ) -> Result<vfs::ListReply, Error> {
        Err(Error::NotFound)
    }
}

impl fs::Server for Store {
    fn open(&mut self, _: TaskId, path: StrLend<'_>, flags: u32) -> Result<Handle, Error> {
        let name = self.name(&path)?;
        if is_directory(&name) {
            if flags != fs::READ {
                return Err(Error::IsADirectory);
            }
        } else if flags & fs::CREATE != 0 {
            self.files.entry(name.clone()).or_default();
        } else if !self.files.contains_key(&name) {
            return Err(Error::NotFound);
        }
        if flags & fs::TRUNCATE != 0 {
            self.files.insert(name.clone(), Vec::new());
        }
        self.open.push(Open { name, flags });
        Ok(Handle::from_raw(self.open.len() as u32 - 1))
    }

    fn close(&mut self, _: TaskId, _: Handle) -> Result<(), Error> {
        Ok(())
    }

    fn read(&mut self, _: TaskId, file: Handle, offset: u64, data: WriteLend<'_>) -> Result<usize, Error> {
        let content = self.file(file, fs::READ)?;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(data.len());
        data.write(0, &rest[..length])?;
        Ok(length)
    }

    fn write(
        &mut self,
        _: TaskId,
        file: Handle,
        offset: u64,
        data: ReadLend<'_>,
    ) -> Result<fs::WriteReply, Error> {
        let appends = self.opened(file, fs::WRITE)?.flags & fs::APPEND != 0;
        let content = self.file(file, fs::WRITE)?;
        let start = if appends { content.len() } else { offset as usize };
        let length = data.len().min(MAX_FILE - start);
        content.resize(content.len().max(start + length), 0);
        data.read(0, &mut content[start..start + length])?;
        Ok(fs::WriteReply { written: length, end: (start + length) as u64 })
    }

    fn resize(&mut self, _: TaskId, _: Handle, _: u64) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn sync(&mut self, _: TaskId, _: Handle) -> Result<(), Error> {
        Ok(())
    }

    fn sync_all(&mut self, _: TaskId) -> Result<(), Error> {
        Ok(())
    }

    fn attributes(&mut self, _: TaskId, file: Handle) -> Result<fs::AttributesReply, Error> {
        self.attributes_of(&self.opened(file, 0)?.name)
    }

    fn attributes_at(&mut self, _: TaskId, _: StrLend<'_>) -> Result<fs::AttributesAtReply, Error> {
        Err(Error::NotSupported)
    }

    fn set_modified(&mut self, _: TaskId, _: StrLend<'_>, _: i64) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn remove(&mut self, _: TaskId, _: StrLend<'_>) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn make_directory(&mut self, _: TaskId, _: StrLend<'_>) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn remove_directory(&mut self, _: TaskId, _: StrLend<'_>) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn rename(&mut self, _: TaskId, _: StrLend<'_>, _: StrLend<'_>) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn list(
        &mut self,
        _: TaskId,
        directory: Handle,
        position: u64,
        entries: WriteLend<'_>,
    ) -> Result<fs::ListReply, Error> {
        let name = self.opened(directory, fs::READ)?.name;
        let sub = std::iter::once(("sub".to_string(), fs::Kind::Directory));
        let files = self.files.keys().map(|name| (name.clone(), fs::Kind::File));
        // One at a time.
        let entry = sub.chain(files).nth(position as usize).filter(|_| name.is_empty());
        let Some((name, kind)) = entry else { return Ok(fs::ListReply { next: position, entries: 0 }) };
        let mut packed = vec![0; 16];
        packed.extend([kind as u8, 0]);
        packed.extend((name.len() as u16).to_le_bytes());
        packed.extend(name.as_bytes());
        packed.resize(packed.len().next_multiple_of(8), 0);
        entries.write(0, &packed)?;
        Ok(fs::ListReply { next: position + 1, entries: packed.len() })
    }

    fn map(&mut self, sender: TaskId, file: Handle) -> Result<fs::MapReply, Error> {
        let content = self.file(file, fs::READ)?.clone();
        let memory = SharedMemory::create(content.len())?;
        memory.region().write(0, &content)?;
        let granted = memory.grant(sender, false)?;
        self.shared.push(memory);
        Ok(fs::MapReply { memory: granted, size: content.len() as u64 })
    }

    fn statistics(
        &mut self,
        _: TaskId,
        _: WriteLend<'_>,
        _: WriteLend<'_>,
    ) -> Result<fs::StatisticsReply, Error> {
        Err(Error::NotSupported)
    }

    fn finish(&mut self, _: TaskId, _: bool) -> Result<(), Error> {
        Err(Error::NotSupported)
    }
}
