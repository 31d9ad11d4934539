//! Making an empty volume.

use abi::Error;

use crate::bytes::{put, put16, put32};
use crate::geometry::{BOOT, FAT16_FROM, FAT32_FROM, FIRST, Geometry, Kind, Root};
use crate::slot::{LABEL, Slot};
use crate::table::{Link, Table};
use crate::volume::{INFO_FREE, INFO_HINT, INFO_MARKS};
use crate::{Class, Storage};

/// Bytes of the root directory of FAT12 and FAT16: 512 entries.
const ROOT_SIZE: u64 = 512 * 32;
/// Reserved sectors, and where among them FAT32 keeps what else it has.
const RESERVED_FAT32: u64 = 32;
const INFO: u64 = 1;
const BACKUP: u64 = 6;
const TABLES: u64 = 2;
const MEDIA: u8 = 0xf8;

/// What a new volume is to be.
#[derive(Clone, Debug)]
pub struct Format<'a> {
    /// The width of the table's entries; without, what suits the size.
    pub kind: Option<Kind>,
    /// Bytes in a cluster, a power of two; without, what suits the size.
    pub cluster: Option<u32>,
    /// Bytes in a sector: 512, 1024, 2048 or 4096.
    pub sector: u32,
    /// The volume's name: up to 11 characters of ASCII, stored in upper case; empty for none.
    pub label: &'a str,
    /// The volume's serial number.
    pub serial: u32,
    /// When it is made, in milliseconds since 1970; 0 if unknown.
    pub now: i64,
}

impl Default for Format<'_> {
    /// What suits the size, without a name.
    fn default() -> Self {
        Self { kind: None, cluster: None, sector: 512, label: "", serial: 0x5265_7361, now: 0 }
    }
}

/// How a volume is laid out, in sectors.
struct Layout {
    kind: Kind,
    total: u64,
    reserved: u64,
    table: u64,
    /// Sectors in a cluster.
    cluster: u64,
}

/// Makes an empty volume on the whole storage; what was on it is lost.
///
/// # Errors
///
/// [`Error::InvalidArgument`] if no volume like this has this size, or the sectors or clusters are none that there are;
/// [`Error::BadName`] (the label); those of the storage.
pub fn format<S: Storage>(storage: &mut S, wanted: &Format<'_>) -> Result<(), Error> {
    let label = label(wanted.label)?;
    let layout = layout(storage.size(), wanted)?;
    let boot = boot(&layout, wanted, &label);
    // Whoever reads it finds what was meant.
    let geometry = Geometry::parse(&boot, storage.size()).map_err(|_| Error::InvalidArgument)?;
    let enough = geometry.kind != Kind::Fat32 || u64::from(geometry.clusters) >= FAT32_FROM;
    if geometry.kind != layout.kind || !enough {
        return Err(Error::InvalidArgument);
    }
    let start = match geometry.root {
        Root::Fixed { .. } => geometry.data_at,
        Root::Chain(_) => geometry.data_at + geometry.cluster_size(),
    };
    zero(storage, start)?;
    let mut table = Table::default();
    table.set_value(storage, &geometry, 0, 0x0fff_ff00 | u32::from(MEDIA))?;
    table.set_value(storage, &geometry, 1, 0x0fff_ffff)?;
    let mut root_at = geometry.data_at;
    match geometry.root {
        Root::Fixed { at, .. } => root_at = at,
        Root::Chain(root) => table.set(storage, &geometry, root, Link::End)?,
    }
    table.flush(storage, &geometry)?;
    if label != NO_LABEL {
        storage.write(root_at, &Slot::new(&label, 0, LABEL, wanted.now).0, Class::Entry)?;
    }
    if geometry.kind == Kind::Fat32 {
        let sector = u64::from(wanted.sector);
        let info = info(geometry.clusters - 1);
        for at in [INFO, BACKUP + INFO] {
            storage.write(at * sector, &info, Class::Table)?;
        }
        storage.write(BACKUP * sector, &boot, Class::Table)?;
    }
    storage.write(0, &boot, Class::Table)?;
    [Class::Data, Class::Table, Class::Entry].into_iter().try_for_each(|class| storage.write_out(class))
}

/// What a volume without a name has.
const NO_LABEL: [u8; 11] = *b"NO NAME    ";

fn label(text: &str) -> Result<[u8; 11], Error> {
    let mut label = [b' '; 11];
    let possible =
        |character: char| character.is_ascii_graphic() && !"\"*+,./:;<=>?[\\]|".contains(character);
    if text.is_empty() {
        return Ok(NO_LABEL);
    }
    if text.len() > label.len()
        || text.starts_with(' ')
        || !text.chars().all(|one| one == ' ' || possible(one))
    {
        return Err(Error::BadName);
    }
    put(&mut label, 0, text.as_bytes());
    label.make_ascii_uppercase();
    Ok(label)
}

