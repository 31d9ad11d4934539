//! Directories and names in memory. Every method either does all it says or changes nothing.
//!
//! A node is a place in a table. What is open is never removed (the server sees to that), so a place that is known is taken.

use crate::content::Content;
use crate::space::Space;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use fileserver::Kind;
use ipc::Error;

/// Names a file or directory: its place in the table.
pub type NodeId = u32;

/// The root directory.
pub const ROOT: NodeId = 0;

/// A file or directory.
pub struct Node {
    name: Box<str>,
    /// When it got its name, counted from 1: entries are listed in this order.
    age: u64,
    /// When it was made, and changed last.
    pub created: i64,
    /// See `created`.
    pub modified: i64,
    /// What is in it.
    pub body: Body,
}

/// What is in a node.
pub enum Body {
    /// Bytes.
    File(Content),
    /// Names.
    Directory(Directory),
}

/// The nodes in a directory.
#[derive(Default)]
pub struct Directory {
    by_name: Vec<NodeId>,
    by_age: Vec<(u64, NodeId)>,
}

impl Directory {
    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

impl Node {
    /// Whether it is a file.
    pub const fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::File,
            Body::Directory(_) => Kind::Directory,
        }
    }

    /// Its size in bytes: 0 for a directory.
    pub const fn size(&self) -> u64 {
        match &self.body {
            Body::File(content) => content.size(),
            Body::Directory(_) => 0,
        }
    }

    /// Its name; empty for the root.
    pub const fn name(&self) -> &str {
        &self.name
    }
}

/// All nodes.
pub struct Tree {
    nodes: Vec<Option<Node>>,
    free: Vec<NodeId>,
    /// How often something got a name.
    age: u64,
    /// What memory there is for it.
    pub space: Space,
}

/// What a node takes of the space: with its places in the lists, which may be twice as long as needed.
const fn cost(name: &str) -> u64 {
    let lists = size_of::<NodeId>() * 2 + size_of::<(u64, NodeId)>();
    (2 * (size_of::<Option<Node>>() + lists) + name.len() + 32) as u64
}

impl Tree {
    /// An empty tree.
    pub fn new(space: Space, now: i64) -> Self {
        let body = Body::Directory(Directory::default());
        let root = Node { name: Box::default(), age: 0, created: now, modified: now, body };
        Self { nodes: alloc::vec![Some(root)], free: Vec::new(), age: 0, space }
    }

    /// A node that exists.
    pub fn get(&self, node: NodeId) -> Result<&Node, Error> {
        self.nodes.get(node as usize).and_then(Option::as_ref).ok_or(Error::NotFound)
    }

    /// As [`Tree::get`], to change it.
    pub fn get_mut(&mut self, node: NodeId) -> Result<&mut Node, Error> {
        self.nodes.get_mut(node as usize).and_then(Option::as_mut).ok_or(Error::NotFound)
    }

    /// A file's content, and the space that it takes from.
    ///
    /// Errors: `IsADirectory`.
    pub fn content(&mut self, node: NodeId) -> Result<(&mut Content, &mut i64, &mut Space), Error> {
        let node = self.nodes.get_mut(node as usize).and_then(Option::as_mut).ok_or(Error::NotFound)?;
        match &mut node.body {
            Body::File(content) => Ok((content, &mut node.modified, &mut self.space)),
            Body::Directory(_) => Err(Error::IsADirectory),
        }
    }

    fn directory(&self, node: NodeId) -> Result<&Directory, Error> {
        match &self.get(node)?.body {
            Body::Directory(directory) => Ok(directory),
            Body::File(_) => Err(Error::NotADirectory),
        }
    }

    fn directory_mut(&mut self, node: NodeId) -> Result<&mut Directory, Error> {
        match &mut self.get_mut(node)?.body {
            Body::Directory(directory) => Ok(directory),
            Body::File(_) => Err(Error::NotADirectory),
        }
    }

    /// Where a name is among those of a directory, or belongs.
    fn place(&self, directory: &Directory, name: &str) -> Result<usize, usize> {
        directory.by_name.binary_search_by(|node| self.get(*node).map_or("", Node::name).cmp(name))
    }

    /// Finds a name in a directory.
    ///
    /// Errors: `NotFound`, `NotADirectory`.
    pub fn lookup(&self, directory: NodeId, name: &str) -> Result<NodeId, Error> {
        let directory = self.directory(directory)?;
        let index = self.place(directory, name).map_err(|_| Error::NotFound)?;
        directory.by_name.get(index).copied().ok_or(Error::NotFound)
    }

    /// The first node in a directory that got its name after `age`, and when.
    ///
    /// Errors: `NotADirectory`.
    pub fn entry(&self, directory: NodeId, age: u64) -> Result<Option<(u64, &Node)>, Error> {
        let entries = &self.directory(directory)?.by_age;
        let index = entries.partition_point(|(other, _)| *other <= age);
        match entries.get(index) {
            Some((age, node)) => Ok(Some((*age, self.get(*node)?))),
            None => Ok(None),
        }
    }

