//! Requests, and how they lie in the ring.
//!
//! Eight words: the tag in bits 0 to 15 of the first, the operation from bit 16 on, the number of sectors from bit 32 on;
//! then the first sector; then the numbers of the pages, four in a word. Whoever reads one from the ring decodes a copy.

use crate::{Broken, PAGE_SECTORS, REQUESTS};

/// Most pages of a request.
pub const MOST_PAGES: usize = 24;
/// Most sectors of a request.
pub const MOST_SECTORS: u16 = (MOST_PAGES * PAGE_SECTORS) as u16;
/// Bytes of a request in the ring.
pub const BYTES: usize = WORDS * 8;
/// Words of a request.
pub const WORDS: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// From the disk to the pages.
    Read,
    /// From the pages to the disk.
    Write,
    /// What was written and answered before is on the medium when this is answered. Has no sectors.
    Flush,
}

/// A request. Its sectors fill the pages in order, each from its start; the last one may be filled in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// What.
    pub operation: Operation,
    /// The first sector; 0 for a flush.
    pub sector: u64,
    /// How many: at most [`MOST_SECTORS`]; 0 for a flush.
    pub sectors: u16,
    /// The pages, by number, as many as the sectors need.
    pub pages: &'a [u16],
}

impl Request<'_> {
    /// As it lies in the ring; `None` if it contradicts itself, or names a page from `pages` on.
    pub fn encode(&self, tag: u16, pages: u16) -> Option<[u64; WORDS]> {
        let operation = match self.operation {
            Operation::Read => 0,
            Operation::Write => 1,
            Operation::Flush => 2,
        };
        let mut words = [0; WORDS];
        words[0] = u64::from(tag) | operation << 16 | u64::from(self.sectors) << 32;
        words[1] = self.sector;
        for (&page, index) in self.pages.iter().zip(0..MOST_PAGES) {
            words[2 + index / 4] |= u64::from(page) << (index % 4 * 16);
        }
        let taken = Taken::decode(&words, pages).ok()?;
        (taken.pages() == self.pages).then_some(words)
    }
}

/// A request that the driver has taken from the ring. It is as the rules want it, except that its sectors may not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The user's name for it.
    pub tag: u16,
    /// What.
    pub operation: Operation,
    /// The first sector.
    pub sector: u64,
    /// How many.
    pub sectors: u16,
    pages: [u16; MOST_PAGES],
}

impl Taken {
    /// The request in these words, of a user with so many pages.
    ///
    /// Errors: [`Broken`].
    pub fn decode(words: &[u64; WORDS], pages: u16) -> Result<Self, Broken> {
        let operation = match words[0] >> 16 & 0xffff {
            0 => Operation::Read,
            1 => Operation::Write,
            2 => Operation::Flush,
            _ => return Err(Broken),
        };
        let numbers = core::array::from_fn(|index| (words[2 + index / 4] >> (index % 4 * 16)) as u16);
        let (tag, sectors) = (words[0] as u16, (words[0] >> 32) as u16);
        let taken = Self { tag, operation, sector: words[1], sectors, pages: numbers };
        let has_sectors = match operation {
            Operation::Flush => sectors == 0 && taken.sector == 0,
            _ => (1..=MOST_SECTORS).contains(&sectors),
        };
        let has_pages = taken.pages().iter().all(|&page| page < pages);
        let is_valid = usize::from(tag) < REQUESTS && words[0] >> 48 == 0 && has_sectors && has_pages;
        if is_valid { Ok(taken) } else { Err(Broken) }
    }

    /// The pages, by number.
    pub fn pages(&self) -> &[u16] {
        let count = usize::from(self.sectors).div_ceil(PAGE_SECTORS);
        self.pages.get(..count).unwrap_or(&[])
    }
}
