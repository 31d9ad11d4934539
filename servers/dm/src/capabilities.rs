//! The list of capabilities in a device's configuration space (PCI local bus specification 3.0, 6.7), and those for
//! message-signalled interrupts.
//!
//! The list may lie: it may lead in circles, out of its place, or say things that cannot be. What is found here can be.

use crate::bars::{BARS, Bar};
use crate::configuration::{Configuration, Place, header};
use alloc::vec::Vec;

/// Capabilities lie from here on.
const FIRST: u16 = 0x40;
/// The end of the space that capabilities lie in, whatever more there is.
const END: u16 = 0x100;

/// Numbers of capabilities (PCI local bus specification 3.0, appendix H).
const MSI: u8 = 0x05;
const MSIX: u8 = 0x11;

/// Bytes of an entry in an MSI-X table.
const ENTRY: u64 = 16;

/// All capabilities: number and offset. The list ends where it leaves its place, or comes to one again.
pub fn all(configuration: &mut impl Configuration, place: Place) -> Vec<(u8, u16)> {
    let mut found = Vec::new();
    if configuration.read(place, header::COMMAND) & header::HAS_CAPABILITIES == 0 {
        return found;
    }
    let mut offset = configuration.read(place, header::CAPABILITIES) as u8 & !3;
    while u16::from(offset) >= FIRST && found.iter().all(|(_, other)| *other != u16::from(offset)) {
        let word = configuration.read(place, offset.into());
        found.push((word as u8, offset.into()));
        offset = (word >> 8) as u8 & !3;
    }
    found
}

/// The capability MSI (6.8.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Msi {
    /// Where it is; all words up to the one that masks messages lie in the space.
    pub offset: u16,
    /// Whether the address has 64 bits.
    pub wide: bool,
    /// Whether messages can be masked.
    pub mask: bool,
}

/// The capability MSI-X (6.8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Msix {
    /// Where it is.
    pub offset: u16,
    /// How many entries the table has: 1 to 2048.
    pub vectors: u16,
    /// Which base address register tells where the table is; it is one of memory.
    pub bar: u8,
    /// Where the table is from there on; all of it lies inside.
    pub table: u32,
}

/// How a device can send its interrupts as messages.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Messages {
    /// The first MSI that makes sense.
    pub msi: Option<Msi>,
    /// The first MSI-X that makes sense.
    pub msix: Option<Msix>,
}

/// How the device can send messages; `bars` are its ranges.
pub fn messages(configuration: &mut impl Configuration, place: Place, bars: &[Bar; BARS]) -> Messages {
    let mut messages = Messages::default();
    for (number, offset) in all(configuration, place) {
        match number {
            MSI if messages.msi.is_none() => messages.msi = msi(configuration, place, offset),
            MSIX if messages.msix.is_none() => messages.msix = msix(configuration, place, offset, bars),
            _ => {}
        }
    }
    messages
}

fn msi(configuration: &mut impl Configuration, place: Place, offset: u16) -> Option<Msi> {
    let control = configuration.read(place, offset) >> 16;
    let msi = Msi { offset, wide: control & 1 << 7 != 0, mask: control & 1 << 8 != 0 };
    (msi.mask_offset() + 4 * u16::from(msi.mask) <= END).then_some(msi)
}

impl Msi {
    /// Where the word with the message's data is.
    pub const fn data_offset(&self) -> u16 {
        self.offset + if self.wide { 12 } else { 8 }
    }

    /// Where the word is that masks messages, if it can.
    pub const fn mask_offset(&self) -> u16 {
        self.data_offset() + 4
    }
}

fn msix(
    configuration: &mut impl Configuration,
    place: Place,
    offset: u16,
    bars: &[Bar; BARS],
) -> Option<Msix> {
    if offset + 12 > END {
        return None;
    }
    let vectors = (configuration.read(place, offset) >> 16 & 0x7ff) as u16 + 1;
    let where_it_is = configuration.read(place, offset + 4);
    let (bar, table) = (where_it_is & 7, where_it_is & !7);
    match bars.get(bar as usize) {
        Some(Bar::Memory { size, .. }) if u64::from(table) + u64::from(vectors) * ENTRY <= *size => {
            Some(Msix { offset, vectors, bar: bar as u8, table })
        }
        _ => None,
    }
}
