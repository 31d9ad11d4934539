//! The packed queue (2.8): one ring of descriptors. The driver writes available ones, the device writes used ones over
//! them, and two flags that flip each time round tell whose a descriptor is.
//!
//! A buffer's number is free to choose: that of its slot. The device may give buffers back in any order, but writes them
//! one after the other, and skips as many descriptors as the buffer had.

use crate::layout::DESCRIPTOR;
use crate::memory::{load32, load64, store32, store64};
use crate::slots::Slots;
use crate::split::passes;
use crate::{Faulty, Full, Layout, Part, Used};
use core::sync::atomic::{Ordering, fence};
use ipc::Region;

/// Flags of a descriptor (2.8.1, 2.8.3).
const NEXT: u64 = 1;
const WRITE: u64 = 2;
const AVAILABLE: u64 = 1 << 7;
const USED: u64 = 1 << 15;

/// Values of the flags of an event suppression structure (2.8.10): always, never, when a descriptor is passed.
const ENABLE: u32 = 0;
const DISABLE: u32 = 1;
const DESCRIPTOR_EVENT: u32 = 2;

/// A place in the ring, and the wrap counter of the side that goes there (2.8.1).
#[derive(Clone, Copy)]
struct Place {
    index: u16,
    wrap: bool,
}

impl Place {
    const START: Self = Self { index: 0, wrap: true };

    /// `count` descriptors further, at most the queue's size.
    #[inline(always)]
    fn after(self, count: u16, size: u16) -> Self {
        let index = self.index + count;
        if index < size { Self { index, ..self } } else { Self { index: index - size, wrap: !self.wrap } }
    }
}

/// See the module's description; its methods are [`crate::Queue`]'s.
pub struct Packed {
    memory: Region,
    layout: Layout,
    /// Whether [`crate::features::EVENT_IDX`] was negotiated.
    events: bool,
    slots: Slots,
    /// Free descriptors.
    free: u16,
    /// Where the next available descriptor goes, and how many there are since the last notification.
    next: Place,
    added: u16,
    /// Where the next used descriptor comes.
    used: Place,
}

impl Packed {
    pub fn new(memory: Region, layout: Layout, events: bool) -> Self {
        let (slots, free) = (Slots::new(layout.size), layout.size);
        let (next, added, used) = (Place::START, 0, Place::START);
        let mut queue = Self { memory, layout, events, slots, free, next, added, used };
        queue.reset();
        queue
    }

    pub fn reset(&mut self) {
        self.memory.zero();
        self.slots.reset();
        (self.free, self.added) = (self.layout.size, 0);
        (self.next, self.used) = (Place::START, Place::START);
        store32(&self.memory, self.layout.driver, DISABLE << 16);
    }

    pub fn size(&self) -> u16 {
        self.layout.size
    }

    pub fn free(&self) -> u16 {
        self.free
    }

    /// 2.8.21.1: the first descriptor is written last, as the device may take the buffer from then on.
    #[inline(always)]
    pub fn add(&mut self, parts: &[Part], token: u16) -> Result<(), Full> {
        let count = parts.len() as u16;
        if parts.is_empty() || parts.len() > usize::from(self.free) {
            return Err(Full);
        }
        let number = self.slots.first();
        for (index, part) in (0..count).zip(parts).rev() {
            let place = self.next.after(index, self.layout.size);
            let mine = if place.wrap { AVAILABLE } else { USED };
            let more = if index + 1 < count { NEXT } else { 0 };
            let flags = mine | more | if part.writable { WRITE } else { 0 };
            let offset = usize::from(place.index) * DESCRIPTOR;
            let word = u64::from(part.length) | u64::from(number) << 32 | flags << 48;
            store64(&self.memory, offset, part.address);
            store64(&self.memory, offset + 8, word);
        }
        self.slots.take(number, number, parts, token);
        self.next = self.next.after(count, self.layout.size);
        self.free -= count;
        self.added += count;
        Ok(())
    }

    /// 2.8.21.3: whether the device wants to know of what was added.
    #[inline(always)]
    pub fn publish(&mut self) -> bool {
        let added = core::mem::take(&mut self.added);
        if added == 0 {
            return false;
        }
        fence(Ordering::SeqCst);
        let event = load32(&self.memory, self.layout.device);
        match event >> 16 {
            DESCRIPTOR_EVENT if self.events => {
                let (mut place, wrap) = (event as u16 & 0x7fff, event >> 15 & 1 != 0);
                // A place of the round before.
                if wrap != self.next.wrap {
                    place = place.wrapping_sub(self.layout.size);
                }
                passes(place, self.next.index.wrapping_sub(added), self.next.index)
            }
            flags => flags != DISABLE,
        }
    }

    /// The next used descriptor's second word: length, number, flags. One access, so that they fit together.
    #[inline(always)]
    fn arrived(&self) -> Option<u64> {
        let word = load64(&self.memory, usize::from(self.used.index) * DESCRIPTOR + 8);
        let (available, used) = (word >> 48 & AVAILABLE != 0, word >> 48 & USED != 0);
        (available == self.used.wrap && used == self.used.wrap).then_some(word)
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Result<Option<Used>, Faulty> {
        let Some(word) = self.arrived() else { return Ok(None) };
        // Before the first round is over there are descriptors that nobody has written.
        let number = (word >> 32) as u16;
        let (used, count) = self.slots.used(number.into(), word as u32)?;
        self.slots.release(number, number);
        self.used = self.used.after(count, self.layout.size);
        self.free += count;
        Ok(Some(used))
    }

    #[inline(always)]
    pub fn interrupt_after(&mut self, buffers: u16) -> bool {
        let event = if self.events {
            let place = self.used.after(buffers.clamp(1, self.layout.size) - 1, self.layout.size);
            u32::from(place.index) | u32::from(place.wrap) << 15 | DESCRIPTOR_EVENT << 16
        } else {
            ENABLE << 16
        };
        store32(&self.memory, self.layout.driver, event);
        fence(Ordering::SeqCst);
        self.arrived().is_some()
    }

    #[inline(always)]
    pub fn no_interrupts(&mut self) {
        // With events the device interrupts when it passes the last one, thus not until there is a new one.
        if !self.events {
            store32(&self.memory, self.layout.driver, DISABLE << 16);
        }
    }
}
