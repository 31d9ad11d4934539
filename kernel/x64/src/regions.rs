//! Regions of physical memory: a short sorted list that boot code carves up.
//!
//! Starts from what the boot loader calls usable, loses what the kernel and the boot files occupy, gives pages to the
//! boot code, and what is left goes to the first task. Pure arithmetic on page-aligned numbers; it touches no memory.

use abi::Region;

/// Size of a page and of a page frame, in bytes.
pub const PAGE: u64 = 4096;

/// Rounds down to a page boundary.
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// Rounds up to a page boundary; addresses in the last page of the address space stay below it.
pub const fn page_up(address: u64) -> u64 {
    page_down(address.saturating_add(PAGE - 1))
}

/// Up to `N` regions: sorted, disjoint, not adjacent, page-aligned, never empty.
#[derive(Clone, Copy, Debug)]
pub struct Regions<const N: usize> {
    list: [Region; N],
    count: usize,
}

impl<const N: usize> Default for Regions<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Regions<N> {
    /// No regions.
    pub const fn new() -> Self {
        Self { list: [Region { start: 0, length: 0 }; N], count: 0 }
    }

    /// The regions in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Region> + '_ {
        self.list.iter().take(self.count).copied()
    }

    /// The sum of all lengths, in bytes.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, region| sum.saturating_add(region.length))
    }

    /// The first address past the last region; 0 if there is none.
    pub fn end(&self) -> u64 {
        self.iter().last().map_or(0, |region| region.start.saturating_add(region.length))
    }

    /// Whether the byte at `address` lies in a region.
    pub fn contains(&self, address: u64) -> bool {
        self.iter().any(|region| address.wrapping_sub(region.start) < region.length)
    }

    /// Adds the whole pages in `start..end`, merging what touches. When the list is full, the smallest region is
    /// dropped: losing memory is better than not starting.
    pub fn add(&mut self, start: u64, end: u64) {
        let (mut start, mut end) = (page_up(start), page_down(end));
        if start >= end {
            return;
        }
        let old = *self;
        self.count = 0;
        for region in old.iter() {
            let region_end = region.start.saturating_add(region.length);
            if region_end < start || end < region.start {
                continue;
            }
            start = start.min(region.start);
            end = end.max(region_end);
        }
        let mut placed = false;
        for region in old.iter() {
            let inside = start <= region.start && region.start < end;
            if !placed && (inside || start < region.start) {
                self.push(start, end);
                placed = true;
            }
            if !inside {
                self.push(region.start, region.start.saturating_add(region.length));
            }
        }
        if !placed {
            self.push(start, end);
        }
    }

    /// Removes every page that `start..end` touches.
    pub fn remove(&mut self, start: u64, end: u64) {
        let (start, end) = (page_down(start), page_up(end));
        let old = *self;
        self.count = 0;
        for region in old.iter() {
            let region_end = region.start.saturating_add(region.length);
            if end <= region.start || region_end <= start || start >= end {
                self.push(region.start, region_end);
                continue;
            }
            self.push(region.start, start);
            self.push(end, region_end);
        }
    }

    /// Takes `length` bytes (rounded up to pages) from the end of the highest region that has them below `limit`.
    pub fn take(&mut self, length: u64, limit: u64) -> Option<u64> {
        let length = page_up(length);
        let mut found = None;
        for region in self.iter() {
            let end = region.start.saturating_add(region.length).min(page_down(limit));
            if end > region.start && end - region.start >= length {
                found = Some(end - length);
            }
        }
        if let Some(start) = found {
            self.remove(start, start + length);
        }
        found
    }

    /// Appends a region behind all others; an empty one is ignored.
    fn push(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let region = Region { start, length: end - start };
        if let Some(place) = self.list.get_mut(self.count) {
            *place = region;
            self.count += 1;
            return;
        }
        let smallest = self.iter().enumerate().min_by_key(|(_, region)| region.length);
        if let Some((dropped, victim)) = smallest
            && victim.length < region.length
        {
            let old = *self;
            self.count = 0;
            let kept = old.iter().enumerate().filter(|(index, _)| *index != dropped).map(|(_, kept)| kept);
            for (place, kept) in self.list.iter_mut().zip(kept.chain([region])) {
                *place = kept;
                self.count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn list<const N: usize>(regions: &Regions<N>) -> Vec<(u64, u64)> {
        regions.iter().map(|region| (region.start / PAGE, region.length / PAGE)).collect()
    }

    #[test]
    fn neighbours_merge_and_order_does_not_matter() {
        let mut regions = Regions::<4>::new();
        regions.add(5 * PAGE, 6 * PAGE);
        regions.add(PAGE, 2 * PAGE);
        regions.add(2 * PAGE, 5 * PAGE);
        assert_eq!(list(&regions), [(1, 5)]);
        regions.add(9 * PAGE + 1, 11 * PAGE - 1);
        assert_eq!(list(&regions), [(1, 5)], "a region without a whole page is none");
        regions.add(0, 20 * PAGE);
        assert_eq!(list(&regions), [(0, 20)]);
    }

    #[test]
    fn removing_cuts_whole_pages() {
        let mut regions = Regions::<4>::new();
        regions.add(0, 10 * PAGE);
        regions.remove(3 * PAGE + 5, 3 * PAGE + 6);
        assert_eq!(list(&regions), [(0, 3), (4, 6)]);
        regions.remove(0, 5 * PAGE);
        assert_eq!(list(&regions), [(5, 5)]);
        regions.remove(8 * PAGE, u64::MAX);
        assert_eq!(list(&regions), [(5, 3)]);
    }

    #[test]
    fn taking_comes_from_the_top_below_the_limit() {
        let mut regions = Regions::<4>::new();
        regions.add(PAGE, 4 * PAGE);
        regions.add(8 * PAGE, 16 * PAGE);
        assert_eq!(regions.take(1, u64::MAX), Some(15 * PAGE));
        assert_eq!(regions.take(2 * PAGE, 10 * PAGE), Some(8 * PAGE));
        assert_eq!(regions.take(2 * PAGE, 8 * PAGE), Some(2 * PAGE));
        assert_eq!(regions.take(100 * PAGE, u64::MAX), None);
        assert_eq!(list(&regions), [(1, 1), (10, 5)]);
    }

    #[test]
    fn a_full_list_drops_the_smallest() {
        let mut regions = Regions::<2>::new();
        regions.add(0, 2 * PAGE);
        regions.add(4 * PAGE, 5 * PAGE);
        regions.add(8 * PAGE, 12 * PAGE);
        assert_eq!(list(&regions), [(0, 2), (8, 4)]);
    }

    #[test]
    fn random_operations_agree_with_a_bitmap() {
        let mut seed = 7u64;
        let mut random = |limit: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % limit
        };
        for _ in 0..200 {
            let mut regions = Regions::<64>::new();
            let mut model = [false; 64];
            for _ in 0..30 {
                let (start, length) = (random(60), random(12));
                let end = (start + length).min(64);
                let add = random(2) == 0;
                if add {
                    regions.add(start * PAGE, end * PAGE)
                } else {
                    regions.remove(start * PAGE, end * PAGE)
                }
                model[start as usize..end as usize].fill(add);
                for (page, &expected) in model.iter().enumerate() {
                    assert_eq!(regions.contains(page as u64 * PAGE), expected, "page {page}");
                }
                let sorted: Vec<_> = regions.iter().collect();
                assert!(sorted.windows(2).all(|pair| pair[0].start + pair[0].length < pair[1].start));
            }
        }
    }
}
