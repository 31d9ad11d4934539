//! The physical memory that nobody uses: a stock of frames with one metadata word each.
//!
//! A frame is in the stock, or in exactly one [`Chain`] of whoever owns it: owning a frame *is* having it in a chain,
//! so a dead task's memory comes back by joining its chain to the stock's, whatever its length. The metadata word
//! of a frame holds the link to the next one in its chain and whether vm has it in its window ([`crate::memory`]);
//! the stock keeps the two sorts apart, because the kernel refuses a mapped page as a page table
//! while everything else is filled through the window. The word also holds the page that
//! the frame is mapped at, so that a backtrace finds a task's stack without asking the kernel.
//!
//! Relies on the boot regions being sorted and disjoint. Never touches a frame's contents and never calls the kernel.

use abi::{MAX_BOOT_REGIONS, Region};
use core::num::NonZeroU32;
use ipc::memory::Words;

/// Size of a page and of a frame in bytes.
pub const PAGE: u64 = 4096;

/// Most frames that vm uses (28 bits of link): 1 TiB. Memory past it is left alone.
pub const MAX_FRAMES: u32 = (1 << 28) - 1;

// The metadata word: link in bits 0 to 27, window in bit 28, number of the page in bits 29 to 63.
const LINK: u64 = (1 << 28) - 1;
const IN_WINDOW: u64 = 1 << 28;
const PAGE_SHIFT: u32 = 29;

/// A frame of the stock: its number from 1, counted through the boot regions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Frame(NonZeroU32);

impl Frame {
    fn from_index(index: u32) -> Option<Self> {
        NonZeroU32::new(index + 1).map(Self)
    }

    fn index(self) -> u32 {
        self.0.get() - 1
    }
}

/// Frames with one owner, in the order in which they were added. Empty by default.
#[derive(PartialEq, Eq, Default, Debug)]
pub struct Chain {
    head: Option<Frame>,
    tail: Option<Frame>,
    count: u32,
}

impl Chain {
    /// A chain without frames.
    pub const EMPTY: Self = Self { head: None, tail: None, count: 0 };

    /// How many frames it has.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Its first frame.
    pub const fn first(&self) -> Option<Frame> {
        self.head
    }
}

/// All frames and the stock of free ones.
pub struct Frames {
    regions: [Region; MAX_BOOT_REGIONS],
    total: u32,
    /// Frames from this index to before `end` have never been used: free, not in the window, not in a chain.
    unused: u32,
    /// From here to the last they were taken for good.
    end: u32,
    words: Words,
    in_window: Chain,
    outside: Chain,
}

/// The frames are numbered but have no metadata yet: what vm takes the metadata's own memory from.
pub struct Bare {
    regions: [Region; MAX_BOOT_REGIONS],
    total: u32,
    taken: u32,
}

impl Bare {
    /// Numbers the whole frames in `regions`. Parts of frames, and everything past `limit` (a physical address) or
    /// [`MAX_FRAMES`], are left out.
    pub fn new(regions: &[Region], limit: u64) -> Self {
        let mut bare = Self { regions: [Region::default(); MAX_BOOT_REGIONS], total: 0, taken: 0 };
        for (place, region) in bare.regions.iter_mut().zip(regions) {
            let start = region.start.min(limit).next_multiple_of(PAGE);
            let end = region.start.saturating_add(region.length).min(limit) & !(PAGE - 1);
            let room = u64::from(MAX_FRAMES - bare.total);
            let count = (end.saturating_sub(start) / PAGE).min(room);
            *place = Region { start, length: count * PAGE };
            bare.total += count as u32;
        }
        bare
    }

    /// How many frames there are, taken or not.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// How many were taken.
    pub const fn taken(&self) -> u32 {
        self.taken
    }

    /// Takes a frame for good; its physical address.
    pub fn take(&mut self) -> Option<u64> {
        let index = self.taken;
        if index >= self.total {
            return None;
        }
        self.taken += 1;
        physical(&self.regions, index)
    }
}

impl Frames {
    /// No frames at all: what there is before the start.
    pub const fn empty() -> Self {
        Self {
            regions: [Region { start: 0, length: 0 }; MAX_BOOT_REGIONS],
            total: 0,
            unused: 0,
            end: 0,
            words: Words::none(),
            in_window: Chain::EMPTY,
            outside: Chain::EMPTY,
        }
    }

    /// The stock with the metadata `words`, all 0, one for each frame of `bare`. Without enough words, the last frames
    /// are left out.
    pub fn new(bare: Bare, words: Words) -> Self {
        let total = bare.total.min(u32::try_from(words.len()).unwrap_or(MAX_FRAMES));
        Self {
            regions: bare.regions,
            total,
            unused: bare.taken.min(total),
            end: total,
            words,
            in_window: Chain::EMPTY,
            outside: Chain::EMPTY,
        }
    }

    /// How many frames there are.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// How many are free.
    pub const fn free(&self) -> u32 {
        self.in_window.count + self.outside.count + (self.end - self.unused)
    }

    /// A free frame that is in the window already.
    pub fn take_in_window(&mut self) -> Option<Frame> {
        pop(&mut self.words, &mut self.in_window)
    }

    /// A free frame that is not in the window.
    ///
    /// `reused` says which is preferred: one that was used before, which has all reason to stay outside, or one that
    /// never was.
    pub fn take_outside(&mut self, reused: bool) -> Option<Frame> {
        if reused {
            pop(&mut self.words, &mut self.outside).or_else(|| self.take_unused())
        } else {
            self.take_unused().or_else(|| pop(&mut self.words, &mut self.outside))
        }
    }

