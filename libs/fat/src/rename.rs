//! Renaming and moving.
//!
//! A sector is written whole or not at all. So if everything lies in one sector, the change is in one piece. Otherwise the
//! new entry is put on the medium before the old one is taken away; in between both name the same clusters.

use alloc::string::String;

use abi::Error;

use crate::directory::{Item, Walk};
use crate::long_name;
use crate::open::Open;
use crate::slot::{READ_ONLY, SLOT, Slot};
use crate::{Class, Node, Storage, Volume};

/// Most directories in each other.
const DEPTH_MAX: usize = 4096;
/// What is written whole or not at all.
const SECTOR: u64 = 512;

impl<S: Storage> Volume<S> {
    /// Renames a file or directory, or moves it to another directory. A file takes the place of another file, whose name keeps its
    /// case. The node that it has from now on. Nobody may have open what is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::AlreadyExists`] (a directory, or for a directory), [`Error::InvalidArgument`] (a directory
    /// into itself), and those of [`create`](Volume::create).
    pub fn rename(&mut self, from: (Node, &str), to: (Node, &str), _now: i64) -> Result<Node, Error> {
        self.begin()?;
        long_name::check(to.1)?;
        let mut old = self.open_directory(from.0)?;
        let mut new = self.open_directory(to.0)?;
        let (item, is_same) = self.named(&mut old, from.1, to.1)?;
        if is_same && from.0 == to.0 {
            return Ok(item.node);
        }
        if item.slot.is_directory() && self.is_within(&new, item.slot.first())? {
            return Err(Error::InvalidArgument);
        }
        match self.vacancy(&mut new, to.1, Some(&item))? {
            Err(target) => self.replace(&mut old, &item, &target),
            Ok(vacancy) => {
                let mut slot = item.slot;
                slot.0[..11].copy_from_slice(&vacancy.short);
                slot.0[crate::slot::CASE_AT] = vacancy.case;
                let node = self.insert(&mut new, &vacancy, to.1, &slot)?;
                let parent = (item.slot.is_directory() && from.0 != to.0).then(|| self.parent_cluster(&new));
                let first = vacancy.first(&mut *self, &mut new)?;
                self.take_away(&mut old, &item, &[first, node.0], parent)?;
                Ok(node)
            }
        }
    }

    /// The item with a name, and whether it is also exactly called `other`.
    fn named(&mut self, directory: &mut Open, name: &str, other: &str) -> Result<(Item, bool), Error> {
        let mut walk = Walk::new(0);
        while let Some(item) = walk.next(self, directory)? {
            if walk.is_named(&item, name) {
                let mut stored = String::new();
                walk.name(&item, &mut stored);
                return Ok((item, stored == other));
            }
            walk.done();
        }
        Err(Error::NotFound)
    }

    /// Puts a file in the place of another.
    fn replace(&mut self, old: &mut Open, item: &Item, target: &Item) -> Result<Node, Error> {
        if item.slot.is_directory() || target.slot.is_directory() {
            return Err(Error::AlreadyExists);
        }
        if target.slot.attribute_bits() & READ_ONLY != 0 {
            return Err(Error::ReadOnly);
        }
        let mut slot = item.slot;
        slot.0[..11].copy_from_slice(&target.slot.name());
        slot.0[crate::slot::CASE_AT] = target.slot.0[crate::slot::CASE_AT];
        self.put_slot(target.node, &slot)?;
        // One that shares its clusters with the other, as after a power cut, has none of its own.
        if target.slot.first() != item.slot.first() {
            self.free_later(&target.slot);
        }
        self.take_away(old, item, &[target.node.0], None)?;
        Ok(target.node)
    }

    /// Removes the old entries of an item whose new ones were put to the places `new`. `parent` is what the `..` of a
    /// directory is set to.
    fn take_away(
        &mut self,
        old: &mut Open,
        item: &Item,
        new: &[u64],
        parent: Option<u32>,
    ) -> Result<(), Error> {
        let sector = item.node.0 / SECTOR;
        let start = self.entry_place(old, item.start)?.ok_or(Error::Damaged)?;
        let together = new.iter().chain([&start]).all(|at| at / SECTOR == sector);
        if together && parent.is_none() {
            return self.erase(old, item);
        }
        self.sync()?;
        self.begin()?;
        if let Some(parent) = parent {
            self.set_parent(item.slot.first(), parent)?;
        }
        self.erase(old, item)?;
        // Nothing else is held back, and nobody should ever find the same clusters under two names.
        self.storage.write_out(Class::Entry)
    }

    /// Sets the `..` of a directory.
    fn set_parent(&mut self, first: u32, parent: u32) -> Result<(), Error> {
        let (node, mut slot) = self.dots(first)?;
        slot.set_first(parent);
        self.put_slot(node, &slot)
    }

    /// The `..` of a directory.
    fn dots(&mut self, first: u32) -> Result<(Node, Slot), Error> {
        if !self.geometry.is_cluster(first) {
            return Err(Error::Damaged);
        }
        let node = Node(self.geometry.place(first) + SLOT as u64);
        let slot = self.slot(node)?;
        if slot.is_dots() && slot.is_directory() { Ok((node, slot)) } else { Err(Error::Damaged) }
    }

    /// Whether a directory is the one with this first cluster, or lies in it.
    fn is_within(&mut self, directory: &Open, first: u32) -> Result<bool, Error> {
        let mut cluster = self.parent_cluster(directory);
        for _ in 0..DEPTH_MAX {
            if cluster == 0 || cluster == first {
                return Ok(cluster == first);
            }
            cluster = self.dots(cluster)?.1.first();
        }
        Err(Error::Damaged)
    }
}
