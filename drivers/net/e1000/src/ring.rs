//! A ring of descriptors: buffers go to the device in order and come back in order.
//!
//! What the device may write is read only through [`Ring::done`], and only for descriptors that the device has. What the
//! driver must remember, it remembers here and not in memory that the device can reach.

use crate::Memory;

/// How many descriptors a ring has.
pub const ENTRIES: usize = 256;

/// Bytes of a descriptor.
const DESCRIPTOR: usize = 16;

/// Bytes of a ring: a page.
pub const RING_SIZE: usize = ENTRIES * DESCRIPTOR;

/// Most buffers that the device has at a time: a full ring would look like an empty one (manual 3.2.6).
pub const MOST: usize = ENTRIES - 1;

/// The bit of a descriptor's second word that says the device is done with it: in the status of both the legacy receive
/// descriptor (manual 3.2.3.1) and the legacy transmit descriptor (3.3.3.2).
pub const DONE: u64 = 1 << 32;

/// A ring in memory that the device reads and writes, and the buffers that the device has.
pub struct Ring {
    memory: Memory,
    buffers: [u16; ENTRIES],
    /// The place of the oldest buffer that the device has.
    oldest: usize,
    /// How many buffers the device has: at most [`MOST`].
    count: usize,
}

impl Ring {
    /// An empty ring in `memory`, which has [`RING_SIZE`] bytes.
    pub fn new(memory: Memory) -> Self {
        Self { memory, buffers: [0; ENTRIES], oldest: 0, count: 0 }
    }

    /// Where the device finds it.
    pub fn physical(&self) -> u64 {
        self.memory.physical
    }

    /// Forgets all buffers: the device is stopped.
    pub fn clear(&mut self) {
        (self.oldest, self.count) = (0, 0);
    }

    /// How many buffers the device has.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the device has no buffer.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the device can take no more.
    pub fn is_full(&self) -> bool {
        self.count == MOST
    }

    /// The first place that the device must not use: for the tail register, after each [`Ring::push`].
    pub fn tail(&self) -> u32 {
        ((self.oldest + self.count) % ENTRIES) as u32
    }

    /// Gives the device a buffer: its number, physical address, and the descriptor's second word. False: the ring is full.
    pub fn push(&mut self, buffer: u16, address: u64, control: u64) -> bool {
        if self.is_full() {
            return false;
        }
        let place = (self.oldest + self.count) % ENTRIES;
        self.buffers[place] = buffer;
        self.write(place, address, control);
        self.count += 1;
        true
    }

    /// Takes back the oldest buffer if the device is done with it: its number, and the descriptor's second word.
    pub fn done(&mut self) -> Option<(u16, u64)> {
        if self.is_empty() {
            return None;
        }
        // Within the ring, so that it cannot fail.
        let control = u64::from_le(self.memory.region.load(self.oldest * DESCRIPTOR + 8).ok()?);
        if control & DONE == 0 {
            return None;
        }
        Some((self.take_oldest()?, control))
    }

    /// Takes back the oldest buffer, whether or not the device is done with it: only when the device is stopped.
    pub fn take_oldest(&mut self) -> Option<u16> {
        if self.is_empty() {
            return None;
        }
        let buffer = self.buffers[self.oldest];
        self.oldest = (self.oldest + 1) % ENTRIES;
        self.count -= 1;
        Some(buffer)
    }

    /// Begins again at place 0, as the device does after a reset, with the buffers that it has: they stay its own, in the
    /// same order, and get new descriptors, `descriptor` of their number.
    pub fn restart(&mut self, descriptor: impl Fn(u16) -> (u64, u64)) {
        self.buffers.rotate_left(self.oldest);
        self.oldest = 0;
        self.memory.region.zero();
        for place in 0..self.count {
            let (address, control) = descriptor(self.buffers[place]);
            self.write(place, address, control);
        }
    }

    fn write(&self, place: usize, address: u64, control: u64) {
        // Within the ring, so that neither fails.
        let _ = self.memory.region.store(place * DESCRIPTOR, address.to_le());
        let _ = self.memory.region.store(place * DESCRIPTOR + 8, control.to_le());
    }
}
