//! Reading directories: names, one after the other, and the search for one.

use alloc::string::String;

use abi::Error;

use crate::long_name::{self, LongName};
use crate::open::Open;
use crate::short_name;
use crate::slot::{FREE, LABEL, LAST, LONG, SLOT, Slot};
use crate::{Entry, Kind, Node, Storage, Volume};

/// Most entries of a directory (the specification allows 2 MiB).
pub(crate) const SLOTS_MAX: u32 = 65536;
/// Bytes that are read at once: no sector is smaller, and each place in a directory is in one.
const BLOCK: usize = 512;
const SLOTS_IN_BLOCK: u32 = (BLOCK / SLOT) as u32;

/// What a directory says of a file or directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Number in the directory of the first of its entries, which has a part of the long name if there is one.
    pub start: u32,
    /// Number of the last one.
    pub short: u32,
    /// That entry's place.
    pub node: Node,
    pub slot: Slot,
}

/// A walk through a directory.
pub(crate) struct Walk {
    /// The number of the next entry.
    pub position: u32,
    block: [u8; BLOCK],
    /// Where the block lies, and the number of its first entry.
    at: u64,
    first: u32,
    valid: bool,
    long: LongName,
    /// Number of the first entry of the long name that is being read.
    long_start: u32,
    /// How many free entries in a row are looked for, and where they begin.
    pub wanted: u32,
    pub place: Option<u32>,
    /// Free entries up to here: the first, and how many.
    gap: (u32, u32),
}

impl Walk {
    /// A walk from an entry on.
    pub fn new(position: u32) -> Self {
        Self {
            position,
            block: [0; BLOCK],
            at: 0,
            first: 0,
            valid: false,
            long: LongName::new(),
            long_start: 0,
            wanted: 0,
            place: None,
            gap: (position, 0),
        }
    }

    /// The next file or directory, `.` and `..` not among them. Nothing at the directory's end, which `position` then is.
    pub fn next<S: Storage>(
        &mut self,
        volume: &mut Volume<S>,
        open: &mut Open,
    ) -> Result<Option<Item>, Error> {
        while let Some((at, slot)) = self.slot(volume, open)? {
            let number = self.position;
            if slot.0[0] == LAST {
                break;
            }
            self.position += 1;
            if slot.0[0] == FREE {
                self.long.clear();
                self.free(number);
                continue;
            }
            if slot.attribute_bits() & 0x3f == LONG {
                if slot.0[0] & 0x40 != 0 {
                    self.long_start = number;
                }
                self.long.push(&slot);
                continue;
            }
            let whole = self.long.of(&slot.name()).is_some();
            if slot.attribute_bits() & LABEL != 0 || slot.is_dots() {
                self.long.clear();
                continue;
            }
            let start = if whole { self.long_start } else { number };
            let slot = slot.of_kind(volume.geometry.kind);
            return Ok(Some(Item { start, short: number, node: Node(at), slot }));
        }
        Ok(None)
    }

    /// Whether the item that was just returned has this name, long or short.
    pub fn is_named(&self, item: &Item, name: &str) -> bool {
        let long = self.long.of(&item.slot.name());
        long.is_some_and(|units| long_name::same(long_name::characters(units), name.chars()))
            || long_name::same(short_name::characters(&item.slot), name.chars())
    }

    /// What a short name would be that is the same as the long name of the item that was just returned.
    pub fn long_as_short(&self, item: &Item) -> Option<[u8; 11]> {
        let units = self.long.of(&item.slot.name()).filter(|units| units.len() <= short_name::LONGEST)?;
        let name: String = long_name::characters(units).collect();
        short_name::exactly(&name)
    }

    /// Puts the name of the item that was just returned into `name`.
    pub fn name(&self, item: &Item, name: &mut String) {
        name.clear();
        match self.long.of(&item.slot.name()) {
            Some(units) => name.extend(long_name::characters(units)),
            None => name.extend(short_name::characters(&item.slot)),
        }
    }

    /// Forgets the long name: to be called after each item that is done with.
    pub fn done(&mut self) {
        self.long.clear();
    }

