//! Base address registers: where a device's registers are, and how many (PCI local bus specification 3.0, 6.2.5.1).
//!
//! The size of a range is found by writing ones: the bits that stay zero are those below the size. Meanwhile the device
//! must not answer at the address that this makes, so its decoding is switched off.

use crate::configuration::{Configuration, Place, command, header};

/// How many base address registers a device has.
pub const BARS: usize = 6;

/// I/O ports are below this.
const PORTS: u64 = 1 << 16;
/// Physical addresses are below this (Intel SDM volume 3, 4.1.4: at most 52 bits).
const ADDRESSES: u64 = 1 << 52;

/// What a base address register says.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Bar {
    /// Nothing, or nothing that could be: no range, a range that firmware has given no address, the upper half of the
    /// one before.
    #[default]
    None,
    /// I/O ports.
    Ports {
        /// The first.
        first: u64,
        /// How many: a power of two.
        size: u64,
    },
    /// I/O ports that no register says, but a standard.
    Fixed {
        /// The first.
        first: u64,
        /// How many.
        size: u64,
    },
    /// Memory.
    Memory {
        /// Its physical address, a multiple of the size.
        address: u64,
        /// Its size in bytes: a power of two.
        size: u64,
    },
}

impl Bar {
    /// As drivers get it: the address, with bit 0 set for I/O ports.
    pub const fn address(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Ports { first, .. } | Self::Fixed { first, .. } => first | 1,
            Self::Memory { address, .. } => address,
        }
    }

    /// How many ports or bytes; 0 for none.
    pub const fn size(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Ports { size, .. } | Self::Fixed { size, .. } | Self::Memory { size, .. } => size,
        }
    }
}

/// The ranges of a device, which is left as it was.
pub fn read(configuration: &mut impl Configuration, place: Place) -> [Bar; BARS] {
    let before = configuration.read(place, header::COMMAND);
    command(configuration, place, header::IO | header::MEMORY, 0);
    let mut bars = [Bar::None; BARS];
    let mut index = 0;
    while index < BARS {
        let (bar, registers) = probe(configuration, place, index);
        bars[index] = bar;
        index += registers;
    }
    configuration.write(place, header::COMMAND, before & !header::STATUS);
    bars
}

/// The range of the register `index`, and how many registers it takes.
fn probe(configuration: &mut impl Configuration, place: Place, index: usize) -> (Bar, usize) {
    let offset = header::BARS + 4 * index as u16;
    let (low, low_mask) = ones(configuration, place, offset);
    if low & 1 != 0 {
        // The upper half may be wired to zero: there are only 2^16 ports.
        return (ports((low & !3).into(), (low_mask | 0xffff_0000) & !3), 1);
    }
    let (low_address, low_mask) = (u64::from(low & !15), u64::from(low_mask & !15));
    match low >> 1 & 3 {
        0 | 1 => (memory(low_address, 0xffff_ffff_0000_0000 | low_mask), 1),
        2 if index + 1 < BARS => {
            let (high, high_mask) = ones(configuration, place, offset + 4);
            (memory(u64::from(high) << 32 | low_address, u64::from(high_mask) << 32 | low_mask), 2)
        }
        _ => (Bar::None, 1),
    }
}

/// The value of a register, and what stays of ones that are written to it. It has its value again afterwards.
fn ones(configuration: &mut impl Configuration, place: Place, offset: u16) -> (u32, u32) {
    let value = configuration.read(place, offset);
    configuration.note(Some((place, offset, value)));
    configuration.write(place, offset, !0);
    let mask = configuration.read(place, offset);
    configuration.write(place, offset, value);
    configuration.note(None);
    (value, mask)
}

fn ports(first: u64, mask: u32) -> Bar {
    let size = u64::from(mask & mask.wrapping_neg());
    if is_range(first, size, PORTS) { Bar::Ports { first, size } } else { Bar::None }
}

fn memory(address: u64, mask: u64) -> Bar {
    let size = mask & mask.wrapping_neg();
    if is_range(address, size, ADDRESSES) { Bar::Memory { address, size } } else { Bar::None }
}

/// Whether it is a range that a device can have: with an address, aligned to its size, all of it below `end`.
const fn is_range(start: u64, size: u64, end: u64) -> bool {
    start != 0 && size != 0 && start & (size - 1) == 0 && start < end && size <= end - start
}
