//! PCI devices: configuration space, base address registers, bus mastering, messages.
//!
//! A model of a device ([`Function`]) has only what is its own: what it is, its registers, what it does. This module has what
//! all have in common, as the PCI local bus specification 3.0 says it: where the registers are is decided by the base address
//! registers and the command register; what it writes to memory arrives only while it is a bus master; its interrupts
//! are a line, or messages as MSI or MSI-X are set up. The configuration space is reached by the ports 0xcf8 and 0xcfc, and
//! in memory where [`crate::System::configuration`] says.

mod slot;
mod space;

pub(crate) use slot::Slot;
pub(crate) use space::{Firmware, Space};

use crate::memory::Ram;

/// A function of a PCI device, as a driver sees it.
///
/// It runs inside of the driver's accesses, and acts only then or when the time has come that it asked for.
pub trait Function: Send {
    /// What it is. Asked once.
    fn header(&self) -> Header;

    /// The driver reads registers behind base address register `bar`, at `offset`; at most a page's bytes at once.
    fn read(&mut self, bus: &mut Bus<'_>, bar: usize, offset: usize, buffer: &mut [u8]);

    /// The driver writes registers.
    fn write(&mut self, bus: &mut Bus<'_>, bar: usize, offset: usize, data: &[u8]);

    /// Whether its interrupt line is raised now. Not asked while it has messages ([`Bus::interrupt`]).
    fn interrupts(&mut self) -> bool {
        false
    }

    /// When it next does something by itself, in nanoseconds of the machine's clock; `None`: only when it is accessed.
    /// 0 stands for now: for what a test has put into it meanwhile.
    fn next_event(&self) -> Option<u64> {
        None
    }

    /// The time it asked for has come.
    fn event(&mut self, bus: &mut Bus<'_>) {
        let _ = bus;
    }
}

/// What a function is, for its configuration space.
#[derive(Clone, Default, Debug)]
pub struct Header {
    /// Who makes it.
    pub vendor: u16,
    /// Which of the vendor's devices it is.
    pub device: u16,
    /// The subsystem ID; the subsystem's vendor is `vendor`.
    pub subsystem: u16,
    /// Class, subclass and programming interface, 8 bits each.
    pub class: u32,
    /// Its revision.
    pub revision: u8,
    /// Its base address registers.
    pub bars: [Bar; 6],
    /// Whether it has MSI: one message.
    pub msi: bool,
    /// MSI-X, if it has it.
    pub msix: Option<Msix>,
    /// Other capabilities: their bytes from the ID on, of which the second becomes the link to the next one.
    pub capabilities: Vec<Vec<u8>>,
}

/// What is behind a base address register. Sizes are powers of two.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Bar {
    /// Nothing, or the upper half of the one before.
    #[default]
    None,
    /// So many I/O ports, at least 4.
    Ports(u32),
    /// So many bytes of memory, at least 16, below 4 GiB.
    Memory(u32),
    /// So many bytes of memory anywhere; takes the next register as well.
    Wide(u64),
}

/// The table of messages of MSI-X. The bits for messages that wait are right behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Msix {
    /// How many messages: 1 to 2048.
    pub vectors: u16,
    /// The base address register of the memory that it is in.
    pub bar: u8,
    /// Where in there: a multiple of 8.
    pub offset: u32,
}

/// What a function can do by itself.
pub struct Bus<'a> {
    pub(crate) ram: &'a mut Ram,
    pub(crate) space: &'a mut Space,
    pub(crate) now: u64,
}

impl Bus<'_> {
    /// The time, in nanoseconds of the machine's clock.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Reads memory. False, and ones, if it is not memory or the function is no bus master.
    pub fn read(&mut self, address: u64, buffer: &mut [u8]) -> bool {
        match self.memory(address, buffer.len()) {
            Some(memory) => buffer.copy_from_slice(memory),
            None => {
                buffer.fill(0xff);
                return false;
            }
        }
        true
    }

    /// Writes memory. False, and nothing is written, if it is not memory or the function is no bus master.
    pub fn write(&mut self, address: u64, data: &[u8]) -> bool {
        self.memory(address, data.len()).map(|memory| memory.copy_from_slice(data)).is_some()
    }

    /// Sends the message `vector` if messages are switched on: the only one of MSI, one of the table of MSI-X. Else nothing
    /// happens: then [`Function::interrupts`] counts.
    pub fn interrupt(&mut self, vector: usize) {
        self.space.interrupt(vector);
    }

    fn memory(&mut self, address: u64, length: usize) -> Option<&mut [u8]> {
        let address = usize::try_from(address).ok().filter(|_| self.space.is_master())?;
        self.ram.at(address, length)
    }
}
