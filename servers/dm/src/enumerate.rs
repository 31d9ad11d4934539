//! Finding the functions that there are.
//!
//! Firmware has numbered the buses: the bus behind a bridge has a higher number than the bridge's own. So one pass over
//! the buses in order finds all, and a bridge that says otherwise cannot lead it in circles.

use crate::configuration::{Configuration, Place, header};
use alloc::vec::Vec;
use manifest::DeviceId;

/// How many buses there can be.
const BUSES: usize = 256;
/// The vendor that is read where there is nothing.
const NOBODY: u16 = 0xffff;
/// In the word of the header type of a device's first function: there may be others.
const SEVERAL: u32 = 1 << 23;

/// What a function is one of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A PCI device for drivers: with a header of type 0.
    Ordinary,
    /// A bridge, or what else PCI has.
    Bridge,
    /// No PCI device, but the disk in memory.
    Ramdisk,
}

/// A function of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function {
    /// Where it is.
    pub place: Place,
    /// Who makes it.
    pub vendor: u16,
    /// Which of the vendor's devices it is.
    pub device: u16,
    /// Class, subclass and programming interface, 8 bits each.
    pub class: u32,
    /// Its revision.
    pub revision: u8,
    /// What it is one of.
    pub kind: Kind,
    /// The interrupt line that firmware has given it; 0 or 255: none.
    pub line: u8,
}

impl Function {
    /// The disk in memory. Its place is the last one there is, where no bus has a device.
    pub const RAMDISK: Self = Self {
        place: Place::new(0xff, 31, 7),
        vendor: 0,
        device: 0,
        class: 0,
        revision: 0,
        kind: Kind::Ramdisk,
        line: 0,
    };

    /// What it is, as manifests write it.
    pub const fn id(&self) -> DeviceId {
        match self.kind {
            Kind::Ramdisk => DeviceId::Ramdisk,
            Kind::Ordinary | Kind::Bridge => DeviceId::Pci { vendor: self.vendor, device: self.device },
        }
    }
}

/// All functions in the order of their places, at most `most`; and whether there are more.
pub fn enumerate(configuration: &mut impl Configuration, most: usize) -> (Vec<Function>, bool) {
    let mut reachable = [false; BUSES];
    reachable[0] = true;
    let mut functions = Vec::new();
    for bus in 0..=u8::MAX {
        if !reachable[usize::from(bus)] {
            continue;
        }
        for device in 0..32 {
            for number in 0..functions_of(configuration, Place::new(bus, device, 0)) {
                let place = Place::new(bus, device, number);
                let Some(function) = read(configuration, place) else { continue };
                if functions.len() == most {
                    return (functions, true);
                }
                functions.push(function);
                if let Some(behind) = bus_behind(configuration, place).filter(|behind| *behind > bus) {
                    reachable[usize::from(behind)] = true;
                }
            }
        }
    }
    (functions, false)
}

/// How many functions to look for: none if there is no first one, one unless that says that there may be more.
fn functions_of(configuration: &mut impl Configuration, first: Place) -> u8 {
    match configuration.read(first, header::ID) as u16 {
        NOBODY => 0,
        _ if configuration.read(first, header::TYPE) & SEVERAL != 0 => 8,
        _ => 1,
    }
}

/// The function at a place, if there is one.
fn read(configuration: &mut impl Configuration, place: Place) -> Option<Function> {
    let id = configuration.read(place, header::ID);
    let vendor = id as u16;
    if vendor == NOBODY {
        return None;
    }
    let class = configuration.read(place, header::CLASS);
    Some(Function {
        place,
        vendor,
        device: (id >> 16) as u16,
        class: class >> 8,
        revision: class as u8,
        kind: if header_type(configuration, place) == 0 { Kind::Ordinary } else { Kind::Bridge },
        line: configuration.read(place, header::INTERRUPT) as u8,
    })
}

fn header_type(configuration: &mut impl Configuration, place: Place) -> u8 {
    (configuration.read(place, header::TYPE) >> 16) as u8 & 0x7f
}

/// The bus behind a bridge (PCI-to-PCI bridge architecture specification 1.2, 3.2.5.4).
fn bus_behind(configuration: &mut impl Configuration, place: Place) -> Option<u8> {
    let bridge = header_type(configuration, place) == 1;
    bridge.then(|| (configuration.read(place, header::BUSES) >> 8) as u8)
}
