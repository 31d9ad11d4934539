//! The user's side of the rings.

use crate::request::{BYTES, WORDS};
use crate::{
    ANSWERED, ANSWERS, Broken, DRIVER_SLEEPS, Ended, MADE, MARK, PAGE, REQUESTS, RING, Request, SEEN,
    page_offset, size,
};
use core::sync::atomic::{Ordering, fence};
use ipc::{Error, Region};

/// The user's side of the rings, and what is in flight.
#[derive(Debug)]
pub struct User {
    memory: Region,
    pages: u16,
    /// How many requests were made since the rings were empty, and how many answers were taken.
    made: u64,
    seen: u64,
    /// The requests that are not answered, at their tags.
    in_flight: [Option<[u64; WORDS]>; REQUESTS],
}

impl User {
    /// The user of `memory`, right after `attach`. It has as many data pages as fit.
    ///
    /// Errors: [`Broken`] if none fits.
    pub fn new(memory: Region) -> Result<Self, Broken> {
        let room = memory.len().checked_sub(size(0)).ok_or(Broken)?;
        let pages = u16::try_from(room / PAGE).unwrap_or(u16::MAX);
        if pages == 0 {
            return Err(Broken);
        }
        Ok(Self { memory, pages, made: 0, seen: 0, in_flight: [None; REQUESTS] })
    }

    /// How many data pages there are.
    pub const fn pages(&self) -> u16 {
        self.pages
    }

    /// A page of data; one that does not exist is empty. It may lie elsewhere after [`User::attached_again`].
    pub fn page(&self, page: u16) -> Region {
        let offset = if page < self.pages { page_offset(page) } else { 0 };
        let length = if page < self.pages { PAGE } else { 0 };
        // Cannot fail: the memory has so many pages.
        self.memory.part(offset, length).unwrap_or(self.memory)
    }

    /// Makes a request. Its pages are the device's until it is answered.
    ///
    /// Errors: `InvalidArgument` (the tag is not below [`REQUESTS`] or is in flight; the request contradicts itself, or names
    /// pages that do not exist).
    pub fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        let words = request.encode(tag, self.pages).ok_or(Error::InvalidArgument)?;
        let place = self.in_flight.get_mut(usize::from(tag)).ok_or(Error::InvalidArgument)?;
        if place.is_some() {
            return Err(Error::InvalidArgument);
        }
        *place = Some(words);
        self.push(&words)
    }

    fn push(&mut self, words: &[u64; WORDS]) -> Result<(), Error> {
        // No more than `REQUESTS` are in flight, each with a tag of its own: the ring has room.
        let at = RING + self.made as usize % REQUESTS * BYTES;
        for (index, word) in words.iter().enumerate() {
            self.memory.store(at + index * 8, *word)?;
        }
        self.made = self.made.wrapping_add(1);
        self.memory.store(MADE, self.made)
    }

    /// Whether the driver wants to be notified of requests. Asked after making some; true once each time that it sleeps.
    ///
    /// Errors: [`Broken`].
    pub fn must_wake(&self) -> Result<bool, Broken> {
        fence(Ordering::SeqCst);
        let sleeps = self.memory.load(DRIVER_SLEEPS)? != 0;
        if sleeps {
            self.memory.store(DRIVER_SLEEPS, 0)?;
        }
        Ok(sleeps)
    }

    /// The next answer: the tag of the request, which may be used again, and whether it was done.
    ///
    /// Errors: [`Broken`].
    pub fn answer(&mut self) -> Result<Option<Ended>, Broken> {
        let waiting = self.memory.load(ANSWERED)?.wrapping_sub(self.seen);
        if waiting == 0 {
            return Ok(None);
        }
        let word = self.memory.load(ANSWERS + self.seen as usize % REQUESTS * 8)?;
        let (tag, code) = (word as u16, word >> 16);
        let place = self.in_flight.get_mut(usize::from(tag)).ok_or(Broken)?;
        if waiting > REQUESTS as u64 || code > 0xff || place.take().is_none() {
            return Err(Broken);
        }
        self.seen = self.seen.wrapping_add(1);
        self.memory.store(SEEN, self.seen)?;
        let result = if code == 0 { Ok(()) } else { Err(Error::from_code(code as usize)) };
        Ok(Some((tag, result)))
    }

    /// Whether anything is not answered.
    pub fn is_waiting(&self) -> bool {
        self.in_flight.iter().any(Option::is_some)
    }

    /// Goes on after another `attach`, with everything that was not answered. The data is taken along, if `memory` is
    /// not what it was before.
    ///
    /// Errors: [`Broken`] if it has not so many pages.
    pub fn attached_again(&mut self, memory: Region) -> Result<(), Broken> {
        if memory.len() < size(self.pages) {
            return Err(Broken);
        }
        let mark = memory.load(MARK)?.wrapping_add(1);
        self.memory.store(MARK, mark)?;
        let before = core::mem::replace(&mut self.memory, memory);
        if memory.load(MARK)? != mark {
            copy(&before, &memory, self.pages)?;
        }
        (self.made, self.seen) = (0, 0);
        for tag in 0..REQUESTS {
            if let Some(words) = self.in_flight.get(tag).copied().flatten() {
                self.push(&words)?;
            }
        }
        Ok(())
    }

    /// Forgets what is in flight.
    pub fn forget(&mut self) {
        self.in_flight = [None; REQUESTS];
    }
}

/// Copies all data pages.
#[cold]
fn copy(from: &Region, to: &Region, pages: u16) -> Result<(), Broken> {
    let mut part = [0; 256];
    for offset in (size(0)..size(pages)).step_by(part.len()) {
        from.read(offset, &mut part)?;
        to.write(offset, &part)?;
    }
    Ok(())
}
