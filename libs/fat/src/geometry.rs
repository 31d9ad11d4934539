//! Where things lie on a volume, by its boot sector (the specification, "Boot Sector and BPB").
//!
//! The boot sector is checked once, here; everything else relies on what is found to be consistent: all of it lies on
//! the volume, and the table has an entry for each cluster.

use abi::Error;

use crate::bytes::{get16, get32};

/// Bytes of the boot sector that are looked at.
pub(crate) const BOOT: usize = 512;
/// The number of the first cluster.
pub(crate) const FIRST: u32 = 2;
/// Below this many clusters it is FAT12.
pub(crate) const FAT16_FROM: u64 = 4085;
/// Below this many clusters it is FAT12 or FAT16.
pub(crate) const FAT32_FROM: u64 = 65525;
/// More clusters have no numbers in 28 bits.
pub(crate) const CLUSTERS_MAX: u64 = 0x0fff_fff5;

/// The width of the table's entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// 12 bits: up to 4,084 clusters.
    Fat12,
    /// 16 bits: up to 65,524 clusters.
    Fat16,
    /// 28 bits.
    Fat32,
}

impl Kind {
    /// Its name, as `FAT32`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        }
    }

    /// The bytes of the table up to the end of an entry.
    pub(crate) const fn table_bytes(self, entries: u64) -> u64 {
        match self {
            Self::Fat12 => (entries * 3).div_ceil(2),
            Self::Fat16 => entries * 2,
            Self::Fat32 => entries * 4,
        }
    }
}

/// Where the root directory lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Root {
    /// In front of the clusters: FAT12 and FAT16.
    Fixed { at: u64, size: u64 },
    /// In a chain from this cluster on: FAT32.
    Chain(u32),
}

/// Where things lie: in bytes from the volume's beginning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Geometry {
    pub kind: Kind,
    /// Bytes in a sector.
    pub sector: u32,
    /// Binary logarithm of the bytes in a cluster.
    pub shift: u32,
    /// The first table in use.
    pub table_at: u64,
    /// Bytes from one table to the next.
    pub table_size: u64,
    /// How many tables are kept equal.
    pub tables: u64,
    pub root: Root,
    /// Where cluster 2 lies.
    pub data_at: u64,
    /// How many clusters there are.
    pub clusters: u32,
    /// Where the free clusters are counted, if anywhere.
    pub info_at: Option<u64>,
    /// Where the boot sector has the byte whose bit 0 is set while the volume is in use.
    pub state_at: u64,
}

/// Whether this looks like the boot sector of a FAT volume, consistent or not.
pub(crate) fn is_fat(boot: &[u8]) -> bool {
    let byte = |at| boot.get(at).copied().unwrap_or(0);
    let jump = (byte(0) == 0xeb && byte(2) == 0x90) || byte(0) == 0xe9;
    jump && get16(boot, 510) == 0xaa55
        && matches!(get16(boot, 11), 512 | 1024 | 2048 | 4096)
        && byte(13).is_power_of_two()
        && get16(boot, 14) != 0
        && matches!(byte(16), 1..=4)
        && (byte(21) == 0xf0 || byte(21) >= 0xf8)
}

