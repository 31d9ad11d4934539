//! The simulated machine's memory: RAM, what it is used for, the address spaces of tasks, and device registers.
//!
//! Addresses are the simulated machine's, never the host's, so they are the same in every run. Memory that a task
//! lends, or passes in a system call, lies in the host's memory; the task's address space has a copy of it at an
//! address of its own as long as the call lasts ([`Buffer`]).

use abi::{Error, MapFlags, Range};
use std::collections::BTreeMap;

/// Size of a page.
pub(crate) const PAGE: usize = 4096;
/// Addresses of tasks are below, as on x86_64: the last page of the lower half is nobody's.
const USER_END: usize = (1 << 47) - PAGE;
/// Physical addresses are below.
const PHYSICAL_END: usize = 1 << 52;
/// What one page-table page covers. The simulated machine has only one level of them, besides the root.
const TABLE_SPAN: usize = 1 << 21;

/// What a frame is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// It is mapped so many times.
    Mapped(u32),
    /// It is the kernel's, or part of an address space.
    Reserved,
}

/// RAM, from address 0.
pub(crate) struct Ram {
    bytes: Vec<u8>,
    uses: Vec<Use>,
}

impl Ram {
    /// `size` bytes of zeros, of which the kernel has the first `reserved`.
    pub(crate) fn new(size: usize, reserved: usize) -> Self {
        let uses = (0..size / PAGE)
            .map(|frame| if frame < reserved / PAGE { Use::Reserved } else { Use::Mapped(0) });
        Self { bytes: vec![0; size], uses: uses.collect() }
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from a physical address on, if they are RAM.
    pub(crate) fn at(&mut self, address: usize, length: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(address..address.checked_add(length)?)
    }

    /// How many frames are the kernel's or address spaces', mapped, and neither.
    pub(crate) fn count(&self) -> [usize; 3] {
        let mut count = [0; 3];
        for usage in &self.uses {
            match usage {
                Use::Reserved => count[0] += 1,
                Use::Mapped(0) => count[2] += 1,
                Use::Mapped(_) => count[1] += 1,
            }
        }
        count
    }

    /// Makes a frame that is not mapped part of an address space.
    pub(crate) fn reserve(&mut self, frame: usize) -> Result<(), Error> {
        match self.usage(frame)? {
            usage @ Use::Mapped(0) => {
                *usage = Use::Reserved;
                Ok(())
            }
            _ => Err(Error::PageInUse),
        }
    }

    /// Gives a frame of an address space back.
    pub(crate) fn unreserve(&mut self, frame: usize) {
        if let Ok(usage) = self.usage(frame) {
            *usage = Use::Mapped(0);
        }
    }

    /// Notes that a frame is mapped once more.
    pub(crate) fn add_mapping(&mut self, frame: usize) -> Result<(), Error> {
        match self.usage(frame)? {
            Use::Mapped(times) => {
                *times += 1;
                Ok(())
            }
            Use::Reserved => Err(Error::PageInUse),
        }
    }

    /// Notes that a frame is mapped once less.
    pub(crate) fn remove_mapping(&mut self, frame: usize) {
        if let Ok(Use::Mapped(times)) = self.usage(frame) {
            *times = times.saturating_sub(1);
        }
    }

    fn usage(&mut self, frame: usize) -> Result<&mut Use, Error> {
        if !frame.is_multiple_of(PAGE) {
            return Err(Error::InvalidArgument);
        }
        self.uses.get_mut(frame / PAGE).ok_or(Error::InvalidArgument)
    }
}

/// A copy of host memory in an address space.
pub(crate) struct Buffer {
    /// Its address; outside of all pages.
    pub(crate) address: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) writable: bool,
}

impl Buffer {
    fn range(&self, address: usize, length: usize) -> Option<std::ops::Range<usize>> {
        let start = address.checked_sub(self.address)?;
        let end = start.checked_add(length)?;
        (end <= self.bytes.len()).then_some(start..end)
    }
}

/// Where an address leads.
pub(crate) enum Place {
    /// To a physical address.
    Physical(usize),
    /// To byte `1` of buffer `0`.
    Buffer(usize, usize),
}

/// An address space.
#[derive(Default)]
pub(crate) struct Space {
    /// Page address to frame and what it may be used for.
    pages: BTreeMap<usize, (usize, MapFlags)>,
    /// First address that a page-table page covers, to its frame.
    tables: BTreeMap<usize, usize>,
    /// Memory of the host that the task has passed to the kernel.
    pub(crate) buffers: Vec<Buffer>,
}

impl Space {
    /// Where `address` leads, and how many bytes from there on are in one piece. `None`: the access faults.
    pub(crate) fn translate(&self, address: usize, write: bool) -> Option<(Place, usize)> {
        if let Some((frame, flags)) = self.pages.get(&(address & !(PAGE - 1))) {
            let allowed = !write || flags.contains(MapFlags::WRITE);
            return allowed.then_some((Place::Physical(frame + address % PAGE), PAGE - address % PAGE));
        }
        let covers = |buffer: &Buffer| (buffer.writable || !write) && buffer.range(address, 1).is_some();
        let index = self.buffers.iter().position(covers)?;
        let buffer = self.buffers.get(index)?;
        let offset = address - buffer.address;
        Some((Place::Buffer(index, offset), buffer.bytes.len() - offset))
    }

    /// As the system call `map`.
    pub(crate) fn map(
        &mut self,
        ram: &mut Ram,
        address: usize,
        frame: usize,
        flags: MapFlags,
        table: usize,
        mmio: &[Range],
    ) -> Result<usize, Error> {
        let aligned = (address | frame | table).is_multiple_of(PAGE);
        if !aligned || address >= USER_END || frame.max(table) >= PHYSICAL_END {
            return Err(Error::InvalidArgument);
        }
        let in_ram = frame < ram.size();
        if !in_ram && !mmio.iter().any(|range| range.covers(frame as u64, (frame + PAGE) as u64)) {
            return Err(Error::NotPermitted);
        }
        if in_ram && flags.contains(MapFlags::DEVICE) {
            return Err(Error::PageInUse);
        }
        if self.pages.contains_key(&address) {
            return Err(Error::AlreadyExists);
        }
        let span = address & !(TABLE_SPAN - 1);
        let needs_table = !self.tables.contains_key(&span);
        if needs_table && table == 0 {
            return Err(Error::NeedsTable);
        }
        if in_ram {
            ram.add_mapping(frame)?;
        }
        if needs_table {
            if let Err(error) = ram.reserve(table) {
                ram.remove_mapping(frame);
                return Err(error);
            }
            self.tables.insert(span, table);
        }
        self.pages.insert(address, (frame, flags));
        Ok(1 | usize::from(needs_table) << 1)
    }

    /// As the system call `unmap`.
    pub(crate) fn unmap(&mut self, ram: &mut Ram, address: usize) -> Result<usize, Error> {
        if !address.is_multiple_of(PAGE) {
            return Err(Error::InvalidArgument);
        }
        let (frame, _) = self.pages.remove(&address).ok_or(Error::NotFound)?;
        ram.remove_mapping(frame);
        Ok(frame)
    }

    /// Takes everything apart.
    pub(crate) fn reclaim(&mut self, ram: &mut Ram) {
        for (frame, _) in std::mem::take(&mut self.pages).into_values() {
            ram.remove_mapping(frame);
        }
        for frame in std::mem::take(&mut self.tables).into_values() {
            ram.unreserve(frame);
        }
    }
}
