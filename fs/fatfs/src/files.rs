//! A FAT volume as a file system: content goes between the cache's pages and the caller, the rest is [`fat`]'s.

use crate::ahead::Ahead;
use crate::cache::Cache;
use crate::medium::Medium;
use abi::NOTIFY_TIMER;
use alloc::string::String;
use fat::{Class, Node, Volume};
use fileserver::{Attributes, FileSystem, Kind, Sink, Source, Statistics};
use ipc::Error;

/// So long after a change at the latest everything is written, in nanoseconds.
const DELAY: u64 = 5_000_000_000;

/// A mounted volume.
pub struct Files<M: Medium> {
    volume: Volume<Cache<M>>,
    /// Something was changed, and the timer is set to write it.
    is_changed: bool,
}

/// An open file or directory.
pub struct Open {
    open: fat::Open,
    ahead: Ahead,
}

impl<M: Medium> Files<M> {
    /// The files of a volume.
    pub const fn new(volume: Volume<Cache<M>>) -> Self {
        Self { volume, is_changed: false }
    }

    /// Something is being changed: it will be written after a while, whatever comes.
    fn changing(&mut self) -> &mut Volume<Cache<M>> {
        if !core::mem::replace(&mut self.is_changed, true) {
            ipc::timer(DELAY);
        }
        &mut self.volume
    }
}

/// `is_read_only`: so is the volume.
const fn known(attributes: fat::Attributes, is_read_only: bool) -> Attributes {
    let fat::Attributes { kind, size, modified, created, accessed, mut read_only } = attributes;
    read_only |= is_read_only;
    let kind = match kind {
        fat::Kind::File => Kind::File,
        fat::Kind::Directory => Kind::Directory,
    };
    Attributes { kind, size, modified, created, accessed, read_only }
}

impl<M: Medium> FileSystem for Files<M> {
    type Node = Node;
    type Open = Open;

    fn root(&self) -> Node {
        Node::ROOT
    }

    fn lookup(&mut self, directory: Node, name: &str) -> Result<Node, Error> {
        self.volume.lookup(directory, name)
    }

    fn attributes(&mut self, node: Node) -> Result<Attributes, Error> {
        Ok(known(self.volume.attributes(node)?, self.volume.is_read_only()))
    }

    fn open(&mut self, node: Node) -> Result<Open, Error> {
        Ok(Open { open: self.volume.open(node)?, ahead: Ahead::default() })
    }

    fn close(&mut self, open: Open) {
        if open.open.is_unsettled() {
            self.changing();
        }
        if let Err(error) = self.volume.close(open.open) {
            resea::warn!("a file could not be closed: {error}");
        }
    }

    fn open_attributes(&mut self, open: &Open) -> Result<Attributes, Error> {
        self.attributes(open.open.node())
    }

    fn read(
        &mut self,
        open: &mut Open,
        offset: u64,
        length: usize,
        sink: &mut dyn Sink,
    ) -> Result<usize, Error> {
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let Some(extent) = self.volume.extent(&mut open.open, at)? else { break };
            let wanted = (length - done) as u64;
            let storage = self.volume.storage();
            if let Some(more) = open.ahead.more(at, wanted) {
                storage.read_ahead(extent.at, extent.at + extent.length.min(more))?;
            }
            let memory = storage.read_at(extent.at, extent.length.min(wanted))?;
            sink.put_region(done, &memory, 0, memory.len())?;
            done += memory.len();
        }
        open.ahead.read(offset, done as u64);
        Ok(done)
    }

    fn write(
        &mut self,
        open: &mut Open,
        offset: u64,
        length: usize,
        source: &mut dyn Source,
        now: i64,
    ) -> Result<usize, Error> {
        let volume = self.changing();
        let mut done = 0;
        while done < length {
            let prepared = volume.prepare(&mut open.open, offset + done as u64, (length - done) as u64);
            let extent = match prepared {
                // There is no space for more.
                Err(Error::NoSpace | Error::TooLarge) if done > 0 => break,
                prepared => prepared?,
            };
            let end = extent.at + extent.length;
            let mut at = extent.at;
            while at < end {
                let room = volume.storage().write_at(at, end - at, Class::Data)?;
                let length = room.memory.len();
                if let Err(error) = source.take_region(done, &room.memory, 0, length) {
                    if room.was_other {
                        // What another file had there is nobody's business.
                        room.memory.zero();
                    }
                    // Nor is it in the file.
                    volume.settle(&mut open.open)?;
                    return Err(error);
                }
                at += length as u64;
                done += length;
            }
            volume.written(&mut open.open, offset + done as u64, now)?;
        }
        Ok(done)
    }

    fn resize(&mut self, open: &mut Open, size: u64, now: i64) -> Result<(), Error> {
        self.changing().resize(&mut open.open, size, now)
    }

    fn entry(
        &mut self,
        directory: &mut Open,
        position: u64,
        name: &mut String,
    ) -> Result<Option<(u64, Attributes)>, Error> {
        let found = self.volume.entry(&mut directory.open, position, name)?;
        let is_read_only = self.volume.is_read_only();
        Ok(found.map(|(next, entry)| (next, known(entry.attributes, is_read_only))))
    }

    fn create(&mut self, directory: Node, name: &str, kind: Kind, now: i64) -> Result<Node, Error> {
        let kind = match kind {
            Kind::File => fat::Kind::File,
            Kind::Directory => fat::Kind::Directory,
        };
        self.changing().create(directory, name, kind, now)
    }

    fn remove(&mut self, directory: Node, name: &str) -> Result<(), Error> {
        self.changing().remove(directory, name)
    }

    fn rename(&mut self, from: (Node, &str), to: (Node, &str), now: i64) -> Result<Node, Error> {
        self.changing().rename(from, to, now)
    }

    fn moved(&mut self, open: &mut Open, node: Node) {
        self.volume.moved(&mut open.open, node);
    }

    fn set_modified(&mut self, node: Node, modified: i64) -> Result<(), Error> {
        self.changing().set_modified(node, modified)
    }

    fn flush(&mut self, open: &mut Open) -> Result<(), Error> {
        self.volume.settle(&mut open.open)
    }

    fn sync(&mut self) -> Result<(), Error> {
        // As if it were unmounted, so that a machine that is switched off now leaves a volume that needs no check.
        self.volume.finish()
    }

    fn statistics(&mut self) -> Result<Statistics, Error> {
        let fat::Statistics { total, free, unit, read_only, format, label } = self.volume.statistics()?;
        Ok(Statistics { total, free, unit, read_only, format, label })
    }

    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_TIMER != 0 {
            self.is_changed = false;
            if let Err(error) = self.volume.finish() {
                resea::warn!("what was changed could not be written, and is kept: {error}");
                self.changing();
            }
        }
    }
}