impl Geometry {
    /// Reads the boot sector of a volume of `size` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::WrongFormat`] if it is none of FAT, [`Error::Damaged`] if it contradicts itself or the volume is
    /// shorter than it says.
    pub fn parse(boot: &[u8; BOOT], size: u64) -> Result<Self, Error> {
        if !is_fat(boot) {
            return Err(Error::WrongFormat);
        }
        let sector = u64::from(get16(boot, 11));
        let either = |short: usize, long: usize| match get16(boot, short) {
            0 => u64::from(get32(boot, long)),
            count => u64::from(count),
        };
        let (total, short_table) = (either(19, 32), u64::from(get16(boot, 22)));
        let table_sectors = either(22, 36);
        let (reserved, tables) = (u64::from(get16(boot, 14)), u64::from(boot[16]));
        let root_size = u64::from(get16(boot, 17)) * 32;
        let root_sector = reserved + tables * table_sectors;
        let data_sector = root_sector + root_size.div_ceil(sector);
        if table_sectors == 0 || data_sector >= total || total * sector > size {
            return Err(Error::Damaged);
        }
        let clusters = (total - data_sector) / u64::from(boot[13]);
        // The kind follows from the number of clusters; but only FAT32 has no short field for the size of the tables, and
        // all systems take small volumes that were made as FAT32 for that.
        let kind = match clusters {
            _ if short_table == 0 => Kind::Fat32,
            ..FAT16_FROM => Kind::Fat12,
            FAT16_FROM..FAT32_FROM => Kind::Fat16,
            _ => return Err(Error::Damaged),
        };
        let entries = clusters + u64::from(FIRST);
        let fits = kind.table_bytes(entries) <= table_sectors * sector;
        if clusters == 0 || clusters > CLUSTERS_MAX || !fits {
            return Err(Error::Damaged);
        }
        let fixed = Root::Fixed { at: root_sector * sector, size: root_size };
        let mut geometry = Self {
            kind,
            sector: sector as u32,
            shift: (sector * u64::from(boot[13])).trailing_zeros(),
            table_at: reserved * sector,
            table_size: table_sectors * sector,
            tables,
            root: fixed,
            data_at: data_sector * sector,
            clusters: clusters as u32,
            info_at: None,
            state_at: 0x25,
        };
        match kind {
            Kind::Fat32 => geometry.long_fields(boot, reserved, root_size)?,
            _ if root_size == 0 => return Err(Error::Damaged),
            _ => {}
        }
        Ok(geometry)
    }

    /// What only FAT32 has.
    fn long_fields(&mut self, boot: &[u8; BOOT], reserved: u64, root_size: u64) -> Result<(), Error> {
        let (flags, version, root) = (get16(boot, 40), get16(boot, 42), get32(boot, 44));
        if version != 0 {
            return Err(Error::WrongFormat);
        }
        if root_size != 0 || !self.is_cluster(root) {
            return Err(Error::Damaged);
        }
        if flags & 0x80 != 0 {
            // Only one of the tables is kept.
            let active = u64::from(flags & 0xf);
            if active >= self.tables {
                return Err(Error::Damaged);
            }
            self.table_at += active * self.table_size;
            self.tables = 1;
        }
        let info = u64::from(get16(boot, 48));
        self.info_at = (1..reserved).contains(&info).then(|| info * u64::from(self.sector));
        self.root = Root::Chain(root);
        self.state_at = 0x41;
        Ok(())
    }

    /// Bytes in a cluster.
    pub fn cluster_size(&self) -> u64 {
        1 << self.shift
    }

    /// Whether there is a cluster with this number.
    pub fn is_cluster(&self, number: u32) -> bool {
        number.wrapping_sub(FIRST) < self.clusters
    }

    /// The number after the last cluster's.
    pub fn end(&self) -> u32 {
        self.clusters + FIRST
    }

    /// Where a cluster lies. It must be one.
    pub fn place(&self, cluster: u32) -> u64 {
        self.data_at + (u64::from(cluster.wrapping_sub(FIRST)) << self.shift)
    }

    /// The cluster that a place lies in, if any.
    pub fn cluster_at(&self, at: u64) -> Option<u32> {
        let number = (at.checked_sub(self.data_at)? >> self.shift).checked_add(u64::from(FIRST))?;
        u32::try_from(number).ok().filter(|number| self.is_cluster(*number))
    }

    /// How many clusters hold so many bytes.
    pub fn clusters_for(&self, size: u64) -> u32 {
        // Sizes are below 4 GiB and clusters have 512 bytes at least.
        size.div_ceil(self.cluster_size()) as u32
    }
}
