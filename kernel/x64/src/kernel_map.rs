//! The kernel's half of every address space: made once while booting, by pure code over [`Memory`].

use crate::paging::{ACCESSED, ADDRESS, DIRTY, LARGE, Memory, PRESENT, WRITABLE, entry_address};
use crate::regions::PAGE;

/// What the largest page is: 1 GiB is level 3, 2 MiB level 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LargestPage(pub u32);

/// A page table under construction.
pub struct Builder<'a, M: Memory> {
    /// Where tables are.
    pub memory: &'a mut M,
    /// Gives a free page for a table.
    pub allocate: &'a mut dyn FnMut() -> Option<u64>,
    /// The physical address of the top level.
    pub root: u64,
    /// The largest pages that the CPU knows.
    pub largest: LargestPage,
}

impl<M: Memory> Builder<'_, M> {
    /// Maps `length` bytes from the virtual address `at` to the physical address `to` (all in whole pages) with the
    /// bits `flags` in leaf entries, with the largest pages that fit. Returns `None` if there is no memory for tables.
    pub fn map(&mut self, at: u64, to: u64, length: u64, flags: u64) -> Option<()> {
        let mut done = 0;
        while done < length {
            let (address, frame) = (at + done, to + done);
            let mut level = 1;
            for larger in 2..=self.largest.0 {
                let size = page_size(larger);
                if (address | frame).is_multiple_of(size) && length - done >= size {
                    level = larger;
                }
            }
            let large = if level > 1 { LARGE } else { 0 };
            let place = self.place(address, level)?;
            self.memory.set_entry(place, frame | flags | large | PRESENT | ACCESSED | DIRTY);
            done += page_size(level);
        }
        Some(())
    }

    /// Makes sure that the top level has a table for `address`, so that it can be shared between address spaces.
    pub fn reserve(&mut self, address: u64) -> Option<()> {
        self.place(address, 3).map(|_| ())
    }

    /// Where the entry of `level` for `address` is, with all tables above it made.
    fn place(&mut self, address: u64, level: u32) -> Option<u64> {
        let mut table = self.root;
        for upper in (level + 1..=4).rev() {
            let place = entry_address(table, upper, address);
            let entry = self.memory.entry(place);
            table = if entry & PRESENT != 0 {
                entry & ADDRESS
            } else {
                let page = (self.allocate)()?;
                self.memory.clear(page);
                self.memory.set_entry(place, page | PRESENT | WRITABLE | ACCESSED);
                page
            };
        }
        Some(entry_address(table, level, address))
    }
}

const fn page_size(level: u32) -> u64 {
    PAGE << (9 * (level - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paging::tests::Model;

    fn build(largest: u32, at: u64, to: u64, length: u64) -> (Model, u64) {
        let mut model = Model::new(64);
        let mut next = 0;
        let mut allocate = || {
            next += PAGE;
            (next < 64 * PAGE).then_some(next)
        };
        let mut builder =
            Builder { memory: &mut model, allocate: &mut allocate, root: 0, largest: LargestPage(largest) };
        builder.map(at, to, length, WRITABLE).unwrap();
        (model, next / PAGE)
    }

    /// The physical address of `address`, by a walk that knows large pages.
    fn walk(model: &Model, address: u64) -> Option<u64> {
        let mut table = 0;
        for level in (1..=4).rev() {
            let entry = model.entry(entry_address(table, level, address));
            if entry & PRESENT == 0 {
                return None;
            }
            if level == 1 || entry & LARGE != 0 {
                return Some((entry & ADDRESS) + address % page_size(level));
            }
            table = entry & ADDRESS;
        }
        None
    }

    #[test]
    fn every_page_leads_where_it_should_whatever_the_sizes() {
        let at = 0xffff_8000_0000_0000;
        for largest in 1..=3 {
            let (start, length) = (0x1f_f000, 0x60_3000);
            let (model, _) = build(largest, at + start, start, length);
            assert_eq!(walk(&model, at + start - 1), None);
            assert_eq!(walk(&model, at + start + length), None);
            for offset in (0..length).step_by(PAGE as usize) {
                assert_eq!(walk(&model, at + start + offset + 5), Some(start + offset + 5));
            }
        }
    }

    #[test]
    fn large_pages_save_tables() {
        assert_eq!(build(3, 1 << 39, 0, 4 << 30).1, 1, "one pointer table");
        assert_eq!(build(2, 1 << 39, 0, 1 << 30).1, 2, "and one directory");
        assert_eq!(build(1, 1 << 39, 0, 1 << 21).1, 3, "and one table");
    }
}
