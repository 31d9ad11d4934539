//! A model of the configuration space, for tests: functions whose words can be written only where a mask says so.
#![allow(dead_code, reason = "each test uses its part")]

use dm::configuration::{Configuration, Place, header};
use dm::enumerate::Kind;
use std::collections::BTreeMap;

/// The words of a function, and which of their bits can be written.
#[derive(Clone)]
pub struct Function {
    pub words: [u32; 64],
    pub writable: [u32; 64],
}

impl Function {
    /// A device of one function without ranges or capabilities.
    pub fn new(vendor: u16, device: u16) -> Self {
        let mut function = Self { words: [0; 64], writable: [0; 64] };
        function.set(header::ID, u32::from(device) << 16 | u32::from(vendor));
        // The command register can be written; status bits are cleared by ones, which the model takes for changes.
        function.writable[1] = 0xffff;
        function.writable[15] = 0xff;
        function
    }

    pub fn set(&mut self, offset: u16, value: u32) -> &mut Self {
        self.words[usize::from(offset) / 4] = value;
        self
    }

    pub fn get(&self, offset: u16) -> u32 {
        self.words[usize::from(offset) / 4]
    }

    pub fn writable(&mut self, offset: u16, mask: u32) -> &mut Self {
        self.writable[usize::from(offset) / 4] = mask;
        self
    }

    /// A base address register of memory with 32 bits.
    pub fn memory(&mut self, index: u16, address: u32, size: u32) -> &mut Self {
        let offset = header::BARS + 4 * index;
        self.set(offset, address).writable(offset, !(size - 1))
    }

    /// Two base address registers of prefetchable memory with 64 bits.
    pub fn wide(&mut self, index: u16, address: u64, size: u64) -> &mut Self {
        let (offset, mask) = (header::BARS + 4 * index, !(size - 1));
        self.set(offset, address as u32 | 0b1100).writable(offset, mask as u32);
        self.set(offset + 4, (address >> 32) as u32).writable(offset + 4, (mask >> 32) as u32)
    }

    /// A base address register of I/O ports whose upper half is wired to zero.
    pub fn ports(&mut self, index: u16, first: u32, size: u32) -> &mut Self {
        let offset = header::BARS + 4 * index;
        self.set(offset, first | 1).writable(offset, !(size - 1) & 0xffff)
    }

    /// Another capability at `offset`, in front of those that are there.
    pub fn capability(&mut self, number: u8, offset: u16, control: u16) -> &mut Self {
        let next = self.get(header::CAPABILITIES);
        self.set(header::COMMAND, self.get(header::COMMAND) | header::HAS_CAPABILITIES);
        self.set(offset, u32::from(control) << 16 | next << 8 | u32::from(number));
        self.set(header::CAPABILITIES, offset.into())
    }

    /// A bridge to the bus `behind`.
    pub fn bridge(behind: u8) -> Self {
        let mut bridge = Self::new(0x1b36, 0x0001);
        bridge.set(header::TYPE, 1 << 16).set(header::BUSES, u32::from(behind) << 8);
        bridge
    }

    /// The first of several functions of a device.
    pub fn several(mut self) -> Self {
        self.words[3] |= 1 << 23;
        self
    }
}

/// All functions of a machine.
#[derive(Clone, Default)]
pub struct Space {
    pub functions: BTreeMap<u16, Function>,
    /// What was written, in order.
    pub writes: Vec<(Place, u16, u32)>,
}

impl Space {
    pub fn with(mut self, place: Place, function: &Function) -> Self {
        self.functions.insert(place.0, function.clone());
        self
    }

    pub fn command(&mut self, place: Place) -> u32 {
        self.read(place, header::COMMAND) & 0xffff
    }
}

impl Configuration for Space {
    fn size(&self) -> u16 {
        256
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is read at {offset:#x}");
        self.functions.get(&place.0).map_or(!0, |function| function.get(offset))
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is written at {offset:#x}");
        self.writes.push((place, offset, value));
        let Some(function) = self.functions.get_mut(&place.0) else { return };
        let index = usize::from(offset) / 4;
        // Status bits are cleared by writing ones.
        let cleared =
            if offset == header::COMMAND { value & header::STATUS & !header::HAS_CAPABILITIES } else { 0 };
        let mask = function.writable[index];
        function.words[index] = (function.words[index] & !mask | value & mask) & !cleared;
    }
}

/// A space in which every word is what a number makes of it, and which forgets what is written, or not.
pub struct Hostile {
    pub seed: u64,
    pub written: BTreeMap<(u16, u16), u32>,
    /// How many accesses it was asked for.
    pub accesses: usize,
}

impl Hostile {
    pub fn new(seed: u64) -> Self {
        Self { seed, written: BTreeMap::new(), accesses: 0 }
    }

    fn number(&self, place: Place, offset: u16) -> u32 {
        let mut value = self.seed ^ u64::from(place.0) << 20 ^ u64::from(offset) << 3;
        for _ in 0..3 {
            value = (value ^ value >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        (value >> 32) as u32
    }
}

impl Configuration for Hostile {
    fn size(&self) -> u16 {
        256
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is read at {offset:#x}");
        self.accesses += 1;
        let number = self.number(place, offset);
        match self.written.get(&(place.0, offset)) {
            Some(written) => written & number | written & !number.rotate_left(7),
            None => number,
        }
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is written at {offset:#x}");
        self.accesses += 1;
        if self.number(place, offset ^ 0x80) & 3 != 0 {
            self.written.insert((place.0, offset), value);
        }
    }
}

/// What enumerating finds at a place, as far as it matters to its driver.
pub const fn at(place: Place, line: u8) -> dm::enumerate::Function {
    dm::enumerate::Function { place, line, kind: Kind::Ordinary, ..dm::enumerate::Function::RAMDISK }
}
