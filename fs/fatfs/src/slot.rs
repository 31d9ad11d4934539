//! A page of the cache, and the table that finds pages by what they hold.

use alloc::vec;
use alloc::vec::Vec;
use fat::Class;

/// What a page is being used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It holds nothing.
    Empty,
    /// The disk fills it.
    Reading,
    /// It holds its block.
    Valid,
    /// It holds its block, which the disk is storing.
    Writing,
    /// Reading it has failed.
    Failed,
}

/// A page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Which block of the volume it holds.
    pub block: u64,
    /// How it stands.
    pub state: State,
    /// Whether it was used since it was last considered for another block.
    pub used: bool,
    /// For each class, the sectors that are not on the disk as they are here; a bit for each.
    dirty: [u8; 3],
    next: u16,
}

/// No slot.
const NONE: u16 = u16::MAX;

impl Slot {
    const EMPTY: Self = Self { block: 0, state: State::Empty, used: false, dirty: [0; 3], next: NONE };

    /// Whether it can be given to another block.
    pub const fn is_free(&self) -> bool {
        let [data, table, entry] = self.dirty;
        data | table | entry == 0 && matches!(self.state, State::Empty | State::Valid | State::Failed)
    }

    /// The sectors of a class that have to be written.
    pub const fn dirty_of(&self, class: Class) -> u8 {
        self.dirty[class as usize % 3]
    }

    /// Whether sectors of other classes have to be written too.
    pub const fn is_mixed(&self, class: Class) -> bool {
        let mut others = 0;
        let mut index = 0;
        while index < 3 {
            if index != class as usize {
                others |= self.dirty[index];
            }
            index += 1;
        }
        others != 0
    }
}

/// The pages, found by block.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    /// Heads of the lists of slots whose blocks have the same place here.
    heads: Vec<u16>,
    /// The slot that is considered next for another block.
    hand: u16,
    /// For each class, how many slots have something to be written.
    unwritten: [u16; 3],
}

impl Slots {
    /// `count` empty slots.
    pub fn new(count: u16) -> Self {
        let heads = usize::from(count).next_power_of_two();
        Self { slots: vec![Slot::EMPTY; count.into()], heads: vec![NONE; heads], hand: 0, unwritten: [0; 3] }
    }

    /// How many there are.
    pub fn len(&self) -> u16 {
        self.slots.len() as u16
    }

    /// A slot by its number, the number of its page too.
    #[inline]
    pub fn get(&self, slot: u16) -> Slot {
        self.slots.get(usize::from(slot)).copied().unwrap_or(Slot::EMPTY)
    }

    /// As [`Slots::get`], to change it; its block is changed by [`Slots::assign`] only.
    #[inline]
    pub fn get_mut(&mut self, slot: u16) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(slot))
    }

    /// How many slots have something of a class to be written.
    pub fn unwritten(&self, class: Class) -> u16 {
        self.unwritten[class as usize % 3]
    }

    /// Sectors of a slot are now of this class, and have to be written.
    pub fn soil(&mut self, slot: u16, sectors: u8, class: Class) {
        let mut dirty = self.get(slot).dirty.map(|dirty| dirty & !sectors);
        dirty[class as usize % 3] |= sectors;
        self.set_dirty(slot, dirty);
    }

    /// Sectors of a slot are being written.
    pub fn clean(&mut self, slot: u16, sectors: u8) {
        self.set_dirty(slot, self.get(slot).dirty.map(|dirty| dirty & !sectors));
    }

    fn set_dirty(&mut self, slot: u16, dirty: [u8; 3]) {
        let Some(entry) = self.slots.get_mut(usize::from(slot)) else { return };
        for ((count, before), after) in self.unwritten.iter_mut().zip(entry.dirty).zip(dirty) {
            *count = *count + u16::from(after != 0) - u16::from(before != 0);
        }
        entry.dirty = dirty;
    }

    fn head(&mut self, block: u64) -> Option<&mut u16> {
        let mask = self.heads.len() - 1;
        // Blocks that follow each other have different places.
        self.heads.get_mut((block ^ block >> 16) as usize & mask)
    }

    /// The slot that has a block.
    #[inline]
    pub fn find(&self, block: u64) -> Option<u16> {
        let mask = self.heads.len() - 1;
        let mut slot = *self.heads.get((block ^ block >> 16) as usize & mask)?;
        // A list is no longer than the table.
        loop {
            let entry = self.slots.get(usize::from(slot))?;
            if entry.block == block {
                return Some(slot);
            }
            slot = entry.next;
        }
    }

    /// Gives a slot to a block, which it does not hold yet.
    pub fn assign(&mut self, slot: u16, block: u64, state: State) {
        self.clear(slot);
        let Some(head) = self.head(block) else { return };
        let next = core::mem::replace(head, slot);
        if let Some(entry) = self.get_mut(slot) {
            *entry = Slot { block, state, used: true, dirty: [0; 3], next };
        }
    }

    /// Takes its block from a slot.
    pub fn clear(&mut self, slot: u16) {
        let Slot { block, state, next, .. } = self.get(slot);
        if state == State::Empty {
            return;
        }
        let Some(head) = self.head(block) else { return };
        let mut before = *head;
        if before == slot {
            *head = next;
        }
        while before != slot
            && let Some(entry) = self.get_mut(before)
        {
            before = entry.next;
            if before == slot {
                entry.next = next;
            }
        }
        if let Some(entry) = self.get_mut(slot) {
            *entry = Slot::EMPTY;
        }
    }

    /// A slot for another block: one that was not used lately (the clock algorithm). `None` if all have to be kept.
    pub fn victim(&mut self) -> Option<u16> {
        for _ in 0..2 * self.slots.len() {
            let slot = self.hand;
            self.hand = if slot + 1 >= self.len() { 0 } else { slot + 1 };
            let entry = self.get_mut(slot)?;
            if entry.is_free() && !core::mem::take(&mut entry.used) {
                return Some(slot);
            }
        }
        None
    }

    /// All slots with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Slot)> {
        (0..).zip(&self.slots)
    }
}