    /// At the directory's end: where `wanted` entries can be put, some of them perhaps behind the end.
    pub fn room(&self) -> u32 {
        let at_end = if self.gap.0 + self.gap.1 == self.position { self.gap.0 } else { self.position };
        self.place.unwrap_or(at_end)
    }

    fn free(&mut self, number: u32) {
        self.gap = if self.gap.0 + self.gap.1 == number { (self.gap.0, self.gap.1 + 1) } else { (number, 1) };
        if self.place.is_none() && self.wanted > 0 && self.gap.1 >= self.wanted {
            self.place = Some(self.gap.0);
        }
    }

    /// The entry at `position` and its place, unless the directory has no room for more.
    fn slot<S: Storage>(
        &mut self,
        volume: &mut Volume<S>,
        open: &mut Open,
    ) -> Result<Option<(u64, Slot)>, Error> {
        if !self.valid || self.position.wrapping_sub(self.first) >= SLOTS_IN_BLOCK {
            if self.position >= SLOTS_MAX {
                return if self.at_limit(volume, open)? { Ok(None) } else { Err(Error::Damaged) };
            }
            let Some(extent) = volume.locate(open, u64::from(self.position) * SLOT as u64, u32::MAX)? else {
                return Ok(None);
            };
            self.at = extent.at - extent.at % BLOCK as u64;
            self.first = self.position - ((extent.at - self.at) / SLOT as u64) as u32;
            volume.storage.read(self.at, &mut self.block)?;
            self.valid = true;
        }
        let index = (self.position - self.first) as usize * SLOT;
        // The index is that of an entry in the block.
        let slot = self.block.get(index..).and_then(|rest| rest.first_chunk()).ok_or(Error::Damaged)?;
        let slot = Slot(*slot);
        Ok(Some((self.at + index as u64, slot)))
    }

    /// Whether the directory has no clusters beyond the most that there may be.
    fn at_limit<S: Storage>(&self, volume: &mut Volume<S>, open: &mut Open) -> Result<bool, Error> {
        Ok(volume.locate(open, u64::from(SLOTS_MAX) * SLOT as u64, u32::MAX)?.is_none())
    }
}

impl<S: Storage> Volume<S> {
    /// The root directory.
    pub fn root(&self) -> Node {
        Node::ROOT
    }

    /// The file or directory with this name, in any case, long or short.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotADirectory`] if `directory` is a file, [`Error::Damaged`], those of the storage.
    pub fn lookup(&mut self, directory: Node, name: &str) -> Result<Node, Error> {
        let mut directory = self.open_directory(directory)?;
        self.find(&mut directory, name)?.map(|item| item.node).ok_or(Error::NotFound)
    }

    /// The first file or directory at `position` of a directory or behind it, and the position after it; nothing if there
    /// is no more. The first position is 0. Positions stay those of their entries whatever else is made or removed.
    ///
    /// # Errors
    ///
    /// [`Error::NotADirectory`], [`Error::Damaged`], those of the storage.
    pub fn entry(
        &mut self,
        directory: &mut Open,
        position: u64,
        name: &mut String,
    ) -> Result<Option<(u64, Entry)>, Error> {
        if directory.kind != Kind::Directory {
            return Err(Error::NotADirectory);
        }
        let Ok(position) = u32::try_from(position) else { return Ok(None) };
        let mut walk = Walk::new(position);
        let Some(item) = walk.next(self, directory)? else { return Ok(None) };
        walk.name(&item, name);
        let entry = Entry { node: item.node, attributes: item.slot.attributes() };
        Ok(Some((walk.position.into(), entry)))
    }

    /// Opens what must be a directory.
    pub(crate) fn open_directory(&mut self, node: Node) -> Result<Open, Error> {
        let open = self.open(node)?;
        if open.kind == Kind::Directory { Ok(open) } else { Err(Error::NotADirectory) }
    }

    /// The item with this name.
    pub(crate) fn find(&mut self, directory: &mut Open, name: &str) -> Result<Option<Item>, Error> {
        let mut walk = Walk::new(0);
        while let Some(item) = walk.next(self, directory)? {
            if walk.is_named(&item, name) {
                return Ok(Some(item));
            }
            walk.done();
        }
        Ok(None)
    }
}
