//! The device's side of a queue, for tests: a well-behaved device, written from the standard and not from the driver's side.
//!
//! It works on any memory with physical addresses, and allocates.

use crate::{Part, Ring};
use std::vec::Vec;

/// Memory as a device sees it.
pub trait Memory {
    /// Fills the buffer from the physical address on.
    fn read(&mut self, address: u64, buffer: &mut [u8]);
    /// Writes at the physical address.
    fn write(&mut self, address: u64, data: &[u8]);

    /// The little-endian number at the address.
    fn get<const N: usize>(&mut self, address: u64) -> u64
    where
        Self: Sized,
    {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes[..N]);
        u64::from_le_bytes(bytes)
    }

    /// Writes the little-endian number of `N` bytes at the address.
    fn put<const N: usize>(&mut self, address: u64, value: u64)
    where
        Self: Sized,
    {
        self.write(address, &value.to_le_bytes()[..N]);
    }
}

/// A buffer that the device has taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buffer {
    /// The number by which it is given back.
    pub number: u16,
    /// What it consists of.
    pub parts: Vec<Part>,
}

/// A queue as the driver has told the device about it.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Which kind.
    pub ring: Ring,
    /// How many descriptors.
    pub size: u16,
    /// Physical addresses of descriptors, driver area, device area.
    pub areas: [u64; 3],
    /// Whether `EVENT_IDX` was negotiated.
    pub events: bool,
    /// Available buffers taken (split), or the place in the ring (packed), with the wrap counter.
    taken: (u16, bool),
    given: (u16, bool),
    /// Where it was when it was last asked whether to interrupt.
    told: (u16, bool),
    /// Descriptors given since then.
    fresh: u16,
}

const NEXT: u64 = 1;
const WRITE: u64 = 2;

impl Queue {
    /// An unused queue.
    pub fn new(ring: Ring, size: u16, areas: [u64; 3], events: bool) -> Self {
        let start = (0, true);
        Self { ring, size, areas, events, taken: start, given: start, told: start, fresh: 0 }
    }

    /// The next available buffer.
    pub fn take(&mut self, memory: &mut impl Memory) -> Option<Buffer> {
        match self.ring {
            Ring::Split => self.take_split(memory),
            Ring::Packed => self.take_packed(memory),
        }
    }

    fn take_split(&mut self, memory: &mut impl Memory) -> Option<Buffer> {
        let [descriptors, driver, _] = self.areas;
        if memory.get::<2>(driver + 2) as u16 == self.taken.0 {
            return None;
        }
        let number = memory.get::<2>(driver + 4 + 2 * u64::from(self.taken.0 % self.size));
        self.taken.0 = self.taken.0.wrapping_add(1);
        let (mut parts, mut index) = (Vec::new(), number);
        loop {
            assert!(index < self.size.into() && parts.len() < self.size.into(), "a chain within the table");
            let descriptor = descriptors + 16 * index;
            let flags = memory.get::<2>(descriptor + 12);
            parts.push(part(memory, descriptor, flags));
            if flags & NEXT == 0 {
                return Some(Buffer { number: number as u16, parts });
            }
            index = memory.get::<2>(descriptor + 14);
        }
    }

    fn take_packed(&mut self, memory: &mut impl Memory) -> Option<Buffer> {
        let mut parts = Vec::new();
        let mut place = self.taken;
        loop {
            let descriptor = self.areas[0] + 16 * u64::from(place.0);
            let flags = memory.get::<2>(descriptor + 14);
            let (available, used) = (flags & 1 << 7 != 0, flags & 1 << 15 != 0);
            if available != place.1 || used == place.1 {
                assert!(parts.is_empty(), "the first descriptor of a chain is written last");
                return None;
            }
            parts.push(part(memory, descriptor, flags));
            place = self.after(place, 1);
            if flags & NEXT == 0 {
                self.taken = place;
                return Some(Buffer { number: memory.get::<2>(descriptor + 12) as u16, parts });
            }
        }
    }

    /// Gives a buffer back, with `written` bytes.
    pub fn give(&mut self, memory: &mut impl Memory, buffer: &Buffer, written: u32) {
        let count = buffer.parts.len() as u16;
        self.give_raw(memory, buffer.number.into(), written, count);
    }

