//! A mounted volume: mounting, attributes, statistics.

use alloc::string::String;
use alloc::vec::Vec;

use abi::Error;

use crate::bytes::get32;
use crate::commit::{Pending, State};
use crate::geometry::{BOOT, Geometry, Kind as FatKind};
use crate::open::Open;
use crate::slot::{LABEL, LAST, LONG, SLOT, Slot};
use crate::table::Table;
use crate::time::Stamp;
use crate::{Attributes, Class, Kind, Node, Storage, short_name};

/// The signatures of the sector that counts the free clusters (the specification, "FSInfo"), and where they lie.
pub(crate) const INFO_MARKS: [(usize, u32); 3] = [(0, 0x4161_5252), (484, 0x6141_7272), (508, 0xaa55_0000)];
/// Where it has the number of free clusters, and where to look for one.
pub(crate) const INFO_FREE: usize = 488;
pub(crate) const INFO_HINT: usize = 492;

/// How large a volume is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Bytes that files and directories can have.
    pub total: u64,
    /// Bytes of that which are free.
    pub free: u64,
    /// Bytes that are allocated at once.
    pub unit: u32,
    /// Whether nothing can be changed.
    pub read_only: bool,
    /// The format, as `FAT32`.
    pub format: &'static str,
    /// The volume's name, empty if it has none.
    pub label: String,
}

/// A mounted volume.
pub struct Volume<S> {
    pub(crate) storage: S,
    pub(crate) geometry: Geometry,
    pub(crate) read_only: bool,
    pub(crate) table: Table,
    /// Where to look for a free cluster.
    pub(crate) hint: u32,
    /// How many clusters are free, if that is known.
    pub(crate) free: Option<u32>,
    /// They were counted here: it is not only what the medium says.
    pub(crate) is_counted: bool,
    /// What is freed when nothing on the medium points to it any more.
    pub(crate) pending: Vec<Pending>,
    /// Clusters of directories that nothing on the medium points to yet.
    pub(crate) fresh: Vec<u32>,
    pub(crate) state: State,
}

impl<S: Storage> Volume<S> {
    /// Mounts a volume. Reads two or three sectors, whatever its size.
    ///
    /// # Errors
    ///
    /// [`Error::WrongFormat`] if it is none of FAT12, FAT16 and FAT32; [`Error::Damaged`] if it contradicts itself or is
    /// truncated; those of the storage.
    pub fn mount(mut storage: S, read_only: bool) -> Result<Self, Error> {
        let size = storage.size();
        let mut boot = [0; BOOT];
        if size < BOOT as u64 {
            return Err(Error::WrongFormat);
        }
        storage.read(0, &mut boot)?;
        let geometry = Geometry::parse(&boot, size)?;
        let mut volume = Self {
            storage,
            geometry,
            read_only,
            table: Table::default(),
            hint: 0,
            free: None,
            is_counted: false,
            pending: Vec::new(),
            fresh: Vec::new(),
            state: State::default(),
        };
        volume.read_state()?;
        volume.read_info()?;
        Ok(volume)
    }

    /// Takes the number of free clusters from where it is counted, if it can be right.
    fn read_info(&mut self) -> Result<(), Error> {
        let Some(at) = self.geometry.info_at else { return Ok(()) };
        let mut info = [0; 512];
        self.storage.read(at, &mut info)?;
        if INFO_MARKS.iter().any(|(at, mark)| get32(&info, *at) != *mark) {
            self.geometry.info_at = None;
            return Ok(());
        }
        self.hint = get32(&info, INFO_HINT);
        let free = get32(&info, INFO_FREE);
        if free <= self.geometry.clusters && self.was_clean() {
            self.free = Some(free);
        }
        Ok(())
    }

    /// Whether the volume was unmounted properly before this. If not, `fsck.fat` should look at it.
    pub fn was_clean(&self) -> bool {
        !self.state.was_dirty
    }

    /// Whether nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The width of the table's entries.
    pub fn kind(&self) -> FatKind {
        self.geometry.kind
    }

