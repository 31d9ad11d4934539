//! Partition tables: MBR with logical partitions, and GPT (UEFI specification 2.10, chapter 5). Sectors of 512 bytes.

use alloc::vec::Vec;

use abi::Error;

use crate::bytes::{get16, get32, get64};
use crate::crc::Crc;
use crate::geometry::is_fat;
use crate::{Class, Storage};

/// Most partitions that are told.
pub const PARTITIONS_MAX: usize = 16;

const SECTOR: u64 = 512;
/// Where the MBR has its four entries, and their size.
const ENTRIES_AT: usize = 446;
const ENTRY: usize = 16;
/// Types of an MBR's entries: none; a chain of logical partitions; a GPT is there.
const NONE: u8 = 0;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
const PROTECTIVE: u8 = 0xee;
/// Most bytes of a GPT's entries: what all tools write is 16 KiB.
const GPT_BYTES_MAX: u64 = 1 << 20;

/// How a disk is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Not at all: it is one volume, or has none.
    Bare,
    /// A master boot record.
    Mbr,
    /// A GUID partition table.
    Gpt,
}

/// A partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partition {
    /// Its number as Linux counts: 1 to 4 in an MBR, logical ones from 5 on; the place in a GPT, from 1 on; 0 for a bare disk.
    pub number: u32,
    /// Where it begins on the disk, in bytes.
    pub at: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it looks like a FAT volume.
    pub is_fat: bool,
}

/// How a disk is divided, and into what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// The kind of table.
    pub scheme: Scheme,
    /// The partitions: 16 at most. A bare disk is one, with number 0.
    pub partitions: Vec<Partition>,
}

/// Reads how a disk is divided.
///
/// # Errors
///
/// [`Error::Damaged`] if both copies of a GPT are damaged, those of the storage.
pub fn partitions<S: Storage>(storage: &mut S) -> Result<Table, Error> {
    let size = storage.size();
    let mut found = Found { size, partitions: Vec::new() };
    if size < SECTOR {
        return Ok(Table { scheme: Scheme::Bare, partitions: found.partitions });
    }
    let first = sector(storage, 0)?;
    let entries = mbr_entries(&first);
    let is_mbr = get16(&first, 510) == 0xaa55
        && entries.iter().all(|entry| entry.status & 0x7f == 0)
        && entries.iter().any(|entry| entry.kind != NONE && entry.count > 0);
    let scheme = if is_fat(&first) || !is_mbr {
        found.add(storage, 0, 0, size / SECTOR)?;
        Scheme::Bare
    } else if entries.iter().any(|entry| entry.kind == PROTECTIVE) {
        gpt(storage, &mut found)?;
        Scheme::Gpt
    } else {
        mbr(storage, &entries, &mut found)?;
        Scheme::Mbr
    };
    Ok(Table { scheme, partitions: found.partitions })
}

/// The partition with this number; without one, the first that looks like FAT, or the whole of a bare disk.
///
/// # Errors
///
/// [`Error::NotFound`] if there is none, and those of [`partitions`].
pub fn select<S: Storage>(storage: &mut S, number: Option<u32>) -> Result<Partition, Error> {
    let table = partitions(storage)?;
    let wanted = |partition: &&Partition| match number {
        Some(number) => partition.number == number,
        None => partition.is_fat || table.scheme == Scheme::Bare,
    };
    table.partitions.iter().find(wanted).copied().ok_or(Error::NotFound)
}

/// What was found so far.
struct Found {
    size: u64,
    partitions: Vec<Partition>,
}

impl Found {
    /// Adds a partition, unless there are enough. One that is not on the disk is left out, one that ends behind it is cut.
    fn add<S: Storage>(&mut self, storage: &mut S, number: u32, first: u64, count: u64) -> Result<(), Error> {
        let Some(at) = first.checked_mul(SECTOR).filter(|at| *at < self.size) else { return Ok(()) };
        let size = count.saturating_mul(SECTOR).min(self.size - at);
        if size >= SECTOR && self.partitions.len() < PARTITIONS_MAX {
            let is_fat = is_fat(&sector(storage, first)?);
            self.partitions.push(Partition { number, at, size, is_fat });
        }
        Ok(())
    }
}

/// An entry of an MBR.
struct MbrEntry {
    status: u8,
    kind: u8,
    first: u64,
    count: u64,
}

fn sector<S: Storage>(storage: &mut S, number: u64) -> Result<[u8; SECTOR as usize], Error> {
    let mut sector = [0; SECTOR as usize];
    storage.read(number * SECTOR, &mut sector)?;
    Ok(sector)
}

fn mbr_entries(sector: &[u8]) -> [MbrEntry; 4] {
    core::array::from_fn(|index| {
        let at = ENTRIES_AT + index * ENTRY;
        let byte = |offset| sector.get(at + offset).copied().unwrap_or(0);
        let (first, count) = (get32(sector, at + 8), get32(sector, at + 12));
        MbrEntry { status: byte(0), kind: byte(4), first: first.into(), count: count.into() }
    })
}

