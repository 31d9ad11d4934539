//! The driver's side of the rings.

use crate::request::{BYTES, WORDS};
use crate::{ANSWERED, ANSWERS, Broken, DATA_AT, DRIVER_SLEEPS, MADE, REQUESTS, RING, SEEN, Taken, size};
use core::sync::atomic::{Ordering, fence};
use ipc::{Error, Region};

/// The driver's side of the rings that it shares with one user.
#[derive(Debug)]
pub struct Driver {
    memory: Region,
    pages: u16,
    /// How many requests were taken, and how many were answered.
    taken: u64,
    answered: u64,
    /// The tags of the requests that are not answered, as bits.
    held: u64,
}

const _: () = assert!(REQUESTS == u64::BITS as usize);

impl Driver {
    /// The driver's side of `memory`, with empty rings: for each `attach`, before the user hears of it.
    ///
    /// Errors: [`Broken`] if the memory is too small for so many pages.
    pub fn new(memory: Region, pages: u16) -> Result<Self, Broken> {
        if memory.len() < size(pages) {
            return Err(Broken);
        }
        memory.part(0, DATA_AT)?.zero();
        Ok(Self { memory, pages, taken: 0, answered: 0, held: 0 })
    }

    /// The shared memory.
    pub const fn memory(&self) -> &Region {
        &self.memory
    }

    /// The next request, which the driver has until [`Driver::answer`].
    ///
    /// Errors: [`Broken`].
    pub fn take(&mut self) -> Result<Option<Taken>, Broken> {
        if self.is_empty()? {
            return Ok(None);
        }
        let at = RING + self.taken as usize % REQUESTS * BYTES;
        let mut words = [0; WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.memory.load(at + index * 8)?;
        }
        let taken = Taken::decode(&words, self.pages)?;
        // The tag is below the number of bits, as decoded.
        let bit = 1_u64 << (taken.tag % 64);
        if self.held & bit != 0 {
            return Err(Broken);
        }
        self.held |= bit;
        self.taken = self.taken.wrapping_add(1);
        Ok(Some(taken))
    }

    /// Answers a request that was taken.
    ///
    /// Errors: [`Broken`] if there is none with this tag.
    pub fn answer(&mut self, tag: u16, result: Result<(), Error>) -> Result<(), Broken> {
        let bit = 1_u64.checked_shl(tag.into()).unwrap_or(0);
        if self.held & bit == 0 {
            return Err(Broken);
        }
        self.held &= !bit;
        let code = result.map_or_else(Error::code, |()| 0) as u64;
        let at = ANSWERS + self.answered as usize % REQUESTS * 8;
        self.memory.store(at, u64::from(tag) | code << 16)?;
        self.answered = self.answered.wrapping_add(1);
        Ok(self.memory.store(ANSWERED, self.answered)?)
    }

    /// Whether the user has nothing to wait for: it has not seen an answer yet, or has asked for nothing.
    ///
    /// Errors: [`Broken`].
    pub fn has_news(&self) -> Result<bool, Broken> {
        Ok(self.memory.load(SEEN)? != self.answered || self.held == 0 && self.is_empty()?)
    }

    /// Asks to be notified of requests from now on. True: there is none, so the driver may wait.
    ///
    /// Errors: [`Broken`].
    pub fn sleep(&self) -> Result<bool, Broken> {
        self.memory.store(DRIVER_SLEEPS, 1)?;
        // The look at the ring must not come before this store; on x86 it otherwise could.
        fence(Ordering::SeqCst);
        self.is_empty()
    }

    fn is_empty(&self) -> Result<bool, Broken> {
        let waiting = self.memory.load(MADE)?.wrapping_sub(self.taken);
        // A count that goes back, or passes what the ring holds.
        if waiting > REQUESTS as u64 { Err(Broken) } else { Ok(waiting == 0) }
    }
}