    /// Gives back whatever; the descriptors that it takes in a packed ring are `count`.
    pub fn give_raw(&mut self, memory: &mut impl Memory, number: u32, written: u32, count: u16) {
        match self.ring {
            Ring::Split => {
                let entry = self.areas[2] + 4 + 8 * u64::from(self.given.0 % self.size);
                memory.put::<4>(entry, number.into());
                memory.put::<4>(entry + 4, written.into());
                self.given.0 = self.given.0.wrapping_add(1);
                memory.put::<2>(self.areas[2] + 2, self.given.0.into());
                self.fresh += 1;
            }
            Ring::Packed => {
                let descriptor = self.areas[0] + 16 * u64::from(self.given.0);
                memory.put::<4>(descriptor + 8, written.into());
                memory.put::<2>(descriptor + 12, number.into());
                memory.put::<2>(descriptor + 14, if self.given.1 { 1 << 7 | 1 << 15 } else { 0 });
                self.given = self.after(self.given, count);
                self.fresh += count;
            }
        }
    }

    /// Says that it has used `count` buffers more, without saying which.
    pub fn jump(&mut self, memory: &mut impl Memory, count: u16) {
        self.given.0 = self.given.0.wrapping_add(count);
        memory.put::<2>(self.areas[2] + 2, self.given.0.into());
    }

    /// Whether the driver wants to be interrupted because of what was given since this was asked last.
    pub fn interrupts(&mut self, memory: &mut impl Memory) -> bool {
        let (old, fresh) = (self.told, core::mem::take(&mut self.fresh));
        self.told = self.given;
        if fresh == 0 {
            return false;
        }
        match self.ring {
            Ring::Split if self.events => {
                let event = memory.get::<2>(self.areas[1] + 4 + 2 * u64::from(self.size)) as u16;
                (0..fresh).any(|step| old.0.wrapping_add(step) == event)
            }
            Ring::Split => memory.get::<2>(self.areas[1]) & 1 == 0,
            Ring::Packed => self.crosses(memory, self.areas[1], old, fresh),
        }
    }

    /// Whether one of the `fresh` descriptors from `old` on is the one that the structure at `address` asks for (2.8.10).
    fn crosses(&self, memory: &mut impl Memory, address: u64, old: (u16, bool), fresh: u16) -> bool {
        let place = memory.get::<2>(address);
        match memory.get::<2>(address + 2) {
            0 => true,
            1 => false,
            2 if self.events => {
                let wanted = (place as u16 & 0x7fff, place & 1 << 15 != 0);
                (0..fresh).any(|step| self.after(old, step) == wanted)
            }
            flags => panic!("event flags {flags}"),
        }
    }

    /// Asks to be notified of the next available buffer. True: there is one already.
    pub fn sleep(&mut self, memory: &mut impl Memory) -> bool {
        let place = self.taken;
        match self.ring {
            Ring::Split if self.events => {
                memory.put::<2>(self.areas[2] + 4 + 8 * u64::from(self.size), place.0.into())
            }
            Ring::Split => memory.put::<2>(self.areas[2], 0),
            Ring::Packed if self.events => {
                memory.put::<4>(self.areas[2], u64::from(place.0) | u64::from(place.1) << 15 | 2 << 16);
            }
            Ring::Packed => memory.put::<4>(self.areas[2], 0),
        }
        self.clone().take(memory).is_some()
    }

    /// Asks not to be notified for now.
    pub fn wake(&mut self, memory: &mut impl Memory) {
        match self.ring {
            Ring::Split if self.events => {}
            Ring::Split => memory.put::<2>(self.areas[2], 1),
            Ring::Packed => memory.put::<4>(self.areas[2], 1 << 16),
        }
    }

    fn after(&self, place: (u16, bool), count: u16) -> (u16, bool) {
        let index = place.0 + count;
        if index < self.size { (index, place.1) } else { (index - self.size, !place.1) }
    }
}

fn part(memory: &mut impl Memory, descriptor: u64, flags: u64) -> Part {
    assert_eq!(flags & !(NEXT | WRITE | 1 << 7 | 1 << 15), 0, "flags that nobody negotiated");
    Part {
        address: memory.get::<8>(descriptor),
        length: memory.get::<4>(descriptor + 8) as u32,
        writable: flags & WRITE != 0,
    }
}
