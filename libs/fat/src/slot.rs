//! The 32 bytes of a directory entry that says where a file lies (the specification, "Directory Structure").

use crate::bytes::{get16, get32, put, put16, put32};
use crate::geometry::Kind as FatKind;
use crate::time::Stamp;
use crate::{Attributes, Kind};

/// Bytes of an entry.
pub(crate) const SLOT: usize = 32;

/// Bits of the attribute byte.
pub(crate) const READ_ONLY: u8 = 0x01;
pub(crate) const LABEL: u8 = 0x08;
pub(crate) const DIRECTORY: u8 = 0x10;
pub(crate) const ARCHIVE: u8 = 0x20;
/// All of these: a part of a long name.
pub(crate) const LONG: u8 = 0x0f;

/// First bytes of a name: no more entries; a free entry.
pub(crate) const LAST: u8 = 0;
pub(crate) const FREE: u8 = 0xe5;

/// Where the attributes, the lower case bits and the times of the creation lie.
pub(crate) const ATTRIBUTES_AT: usize = 11;
pub(crate) const CASE_AT: usize = 12;
const CREATED_AT: usize = 13;
/// Where the upper half of the first cluster lies.
const FIRST_HIGH_AT: usize = 20;

/// An entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot(pub [u8; SLOT]);

impl Slot {
    /// An entry with this name (11 bytes) that nothing lies behind.
    pub fn new(name: &[u8; 11], case: u8, attributes: u8, now: i64) -> Self {
        let mut slot = Self([0; SLOT]);
        put(&mut slot.0, 0, name);
        slot.0[ATTRIBUTES_AT] = attributes;
        slot.0[CASE_AT] = case;
        let stamp = Stamp::new(now);
        slot.0[CREATED_AT] = stamp.hundredths;
        put16(&mut slot.0, 14, stamp.time);
        put16(&mut slot.0, 16, stamp.date);
        slot.set_modified(stamp);
        slot
    }

    /// The eleven bytes of its name.
    pub fn name(&self) -> [u8; 11] {
        core::array::from_fn(|index| self.0[index])
    }

    pub fn attribute_bits(&self) -> u8 {
        self.0[ATTRIBUTES_AT]
    }

    pub fn is_directory(&self) -> bool {
        self.attribute_bits() & DIRECTORY != 0
    }

    /// `.` or `..`.
    pub fn is_dots(&self) -> bool {
        let name = self.name();
        name == *b".          " || name == *b"..         "
    }

    /// Neither free nor a label nor a part of a long name.
    pub fn is_file_or_directory(&self) -> bool {
        !matches!(self.0[0], LAST | FREE) && self.attribute_bits() & LABEL == 0
    }

    /// As it is to be read in a table of this kind: only FAT32 has the upper half of the first cluster, elsewhere other systems
    /// have something else there.
    pub fn of_kind(mut self, kind: FatKind) -> Self {
        if kind != FatKind::Fat32 {
            put16(&mut self.0, FIRST_HIGH_AT, 0);
        }
        self
    }

    /// The first cluster; 0 if there is none.
    pub fn first(&self) -> u32 {
        u32::from(get16(&self.0, FIRST_HIGH_AT)) << 16 | u32::from(get16(&self.0, 26))
    }

    pub fn set_first(&mut self, cluster: u32) {
        put16(&mut self.0, FIRST_HIGH_AT, (cluster >> 16) as u16);
        put16(&mut self.0, 26, cluster as u16);
    }

    pub fn size(&self) -> u32 {
        get32(&self.0, 28)
    }

    pub fn set_size(&mut self, size: u32) {
        put32(&mut self.0, 28, size);
    }

    /// Date in the upper half, time in the lower.
    pub fn modified(&self) -> Stamp {
        Stamp { date: get16(&self.0, 24), time: get16(&self.0, 22), hundredths: 0 }
    }

    /// Also the day of the last access.
    pub fn set_modified(&mut self, stamp: Stamp) {
        put16(&mut self.0, 18, stamp.date);
        put16(&mut self.0, 22, stamp.time);
        put16(&mut self.0, 24, stamp.date);
    }

    pub fn attributes(&self) -> Attributes {
        let created =
            Stamp { date: get16(&self.0, 16), time: get16(&self.0, 14), hundredths: self.0[CREATED_AT] };
        let accessed = Stamp { date: get16(&self.0, 18), ..Stamp::default() };
        let kind = if self.is_directory() { Kind::Directory } else { Kind::File };
        Attributes {
            kind,
            size: if kind == Kind::File { self.size().into() } else { 0 },
            modified: self.modified().milliseconds(),
            created: created.milliseconds(),
            accessed: accessed.milliseconds(),
            read_only: self.attribute_bits() & READ_ONLY != 0,
        }
    }
}
