//! The configuration space of a function (PCI local bus specification 3.0, chapter 6), and its messages.

use super::{Bar, Header, Msix};

/// Bytes of the space; what PCI Express adds reads as zeros.
const SIZE: usize = 256;
/// Offsets of registers.
const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const BARS: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const LINE: usize = 0x3c;
const PIN: usize = 0x3d;
/// Command: the ports answer; the memory answers; it is a bus master; its line is not raised.
const IO: u16 = 1 << 0;
const MEMORY: u16 = 1 << 1;
const MASTER: u16 = 1 << 2;
const NO_LINE: u16 = 1 << 10;
/// Status: there are capabilities.
const HAS_CAPABILITIES: u16 = 1 << 4;
/// Capabilities begin behind the header.
const FIRST_CAPABILITY: usize = 0x40;
/// Upper byte of the control registers: MSI-X is on; all its messages are masked.
const MSIX_ON: u8 = 1 << 7;
const MSIX_MASKED: u8 = 1 << 6;
/// Bytes of an entry in the table of MSI-X, and where in it the mask is.
const ENTRY: usize = 16;
const CONTROL: usize = 12;

/// Gives addresses to base address registers, as the firmware of a PC does before anything else runs.
pub(crate) struct Firmware {
    ports: u64,
    memory: u64,
    wide: u64,
}

impl Default for Firmware {
    fn default() -> Self {
        Self { ports: 0xc000, memory: 0xe000_0000, wide: 0x8_0000_0000 }
    }
}

impl Firmware {
    fn place(&mut self, bar: Bar) -> u64 {
        let (next, size, alignment) = match bar {
            Bar::None => return 0,
            Bar::Ports(size) => (&mut self.ports, u64::from(size), 4),
            // Each in pages of its own.
            Bar::Memory(size) => (&mut self.memory, size.into(), 4096),
            Bar::Wide(size) => (&mut self.wide, size, 4096),
        };
        assert!(size.is_power_of_two(), "{bar:?}: the size must be a power of two");
        let address = next.next_multiple_of(size.max(alignment));
        *next = address + size;
        address
    }
}

/// Registers that answer: whether they are ports, their first address, and how many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window {
    pub(crate) ports: bool,
    pub(crate) first: u64,
    pub(crate) size: u64,
}

/// A configuration space.
pub(crate) struct Space {
    bytes: [u8; SIZE],
    /// Bits that can be written.
    writable: [u8; SIZE],
    bars: [Bar; 6],
    /// Where the capabilities are.
    msi: Option<usize>,
    msix: Option<(usize, Msix)>,
    /// The table of MSI-X, and its messages that wait until they are not masked.
    table: Vec<u8>,
    waiting: Vec<bool>,
    /// Messages on their way: address and data.
    pub(crate) messages: Vec<(u64, u32)>,
}

impl Space {
    pub(crate) fn new(header: &Header, irq: usize, firmware: &mut Firmware) -> Self {
        let vectors = header.msix.map_or(0, |msix| usize::from(msix.vectors));
        let mut table = vec![0; vectors * ENTRY];
        // Out of reset, all are masked (6.8.2.9).
        table.chunks_mut(ENTRY).for_each(|entry| entry[CONTROL] = 1);
        let mut space = Self {
            bytes: [0; SIZE],
            writable: [0; SIZE],
            bars: header.bars,
            msi: None,
            msix: None,
            table,
            waiting: vec![false; vectors],
            messages: Vec::new(),
        };
        space.set(0x00, &[header.vendor.to_le_bytes(), header.device.to_le_bytes()].concat());
        space.set(0x08, &(header.class << 8 | u32::from(header.revision)).to_le_bytes());
        space.set(0x2c, &[header.vendor.to_le_bytes(), header.subsystem.to_le_bytes()].concat());
        space.set(COMMAND, &(IO | MEMORY).to_le_bytes());
        space.allow(COMMAND, &(IO | MEMORY | MASTER | NO_LINE).to_le_bytes());
        space.set(LINE, &[irq as u8]);
        space.allow(LINE, &[0xff]);
        space.set(PIN, &[1]);
        for (index, bar) in header.bars.into_iter().enumerate() {
            let address = firmware.place(bar);
            space.add_bar(BARS + 4 * index, bar, address);
        }
        space.add_capabilities(header);
        space
    }

