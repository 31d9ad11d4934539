//! Page tables of tasks: mapping, unmapping, looking up, and giving everything back.
//!
//! The tables are plain memory that [`Memory`] reads and writes by physical address, so the same code runs on the
//! machine and in host tests with a model. Two rules hold at all times: a frame is a table only while [`Frames`] says
//! so, and every counted frame in a leaf entry has one count for it. The kernel's half of an address space is never
//! walked, changed or freed here. Intel SDM volume 3, section 4.5 describes the format.

use abi::{Error, MapFlags, Range};

use crate::frames::{Frames, Use};
use crate::regions::PAGE;

/// The first address that tasks cannot have. The last page of the lower half stays unmapped, so that the address
/// after a `syscall` instruction is always canonical: `sysret` to one that is not would fault in the kernel.
pub const USER_END: u64 = 0x7fff_ffff_f000;

/// The entry leads somewhere.
pub const PRESENT: u64 = 1 << 0;
/// Writes are allowed.
pub const WRITABLE: u64 = 1 << 1;
/// Tasks may use it.
pub const USER: u64 = 1 << 2;
/// Write-through and not cached: for devices.
pub const UNCACHED: u64 = 1 << 3 | 1 << 4;
/// Was used.
pub const ACCESSED: u64 = 1 << 5;
/// Was written to.
pub const DIRTY: u64 = 1 << 6;
/// In upper levels: maps a large page.
pub const LARGE: u64 = 1 << 7;
/// The same in all address spaces.
pub const GLOBAL: u64 = 1 << 8;
/// Ours (ignored by the CPU): the frame is not RAM, so the kernel must not access it as memory.
pub const DEVICE: u64 = 1 << 9;
/// Instructions cannot be fetched from it.
pub const NO_EXECUTE: u64 = 1 << 63;
/// The physical address in an entry.
pub const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

const TABLE_ENTRY: u64 = PRESENT | WRITABLE | USER | ACCESSED;
const ENTRIES: u64 = 512;
const PAGE_SHIFT: u32 = 12;
const LEVEL_BITS: u32 = 9;

/// Bit 0 of what `map` returns: the page is mapped.
pub const MAPPED: usize = 1;
/// Bit 1 of what `map` returns: the page given for a table was used.
pub const TABLE_USED: usize = 2;

/// Physical memory, as far as page tables need it. Addresses are those of RAM frames that are page tables.
pub trait Memory {
    /// Reads the entry at physical address `address`, a multiple of 8.
    fn entry(&self, address: u64) -> u64;
    /// Writes it.
    fn set_entry(&mut self, address: u64, value: u64);
    /// Fills a frame with zeros.
    fn clear(&mut self, frame: u64);
}

/// What the CPU and the machine add to the rules.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// [`NO_EXECUTE`] if the CPU knows it, else 0.
    pub no_execute: u64,
    /// The first physical address that the CPU does not have.
    pub physical_end: u64,
    /// Devices that are the kernel's own: interrupt controllers.
    pub reserved: [Range; MAX_RESERVED],
}

/// Most devices of the kernel's own: the local APICs and some I/O APICs.
pub const MAX_RESERVED: usize = 5;

impl Limits {
    fn is_reserved(&self, frame: u64) -> bool {
        self.reserved.iter().any(|range| frame < range.end && range.start < frame + PAGE)
    }
}

/// Where the entry for `address` lies in the table at `table` of level `level` (1: the leaf entries, 4: the root).
pub const fn entry_address(table: u64, level: u32, address: u64) -> u64 {
    let index = address >> (PAGE_SHIFT + LEVEL_BITS * (level - 1)) & (ENTRIES - 1);
    table + index * 8
}

/// Bytes that an entry of `level` covers.
const fn span(level: u32) -> u64 {
    1 << (PAGE_SHIFT + LEVEL_BITS * (level - 1))
}

/// The leaf entry of `address`, 0 if a level is missing or the address is not a task's.
#[inline]
pub fn leaf<M: Memory>(memory: &M, root: u64, address: u64) -> u64 {
    if address >= USER_END {
        return 0;
    }
    let mut table = root;
    for level in [4, 3, 2] {
        let entry = memory.entry(entry_address(table, level, address));
        if entry & PRESENT == 0 {
            return 0;
        }
        table = entry & ADDRESS;
    }
    memory.entry(entry_address(table, 1, address))
}

/// A page to be mapped.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a> {
    /// Where in the task.
    pub address: u64,
    /// Which physical page.
    pub frame: u64,
    /// How.
    pub flags: MapFlags,
    /// A page for a missing table, or 0.
    pub table: u64,
    /// What the task may map that is not RAM.
    pub mmio: &'a [Range],
}

/// Maps a page: the system call `map`, with its errors and its result.
pub fn map<M: Memory>(
    memory: &mut M,
    frames: Frames<'_>,
    limits: &Limits,
    root: u64,
    mapping: &Mapping<'_>,
) -> Result<usize, Error> {
    let &Mapping { address, frame, flags, table, mmio } = mapping;
    let aligned = (address | frame | table).is_multiple_of(PAGE);
    if !aligned || address >= USER_END || frame >= limits.physical_end || table >= limits.physical_end {
        return Err(Error::InvalidArgument);
    }
    let mut entry = frame | PRESENT | USER | ACCESSED;
    if flags.contains(MapFlags::WRITE) {
        entry |= WRITABLE | DIRTY;
    }
    if !flags.contains(MapFlags::EXECUTE) {
        entry |= limits.no_execute;
    }
    if frames.usage(frame) == Use::Device {
        if limits.is_reserved(frame) {
            return Err(Error::PageInUse);
        }
        if !mmio.iter().any(|range| range.covers(frame, frame + PAGE)) {
            return Err(Error::NotPermitted);
        }
        entry |= UNCACHED | DEVICE;
    } else if flags.contains(MapFlags::DEVICE) {
        return Err(Error::PageInUse);
    } else {
        frames.share(frame, flags.contains(MapFlags::WRITE))?;
    }
    let result = set_leaf(memory, frames, root, address, entry, table);
    if !matches!(result, Ok(bits) if bits & MAPPED != 0) {
        frames.unshare(frame);
    }
    result
}

