//! The blocks that a volume is divided into: a page of the cache holds one.
//!
//! Blocks are a page long but for the first and the last one: some sector of the volume is the first one of its block, so that
//! what is stored in whole pages from there on lies in one block each, wherever the partition begins. No block has
//! sectors of another partition.

use core::ops::Range;

/// Bytes of a sector, and sectors of a page.
const SECTOR: u64 = blocks::SECTOR as u64;
const PAGE_SECTORS: u64 = blocks::PAGE_SECTORS as u64;

/// The division of a volume.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The volume's sectors on the disk.
    sectors: Range<u64>,
    /// How many sectors the first block lacks.
    lacks: u64,
}

/// Where a byte of the volume is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// In which block.
    pub block: u64,
    /// How many bytes from its start.
    pub offset: usize,
    /// How many bytes from there to its end.
    pub left: u64,
}

impl Grid {
    /// The division of the volume in these sectors of a disk that has a block begin at its sector `first`.
    pub const fn new(sectors: Range<u64>, first: u64) -> Self {
        Self { sectors, lacks: (PAGE_SECTORS - first % PAGE_SECTORS) % PAGE_SECTORS }
    }

    /// The volume's sectors on the disk.
    pub const fn sectors(&self) -> Range<u64> {
        self.sectors.start..self.sectors.end
    }

    /// The volume's size in bytes.
    pub const fn size(&self) -> u64 {
        self.count() * SECTOR
    }

    const fn count(&self) -> u64 {
        self.sectors.end - self.sectors.start
    }

    /// The first sector of a block, and the first one behind it; of the volume.
    const fn bounds(&self, block: u64) -> (u64, u64) {
        let end = (block + 1) * PAGE_SECTORS - self.lacks;
        let start = (block * PAGE_SECTORS).saturating_sub(self.lacks);
        (start, if end < self.count() { end } else { self.count() })
    }

    /// Where the byte `at` is; `None` if it is past the end.
    #[inline]
    pub fn place(&self, at: u64) -> Option<Place> {
        if at >= self.size() {
            return None;
        }
        let block = (at / SECTOR + self.lacks) / PAGE_SECTORS;
        let (start, end) = self.bounds(block);
        Some(Place { block, offset: (at - start * SECTOR) as usize, left: end * SECTOR - at })
    }

    /// The length of a block in bytes.
    pub const fn length(&self, block: u64) -> u64 {
        let (start, end) = self.bounds(block);
        (end - start) * SECTOR
    }

    /// The sector of the disk where a block begins.
    pub const fn sector(&self, block: u64) -> u64 {
        self.sectors.start + self.bounds(block).0
    }

    /// How many sectors the blocks from `first` to `last` have.
    pub const fn sectors_of(&self, first: u64, last: u64) -> u64 {
        self.bounds(last).1 - self.bounds(first).0
    }

    /// Whether the blocks from `first` to `next` can be in one request: all but the last fill their pages.
    pub const fn follows(&self, first: u64, next: u64) -> bool {
        let (start, _) = self.bounds(next);
        next == first || start < self.count() && (first > 0 || self.lacks == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_is_in_one_block(start in 0_u64..100, count in 1_u64..200, first in 0_u64..50, at: u64) {
            let grid = Grid::new(start..start + count, first);
            let at = at % grid.size();
            let place = grid.place(at).unwrap();
            prop_assert!(place.left > 0 && place.offset as u64 + place.left == grid.length(place.block));
            prop_assert!(grid.length(place.block) <= PAGE_SECTORS * SECTOR);
            let sector = grid.sector(place.block);
            prop_assert!(sector >= start && sector + grid.length(place.block) / SECTOR <= start + count);
            prop_assert_eq!((sector - start) * SECTOR + place.offset as u64, at);
            prop_assert_eq!(grid.place(grid.size()), None);
            if first < count {
                prop_assert_eq!(grid.place(first * SECTOR).unwrap().offset, 0);
            }
        }

        /// The blocks of a request that fill their pages are found where the request's sectors are.
        #[test]
        fn requests_fill_pages(count in 1_u64..200, first in 0_u64..50, block in 0_u64..20, more in 0_u64..8) {
            let grid = Grid::new(0..count, first);
            let next = block + more;
            if grid.place(grid.size() - 1).unwrap().block >= next && grid.follows(block, next) {
                prop_assert_eq!(grid.sector(next) - grid.sector(block), more * PAGE_SECTORS);
            }
        }
    }
}
