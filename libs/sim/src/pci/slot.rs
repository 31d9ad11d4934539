//! A function in its place on the bus.

use super::space::Window;
use super::{Bus, Firmware, Function, Space};
use crate::memory::Ram;

/// A function in its place.
pub(crate) struct Slot {
    /// Bus × 256 + device × 8 + function.
    pub(crate) place: u16,
    pub(crate) irq: usize,
    pub(crate) space: Space,
    function: Box<dyn Function>,
}

impl Slot {
    pub(crate) fn new(place: u16, irq: usize, function: Box<dyn Function>, firmware: &mut Firmware) -> Self {
        Self { place, irq, space: Space::new(&function.header(), irq, firmware), function }
    }

    /// The base address register whose registers answer at an address, and where in them it is.
    pub(crate) fn decode(&self, ports: bool, address: usize) -> Option<(usize, usize)> {
        let address = address as u64;
        (0..6).find_map(|bar| {
            let Window { first, size, .. } = self.space.window(bar).filter(|window| window.ports == ports)?;
            let offset = address.checked_sub(first).filter(|offset| *offset < size)?;
            Some((bar, offset as usize))
        })
    }

    pub(crate) fn read(&mut self, ram: &mut Ram, now: u64, (bar, offset): (usize, usize), buffer: &mut [u8]) {
        if !self.space.read_table(bar, offset, buffer) {
            let bus = &mut Bus { ram, space: &mut self.space, now };
            self.function.read(bus, bar, offset, buffer);
        }
    }

    pub(crate) fn write(&mut self, ram: &mut Ram, now: u64, (bar, offset): (usize, usize), data: &[u8]) {
        if !self.space.write_table(bar, offset, data) {
            let bus = &mut Bus { ram, space: &mut self.space, now };
            self.function.write(bus, bar, offset, data);
        }
    }

    /// Whether its interrupt line is raised.
    pub(crate) fn interrupts(&mut self) -> bool {
        self.space.has_line() && self.function.interrupts()
    }

    pub(crate) fn next_event(&self) -> Option<u64> {
        self.function.next_event()
    }

    pub(crate) fn event(&mut self, ram: &mut Ram, now: u64) {
        self.function.event(&mut Bus { ram, space: &mut self.space, now });
    }
}