    /// Bytes of all files together.
    pub fn size(&self) -> u64 {
        self.nodes.iter().flatten().map(Node::size).sum()
    }

    /// Makes a node.
    ///
    /// Errors: `AlreadyExists`, `NotADirectory`, `NoSpace`.
    pub fn create(&mut self, directory: NodeId, name: &str, body: Body, now: i64) -> Result<NodeId, Error> {
        if self.place(self.directory(directory)?, name).is_ok() {
            return Err(Error::AlreadyExists);
        }
        let text = text(name)?;
        self.reserve_entry(directory)?;
        self.nodes.try_reserve(1).map_err(no_space)?;
        // There is always room for all nodes among the free ones.
        self.free.try_reserve(self.nodes.len() + 1).map_err(no_space)?;
        self.space.take(cost(name))?;
        let node = Some(Node { name: text, age: 0, created: now, modified: now, body });
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.nodes.get_mut(id as usize) {
                    *place = node;
                }
                id
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as NodeId
            }
        };
        self.link(directory, id, now)?;
        Ok(id)
    }

    /// Removes a file, or an empty directory.
    ///
    /// Errors: `NotFound`, `NotADirectory`, `NotEmpty`.
    pub fn remove(&mut self, directory: NodeId, name: &str, now: i64) -> Result<(), Error> {
        let id = self.lookup(directory, name)?;
        if matches!(&self.get(id)?.body, Body::Directory(inner) if !inner.is_empty()) {
            return Err(Error::NotEmpty);
        }
        self.unlink(directory, id, now)?;
        if let Some(mut node) = self.nodes.get_mut(id as usize).and_then(Option::take) {
            if let Body::File(content) = &mut node.body {
                content.clear(&mut self.space);
            }
            self.space.give(cost(&node.name));
            self.free.push(id);
        }
        Ok(())
    }

    /// Renames or moves a node; a file that has the name is replaced.
    ///
    /// Errors: `NotFound`, `NotADirectory`, `NoSpace`, and `NotEmpty` (of what would be replaced).
    pub fn rename(&mut self, from: (NodeId, &str), to: (NodeId, &str), now: i64) -> Result<NodeId, Error> {
        let id = self.lookup(from.0, from.1)?;
        let text = text(to.1)?;
        self.reserve_entry(to.0)?;
        let (before, after) = (cost(from.1), cost(to.1));
        match self.lookup(to.0, to.1) {
            Ok(target) if target == id => return Ok(id),
            Ok(_) => self.remove(to.0, to.1, now)?,
            // What is replaced had the same name, and takes no less.
            Err(_) if after > before => self.space.take(after - before)?,
            Err(_) => self.space.give(before - after),
        }
        self.unlink(from.0, id, now)?;
        self.get_mut(id)?.name = text;
        self.link(to.0, id, now)?;
        Ok(id)
    }

    /// Makes room for one more entry.
    fn reserve_entry(&mut self, directory: NodeId) -> Result<(), Error> {
        let directory = self.directory_mut(directory)?;
        directory.by_name.try_reserve(1).map_err(no_space)?;
        directory.by_age.try_reserve(1).map_err(no_space)
    }

    /// Enters a node in a directory, where there is room for it and no such name.
    fn link(&mut self, directory: NodeId, id: NodeId, now: i64) -> Result<(), Error> {
        self.age += 1;
        let age = self.age;
        self.get_mut(id)?.age = age;
        let index = match self.place(self.directory(directory)?, self.get(id)?.name()) {
            Ok(index) | Err(index) => index,
        };
        let entries = self.directory_mut(directory)?;
        entries.by_name.insert(index, id);
        entries.by_age.push((age, id));
        self.get_mut(directory)?.modified = now;
        Ok(())
    }

    /// Takes a node out of a directory that it is in.
    fn unlink(&mut self, directory: NodeId, id: NodeId, now: i64) -> Result<(), Error> {
        let node = self.get(id)?;
        let (age, place) = (node.age, self.place(self.directory(directory)?, node.name()));
        let entries = self.directory_mut(directory)?;
        if let Ok(index) = place {
            entries.by_name.remove(index);
        }
        if let Ok(index) = entries.by_age.binary_search_by_key(&age, |(age, _)| *age) {
            entries.by_age.remove(index);
        }
        self.get_mut(directory)?.modified = now;
        Ok(())
    }
}

fn text(name: &str) -> Result<Box<str>, Error> {
    let mut text = String::new();
    text.try_reserve_exact(name.len()).map_err(no_space)?;
    text.push_str(name);
    Ok(text.into_boxed_str())
}

fn no_space(_: alloc::collections::TryReserveError) -> Error {
    Error::NoSpace
}
