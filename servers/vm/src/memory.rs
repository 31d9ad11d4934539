//! Frames in use: what is mapped where, for programs and in vm's own window.
//!
//! A frame that is to be filled or read must be in the window; one that becomes part of a page table must be mapped
//! nowhere. So frames stay in the window when they are given back, page-table frames stay outside, and in the long
//! run neither costs a system call. All frames of a dead task come back in two steps of constant time.
//!
//! The window's own page tables come out of the same stock when they are needed, and are kept. They are counted as used
//! from the start, so that the free memory that vm tells does not depend on which frames happened to be used.

use crate::frames::{Chain, Frame, Frames, PAGE};
use crate::kernel::{Kernel, WINDOW};
use abi::{Error, MapFlags, Region, TaskId};

/// Page-table levels above the lowest that can be missing for one page.
const MAX_TABLES: usize = 4;

/// The frames of one task.
#[derive(PartialEq, Eq, Default, Debug)]
pub struct Owned {
    /// Frames with content, all in the window.
    pub pages: Chain,
    /// Frames of its page table, all outside.
    pub tables: Chain,
}

impl Owned {
    /// No frames.
    pub const EMPTY: Self = Self { pages: Chain::EMPTY, tables: Chain::EMPTY };
}

/// All memory.
pub struct Memory {
    frames: Frames,
    own: Option<TaskId>,
    /// Kept for the next page-table level that is missing, so that `map` need not be called twice.
    spare: Option<Frame>,
    /// Page tables of the window that exist, and that there will be when every frame was used once.
    window_tables: u32,
    all_window_tables: u32,
}

impl Memory {
    /// No memory at all: what there is before the start.
    pub const fn empty() -> Self {
        Self { frames: Frames::empty(), own: None, spare: None, window_tables: 0, all_window_tables: 0 }
    }

    /// The memory of `frames`, which lie in `regions`; `own` is vm's task ID.
    pub fn new(frames: Frames, regions: &[Region], own: TaskId) -> Self {
        Self { all_window_tables: count_tables(regions), frames, own: Some(own), ..Self::empty() }
    }

    /// How many frames there are.
    pub const fn total(&self) -> u32 {
        self.frames.total()
    }

    /// How many frames are free for programs.
    pub const fn free(&self) -> u32 {
        let missing = self.all_window_tables.saturating_sub(self.window_tables);
        (self.frames.free() + self.spare.is_some() as u32).saturating_sub(missing)
    }

    /// How many frames the window's page tables take.
    pub const fn window_tables(&self) -> u32 {
        if self.all_window_tables > self.window_tables { self.all_window_tables } else { self.window_tables }
    }

    /// The frame's physical address.
    pub fn address(&self, frame: Frame) -> u64 {
        self.frames.address(frame)
    }

    /// The frame after `frame` in its chain.
    pub fn next(&self, frame: Frame) -> Option<Frame> {
        self.frames.next(frame)
    }

    /// How many frames after `frame` in its chain follow it in memory, as far as one call can map them.
    pub fn following(&self, mut frame: Frame) -> usize {
        let mut count = 0;
        while count < MapFlags::MORE_MAX
            && let Some(next) = self.next(frame)
            && self.address(next) == self.address(frame) + PAGE
        {
            (frame, count) = (next, count + 1);
        }
        count
    }

    /// Takes a frame that is mapped nowhere. `OutOfMemory`.
    pub fn take_table<K: Kernel>(&mut self, kernel: &mut K) -> Result<Frame, Error> {
        if let Some(frame) = self.frames.take_outside(true) {
            return Ok(frame);
        }
        let frame = self.frames.take_in_window().ok_or(Error::OutOfMemory)?;
        if let Some(own) = self.own {
            match kernel.unmap(own, WINDOW + self.frames.address(frame)) {
                Ok(()) => self.frames.set_in_window(frame, false),
                Err(error) => {
                    self.frames.give_back(frame);
                    return Err(error);
                }
            }
        }
        Ok(frame)
    }

