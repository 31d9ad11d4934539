//! The split queue (2.7): a table of descriptors, a ring of available buffers that the driver writes, a ring of used ones
//! that the device writes.
//!
//! A buffer's number is that of its first descriptor.

use crate::layout::DESCRIPTOR;
use crate::memory::{load16, load32, store16, store64};
use crate::slots::Slots;
use crate::{Faulty, Full, Layout, Part, Used};
use core::sync::atomic::{Ordering, fence};
use ipc::Region;

/// Flags of a descriptor (2.7.5).
const NEXT: u64 = 1;
const WRITE: u64 = 2;
/// Flag of the available ring: the device need not interrupt (2.7.6).
const NO_INTERRUPT: u16 = 1;
/// Flag of the used ring: the driver need not notify (2.7.8).
const NO_NOTIFY: u16 = 1;

/// See the module's description; its methods are [`crate::Queue`]'s.
pub struct Split {
    memory: Region,
    layout: Layout,
    /// Whether [`crate::features::EVENT_IDX`] was negotiated.
    events: bool,
    slots: Slots,
    /// Free descriptors.
    free: u16,
    /// Buffers that the device has.
    outstanding: u16,
    /// How many buffers were ever made available, and how many of them the device can see.
    available: u16,
    published: u16,
    /// How many used ones were ever taken.
    used: u16,
}

impl Split {
    pub fn new(memory: Region, layout: Layout, events: bool) -> Self {
        let slots = Slots::new(layout.size);
        let (free, outstanding, available, published, used) = (layout.size, 0, 0, 0, 0);
        let mut queue = Self { memory, layout, events, slots, free, outstanding, available, published, used };
        queue.reset();
        queue
    }

    pub fn reset(&mut self) {
        self.memory.zero();
        self.slots.reset();
        self.free = self.layout.size;
        (self.outstanding, self.available, self.published, self.used) = (0, 0, 0, 0);
        if self.events {
            self.set_event(u16::MAX);
        } else {
            self.no_interrupts();
        }
    }

    /// Asks for an interrupt when the buffer with this count is used (2.7.7).
    #[inline(always)]
    fn set_event(&self, event: u16) {
        store16(&self.memory, self.layout.driver + 4 + 2 * usize::from(self.layout.size), event);
    }

    pub fn size(&self) -> u16 {
        self.layout.size
    }

    pub fn free(&self) -> u16 {
        self.free
    }

    #[inline(always)]
    pub fn add(&mut self, parts: &[Part], token: u16) -> Result<(), Full> {
        if parts.is_empty() || parts.len() > usize::from(self.free) {
            return Err(Full);
        }
        let first = self.slots.first();
        let (mut number, mut last) = (first, first);
        for (index, part) in parts.iter().enumerate() {
            let next = self.slots.next(number);
            let more = if index + 1 < parts.len() { NEXT | u64::from(next) << 16 } else { 0 };
            let flags = more | if part.writable { WRITE } else { 0 };
            let offset = usize::from(number) * DESCRIPTOR;
            store64(&self.memory, offset, part.address);
            store64(&self.memory, offset + 8, u64::from(part.length) | flags << 32);
            (last, number) = (number, next);
        }
        self.slots.take(first, last, parts, token);
        self.free -= parts.len() as u16;
        self.outstanding += 1;
        let entry = usize::from(self.available & (self.layout.size - 1));
        store16(&self.memory, self.layout.driver + 4 + 2 * entry, first);
        self.available = self.available.wrapping_add(1);
        Ok(())
    }

    /// 2.7.13: the index after the entries; 2.7.13.4: then look whether the device wants to know.
    #[inline(always)]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.available);
        if old == new {
            return false;
        }
        store16(&self.memory, self.layout.driver + 2, new);
        self.published = new;
        fence(Ordering::SeqCst);
        if self.events {
            let event = load16(&self.memory, self.layout.device + 4 + 8 * usize::from(self.layout.size));
            passes(event, old, new)
        } else {
            load16(&self.memory, self.layout.device) & NO_NOTIFY == 0
        }
    }

    /// How many used buffers there are, as the device says.
    #[inline(always)]
    fn arrived(&self) -> u16 {
        load16(&self.memory, self.layout.device + 2).wrapping_sub(self.used)
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Result<Option<Used>, Faulty> {
        let arrived = self.arrived();
        if arrived == 0 {
            return Ok(None);
        }
        if arrived > self.outstanding {
            return Err(Faulty::Count(arrived));
        }
        let entry = self.layout.device + 4 + 8 * usize::from(self.used & (self.layout.size - 1));
        let (number, written) = (load32(&self.memory, entry), load32(&self.memory, entry + 4));
        let (used, count) = self.slots.used(number, written)?;
        let first = number as u16;
        let last = (1..count).fold(first, |number, _| self.slots.next(number));
        self.slots.release(first, last);
        self.free += count;
        self.outstanding -= 1;
        self.used = self.used.wrapping_add(1);
        Ok(Some(used))
    }

    #[inline(always)]
    pub fn interrupt_after(&mut self, buffers: u16) -> bool {
        if self.events {
            self.set_event(self.used.wrapping_add(buffers.max(1) - 1));
        } else {
            store16(&self.memory, self.layout.driver, 0);
        }
        fence(Ordering::SeqCst);
        self.arrived() != 0
    }

    #[inline(always)]
    pub fn no_interrupts(&mut self) {
        // With event indices the device interrupts when it passes the last one, thus not until there is a new one.
        if !self.events {
            store16(&self.memory, self.layout.driver, NO_INTERRUPT);
        }
    }
}

/// Whether an index that goes from `old` to `new` passes `event` (2.7.10, the formula of 2.7.7.2).
#[inline(always)]
pub fn passes(event: u16, old: u16, new: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