    fn take_unused(&mut self) -> Option<Frame> {
        if self.unused >= self.end {
            return None;
        }
        let frame = Frame::from_index(self.unused);
        self.unused += 1;
        frame
    }

    /// Takes `count` frames that were never used and follow each other in memory: the first. They come from the end, where
    /// others are taken last; frames behind them, in regions that are too small, go into the stock.
    pub fn take_run(&mut self, count: u32) -> Option<Frame> {
        let mut region_end = self.total;
        for region in self.regions.iter().rev() {
            let region_start = region_end.saturating_sub((region.length / PAGE) as u32);
            let (first, end) = (region_start.max(self.unused), region_end.min(self.end));
            if count > 0 && end.checked_sub(first).is_some_and(|room| room >= count) {
                for frame in (end..self.end).filter_map(Frame::from_index) {
                    push(&mut self.words, &mut self.outside, frame);
                }
                self.end = end - count;
                return Frame::from_index(self.end);
            }
            region_end = region_start;
        }
        None
    }

    /// The frame that follows `frame` in memory, if both are of a run.
    pub fn following(&self, frame: Frame) -> Option<Frame> {
        Frame::from_index(frame.index() + 1)
    }

    /// Gives back one frame that is in no chain.
    pub fn give_back(&mut self, frame: Frame) {
        let stock = if self.is_in_window(frame) { &mut self.in_window } else { &mut self.outside };
        push(&mut self.words, stock, frame);
    }

    /// Gives back a whole chain, whose frames must all be in the window (`in_window`) or all outside. Takes the same
    /// time for every length.
    pub fn give_back_chain(&mut self, chain: &mut Chain, in_window: bool) {
        let stock = if in_window { &mut self.in_window } else { &mut self.outside };
        join(&mut self.words, stock, chain);
    }

    /// Adds a frame that is in no chain to the end of `chain`, with the address that it is mapped at.
    pub fn push(&mut self, chain: &mut Chain, frame: Frame, address: u64) {
        if let Some(word) = self.words.get_mut(frame.index() as usize) {
            *word = (*word & IN_WINDOW) | ((address / PAGE) << PAGE_SHIFT);
        }
        push(&mut self.words, chain, frame);
    }

    /// The frame of `chain` that was pushed with an address in the page of `address`. Takes time with the length of
    /// the chain: for reports, not for faults.
    pub fn find(&self, chain: &Chain, address: u64) -> Option<Frame> {
        core::iter::successors(chain.head, |&frame| self.next(frame)).find(|frame| {
            let word = self.words.get(frame.index() as usize);
            word.is_some_and(|word| word >> PAGE_SHIFT == address / PAGE)
        })
    }

    /// The frame after `frame` in its chain.
    pub fn next(&self, frame: Frame) -> Option<Frame> {
        link(&self.words, frame)
    }

    /// Whether the frame is in vm's window.
    pub fn is_in_window(&self, frame: Frame) -> bool {
        self.words.get(frame.index() as usize).is_some_and(|word| word & IN_WINDOW != 0)
    }

    /// Notes whether the frame is in vm's window. It must be in no chain.
    pub fn set_in_window(&mut self, frame: Frame, value: bool) {
        if let Some(word) = self.words.get_mut(frame.index() as usize) {
            *word = if value { *word | IN_WINDOW } else { *word & !IN_WINDOW };
        }
    }

    /// The frame's physical address; 0 for a frame of another stock.
    pub fn address(&self, frame: Frame) -> u64 {
        physical(&self.regions, frame.index()).unwrap_or(0)
    }
}

fn physical(regions: &[Region], index: u32) -> Option<u64> {
    let mut offset = u64::from(index) * PAGE;
    for region in regions {
        if offset < region.length {
            return Some(region.start + offset);
        }
        offset -= region.length;
    }
    None
}

fn link(words: &[u64], frame: Frame) -> Option<Frame> {
    NonZeroU32::new((words.get(frame.index() as usize)? & LINK) as u32).map(Frame)
}

fn set_link(words: &mut [u64], frame: Frame, next: Option<Frame>) {
    if let Some(word) = words.get_mut(frame.index() as usize) {
        *word = (*word & !LINK) | next.map_or(0, |next| u64::from(next.0.get()));
    }
}

fn pop(words: &mut [u64], chain: &mut Chain) -> Option<Frame> {
    let frame = chain.head?;
    chain.head = link(words, frame);
    if chain.head.is_none() {
        chain.tail = None;
    }
    chain.count -= 1;
    set_link(words, frame, None);
    Some(frame)
}

fn push(words: &mut [u64], chain: &mut Chain, frame: Frame) {
    set_link(words, frame, None);
    match chain.tail {
        Some(tail) => set_link(words, tail, Some(frame)),
        None => chain.head = Some(frame),
    }
    chain.tail = Some(frame);
    chain.count += 1;
}

/// Puts all of `from` before what is in `to`, so that memory used last is used first again.
fn join(words: &mut [u64], to: &mut Chain, from: &mut Chain) {
    let Some(tail) = from.tail else { return };
    set_link(words, tail, to.head);
    to.head = from.head;
    if to.tail.is_none() {
        to.tail = Some(tail);
    }
    to.count += from.count;
    *from = Chain::EMPTY;
}

#[cfg(test)]
pub(crate) mod tests;
