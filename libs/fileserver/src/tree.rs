//! The file system with what is open in it: everything that a path is needed for, and nothing of tasks and handles.

use crate::nodes::{Nodes, Opened};
use crate::path;
use crate::{Attributes, FileSystem, Kind};
use interfaces::fs::{APPEND, CREATE, EXCLUSIVE, READ, TRUNCATE, WRITE};
use ipc::Error;

/// The file system, what is open in it, and the clock.
pub struct Tree<F: FileSystem> {
    pub filesystem: F,
    pub nodes: Nodes<F>,
    pub now: fn() -> i64,
}

/// All flags of `open`.
const FLAGS: u32 = READ | WRITE | CREATE | EXCLUSIVE | TRUNCATE | APPEND;

/// `InvalidArgument` unless the flags of `open` make sense together.
pub fn check_flags(flags: u32) -> Result<(), Error> {
    let needs = |flag, other| flags & flag == 0 || flags & other != 0;
    let is_sound = flags & !FLAGS == 0
        && flags & (READ | WRITE) != 0
        && needs(EXCLUSIVE, CREATE)
        && needs(TRUNCATE, WRITE)
        && needs(APPEND, WRITE);
    if is_sound { Ok(()) } else { Err(Error::InvalidArgument) }
}

impl<F: FileSystem> Tree<F> {
    /// The node with this path.
    pub fn find(&mut self, path: &str) -> Result<F::Node, Error> {
        self.walk(path, |_| Ok(()))
    }

    /// As [`Tree::find`]; `visit` sees each directory on the way, the last node too.
    fn walk(
        &mut self,
        path: &str,
        mut visit: impl FnMut(F::Node) -> Result<(), Error>,
    ) -> Result<F::Node, Error> {
        let mut node = self.filesystem.root();
        visit(node)?;
        for name in path::names(path) {
            node = self.filesystem.lookup(node, name?)?;
            visit(node)?;
        }
        Ok(node)
    }

    /// What is known of a node.
    pub fn attributes(&mut self, node: F::Node) -> Result<Attributes, Error> {
        match self.nodes.find(node) {
            Some(place) => self.filesystem.open_attributes(&self.nodes.get(place)?.open),
            None => self.filesystem.attributes(node),
        }
    }

    /// Opens what has this path, or makes a file. Its place, for a handle.
    pub fn open(&mut self, path: &str, flags: u32) -> Result<u16, Error> {
        // What is made now could be lost if it could not be opened.
        self.nodes.reserve()?;
        if flags & CREATE == 0 {
            let node = self.find(path)?;
            return self.open_node(node, flags);
        }
        let Some((directory, name)) = path::split(path)? else {
            return Err(if flags & EXCLUSIVE != 0 { Error::AlreadyExists } else { Error::IsADirectory });
        };
        let directory = self.find(directory)?;
        match self.filesystem.lookup(directory, name) {
            Ok(_) if flags & EXCLUSIVE != 0 => Err(Error::AlreadyExists),
            Ok(node) => self.open_node(node, flags),
            Err(Error::NotFound) => {
                let node = self.filesystem.create(directory, name, Kind::File, (self.now)())?;
                self.open_node(node, flags & !TRUNCATE)
            }
            Err(error) => Err(error),
        }
    }

    fn open_node(&mut self, node: F::Node, flags: u32) -> Result<u16, Error> {
        let found = self.nodes.find(node);
        // Whether it can be changed matters only to whoever wants to.
        let kind = match found {
            Some(place) if flags & WRITE == 0 => self.nodes.get(place)?.kind,
            _ => {
                let attributes = self.attributes(node)?;
                if flags & WRITE != 0 && attributes.kind == Kind::File && attributes.read_only {
                    return Err(Error::ReadOnly);
                }
                attributes.kind
            }
        };
        if kind == Kind::Directory && flags != READ {
            return Err(Error::IsADirectory);
        }
        let place = match found {
            Some(place) => place,
            None => {
                let open = self.filesystem.open(node)?;
                self.nodes.insert(node, open, kind)?
            }
        };
        if flags & TRUNCATE != 0
            && let Err(error) = self.resize(place, 0)
        {
            if found.is_none() {
                self.close(place);
            }
            return Err(error);
        }
        Ok(place)
    }

    /// A handle of the node at a place is closed, or there is none; with the last one, the node is.
    pub fn close(&mut self, place: u16) {
        if let Some(opened) = self.nodes.remove_handle(place) {
            self.filesystem.close(opened.open);
        }
    }

    /// Sets the size of an open file.
    pub fn resize(&mut self, place: u16, size: u64) -> Result<(), Error> {
        let opened = self.nodes.get(place)?;
        note_change(opened);
        self.filesystem.resize(&mut opened.open, size, (self.now)())
    }