/// Writes a leaf entry where none is, using `table` for one missing level.
fn set_leaf<M: Memory>(
    memory: &mut M,
    frames: Frames<'_>,
    root: u64,
    address: u64,
    entry: u64,
    new_table: u64,
) -> Result<usize, Error> {
    let mut table = root;
    let mut used = 0;
    for level in [4, 3, 2] {
        let place = entry_address(table, level, address);
        let next = memory.entry(place);
        if next & PRESENT != 0 {
            table = next & ADDRESS;
            continue;
        }
        if new_table == 0 {
            return Err(Error::NeedsTable);
        }
        if used != 0 {
            return Ok(used);
        }
        frames.take_table(new_table)?;
        memory.clear(new_table);
        memory.set_entry(place, new_table | TABLE_ENTRY);
        table = new_table;
        used = TABLE_USED;
    }
    let place = entry_address(table, 1, address);
    if memory.entry(place) & PRESENT != 0 {
        return Err(Error::AlreadyExists);
    }
    memory.set_entry(place, entry);
    Ok(used | MAPPED)
}

/// Removes a mapping and returns its frame: the system call `unmap`. The caller flushes the TLB.
pub fn unmap<M: Memory>(memory: &mut M, frames: Frames<'_>, root: u64, address: u64) -> Result<u64, Error> {
    if !address.is_multiple_of(PAGE) || address >= USER_END {
        return Err(Error::InvalidArgument);
    }
    let mut table = root;
    for level in [4, 3, 2] {
        let entry = memory.entry(entry_address(table, level, address));
        if entry & PRESENT == 0 {
            return Err(Error::NotFound);
        }
        table = entry & ADDRESS;
    }
    let place = entry_address(table, 1, address);
    let entry = memory.entry(place);
    if entry & PRESENT == 0 {
        return Err(Error::NotFound);
    }
    memory.set_entry(place, 0);
    frames.unshare(entry & ADDRESS);
    Ok(entry & ADDRESS)
}

/// Entries looked at in one step of [`reclaim`].
const STEP: u64 = 2 * ENTRIES;

/// Takes one bounded step of freeing everything below `root`, which nobody uses any more. `cursor` is the address up
/// to which everything is gone; it starts at 0. Returns the new one; [`USER_END`] or above means that all is done.
pub fn reclaim<M: Memory>(memory: &mut M, frames: Frames<'_>, root: u64, cursor: u64) -> u64 {
    let mut address = cursor;
    let mut budget = STEP;
    while address < USER_END && budget > 0 {
        budget = budget.saturating_sub(1);
        address = clear_below(memory, frames, root, address, &mut budget);
        finish_tables(memory, frames, root, address);
    }
    address
}

/// Frees the leaf table that covers `address`, if there is one. Returns the address up to which everything is gone.
fn clear_below<M: Memory>(
    memory: &mut M,
    frames: Frames<'_>,
    root: u64,
    address: u64,
    budget: &mut u64,
) -> u64 {
    let mut table = root;
    for level in [4, 3, 2] {
        let place = entry_address(table, level, address);
        let entry = memory.entry(place);
        if entry & PRESENT == 0 {
            return after_empty(memory, table, level, address, budget);
        }
        table = entry & ADDRESS;
        if level == 2 {
            *budget = budget.saturating_sub(ENTRIES);
            for index in 0..ENTRIES {
                let leaf = memory.entry(table + index * 8);
                if leaf & PRESENT != 0 {
                    frames.unshare(leaf & ADDRESS);
                }
            }
            memory.set_entry(place, 0);
            frames.give_table(table);
        }
    }
    (address | (span(2) - 1)) + 1
}

/// Where the empty entries of `table` end that begin with the one of `level` for `address`. Most tables are nearly empty,
/// and walking down from the root for each entry would take ten times as long.
fn after_empty<M: Memory>(memory: &mut M, table: u64, level: u32, address: u64, budget: &mut u64) -> u64 {
    let first = entry_address(table, level, address);
    // The upper half of the top level is the kernel's.
    let entries = if level == 4 { ENTRIES / 2 } else { ENTRIES };
    let end = (table + entries * 8).min(first + (*budget).min(ENTRIES) * 8 + 8);
    let mut place = first + 8;
    while place < end && memory.entry(place) & PRESENT == 0 {
        place += 8;
    }
    let count = (place - first) / 8;
    *budget = budget.saturating_sub(count);
    (address & !(span(level) - 1)) + count * span(level)
}

/// Frees the upper tables whose whole range ends at `address`: all below them is gone.
fn finish_tables<M: Memory>(memory: &mut M, frames: Frames<'_>, root: u64, address: u64) {
    let last = address - 1;
    for level in [3, 4] {
        if !address.is_multiple_of(span(level)) {
            return;
        }
        // The entry of this level that covers `last` leads to a table of the level below.
        let mut table = root;
        for upper in (level + 1..=4).rev() {
            let entry = memory.entry(entry_address(table, upper, last));
            if entry & PRESENT == 0 {
                table = 0;
                break;
            }
            table = entry & ADDRESS;
        }
        if table == 0 {
            continue;
        }
        let place = entry_address(table, level, last);
        let entry = memory.entry(place);
        if entry & PRESENT != 0 {
            memory.set_entry(place, 0);
            frames.give_table(entry & ADDRESS);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