fn mbr<S: Storage>(storage: &mut S, entries: &[MbrEntry], found: &mut Found) -> Result<(), Error> {
    let mut extended = None;
    for (number, entry) in (1..).zip(entries) {
        if EXTENDED.contains(&entry.kind) {
            extended = extended.or(Some(entry.first));
        } else if entry.kind != NONE {
            found.add(storage, number, entry.first, entry.count)?;
        }
    }
    // Each logical partition has a table of its own: with itself, counted from that table, and the next table, counted from
    // the first. The walk ends when there are enough, so a loop ends too.
    let Some(start) = extended else { return Ok(()) };
    let mut table = start;
    for number in 5..5 + PARTITIONS_MAX as u32 {
        if table * SECTOR >= found.size {
            break;
        }
        let sector = sector(storage, table)?;
        let [own, next, ..] = mbr_entries(&sector);
        if get16(&sector, 510) != 0xaa55 {
            break;
        }
        if own.kind != NONE {
            found.add(storage, number, table + own.first, own.count)?;
        }
        if !EXTENDED.contains(&next.kind) || next.first == 0 {
            break;
        }
        table = start + next.first;
    }
    Ok(())
}

fn gpt<S: Storage>(storage: &mut S, found: &mut Found) -> Result<(), Error> {
    let last = (found.size / SECTOR).saturating_sub(1);
    for header in [1, last] {
        if let Some(entries) = gpt_entries(storage, header, found.size)? {
            return entries.into_iter().try_for_each(|entry| {
                let count = (entry.last - entry.first).saturating_add(1);
                found.add(storage, entry.number, entry.first, count)
            });
        }
    }
    Err(Error::Damaged)
}

/// An entry of a GPT.
struct GptEntry {
    number: u32,
    first: u64,
    /// Its last sector, not before the first.
    last: u64,
}

/// The entries of a GPT with partitions on the disk, as many as are told, if its header and they are intact.
fn gpt_entries<S: Storage>(storage: &mut S, at: u64, size: u64) -> Result<Option<Vec<GptEntry>>, Error> {
    if (at + 1) * SECTOR > size {
        return Ok(None);
    }
    let mut header = sector(storage, at)?;
    let (length, sum) = (get32(&header, 12) as usize, get32(&header, 16));
    header[16..20].fill(0);
    let Some(covered) = header.get(..length).filter(|covered| covered.len() >= 92) else { return Ok(None) };
    let mut crc = Crc::new();
    crc.add(covered);
    if !header.starts_with(b"EFI PART") || crc.value() != sum || get64(&header, 24) != at {
        return Ok(None);
    }
    let (first, count, width) = (get64(&header, 72), get32(&header, 80), get32(&header, 84));
    let bytes = u64::from(count) * u64::from(width);
    let start = first.checked_mul(SECTOR).filter(|start| start.saturating_add(bytes) <= size);
    let Some(start) = start.filter(|_| bytes <= GPT_BYTES_MAX && width >= 128) else { return Ok(None) };
    let (mut entries, mut crc) = (Vec::new(), Crc::new());
    for number in 0..count {
        let entry = gpt_entry(storage, start + u64::from(number) * u64::from(width), width, &mut crc)?;
        let (first, last) = (get64(&entry, 32), get64(&entry, 40));
        let used = entry.iter().take(16).any(|byte| *byte != 0);
        if used && first <= last && first < size / SECTOR && entries.len() < PARTITIONS_MAX {
            entries.push(GptEntry { number: number + 1, first, last });
        }
    }
    Ok((crc.value() == get32(&header, 88)).then_some(entries))
}

/// The beginning of an entry of a GPT; all of it is added to a checksum. It may be of any size.
fn gpt_entry<S: Storage>(storage: &mut S, at: u64, width: u32, crc: &mut Crc) -> Result<[u8; 128], Error> {
    let (mut entry, mut piece) = ([0; 128], [0; SECTOR as usize]);
    storage.read(at, &mut entry)?;
    crc.add(&entry);
    let mut done = entry.len() as u64;
    while done < u64::from(width) {
        let count = (u64::from(width) - done).min(SECTOR) as usize;
        let piece = piece.get_mut(..count).unwrap_or_default();
        storage.read(at + done, piece)?;
        crc.add(piece);
        done += count as u64;
    }
    Ok(entry)
}

/// A part of a storage, as a storage.
#[derive(Debug)]
pub struct Part<S> {
    storage: S,
    at: u64,
    size: u64,
}

impl<S: Storage> Part<S> {
    /// A partition of a disk.
    pub fn new(storage: S, partition: &Partition) -> Self {
        Self { storage, at: partition.at, size: partition.size }
    }

    /// The disk.
    pub fn into_inner(self) -> S {
        self.storage
    }

    /// Where bytes of the part lie on the disk.
    fn place(&self, at: u64, length: usize) -> Result<u64, Error> {
        let end = at.checked_add(length as u64).ok_or(Error::OutOfBounds)?;
        if end <= self.size { Ok(self.at + at) } else { Err(Error::OutOfBounds) }
    }
}

impl<S: Storage> Storage for Part<S> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let at = self.place(at, buffer.len())?;
        self.storage.read(at, buffer)
    }

    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error> {
        let at = self.place(at, data.len())?;
        self.storage.write(at, data, class)
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        self.storage.write_out(class)
    }

    fn is_pressed(&self) -> bool {
        self.storage.is_pressed()
    }
}