/// The cluster size that suits a volume, in bytes.
fn suitable_cluster(kind: Kind, size: u64, sector: u64) -> u64 {
    let size = match kind {
        // As few clusters as there may be with room to spare, as small ones as that allows.
        Kind::Fat12 => (size / (FAT16_FROM - 100)).next_power_of_two(),
        Kind::Fat16 => {
            (size / (FAT32_FROM - 100)).next_power_of_two().max(if size < 16 << 20 { 512 } else { 2048 })
        }
        Kind::Fat32 => match size >> 20 {
            ..260 => 512,
            260..8192 => 4096,
            8192..16384 => 8192,
            16384..32768 => 16384,
            _ => 32768,
        },
    };
    size.clamp(sector, 128 * sector)
}

fn layout(size: u64, wanted: &Format<'_>) -> Result<Layout, Error> {
    let sector = u64::from(wanted.sector);
    if !matches!(sector, 512 | 1024 | 2048 | 4096) {
        return Err(Error::InvalidArgument);
    }
    let total = (size / sector).min(u32::MAX.into());
    let kind = wanted.kind.unwrap_or(match size >> 20 {
        ..8 => Kind::Fat12,
        8..512 => Kind::Fat16,
        _ => Kind::Fat32,
    });
    let cluster = wanted.cluster.map_or_else(|| suitable_cluster(kind, size, sector), u64::from);
    let (cluster, rest) = (cluster / sector, cluster % sector);
    if rest != 0 || !(1..=128).contains(&cluster) || !cluster.is_power_of_two() {
        return Err(Error::InvalidArgument);
    }
    let (reserved, root) = match kind {
        Kind::Fat32 => (RESERVED_FAT32, 0),
        _ => (1, ROOT_SIZE.div_ceil(sector)),
    };
    let room = total.checked_sub(reserved + root).ok_or(Error::InvalidArgument)?;
    // What the clusters need that tables of some size leave.
    let needed = |table: u64| {
        let left = room.checked_sub(TABLES * table).ok_or(Error::InvalidArgument)?;
        Ok::<_, Error>(kind.table_bytes(left / cluster + u64::from(FIRST)).div_ceil(sector).max(1))
    };
    // The smallest that is as large as it needs: between what the largest leaves and the largest.
    let mut table = needed(needed(0)?)?;
    while needed(table)? > table {
        table += 1;
    }
    Ok(Layout { kind, total, reserved, table, cluster })
}

fn boot(layout: &Layout, wanted: &Format<'_>, label: &[u8; 11]) -> [u8; BOOT] {
    let mut boot = [0; BOOT];
    let is_long = layout.kind == Kind::Fat32;
    // A jump to code that stops.
    put(&mut boot, 0, &[0xeb, if is_long { 0x58 } else { 0x3c }, 0x90]);
    put(&mut boot, 3, b"RESEA   ");
    put16(&mut boot, 11, wanted.sector as u16);
    boot[13] = layout.cluster as u8;
    put16(&mut boot, 14, layout.reserved as u16);
    boot[16] = TABLES as u8;
    put16(&mut boot, 17, if is_long { 0 } else { (ROOT_SIZE / 32) as u16 });
    let short_total = u16::try_from(layout.total).ok().filter(|_| !is_long);
    put16(&mut boot, 19, short_total.unwrap_or(0));
    boot[21] = MEDIA;
    put16(&mut boot, 22, if is_long { 0 } else { layout.table as u16 });
    // What BIOSes make of disks: 63 sectors, 255 heads.
    put16(&mut boot, 24, 63);
    put16(&mut boot, 26, 255);
    put32(&mut boot, 32, if short_total.is_some() { 0 } else { layout.total as u32 });
    let extended = if is_long {
        put32(&mut boot, 36, layout.table as u32);
        put32(&mut boot, 44, FIRST);
        put16(&mut boot, 48, INFO as u16);
        put16(&mut boot, 50, BACKUP as u16);
        64
    } else {
        36
    };
    boot[extended] = 0x80;
    boot[extended + 2] = 0x29;
    put32(&mut boot, extended + 3, wanted.serial);
    put(&mut boot, extended + 7, label);
    put(&mut boot, extended + 18, b"FAT");
    put(&mut boot, extended + 18, layout.kind.name().as_bytes());
    put(&mut boot, extended + 23, b"   ");
    // cli, then hlt for ever.
    put(&mut boot, extended + 26, &[0xfa, 0xf4, 0xeb, 0xfd]);
    put16(&mut boot, 510, 0xaa55);
    boot
}

fn info(free: u32) -> [u8; 512] {
    let mut info = [0; 512];
    INFO_MARKS.iter().for_each(|(at, mark)| put32(&mut info, *at, *mark));
    put32(&mut info, INFO_FREE, free);
    put32(&mut info, INFO_HINT, FIRST);
    info
}

/// Zeros from the beginning up to `end`.
fn zero<S: Storage>(storage: &mut S, end: u64) -> Result<(), Error> {
    let zeros = [0; 4096];
    let mut at = 0;
    while at < end {
        let count = (end - at).min(zeros.len() as u64);
        storage.write(at, &zeros[..count as usize], Class::Data)?;
        at += count;
    }
    Ok(())
}
