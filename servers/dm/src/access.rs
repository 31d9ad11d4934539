//! The ways to the configuration space: by I/O ports (PCI local bus specification 3.0, 3.2.2.3.2), and mapped into memory
//! (PCI Express base specification, 7.2.2).
//!
//! The mapped one is taken if the machine has it: it reaches all of each function. A bus is mapped when it is first
//! looked at.

use crate::configuration::{Configuration, Place};
use alloc::{vec, vec::Vec};
use ipc::{Region, port};
use resea::{vm, warn};

/// The port that takes the address, and the one that then is the word there.
const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
/// In the address: the other port is configuration space, not an I/O port.
const ENABLE: u32 = 1 << 31;

/// Bytes of mapped configuration space: of a function, and of a bus.
const FUNCTION: usize = 4096;
const BUS: usize = 256 * FUNCTION;

/// A way to the configuration space.
#[derive(Debug)]
pub enum Access {
    /// The machine has no PCI.
    None,
    /// By ports.
    Ports,
    /// Mapped.
    Memory(Memory),
}

/// Configuration space that is mapped into memory.
#[derive(Debug)]
pub struct Memory {
    /// The physical address of bus 0.
    start: u64,
    /// The buses, from 0 on, and whether each can be accessed; `None`: nobody has looked yet.
    buses: Vec<Option<Option<Region>>>,
}

impl Access {
    /// The way that this machine has.
    pub fn find() -> Self {
        match vm().platform() {
            Ok(platform) if platform.buses > 0 => {
                let buses = platform.buses.min(256) as usize;
                Self::Memory(Memory { start: platform.configuration, buses: vec![None; buses] })
            }
            _ => {
                // The address port keeps what is written to it; where there is no PCI, nothing does.
                port::write_u32(ADDRESS, ENABLE);
                if port::read_u32(ADDRESS) == ENABLE { Self::Ports } else { Self::None }
            }
        }
    }
}

impl Memory {
    /// The bus with this number, if it can be accessed, mapped.
    fn bus(&mut self, number: u8) -> Option<Region> {
        let physical = self.start + u64::from(number) * BUS as u64;
        *self.buses.get_mut(usize::from(number))?.get_or_insert_with(|| {
            let mapped = vm().map_device(physical, BUS).and_then(|address| Region::new(address, BUS));
            match mapped {
                Ok(region) => Some(region),
                Err(error) => {
                    warn!("bus {number} is left out: its configuration space cannot be mapped: {error}");
                    None
                }
            }
        })
    }
}

/// What the address port is told.
fn address(place: Place, offset: u16) -> u32 {
    ENABLE | u32::from(place.0) << 8 | u32::from(offset & 0xfc)
}

/// Where a word is in the mapped space of its bus.
const fn offset_in_bus(place: Place, offset: u16) -> usize {
    (place.0 & 0xff) as usize * FUNCTION + (offset & 0xffc) as usize
}

impl Configuration for Access {
    fn size(&self) -> u16 {
        match self {
            Self::None | Self::Ports => 256,
            Self::Memory(_) => FUNCTION as u16,
        }
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        match self {
            Self::None => !0,
            Self::Ports => {
                port::write_u32(ADDRESS, address(place, offset));
                port::read_u32(DATA)
            }
            Self::Memory(memory) => {
                let bus = memory.bus(place.bus());
                // It is aligned and inside of the bus, so that nothing fails.
                bus.and_then(|bus| bus.read_u32(offset_in_bus(place, offset)).ok()).unwrap_or(!0)
            }
        }
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        match self {
            Self::None => {}
            Self::Ports => {
                port::write_u32(ADDRESS, address(place, offset));
                port::write_u32(DATA, value);
            }
            Self::Memory(memory) => {
                if let Some(bus) = memory.bus(place.bus()) {
                    // As for reading.
                    let _ = bus.write_u32(offset_in_bus(place, offset), value);
                }
            }
        }
    }
}
