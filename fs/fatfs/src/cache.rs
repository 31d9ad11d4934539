//! The cache of a volume: the pages that the disk reads and writes itself.
//!
//! Content is written to the disk when pages are needed for something else, tables and directory entries only when they
//! are asked for ([`fat::Storage::write_out`]), or, tables after all content, when no other page is left: they never point
//! to what is not there yet. A page that the disk is storing is not changed meanwhile. Memory is that of the pages.

use crate::asked::Asked;
use crate::grid::Grid;
use crate::medium::Medium;
use crate::slot::{Slots, State};
use alloc::vec;
use alloc::vec::Vec;
use blocks::{Operation, PAGE, Request};
use core::ops::Range;
use fat::Class;
use ipc::{Error, Region};

/// Pages that are set aside: sectors are written from there that must not be written with others of their page.
const ASIDE: u16 = 4;

/// Bytes of a sector.
const SECTOR: u64 = blocks::SECTOR as u64;

/// Of the pages, so many may hold what is held back before it should be written.
const HELD_BACK: u16 = 4;

/// Of the pages, so many may hold content that was not written, before the disk is asked to.
const UNWRITTEN: u16 = 2;

/// Memory for what is written.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The memory.
    pub memory: Region,
    /// It still holds what another place of the volume has.
    pub was_other: bool,
}

/// The cache.
pub struct Cache<M> {
    pub(crate) medium: M,
    pub(crate) grid: Grid,
    slots: Slots,
    asked: Vec<Option<Asked>>,
    /// Pages that are set aside and not used.
    aside: Vec<u16>,
    /// Why something could not be written; told once.
    failure: Option<Error>,
    /// Something was written that is not flushed.
    unflushed: bool,
    read_only: bool,
}

impl<M: Medium> Cache<M> {
    /// A cache for a whole disk.
    pub fn new(medium: M, read_only: bool) -> Self {
        let pages = medium.pages().saturating_sub(ASIDE);
        let read_only = read_only || medium.is_read_only();
        Self {
            slots: Slots::new(pages),
            asked: vec![None; medium.most_requests().into()],
            aside: (pages..medium.pages()).collect(),
            grid: Grid::new(0..medium.sectors(), 0),
            medium,
            failure: None,
            unflushed: false,
            read_only,
        }
    }

    /// Makes it the cache of the volume in these sectors, whose sector `first` begins a block, so that what lies from there on in
    /// whole pages is in one each. Everything that was read is forgotten.
    ///
    /// Errors: those of writing what has to be written.
    pub fn divide(&mut self, sectors: Range<u64>, first: u64) -> Result<(), Error> {
        [Class::Data, Class::Table, Class::Entry]
            .into_iter()
            .try_for_each(|class| self.finish_writing(class))?;
        while self.wait_for_any()? {}
        for slot in 0..self.slots.len() {
            self.slots.clear(slot);
        }
        self.grid = Grid::new(sectors, first);
        Ok(())
    }

    /// The sectors of the volume.
    pub const fn sectors(&self) -> Range<u64> {
        self.grid.sectors()
    }

    /// The memory that holds the bytes from `at` on, up to `limit` of them and never past a page, read if it has to be.
    ///
    /// Errors: `OutOfBounds` (past the volume's end), `InputOutput`, `OutOfMemory` (all pages have to be kept).
    #[inline]
    pub fn read_at(&mut self, at: u64, limit: u64) -> Result<Region, Error> {
        let place = self.grid.place(at).ok_or(Error::OutOfBounds)?;
        let slot = self.hold(place.block)?;
        self.medium.page(slot).part(place.offset, (limit.min(place.left)) as usize)
    }

