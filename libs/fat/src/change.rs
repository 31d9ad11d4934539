//! Making and removing files and directories.

use abi::Error;

use crate::commit::Pending;
use crate::directory::{Item, Walk};
use crate::geometry::Root;
use crate::open::Open;
use crate::slot::{ARCHIVE, ATTRIBUTES_AT, DIRECTORY, READ_ONLY, Slot};
use crate::{Kind, Node, Storage, Volume};

impl<S: Storage> Volume<S> {
    /// Makes an empty file or directory. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`], [`Error::BadName`] (empty, more than 255 UTF-16 units, a character of `"*/:<>?\|`, a control
    /// character, a dot or space at the end), [`Error::NoSpace`] (also in the root directory of FAT12 and FAT16, which
    /// has room for a fixed number), [`Error::NotADirectory`], [`Error::ReadOnly`], [`Error::Damaged`], those of the storage.
    pub fn create(&mut self, directory: Node, name: &str, kind: Kind, now: i64) -> Result<Node, Error> {
        self.begin()?;
        let mut directory = self.open_directory(directory)?;
        let Ok(vacancy) = self.vacancy(&mut directory, name, None)? else { return Err(Error::AlreadyExists) };
        let bits = if kind == Kind::Directory { DIRECTORY } else { ARCHIVE };
        let mut slot = Slot::new(&vacancy.short, vacancy.case, bits, now);
        if kind == Kind::Directory {
            slot.set_first(self.new_directory(&directory, now)?);
        }
        let result = self.insert(&mut directory, &vacancy, name, &slot);
        if result.is_err() && self.geometry.is_cluster(slot.first()) {
            self.pending.push(Pending::Chain(slot.first()));
        }
        result
    }

    /// The cluster of a new directory, with `.` and `..`.
    fn new_directory(&mut self, parent: &Open, now: i64) -> Result<u32, Error> {
        let cluster = self.new_cluster(self.hint)?;
        let at = self.geometry.place(cluster);
        let mut dot = Slot::new(b".          ", 0, DIRECTORY, now);
        dot.set_first(cluster);
        self.put_slot(Node(at), &dot)?;
        let mut dots = Slot::new(b"..         ", 0, DIRECTORY, now);
        dots.set_first(self.parent_cluster(parent));
        self.put_slot(Node(at + dot.0.len() as u64), &dots)?;
        Ok(cluster)
    }

    /// What the `..` of a directory's children says: 0 for the root.
    pub(crate) fn parent_cluster(&self, parent: &Open) -> u32 {
        if self.geometry.root == Root::Chain(parent.first) { 0 } else { parent.first }
    }

    /// Removes a file or an empty directory. Nobody may have it open. Its space is free after the next commit.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotEmpty`], [`Error::ReadOnly`] (also if its attributes say so),
    /// [`Error::NotADirectory`], [`Error::Damaged`], those of the storage.
    pub fn remove(&mut self, directory: Node, name: &str) -> Result<(), Error> {
        self.begin()?;
        let mut directory = self.open_directory(directory)?;
        let item = self.find(&mut directory, name)?.ok_or(Error::NotFound)?;
        if item.slot.attribute_bits() & READ_ONLY != 0 {
            return Err(Error::ReadOnly);
        }
        if item.slot.is_directory() && !self.is_empty(&item)? {
            return Err(Error::NotEmpty);
        }
        self.erase(&mut directory, &item)?;
        self.free_later(&item.slot);
        Ok(())
    }

    /// Whether a directory has nothing in it.
    fn is_empty(&mut self, item: &Item) -> Result<bool, Error> {
        let mut open = self.open(item.node)?;
        Ok(Walk::new(0).next(self, &mut open)?.is_none())
    }

    /// Frees the clusters of an entry when it is gone from the medium.
    pub(crate) fn free_later(&mut self, slot: &Slot) {
        // The root's chain is nobody else's, whatever an entry says.
        if self.geometry.is_cluster(slot.first()) && self.geometry.root != Root::Chain(slot.first()) {
            self.pending.push(Pending::Chain(slot.first()));
        }
    }

    /// Sets whether a file must not be written or removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::ReadOnly`] (the volume), [`Error::InvalidArgument`] (the root), those of the storage.
    pub fn set_read_only(&mut self, node: Node, read_only: bool) -> Result<(), Error> {
        self.begin()?;
        if node == Node::ROOT {
            return Err(Error::InvalidArgument);
        }
        let mut slot = self.slot(node)?;
        let bits = slot.attribute_bits() & !READ_ONLY;
        slot.0[ATTRIBUTES_AT] = bits | if read_only { READ_ONLY } else { 0 };
        self.put_slot(node, &slot)
    }
}
