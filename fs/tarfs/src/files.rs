//! The tree as a file system: what the server asks for, done in memory.

use crate::content::{CHUNK, Content};
use crate::space::Space;
use crate::store::Store;
use crate::tree::{Body, Node, NodeId, ROOT, Tree};
use alloc::string::String;
use fileserver::{Attributes, FileSystem, Kind, Sink, Source, Statistics};
use ipc::Error;

/// A tree in memory, whose files may lie in a store as long as nobody changes them.
pub struct Files<S> {
    /// Names and content.
    pub tree: Tree,
    store: S,
    format: &'static str,
    /// Nothing can be changed from outside.
    pub read_only: bool,
    /// When something was changed last: what is removed is not told the time.
    now: i64,
}

impl<S: Store> Files<S> {
    /// An empty tree over a store, with so many bytes for names and what is written. `format` is what it is called.
    pub fn new(store: S, format: &'static str, space: u64, now: i64) -> Self {
        let tree = Tree::new(Space::new(space), now);
        Self { tree, store, format, read_only: false, now }
    }

    /// The store.
    pub const fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// `ReadOnly`, or the time is noted.
    fn change(&mut self, now: i64) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        self.now = self.now.max(now);
        Ok(())
    }

    fn known(&self, node: &Node) -> Attributes {
        Attributes {
            kind: node.kind(),
            size: node.size(),
            modified: node.modified,
            created: node.created,
            accessed: 0,
            read_only: self.read_only,
        }
    }
}

impl<S: Store> FileSystem for Files<S> {
    type Node = NodeId;
    type Open = NodeId;

    fn root(&self) -> NodeId {
        ROOT
    }

    fn lookup(&mut self, directory: NodeId, name: &str) -> Result<NodeId, Error> {
        self.tree.lookup(directory, name)
    }

    fn attributes(&mut self, node: NodeId) -> Result<Attributes, Error> {
        self.tree.get(node).map(|node| self.known(node))
    }

    fn open(&mut self, node: NodeId) -> Result<NodeId, Error> {
        Ok(node)
    }

    fn close(&mut self, _: NodeId) {}

    fn open_attributes(&mut self, open: &NodeId) -> Result<Attributes, Error> {
        self.attributes(*open)
    }

    fn read(
        &mut self,
        open: &mut NodeId,
        offset: u64,
        length: usize,
        sink: &mut dyn Sink,
    ) -> Result<usize, Error> {
        let (content, ..) = self.tree.content(*open)?;
        content.read(&mut self.store, offset, length, sink)
    }

    fn write(
        &mut self,
        open: &mut NodeId,
        offset: u64,
        length: usize,
        source: &mut dyn Source,
        now: i64,
    ) -> Result<usize, Error> {
        self.change(now)?;
        let (content, modified, space) = self.tree.content(*open)?;
        let written = content.write(&mut self.store, space, offset, length, source)?;
        *modified = now;
        Ok(written)
    }

    fn resize(&mut self, open: &mut NodeId, size: u64, now: i64) -> Result<(), Error> {
        self.change(now)?;
        let (content, modified, space) = self.tree.content(*open)?;
        content.resize(space, size)?;
        *modified = now;
        Ok(())
    }

    fn entry(
        &mut self,
        directory: &mut NodeId,
        position: u64,
        name: &mut String,
    ) -> Result<Option<(u64, Attributes)>, Error> {
        let Some((next, node)) = self.tree.entry(*directory, position)? else { return Ok(None) };
        name.clear();
        name.try_reserve(node.name().len()).map_err(|_| Error::OutOfMemory)?;
        name.push_str(node.name());
        Ok(Some((next, self.known(node))))
    }

    fn create(&mut self, directory: NodeId, name: &str, kind: Kind, now: i64) -> Result<NodeId, Error> {
        self.change(now)?;
        let body = match kind {
            Kind::File => Body::File(Content::default()),
            Kind::Directory => Body::Directory(Default::default()),
        };
        self.tree.create(directory, name, body, now)
    }

    fn remove(&mut self, directory: NodeId, name: &str) -> Result<(), Error> {
        self.change(self.now)?;
        self.tree.remove(directory, name, self.now)
    }

    fn rename(&mut self, from: (NodeId, &str), to: (NodeId, &str), now: i64) -> Result<NodeId, Error> {
        self.change(now)?;
        self.tree.rename(from, to, now)
    }

    fn moved(&mut self, open: &mut NodeId, node: NodeId) {
        *open = node;
    }

    fn set_modified(&mut self, node: NodeId, modified: i64) -> Result<(), Error> {
        self.change(self.now)?;
        self.tree.get_mut(node)?.modified = modified;
        Ok(())
    }

    fn flush(&mut self, _: &mut NodeId) -> Result<(), Error> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn statistics(&mut self) -> Result<Statistics, Error> {
        let space = &self.tree.space;
        // Of a tree that cannot be changed people want to know how large it is, not how little memory it takes.
        let (total, free) =
            if self.read_only { (self.tree.size(), 0) } else { (space.total(), space.free()) };
        Ok(Statistics {
            total,
            free,
            unit: CHUNK as u32,
            read_only: self.read_only,
            format: self.format,
            label: String::new(),
        })
    }
}
