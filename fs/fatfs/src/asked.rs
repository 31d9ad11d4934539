//! Requests that the disk has not answered.

use blocks::{MOST_PAGES, Operation};
use fat::Class;

/// A request that is not answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// What.
    pub operation: Operation,
    /// The pages, as many as `count`.
    pub slots: [u16; MOST_PAGES],
    /// How many pages.
    pub count: u8,
    /// It stores sectors from a page that is set aside.
    pub aside: Option<u16>,
    /// What class it writes.
    pub class: Class,
    /// What was to be written of each page.
    pub dirty: [u8; MOST_PAGES],
}

impl Asked {
    /// A request without pages.
    pub const fn new(operation: Operation, class: Class) -> Self {
        Self { operation, slots: [0; MOST_PAGES], count: 0, aside: None, class, dirty: [0; MOST_PAGES] }
    }

    /// Whether it has all pages that a request can have.
    pub const fn is_full(&self) -> bool {
        self.count as usize == MOST_PAGES
    }

    /// Adds a page; there is room.
    pub fn add(&mut self, slot: u16, dirty: u8) {
        let place = usize::from(self.count);
        if let (Some(to), Some(sectors)) = (self.slots.get_mut(place), self.dirty.get_mut(place)) {
            (*to, *sectors) = (slot, dirty);
            self.count += 1;
        }
    }
}