    /// Has everything stored that the file system knows only of open nodes.
    pub fn flush(&mut self) -> Result<(), Error> {
        for opened in self.nodes.iter_mut() {
            flush(&mut self.filesystem, opened)?;
        }
        Ok(())
    }

    /// Returns when everything is on the medium.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.filesystem.sync()
    }

    /// The directory and the name of what has this path; `root` if it is the root.
    fn parent<'p>(&mut self, path: &'p str, root: Error) -> Result<(F::Node, &'p str), Error> {
        let (directory, name) = path::split(path)?.ok_or(root)?;
        Ok((self.find(directory)?, name))
    }

    /// Makes a directory.
    pub fn make_directory(&mut self, path: &str) -> Result<(), Error> {
        let (directory, name) = self.parent(path, Error::AlreadyExists)?;
        self.filesystem.create(directory, name, Kind::Directory, (self.now)()).map(drop)
    }

    /// Removes a file or a directory, whichever it has to be.
    pub fn remove(&mut self, path: &str, kind: Kind) -> Result<(), Error> {
        let root = if kind == Kind::File { Error::IsADirectory } else { Error::Busy };
        let (directory, name) = self.parent(path, root)?;
        let node = self.filesystem.lookup(directory, name)?;
        let attributes = self.attributes(node)?;
        match (attributes.kind, kind) {
            (Kind::Directory, Kind::File) => return Err(Error::IsADirectory),
            (Kind::File, Kind::Directory) => return Err(Error::NotADirectory),
            _ => self.check_removable(node, &attributes)?,
        }
        self.filesystem.remove(directory, name)
    }

    /// Nobody has it open, and it may go.
    fn check_removable(&self, node: F::Node, attributes: &Attributes) -> Result<(), Error> {
        match attributes {
            _ if self.nodes.find(node).is_some() => Err(Error::Busy),
            Attributes { kind: Kind::File, read_only: true, .. } => Err(Error::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Renames or moves.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (from_directory, from_name) = self.parent(from, Error::Busy)?;
        let node = self.filesystem.lookup(from_directory, from_name)?;
        let kind = self.attributes(node)?.kind;
        let (to_directory, to_name) = path::split(to)?.ok_or(Error::Busy)?;
        let into_itself = |visited| if visited == node { Err(Error::InvalidArgument) } else { Ok(()) };
        let to_directory = match kind {
            Kind::Directory => self.walk(to_directory, into_itself)?,
            Kind::File => self.find(to_directory)?,
        };
        match self.filesystem.lookup(to_directory, to_name) {
            Ok(target) if target == node => {}
            Ok(target) => {
                let attributes = self.attributes(target)?;
                if (kind, attributes.kind) != (Kind::File, Kind::File) {
                    return Err(Error::AlreadyExists);
                }
                self.check_removable(target, &attributes)?;
            }
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        let place = self.nodes.find(node);
        if let Some(place) = place {
            flush(&mut self.filesystem, self.nodes.get(place)?)?;
        }
        let now = (self.now)();
        let moved = self.filesystem.rename((from_directory, from_name), (to_directory, to_name), now)?;
        if let Some(place) = place {
            self.filesystem.moved(&mut self.nodes.get(place)?.open, moved);
            self.nodes.rename(place, moved);
        }
        Ok(())
    }

    /// Sets when something was modified last.
    pub fn set_modified(&mut self, path: &str, modified: i64) -> Result<(), Error> {
        let node = self.find(path)?;
        let attributes = self.attributes(node)?;
        if attributes.kind == Kind::File && attributes.read_only {
            return Err(Error::ReadOnly);
        }
        if let Some(place) = self.nodes.find(node) {
            flush(&mut self.filesystem, self.nodes.get(place)?)?;
        }
        let modified = if modified == 0 { (self.now)() } else { modified };
        self.filesystem.set_modified(node, modified)
    }
}

/// An open file is being changed.
#[inline]
pub fn note_change<F: FileSystem>(opened: &mut Opened<F>) {
    opened.is_changed = true;
    opened.map = None;
}

/// Has everything stored that the file system knows only of one open node.
fn flush<F: FileSystem>(filesystem: &mut F, opened: &mut Opened<F>) -> Result<(), Error> {
    if opened.is_changed {
        filesystem.flush(&mut opened.open)?;
        opened.is_changed = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for flags in [READ, WRITE, READ | CREATE, WRITE | CREATE | EXCLUSIVE | TRUNCATE | APPEND] {
            assert_eq!(check_flags(flags), Ok(()), "{flags:#x}");
        }
        for flags in [0, CREATE, READ | 64, READ | EXCLUSIVE, READ | TRUNCATE, READ | APPEND] {
            assert_eq!(check_flags(flags), Err(Error::InvalidArgument), "{flags:#x}");
        }
    }
}