    fn set(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn allow(&mut self, offset: usize, mask: &[u8]) {
        self.writable[offset..offset + mask.len()].copy_from_slice(mask);
    }

    fn add_bar(&mut self, offset: usize, bar: Bar, address: u64) {
        let (kind, size) = match bar {
            Bar::None => return,
            Bar::Ports(size) => (0b1, u64::from(size)),
            Bar::Memory(size) => (0b000, size.into()),
            Bar::Wide(size) => (0b100, size),
        };
        let length = if matches!(bar, Bar::Wide(_)) { 8 } else { 4 };
        self.set(offset, &(address | kind).to_le_bytes()[..length]);
        self.allow(offset, &(!(size - 1)).to_le_bytes()[..length]);
    }

    fn add_capabilities(&mut self, header: &Header) {
        let mut all = header.capabilities.clone();
        if header.msi {
            self.msi = Some(all.len());
            // Control: addresses of 64 bits.
            all.push([&[0x05, 0, 0x80, 0][..], &[0; 12]].concat());
        }
        if let Some(msix) = header.msix {
            self.msix = Some((all.len(), msix));
            let (table, bar) = (msix.offset, u32::from(msix.bar));
            let waiting = table + u32::from(msix.vectors) * ENTRY as u32;
            let words = [0x11 | u32::from(msix.vectors - 1) << 16, table | bar, waiting | bar];
            all.push(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        }
        let (mut offset, mut link) = (FIRST_CAPABILITY, CAPABILITIES);
        let mut offsets = Vec::new();
        for capability in &all {
            assert!(offset + capability.len() <= SIZE, "the capabilities do not fit into the space");
            self.set(offset, capability);
            self.bytes[offset + 1] = 0;
            self.bytes[link] = offset as u8;
            link = offset + 1;
            offsets.push(offset);
            offset = (offset + capability.len()).next_multiple_of(4);
        }
        if !all.is_empty() {
            self.set(STATUS, &HAS_CAPABILITIES.to_le_bytes());
        }
        self.msi = self.msi.map(|index| offsets[index]);
        self.msix = self.msix.map(|(index, msix)| (offsets[index], msix));
        if let Some(msi) = self.msi {
            self.allow(msi + 2, &[1]);
            self.allow(msi + 4, &[[0xfc, 0xff, 0xff, 0xff], [0xff; 4], [0xff, 0xff, 0, 0]].concat());
        }
        if let Some((msix, _)) = self.msix {
            self.allow(msix + 3, &[MSIX_ON | MSIX_MASKED]);
        }
    }

    pub(crate) fn read(&self, offset: usize, buffer: &mut [u8]) {
        for (place, byte) in (offset..).zip(buffer) {
            *byte = self.bytes.get(place).copied().unwrap_or(0);
        }
    }

    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        for (place, byte) in (offset..SIZE).zip(data) {
            let mask = self.writable[place];
            self.bytes[place] = self.bytes[place] & !mask | byte & mask;
        }
        self.send_waiting();
    }

    fn number(&self, offset: usize, length: usize) -> u64 {
        let bytes = self.bytes[offset..offset + length].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn command(&self, bits: u16) -> bool {
        self.number(COMMAND, 2) as u16 & bits != 0
    }

    /// Whether it may access memory.
    pub(crate) fn is_master(&self) -> bool {
        self.command(MASTER)
    }

    /// Whether its interrupt line counts.
    pub(crate) fn has_line(&self) -> bool {
        !self.command(NO_LINE) && !self.has_msi() && !self.has_msix()
    }

    fn has_msi(&self) -> bool {
        self.msi.is_some_and(|msi| self.bytes[msi + 2] & 1 != 0)
    }

    fn has_msix(&self) -> bool {
        self.msix.is_some_and(|(msix, _)| self.bytes[msix + 3] & MSIX_ON != 0)
    }

    /// Where the registers behind a base address register answer, if they do.
    pub(crate) fn window(&self, index: usize) -> Option<Window> {
        let offset = BARS + 4 * index;
        let (ports, size, address) = match self.bars[index] {
            Bar::None => return None,
            Bar::Ports(size) => (true, u64::from(size), self.number(offset, 4) & !0b11),
            Bar::Memory(size) => (false, size.into(), self.number(offset, 4) & !0b1111),
            Bar::Wide(size) => (false, size, self.number(offset, 8) & !0b1111),
        };
        let answers = self.command(if ports { IO } else { MEMORY });
        answers.then_some(Window { ports, first: address, size })
    }

    /// The function wants to send a message.
    pub(crate) fn interrupt(&mut self, vector: usize) {
        if self.has_msix() {
            if let Some(waiting) = self.waiting.get_mut(vector) {
                *waiting = true;
            }
            self.send_waiting();
        } else if let Some(msi) = self.msi.filter(|_| self.has_msi() && self.is_master()) {
            self.messages.push((self.number(msi + 4, 8), self.number(msi + 12, 2) as u32));
        }
    }

    /// Sends the messages of MSI-X that wait and are not masked.
    fn send_waiting(&mut self) {
        let Some((msix, _)) = self.msix else { return };
        if !self.has_msix() || !self.is_master() || self.bytes[msix + 3] & MSIX_MASKED != 0 {
            return;
        }
        for (entry, waiting) in self.table.chunks(ENTRY).zip(&mut self.waiting) {
            if *waiting && entry[CONTROL] & 1 == 0 {
                *waiting = false;
                let word =
                    |offset| entry[offset..offset + 4].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
                self.messages.push((word(4) << 32 | word(0), word(8) as u32));
            }
        }
    }

    /// Where in the table of MSI-X and the bits behind it an access to registers is, if it is there.
    fn in_table(&self, bar: usize, offset: usize) -> Option<usize> {
        let (_, msix) = self.msix.filter(|(_, msix)| usize::from(msix.bar) == bar)?;
        let place = offset.checked_sub(msix.offset as usize)?;
        (place < self.table.len() + self.waiting.len().div_ceil(64) * 8).then_some(place)
    }

    /// Reads registers if they are of MSI-X; whether they are.
    pub(crate) fn read_table(&self, bar: usize, offset: usize, buffer: &mut [u8]) -> bool {
        let Some(start) = self.in_table(bar, offset) else { return false };
        for (place, byte) in (start..).zip(buffer) {
            *byte = self.table.get(place).copied().unwrap_or_else(|| {
                let bits = self.waiting.iter().skip((place - self.table.len()) * 8).take(8);
                bits.enumerate().map(|(bit, waiting)| u8::from(*waiting) << bit).sum()
            });
        }
        true
    }

    /// Writes registers if they are of MSI-X; whether they are.
    pub(crate) fn write_table(&mut self, bar: usize, offset: usize, data: &[u8]) -> bool {
        let Some(start) = self.in_table(bar, offset) else { return false };
        self.table.iter_mut().skip(start).zip(data).for_each(|(place, byte)| *place = *byte);
        self.send_waiting();
        true
    }
}
