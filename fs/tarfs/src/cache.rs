//! What was read of a disk, in the pages that the disk fills itself. Memory is that of the pages.
//!
//! The disk is divided into blocks of a page. A block that is read after the one before it is taken for the beginning of more: as
//! many as a request can have come with it, and when those are reached, the next ones are asked for while they are used.
//! Nothing is ever written.

use crate::medium::Medium;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use blocks::{MOST_PAGES, Operation, PAGE, PAGE_SECTORS, Request, SECTOR};
use ipc::{Error, Region};

/// Requests that are unanswered at once.
const REQUESTS: usize = 4;
/// How far the end of what was asked for ahead is looked for, in blocks.
const AHEAD: u64 = 2 * MOST_PAGES as u64;
/// With fewer pages nothing is read ahead: it would be given up before it is used.
const FEW_PAGES: usize = 4 * MOST_PAGES;

/// How a page stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// It has no block.
    Empty,
    /// The disk is filling it.
    Asked,
    /// It has its block's content.
    Valid,
    /// It could not be filled together with others, one of which may be the reason, or before anybody needed it.
    Doubtful,
    /// It could not be filled.
    Failed,
}

/// A page.
#[derive(Clone, Copy, Debug)]
struct Slot {
    block: u64,
    state: State,
    /// It was used since a page was looked for the last time.
    used: bool,
    /// When it is used, the blocks behind those that came with it are asked for.
    marked: bool,
}

/// The pages of a request that is not answered, as many as `count`.
#[derive(Clone, Copy, Debug)]
struct Asked {
    slots: [u16; MOST_PAGES],
    count: usize,
    /// It is about a single block that somebody waits for.
    is_final: bool,
}

impl Asked {
    fn slots(&self) -> &[u16] {
        self.slots.get(..self.count).unwrap_or_default()
    }
}

/// The cache.
#[derive(Debug)]
pub struct Cache<M> {
    medium: M,
    sectors: u64,
    slots: Vec<Slot>,
    /// The slots that have blocks.
    places: BTreeMap<u64, u16>,
    /// By tag.
    asked: [Option<Asked>; REQUESTS],
    /// Where the next page to be given up is looked for.
    hand: usize,
}

impl<M: Medium> Cache<M> {
    /// A cache for a disk.
    pub fn new(medium: M) -> Self {
        let empty = Slot { block: 0, state: State::Empty, used: false, marked: false };
        Self {
            sectors: medium.sectors().min(u64::MAX / PAGE as u64),
            slots: vec![empty; medium.pages().into()],
            medium,
            places: BTreeMap::new(),
            asked: [None; REQUESTS],
            hand: 0,
        }
    }

    /// Bytes of the disk.
    pub const fn size(&self) -> u64 {
        self.sectors * SECTOR as u64
    }

    /// The memory that holds the bytes from `at` on, up to `wanted` of them and never past a page, read if it has to be.
    ///
    /// Errors: `OutOfBounds` (past the disk's end), `InputOutput`.
    pub fn memory(&mut self, at: u64, wanted: u64) -> Result<Region, Error> {
        let left = self.size().checked_sub(at).filter(|left| *left > 0).ok_or(Error::OutOfBounds)?;
        let (block, offset) = (at / PAGE as u64, at % PAGE as u64);
        let wanted = wanted.min(left);
        let slot = self.hold(block, (offset + wanted).div_ceil(PAGE as u64).max(1))?;
        self.medium.page(slot).part(offset as usize, wanted.min(PAGE as u64 - offset) as usize)
    }