    /// Where the first cluster lies, in bytes: what is stored in clusters is aligned to it.
    pub fn data_at(&self) -> u64 {
        self.geometry.data_at
    }

    /// The storage.
    pub fn storage(&mut self) -> &mut S {
        &mut self.storage
    }

    /// The storage, without the volume. What was not [synced](Volume::sync) is lost.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// What is known of a file or directory.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is no more, those of the storage.
    pub fn attributes(&mut self, node: Node) -> Result<Attributes, Error> {
        if node == Node::ROOT {
            let kind = Kind::Directory;
            return Ok(Attributes { kind, size: 0, modified: 0, created: 0, accessed: 0, read_only: false });
        }
        Ok(self.slot(node)?.attributes())
    }

    /// The directory entry of a node that is not the root.
    pub(crate) fn slot(&mut self, node: Node) -> Result<Slot, Error> {
        let mut slot = Slot([0; SLOT]);
        self.storage.read(node.0, &mut slot.0)?;
        if slot.is_file_or_directory() { Ok(slot.of_kind(self.geometry.kind)) } else { Err(Error::NotFound) }
    }

    /// Writes a directory entry.
    pub(crate) fn put_slot(&mut self, node: Node, slot: &Slot) -> Result<(), Error> {
        let class = self.entry_class(node.0);
        self.storage.write(node.0, &slot.0, class)
    }

    /// What is written to a directory: nothing on the medium points to its new clusters.
    pub(crate) fn entry_class(&self, at: u64) -> Class {
        let fresh = !self.fresh.is_empty()
            && self.geometry.cluster_at(at).is_some_and(|cluster| self.fresh.contains(&cluster));
        if fresh { Class::Data } else { Class::Entry }
    }

    /// Sets when a file or directory was modified last, in milliseconds since 1970. The root has no such time.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::ReadOnly`], those of the storage.
    pub fn set_modified(&mut self, node: Node, modified: i64) -> Result<(), Error> {
        self.begin()?;
        if node == Node::ROOT {
            return Ok(());
        }
        let mut slot = self.slot(node)?;
        slot.set_modified(Stamp::new(modified));
        self.put_slot(node, &slot)
    }

    /// How large the volume is and what it is called. Counts the free clusters if nobody has: that reads the whole table.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn statistics(&mut self) -> Result<Statistics, Error> {
        if !self.pending.is_empty() {
            self.sync()?;
        }
        let free = self.free_clusters()?;
        Ok(Statistics {
            total: u64::from(self.geometry.clusters) << self.geometry.shift,
            free: u64::from(free) << self.geometry.shift,
            unit: 1 << self.geometry.shift,
            read_only: self.read_only,
            format: self.geometry.kind.name(),
            label: self.label()?,
        })
    }

    /// How many clusters are free.
    pub(crate) fn free_clusters(&mut self) -> Result<u32, Error> {
        if let Some(free) = self.free {
            return Ok(free);
        }
        let free = self.table.count_free(&mut self.storage, &self.geometry)?;
        (self.free, self.is_counted) = (Some(free), true);
        Ok(free)
    }

    /// The volume's name: an entry of the root directory.
    fn label(&mut self) -> Result<String, Error> {
        let mut root = Open::root(self.geometry.root);
        for number in 0..crate::directory::SLOTS_MAX {
            let Some(extent) = self.locate(&mut root, u64::from(number) * SLOT as u64, u32::MAX)? else {
                break;
            };
            let mut slot = Slot([0; SLOT]);
            self.storage.read(extent.at, &mut slot.0)?;
            if slot.0[0] == LAST {
                break;
            }
            let bits = slot.attribute_bits();
            if bits & LABEL != 0 && bits & 0x3f != LONG && slot.0[0] != crate::slot::FREE {
                let mut label: String = short_name::label(&slot.name()).collect();
                label.truncate(label.trim_end().len());
                return Ok(label);
            }
        }
        Ok(String::new())
    }
}