    /// Takes a frame that is mapped in the window; its content is whatever was there. `OutOfMemory`.
    #[inline]
    pub fn take_page<K: Kernel>(&mut self, kernel: &mut K) -> Result<Frame, Error> {
        match self.frames.take_in_window() {
            Some(frame) => Ok(frame),
            None => self.take_into_window(kernel),
        }
    }

    #[cold]
    fn take_into_window<K: Kernel>(&mut self, kernel: &mut K) -> Result<Frame, Error> {
        let frame = self.frames.take_outside(false).ok_or(Error::OutOfMemory)?;
        self.put_into_window(kernel, frame).map(|()| frame)
    }

    /// Maps a frame in the window that is not there and in no chain. If that fails, it is given back.
    fn put_into_window<K: Kernel>(&mut self, kernel: &mut K, frame: Frame) -> Result<(), Error> {
        let physical = self.frames.address(frame);
        let mut tables = Chain::EMPTY;
        let own = self.own.ok_or(Error::OutOfMemory)?;
        let mapped = self.map_frame(kernel, own, &mut tables, WINDOW + physical, physical, MapFlags::WRITE);
        // Tables that were used stay part of the window's page table even if the last one was missing.
        self.window_tables += tables.count();
        match mapped {
            Ok(_) => {
                self.frames.set_in_window(frame, true);
                Ok(())
            }
            Err(error) => {
                self.frames.give_back(frame);
                Err(error)
            }
        }
    }

    /// Maps the frame at `physical` into `task`; frames for its page table are added to `tables`. Those behind it, as many as the
    /// flags say, are mapped as far as the kernel can without another table or an error; how many, with the first.
    ///
    /// A spare frame that cannot become a table, because someone with the power over memory has mapped it, is never
    /// used again.
    ///
    /// Errors: `OutOfMemory`, and those of the system call `map`. Tables stay in `tables` in any case.
    pub fn map_frame<K: Kernel>(
        &mut self,
        kernel: &mut K,
        task: TaskId,
        tables: &mut Chain,
        address: u64,
        physical: u64,
        flags: MapFlags,
    ) -> Result<u64, Error> {
        let mut calls = 0;
        while calls <= MAX_TABLES {
            if self.spare.is_none() {
                self.spare = self.take_table(kernel).ok();
            }
            let table = self.spare.map_or(0, |frame| self.frames.address(frame));
            let done = match kernel.map(task, address, physical, flags, table) {
                Err(Error::NeedsTable) => Err(Error::OutOfMemory),
                // One of two frames is in use. Without the table it can only be the other one.
                Err(Error::PageInUse) if table != 0 => match kernel.map(task, address, physical, flags, 0) {
                    Err(Error::NeedsTable) => {
                        self.spare = None;
                        continue;
                    }
                    result => result,
                },
                result => result,
            }?;
            calls += 1;
            if done.table_used
                && let Some(frame) = self.spare.take()
            {
                self.frames.push(tables, frame, 0);
            }
            if done.mapped {
                return Ok(1 + done.more as u64);
            }
        }
        Err(Error::InvalidArgument)
    }

    /// Maps a page that `task` owns from now on.
    ///
    /// Errors as [`Memory::map_frame`]; the frame is then back in the stock.
    pub fn map_page<K: Kernel>(
        &mut self,
        kernel: &mut K,
        task: TaskId,
        owned: &mut Owned,
        address: u64,
        frame: Frame,
        flags: MapFlags,
    ) -> Result<(), Error> {
        let physical = self.frames.address(frame);
        let result = self.map_frame(kernel, task, &mut owned.tables, address, physical, flags);
        match result {
            Ok(_) => self.frames.push(&mut owned.pages, frame, address),
            Err(_) => self.frames.give_back(frame),
        }
        result.map(drop)
    }