    /// As [`Cache::read_at`], for bytes that are written there at once, which are of this class.
    ///
    /// Errors: as [`Cache::read_at`], `ReadOnly`.
    pub fn write_at(&mut self, at: u64, limit: u64, class: Class) -> Result<Room, Error> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        let place = self.grid.place(at).ok_or(Error::OutOfBounds)?;
        let length = limit.min(place.left);
        let whole = place.offset == 0 && length == self.grid.length(place.block);
        if class == Class::Data && self.slots.unwritten(class) >= self.slots.len() / UNWRITTEN {
            self.start_writing(class)?;
        }
        let (slot, was_other) =
            if whole { self.take(place.block)? } else { (self.hold(place.block)?, false) };
        while self.slots.get(slot).state == State::Writing {
            self.wait()?;
        }
        let first = place.offset as u64 / SECTOR;
        let last = (place.offset as u64 + length - 1) / SECTOR;
        let sectors = (1_u32 << (last + 1)) - (1 << first);
        self.slots.soil(slot, sectors as u8, class);
        let memory = self.medium.page(slot).part(place.offset, length as usize)?;
        Ok(Room { memory, was_other })
    }

    /// Asks for what lies between `at` and `end` and is not there, without waiting for it. Nothing comes of it if no
    /// page can be had at once.
    ///
    /// Errors: why the disk cannot be used any more.
    pub fn read_ahead(&mut self, at: u64, end: u64) -> Result<(), Error> {
        let Some(first) = self.grid.place(at).map(|place| place.block) else { return Ok(()) };
        let end = end.min(self.grid.size());
        let last = self.grid.place(end.saturating_sub(1)).map_or(first, |place| place.block);
        let mut block = first;
        while block <= last {
            if self.slots.find(block).is_some() {
                block += 1;
                continue;
            }
            match self.ask_for(block, last)? {
                0 => break,
                count => block += count,
            }
        }
        Ok(())
    }

    /// The slot of a block that is needed now.
    #[inline]
    fn hold(&mut self, block: u64) -> Result<u16, Error> {
        loop {
            if let Some(slot) = self.slots.find(block) {
                match self.slots.get_mut(slot) {
                    Some(entry) if matches!(entry.state, State::Valid | State::Writing) => {
                        entry.used = true;
                        return Ok(slot);
                    }
                    Some(entry) if entry.state == State::Failed => {
                        self.slots.clear(slot);
                        return Err(Error::InputOutput);
                    }
                    _ => self.wait()?,
                }
            } else if self.ask_for(block, block)? == 0 {
                self.make_room()?;
            }
        }
    }

    /// The slot of a block that is overwritten as a whole, and whether it has held another.
    fn take(&mut self, block: u64) -> Result<(u16, bool), Error> {
        loop {
            match self.slots.find(block) {
                Some(slot) if self.slots.get(slot).state == State::Reading => self.wait()?,
                // It holds what was in the page before.
                Some(slot) if self.slots.get(slot).state == State::Failed => self.slots.clear(slot),
                Some(slot) => {
                    if let Some(entry) = self.slots.get_mut(slot) {
                        entry.used = true;
                    }
                    return Ok((slot, false));
                }
                None => match self.slots.victim() {
                    Some(slot) => {
                        self.slots.assign(slot, block, State::Valid);
                        return Ok((slot, true));
                    }
                    None => self.make_room()?,
                },
            }
        }
    }

    /// Asks for a block that is not there, and with it for those that follow up to `last`; for how many, 0 if no page or
    /// no request is free.
    fn ask_for(&mut self, block: u64, last: u64) -> Result<u64, Error> {
        let Some(tag) = self.free_tag() else { return Ok(0) };
        let mut asked = Asked::new(Operation::Read, Class::Data);
        for next in block..=last {
            if asked.is_full() || self.slots.find(next).is_some() || !self.grid.follows(block, next) {
                break;
            }
            let Some(slot) = self.slots.victim() else { break };
            self.slots.assign(slot, next, State::Reading);
            asked.add(slot, 0);
        }
        let count = u64::from(asked.count);
        if count > 0 {
            self.submit(tag, asked, block)?;
        }
        Ok(count)
    }

    /// Gets a page free, by writing if nothing else helps.
    fn make_room(&mut self) -> Result<(), Error> {
        if self.wait_for_any()? {
            return Ok(());
        }
        self.fail_once()?;
        if self.slots.unwritten(Class::Data) > 0 {
            self.start_writing(Class::Data)?;
            self.wait_for_any().map(drop)
        } else if self.slots.unwritten(Class::Table) > 0 {
            // All content lies where they point to, but perhaps it is not on the medium yet.
            self.flush()?;
            self.finish_writing(Class::Table)
        } else {
            Err(Error::OutOfMemory)
        }
    }

    /// Whether so much is held back that it should be written.
    pub fn is_pressed(&self) -> bool {
        let held_back = self.slots.unwritten(Class::Table) + self.slots.unwritten(Class::Entry);
        held_back > self.slots.len() / HELD_BACK
    }

    /// Writes all of a class, and has it on the medium.
    ///
    /// Errors: `InputOutput`, and why the disk cannot be used any more. What could not be written is tried again the next time.
    pub fn finish_writing(&mut self, class: Class) -> Result<(), Error> {
        while self.failure.is_none() {
            self.start_writing(class)?;
            if !self.wait_for_any()? {
                break;
            }
        }
        self.flush()
    }

    /// Waits for all answers, and has what was written on the medium.
    fn flush(&mut self) -> Result<(), Error> {
        while self.wait_for_any()? {}
        self.fail_once()?;
        if self.unflushed && self.medium.is_volatile() {
            // No request is left, so a tag is free.
            self.submit(0, Asked::new(Operation::Flush, Class::Data), 0)?;
            while self.wait_for_any()? {}
            self.fail_once()?;
        }
        self.unflushed = false;
        Ok(())
    }

    fn fail_once(&mut self) -> Result<(), Error> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Asks for as much of a class to be written as there can be requests, in the order of the volume.
    fn start_writing(&mut self, class: Class) -> Result<(), Error> {
        let to_write = |slot: &crate::slot::Slot| slot.dirty_of(class) != 0 && slot.state == State::Valid;
        let slots = self.slots.iter().filter(|(_, slot)| to_write(slot));
        let mut blocks: Vec<_> = slots.map(|(number, slot)| (slot.block, number)).collect();
        blocks.sort_unstable();
        let mut rest = blocks.as_slice();
        while let Some(&(block, slot)) = rest.first() {
            let Some(tag) = self.free_tag() else { return Ok(()) };
            if self.slots.get(slot).is_mixed(class) {
                if !self.write_aside(tag, block, slot, class)? {
                    return Ok(());
                }
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let mut asked = Asked::new(Operation::Write, class);
            while let Some(&(next, slot)) = rest.first()
                && next == block + u64::from(asked.count)
                && self.grid.follows(block, next)
                && !asked.is_full()
                && !self.slots.get(slot).is_mixed(class)
            {
                let Some(entry) = self.slots.get_mut(slot) else { break };
                asked.add(slot, entry.dirty_of(class));
                entry.state = State::Writing;
                self.slots.clean(slot, !0);
                rest = rest.get(1..).unwrap_or_default();
            }
            self.submit(tag, asked, block)?;
        }
        Ok(())
    }

    /// Writes the first sectors of a class that follow each other in a page where others must not be written; false if no
    /// page is set aside any more.
    fn write_aside(&mut self, tag: u16, block: u64, slot: u16, class: Class) -> Result<bool, Error> {
        let Some(aside) = self.aside.pop() else { return Ok(false) };
        let dirty = self.slots.get(slot).dirty_of(class);
        let first = dirty.trailing_zeros();
        let count = (dirty >> first).trailing_ones();
        let sectors = ((1_u32 << (first + count)) - (1 << first)) as u8;
        let mut buffer = [0; PAGE];
        let bytes = buffer.get_mut(..count as usize * SECTOR as usize).unwrap_or_default();
        self.medium.page(slot).read(first as usize * SECTOR as usize, bytes)?;
        self.medium.page(aside).write(0, bytes)?;
        let mut asked = Asked::new(Operation::Write, class);
        asked.aside = Some(aside);
        asked.add(slot, sectors);
        self.slots.clean(slot, sectors);
        if let Some(entry) = self.slots.get_mut(slot) {
            // It is not written from here, but nothing else of it may be at the same time.
            entry.state = State::Writing;
        }
        self.asked_for(tag, asked);
        self.unflushed = true;
        let sector = self.grid.sector(block) + u64::from(first);
        let sectors = count as u16;
        let request = Request { operation: Operation::Write, sector, sectors, pages: &[aside] };
        self.submit_to_medium(tag, &request).map(|()| true)
    }

    fn submit(&mut self, tag: u16, asked: Asked, block: u64) -> Result<(), Error> {
        let slots = asked.slots;
        let pages = slots.get(..asked.count.into()).unwrap_or_default();
        let last = block + u64::from(asked.count).saturating_sub(1);
        let (sector, sectors) = match asked.operation {
            Operation::Flush => (0, 0),
            _ => (self.grid.sector(block), self.grid.sectors_of(block, last) as u16),
        };
        self.unflushed |= asked.operation == Operation::Write;
        self.asked_for(tag, asked);
        let request = Request { operation: asked.operation, sector, sectors, pages };
        self.submit_to_medium(tag, &request)
    }

    fn asked_for(&mut self, tag: u16, asked: Asked) {
        if let Some(place) = self.asked.get_mut(usize::from(tag)) {
            *place = Some(asked);
        }
    }

    fn submit_to_medium(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        self.medium.submit(tag, request).inspect_err(|error| self.lost(*error))
    }

    /// The disk cannot be used any more: what was asked for is not done.
    #[cold]
    fn lost(&mut self, error: Error) {
        for tag in 0..self.asked.len() as u16 {
            self.answered(tag, Err(error));
        }
    }

    fn free_tag(&self) -> Option<u16> {
        self.asked.iter().position(Option::is_none).map(|tag| tag as u16)
    }

    /// Waits for an answer; false if none is to come.
    fn wait_for_any(&mut self) -> Result<bool, Error> {
        let waits = self.asked.iter().any(Option::is_some);
        if waits { self.wait().map(|()| true) } else { Ok(false) }
    }

    fn wait(&mut self) -> Result<(), Error> {
        match self.medium.wait() {
            Ok((tag, result)) => {
                self.answered(tag, result);
                Ok(())
            }
            Err(error) => {
                self.lost(error);
                Err(error)
            }
        }
    }

    /// A request was answered.
    fn answered(&mut self, tag: u16, result: Result<(), Error>) {
        let Some(asked) = self.asked.get_mut(usize::from(tag)).and_then(Option::take) else { return };
        self.aside.extend(asked.aside);
        if let Err(error) = result
            && asked.operation != Operation::Read
        {
            self.failure.get_or_insert(error);
        }
        for (&slot, dirty) in asked.slots.iter().zip(asked.dirty).take(asked.count.into()) {
            if asked.operation == Operation::Read && result.is_err() && asked.count > 1 {
                // Whoever needs it asks for it alone: perhaps only another one cannot be read.
                self.slots.clear(slot);
                continue;
            }
            let Some(entry) = self.slots.get_mut(slot) else { continue };
            entry.state = match (asked.operation, result) {
                (Operation::Read, Err(_)) => State::Failed,
                _ => State::Valid,
            };
            if result.is_err() && asked.operation == Operation::Write {
                self.slots.soil(slot, dirty, asked.class);
            }
        }
    }
}
