//! What the driver remembers of each buffer that the device has. The device cannot reach it.

use crate::{Faulty, Part, Used};
use alloc::boxed::Box;

/// What is known of a buffer, at its number; or of a free number.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// How many descriptors it has; 0: the device does not have a buffer with this number.
    count: u16,
    /// The next number of the free list, or of the buffer's descriptors.
    next: u16,
    token: u16,
    /// How many bytes the device may write.
    writable: u32,
}

/// A slot for each descriptor. The unused ones are a list.
pub struct Slots {
    slots: Box<[Slot]>,
    free: u16,
}

impl Slots {
    /// `size` free slots.
    pub fn new(size: u16) -> Self {
        let mut slots = Self { slots: (0..size).map(|_| Slot::default()).collect(), free: 0 };
        slots.reset();
        slots
    }

    /// Forgets all buffers.
    pub fn reset(&mut self) {
        for (slot, next) in self.slots.iter_mut().zip(1..) {
            *slot = Slot { next, ..Slot::default() };
        }
        self.free = 0;
    }

    /// The first free number. The caller knows that there is one.
    #[inline(always)]
    pub fn first(&self) -> u16 {
        self.free
    }

    /// The number after `number`.
    #[inline(always)]
    pub fn next(&self, number: u16) -> u16 {
        self.slots[usize::from(number)].next
    }

    /// Makes `first` a buffer of these parts, and `last` the last number that it takes from the free list.
    #[inline(always)]
    pub fn take(&mut self, first: u16, last: u16, parts: &[Part], token: u16) {
        let lengths = parts.iter().filter(|part| part.writable).map(|part| part.length);
        let writable = lengths.fold(0, u32::saturating_add);
        self.free = self.next(last);
        let slot = &mut self.slots[usize::from(first)];
        (slot.count, slot.token, slot.writable) = (parts.len() as u16, token, writable);
    }

    /// The buffer `number` is the driver's again, with `written` bytes as the device says: how many descriptors it had.
    #[inline(always)]
    pub fn used(&mut self, number: u32, written: u32) -> Result<(Used, u16), Faulty> {
        let slot = self.slots.get_mut(number as usize).filter(|slot| slot.count > 0);
        let slot = slot.ok_or(Faulty::Buffer(number))?;
        // Many legacy devices count here what they have read (2.7.8.2).
        let written = if slot.writable == 0 { 0 } else { written };
        if written > slot.writable {
            return Err(Faulty::Length(written));
        }
        let count = core::mem::take(&mut slot.count);
        Ok((Used { token: slot.token, written }, count))
    }

    /// Puts the numbers from `first` to `last` back into the free list.
    #[inline(always)]
    pub fn release(&mut self, first: u16, last: u16) {
        self.slots[usize::from(last)].next = self.free;
        self.free = first;
    }
}
