//! The configuration space of PCI: what all ways to it have in common, and where what is in it.
//!
//! Everything that is read comes from devices, which may be broken: who reads it checks it.

use core::fmt;

/// Where a function of a device is: bus × 256 + device × 8 + function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place(pub u16);

impl Place {
    /// The function at these numbers: `device` below 32, `function` below 8.
    pub const fn new(bus: u8, device: u8, function: u8) -> Self {
        Self((bus as u16) << 8 | ((device & 31) as u16) << 3 | (function & 7) as u16)
    }

    /// Its bus.
    pub const fn bus(self) -> u8 {
        (self.0 >> 8) as u8
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus(), self.0 >> 3 & 31, self.0 & 7)
    }
}

/// A way to the configuration space of all functions.
///
/// Only aligned words of 32 bits are accessed: every machine can do that, and nothing here needs another width.
pub trait Configuration {
    /// How many bytes each function has: 256, or 4096 with PCI Express.
    fn size(&self) -> u16;

    /// The word at `offset`, a multiple of 4 below [`Configuration::size`]; all ones where there is nothing.
    fn read(&mut self, place: Place, offset: u16) -> u32;

    /// Writes the word at `offset`.
    fn write(&mut self, place: Place, offset: u16, value: u32);

    /// Notes the value of a word in the header that is changed for a moment, or that it is itself again.
    fn note(&mut self, _: Option<(Place, u16, u32)>) {}

    /// Changes bits of the word at `offset`: clears `clear`, then sets `set`.
    fn change(&mut self, place: Place, offset: u16, clear: u32, set: u32) {
        let value = self.read(place, offset);
        self.write(place, offset, value & !clear | set);
    }
}

/// Offsets of words of the header (PCI local bus specification 3.0, 6.1), and bits in them.
pub mod header {
    /// Vendor, and device above it.
    pub const ID: u16 = 0x00;
    /// Command, and status above it.
    pub const COMMAND: u16 = 0x04;
    /// Revision, and the class code above it.
    pub const CLASS: u16 = 0x08;
    /// In bits 16 to 23 the header type.
    pub const TYPE: u16 = 0x0c;
    /// The first base address register.
    pub const BARS: u16 = 0x10;
    /// Of a bridge: in bits 8 to 15 the number of the bus behind it.
    pub const BUSES: u16 = 0x18;
    /// In the upper half the subsystem.
    pub const SUBSYSTEM: u16 = 0x2c;
    /// The offset of the first capability.
    pub const CAPABILITIES: u16 = 0x34;
    /// In the lowest byte the interrupt line.
    pub const INTERRUPT: u16 = 0x3c;

    /// Command: the device answers at its I/O ports.
    pub const IO: u32 = 1 << 0;
    /// Command: the device answers at its memory addresses.
    pub const MEMORY: u32 = 1 << 1;
    /// Command: the device may access memory by itself.
    pub const BUS_MASTER: u32 = 1 << 2;
    /// Command: the device does not raise its interrupt line.
    pub const INTERRUPT_DISABLE: u32 = 1 << 10;
    /// The upper half of the word, status: bits in it are cleared by writing ones, so zeros are written.
    pub const STATUS: u32 = 0xffff_0000;
    /// Status: there are capabilities.
    pub const HAS_CAPABILITIES: u32 = 1 << 20;
}

/// Changes bits of the command register, and none of the status register above it.
pub fn command(configuration: &mut impl Configuration, place: Place, clear: u32, set: u32) {
    configuration.change(place, header::COMMAND, header::STATUS | clear, set);
}