    /// Adds a frame to the end of a chain.
    pub fn push(&mut self, chain: &mut Chain, frame: Frame, address: u64) {
        self.frames.push(chain, frame, address);
    }

    /// Takes back all that a task had, which must be mapped nowhere but in the window.
    pub fn give_back(&mut self, owned: &mut Owned) {
        self.frames.give_back_chain(&mut owned.pages, true);
        self.frames.give_back_chain(&mut owned.tables, false);
    }

    /// Takes `pages` frames filled with zeros. `OutOfMemory`: none is taken.
    pub fn take_zeroed<K: Kernel>(&mut self, kernel: &mut K, pages: u32) -> Result<Chain, Error> {
        let mut chain = Chain::EMPTY;
        while chain.count() < pages {
            match self.take_page(kernel) {
                Ok(frame) => {
                    kernel.zero(self.frames.address(frame));
                    self.frames.push(&mut chain, frame, 0);
                }
                Err(error) => {
                    self.frames.give_back_chain(&mut chain, true);
                    return Err(error);
                }
            }
        }
        Ok(chain)
    }

    /// Takes `pages` frames that follow each other in memory, filled with zeros. `OutOfMemory`: none is taken. Frames that
    /// come back are not contiguous any more, so these are for those who never give them back.
    pub fn take_contiguous<K: Kernel>(&mut self, kernel: &mut K, pages: u32) -> Result<Chain, Error> {
        let mut next = if self.free() < pages { None } else { self.frames.take_run(pages) };
        let mut chain = Chain::EMPTY;
        let mut result = if next.is_some() { Ok(()) } else { Err(Error::OutOfMemory) };
        for _ in 0..pages {
            let Some(frame) = next else { break };
            next = self.frames.following(frame);
            if result.is_err() {
                self.frames.give_back(frame);
                continue;
            }
            result = self.put_into_window(kernel, frame);
            if result.is_ok() {
                kernel.zero(self.frames.address(frame));
                self.frames.push(&mut chain, frame, 0);
            }
        }
        if result.is_err() {
            self.frames.give_back_chain(&mut chain, true);
        }
        result.map(|()| chain)
    }

    /// Gives back frames that are in the window.
    pub fn give_back_pages(&mut self, chain: &mut Chain) {
        self.frames.give_back_chain(chain, true);
    }

    /// Physical address of the byte at `address` of the task that owns `pages`, if it is in one of them.
    pub fn translate(&self, pages: &Chain, address: u64) -> Option<u64> {
        let frame = self.frames.find(pages, address)?;
        Some(self.frames.address(frame) + address % PAGE)
    }
}

/// How many page-table frames the window takes when everything in `regions` (sorted) is mapped: for each level the
/// different tables that their addresses need.
fn count_tables(regions: &[Region]) -> u32 {
    // A table maps 512 entries of 4 KiB, of 2 MiB, of 1 GiB; the top level is there from the start.
    [21, 30, 39].into_iter().map(|shift| count_ranges(regions, shift)).fold(0, u32::saturating_add)
}

fn count_ranges(regions: &[Region], shift: u32) -> u32 {
    let mut next = 0;
    let mut count = 0;
    for region in regions.iter().filter(|region| region.length > 0) {
        let first = (region.start >> shift).max(next);
        let end = ((region.start + region.length - 1) >> shift) + 1;
        count += end.saturating_sub(first) as u32;
        next = end;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_window_are_counted() {
        let region = |start, length| Region { start, length };
        assert_eq!(count_tables(&[]), 0);
        assert_eq!(count_tables(&[region(0x1000, 0x1000)]), 3);
        assert_eq!(count_tables(&[region(0x1000, 0x1000), region(0x1f_f000, 0x2000)]), 4);
        assert_eq!(count_tables(&[region(0, 128 << 20)]), 64 + 1 + 1);
        assert_eq!(count_tables(&[region(0, 3 << 30), region(4 << 30, 1 << 30)]), 4 * 512 + 4 + 1);
    }
}
