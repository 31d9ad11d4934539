//! The devices of the simulated machine, at their addresses and ports, and their interrupts.

use crate::device::Attached;
use crate::memory::Ram;
use crate::pci::Slot;
use abi::{FIRST_MESSAGE_IRQ, MESSAGE_IRQS};
use std::ops::Range;

/// Interrupts: lines, from [`FIRST_MESSAGE_IRQ`] on messages.
pub(crate) const IRQS: usize = FIRST_MESSAGE_IRQ + MESSAGE_IRQS;
/// Where messages are written to; the word is the number of the interrupt.
pub(crate) const MESSAGES: u32 = 0xfee0_0000;

/// The ports of configuration mechanism #1 (PCI local bus specification 3.0, 3.2.2.3.2): which register, and its four bytes.
const SELECT: usize = 0xcf8;
const SELECTED: Range<usize> = 0xcfc..0xd00;
/// In the port that selects: a register is selected.
const ENABLED: u32 = 1 << 31;

/// All devices.
pub(crate) struct Devices {
    /// At physical addresses, and at ports.
    pub(crate) memory: Vec<Attached>,
    pub(crate) ports: Vec<Attached>,
    pub(crate) functions: Vec<Slot>,
    /// Where the configuration space of the functions is in memory.
    pub(crate) configuration: Range<usize>,
    /// What was written to the port that selects.
    selected: u32,
    pub(crate) irq_enabled: [bool; IRQS],
    /// Messages that have come and were not given to the core yet.
    irq_pending: [bool; IRQS],
}

/// An access by a task.
pub(crate) enum Access<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

impl Access<'_> {
    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Read(buffer) => buffer.len(),
            Self::Write(data) => data.len(),
        }
    }

    fn device(self, attached: &mut Attached, address: usize) {
        let offset = address - attached.addresses.start;
        match self {
            Self::Read(buffer) => attached.device.read(offset, buffer),
            Self::Write(data) => attached.device.write(offset, data),
        }
    }

    /// To what does not exist: reads give ones, as on a PC.
    fn nothing(self) {
        if let Self::Read(buffer) = self {
            buffer.fill(0xff);
        }
    }
}

impl Devices {
    pub(crate) fn new(
        memory: Vec<Attached>,
        ports: Vec<Attached>,
        functions: Vec<Slot>,
        configuration: Range<usize>,
    ) -> Self {
        let (irq_enabled, irq_pending) = ([false; IRQS], [false; IRQS]);
        Self { memory, ports, functions, configuration, selected: 0, irq_enabled, irq_pending }
    }

    /// An access to a physical address that is not RAM.
    pub(crate) fn access_memory(&mut self, ram: &mut Ram, now: u64, address: usize, access: Access<'_>) {
        if let Some(device) = self.memory.iter_mut().find(|device| device.addresses.contains(&address)) {
            access.device(device, address);
        } else if !self.functions.is_empty() && self.configuration.contains(&address) {
            let offset = address - self.configuration.start;
            self.access_configuration((offset >> 12) as u16, offset & 0xfff, access);
        } else {
            self.access_function(ram, now, false, address, access);
        }
    }

    /// An access to I/O ports.
    pub(crate) fn access_ports(&mut self, ram: &mut Ram, now: u64, port: usize, access: Access<'_>) {
        if let Some(device) = self.ports.iter_mut().find(|device| device.addresses.contains(&port)) {
            access.device(device, port);
        } else if self.functions.is_empty() {
            access.nothing();
        } else if port == SELECT {
            self.access_select(access);
        } else if SELECTED.contains(&port) && self.selected & ENABLED != 0 {
            let offset = (self.selected & 0xfc) as usize + port - SELECTED.start;
            self.access_configuration((self.selected >> 8) as u16, offset, access);
        } else {
            self.access_function(ram, now, true, port, access);
        }
    }

    fn access_select(&mut self, access: Access<'_>) {
        match access {
            // Only whole words count.
            Access::Write(data) => self.selected = data.try_into().map_or(self.selected, u32::from_le_bytes),
            Access::Read(buffer) => {
                buffer.iter_mut().zip(self.selected.to_le_bytes()).for_each(|(to, byte)| *to = byte)
            }
        }
    }

    fn access_configuration(&mut self, place: u16, offset: usize, access: Access<'_>) {
        match (self.functions.iter_mut().find(|slot| slot.place == place), access) {
            (Some(slot), Access::Read(buffer)) => slot.space.read(offset, buffer),
            (Some(slot), Access::Write(data)) => slot.space.write(offset, data),
            (None, access) => access.nothing(),
        }
    }

    fn access_function(&mut self, ram: &mut Ram, now: u64, ports: bool, address: usize, access: Access<'_>) {
        let found = self.functions.iter_mut().find_map(|slot| {
            let place = slot.decode(ports, address)?;
            Some((slot, place))
        });
        match (found, access) {
            (Some((slot, place)), Access::Read(buffer)) => slot.read(ram, now, place, buffer),
            (Some((slot, place)), Access::Write(data)) => slot.write(ram, now, place, data),
            (None, access) => access.nothing(),
        }
    }

    /// Lets the devices do what they do by themselves until now.
    pub(crate) fn events(&mut self, ram: &mut Ram, now: u64) {
        let is_due = |time: Option<u64>| time.is_some_and(|time| time <= now);
        for attached in self.memory.iter_mut().chain(&mut self.ports) {
            if is_due(attached.device.next_event()) {
                attached.device.event(now);
            }
        }
        for slot in self.functions.iter_mut().filter(|slot| is_due(slot.next_event())) {
            slot.event(ram, now);
        }
    }

    /// When the first of them next does something.
    pub(crate) fn next_event(&self) -> Option<u64> {
        let attached =
            self.memory.iter().chain(&self.ports).filter_map(|attached| attached.device.next_event());
        attached.chain(self.functions.iter().filter_map(Slot::next_event)).min()
    }

    /// An interrupt that is raised, by a line or by a message, and let through.
    pub(crate) fn pending_irq(&mut self) -> Option<usize> {
        self.take_messages();
        let enabled = self.irq_enabled;
        let is_enabled = |irq: usize| enabled.get(irq) == Some(&true);
        let mut attached =
            self.memory.iter_mut().chain(&mut self.ports).filter(|device| is_enabled(device.irq));
        let line = attached.find_map(|device| device.device.interrupts().then_some(device.irq));
        let mut functions = self.functions.iter_mut().filter(|slot| is_enabled(slot.irq));
        let line = line.or_else(|| functions.find_map(|slot| slot.interrupts().then_some(slot.irq)));
        line.or_else(|| {
            let irq = (0..IRQS).find(|&irq| enabled[irq] && self.irq_pending[irq])?;
            self.irq_pending[irq] = false;
            Some(irq)
        })
    }

    /// Takes the messages that devices have written.
    fn take_messages(&mut self) {
        let attached = self.memory.iter_mut().chain(&mut self.ports);
        let attached = attached.flat_map(|attached| std::iter::from_fn(|| attached.device.message()));
        let functions = self.functions.iter_mut().flat_map(|slot| slot.space.messages.drain(..));
        for (address, data) in attached.chain(functions) {
            let irq = data as usize;
            if address == u64::from(MESSAGES) && (FIRST_MESSAGE_IRQ..IRQS).contains(&irq) {
                self.irq_pending[irq] = true;
            }
        }
    }
}