    /// Fills a buffer with the bytes from `at` on.
    ///
    /// Errors: as [`Cache::memory`].
    pub fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let memory = self.memory(at + done as u64, rest.len() as u64)?;
            memory.read(0, rest.get_mut(..memory.len()).unwrap_or_default())?;
            done += memory.len();
        }
        Ok(())
    }

    /// The slot of a block that is needed now, as the first of so many.
    fn hold(&mut self, block: u64, wanted: u64) -> Result<u16, Error> {
        loop {
            let Some(&number) = self.places.get(&block) else {
                let goes_on = self.slots.len() >= FEW_PAGES && block > 0 && self.is_valid(block - 1);
                let count = if goes_on { MOST_PAGES as u64 } else { wanted };
                if self.ask(block, count, goes_on)? == 0 {
                    self.wait()?;
                }
                continue;
            };
            let Some(slot) = self.slots.get_mut(usize::from(number)) else { return Err(Error::Unknown) };
            match slot.state {
                State::Valid if slot.marked => {
                    slot.marked = false;
                    // Should the disk have failed, whoever needs more is told.
                    let _ = self.ask_ahead(block);
                }
                State::Valid => {
                    slot.used = true;
                    return Ok(number);
                }
                State::Asked => self.wait()?,
                State::Doubtful => {
                    self.forget(number);
                    if self.ask(block, 1, false)? == 0 {
                        self.wait()?;
                    }
                }
                State::Failed | State::Empty => {
                    self.forget(number);
                    return Err(Error::InputOutput);
                }
            }
        }
    }

    fn is_valid(&self, block: u64) -> bool {
        let slot = self.places.get(&block).and_then(|number| self.slots.get(usize::from(*number)));
        slot.is_some_and(|slot| slot.state == State::Valid)
    }

    /// Asks for what is behind the blocks that follow a block and are there.
    fn ask_ahead(&mut self, block: u64) -> Result<(), Error> {
        let next = (block + 1..=block + AHEAD).find(|next| !self.places.contains_key(next));
        next.map_or(Ok(()), |next| self.ask(next, MOST_PAGES as u64, true).map(drop))
    }

    /// Asks for blocks from one that is not there on, up to the next one that is; for how many, 0 if no page or no request is free.
    fn ask(&mut self, first: u64, count: u64, marked: bool) -> Result<u64, Error> {
        let Some(tag) = self.asked.iter().position(Option::is_none) else { return Ok(0) };
        let blocks = self.sectors.div_ceil(PAGE_SECTORS as u64);
        let mut asked = Asked { slots: [0; MOST_PAGES], count: 0, is_final: false };
        for (place, block) in asked.slots.iter_mut().zip(first..blocks.min(first.saturating_add(count))) {
            if self.places.contains_key(&block) {
                break;
            }
            let Some(number) = self.victim() else { break };
            self.forget(number);
            if let Some(slot) = self.slots.get_mut(usize::from(number)) {
                *slot = Slot { block, state: State::Asked, used: true, marked: marked && block == first };
            }
            self.places.insert(block, number);
            (*place, asked.count) = (number, asked.count + 1);
        }
        if asked.count == 0 {
            return Ok(0);
        }
        asked.is_final = asked.count == 1 && !marked;
        let sector = first * PAGE_SECTORS as u64;
        let sectors = (self.sectors - sector).min((asked.count * PAGE_SECTORS) as u64) as u16;
        if let Some(place) = self.asked.get_mut(tag) {
            *place = Some(asked);
        }
        let request = Request { operation: Operation::Read, sector, sectors, pages: asked.slots() };
        match self.medium.submit(tag as u16, &request) {
            Ok(()) => Ok(asked.count as u64),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// A page that can be given up: one that was not used for long. `None` if the disk is filling all.
    fn victim(&mut self) -> Option<u16> {
        for _ in 0..2 * self.slots.len() {
            let number = self.hand;
            self.hand = (number + 1) % self.slots.len();
            match self.slots.get_mut(number) {
                Some(slot) if slot.state == State::Asked => {}
                Some(slot) if slot.used => slot.used = false,
                _ => return Some(number as u16),
            }
        }
        None
    }

    /// A page has no block any more.
    fn forget(&mut self, number: u16) {
        if let Some(slot) = self.slots.get_mut(usize::from(number)).filter(|slot| slot.state != State::Empty)
        {
            slot.state = State::Empty;
            self.places.remove(&slot.block);
        }
    }

    fn wait(&mut self) -> Result<(), Error> {
        match self.medium.wait() {
            Ok((tag, result)) => {
                self.answered(tag, result.is_ok());
                Ok(())
            }
            Err(error) => Err(self.lost(error)),
        }
    }

    fn answered(&mut self, tag: u16, is_done: bool) {
        let Some(asked) = self.asked.get_mut(usize::from(tag)).and_then(Option::take) else { return };
        for number in asked.slots() {
            if let Some(slot) = self.slots.get_mut(usize::from(*number)) {
                slot.state = match asked.is_final {
                    _ if is_done => State::Valid,
                    true => State::Failed,
                    false => State::Doubtful,
                };
            }
        }
    }

    /// The disk cannot be used any more: what was asked for does not come.
    #[cold]
    fn lost(&mut self, error: Error) -> Error {
        for asked in core::mem::take(&mut self.asked).into_iter().flatten() {
            asked.slots().iter().for_each(|number| self.forget(*number));
        }
        error
    }
}
