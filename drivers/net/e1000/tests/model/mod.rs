//! A model of the card: registers, descriptors, frames in and out, as Intel's manual describes them (see `registers.rs`).
//!
//! Written from the manual and not from the driver: it has only the offsets in common with it, so that a wrong bit in the
//! driver shows. It obeys the driver's registers strictly: memory that the rings do not name is not touched.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;

/// Memory as the card sees it: by physical address.
pub trait Dma {
    fn read(&mut self, address: u64, buffer: &mut [u8]);
    fn write(&mut self, address: u64, data: &[u8]);
}

/// The address in a model's EEPROM.
pub const ADDRESS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// Interrupt causes.
const TXDW: u32 = 1;
const LSC: u32 = 1 << 2;
const RXO: u32 = 1 << 6;
const RXT0: u32 = 1 << 7;

/// Registers that the model does something with.
const CTRL: usize = 0x0;
const STATUS: usize = 0x8;
const EERD: usize = 0x14;
const ICR: usize = 0xc0;
const IMS: usize = 0xd0;
const IMC: usize = 0xd8;
const RCTL: usize = 0x100;
const TCTL: usize = 0x400;
const RING_RECEIVE: usize = 0x2800;
const RING_TRANSMIT: usize = 0x3800;
const MPC: usize = 0x4010;
const RAL: usize = 0x5400;
const RAH: usize = 0x5404;

/// What kind of card it is.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The address in the EEPROM.
    pub address: [u8; 6],
    /// Whether the card has loaded its address after a reset. If not, the driver must read the EEPROM.
    pub loads_address: bool,
    /// Whether the card comes out of reset.
    pub resets: bool,
    /// Whether frames are sent at once; else with [`Model::send`].
    pub sends_at_once: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { address: ADDRESS, loads_address: true, resets: true, sends_at_once: true }
    }
}

/// The card.
#[derive(Default)]
pub struct Model {
    pub manner: Manner,
    registers: BTreeMap<usize, u32>,
    causes: u32,
    mask: u32,
    no_link: bool,
    /// How often it was reset.
    pub reset_count: usize,
    /// The frames that were sent.
    pub sent: Vec<Vec<u8>>,
    /// Frames that came while there was no buffer.
    pub lost: u32,
}

/// A ring's registers.
struct Ring {
    base: usize,
    address: u64,
    entries: u32,
    head: u32,
    tail: u32,
}

impl Model {
    /// A card that is on.
    pub fn new(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }

    /// The driver reads a register.
    pub fn read(&mut self, offset: usize) -> u32 {
        match offset {
            ICR => std::mem::take(&mut self.causes),
            IMS => self.mask,
            STATUS => 0x8000_0000 | u32::from(!self.no_link) << 1,
            MPC => std::mem::take(&mut self.lost),
            0x4000..=0x40ff => self.registers.remove(&offset).unwrap_or(0),
            _ => self.registers.get(&offset).copied().unwrap_or(0),
        }
    }

    /// The driver writes a register.
    pub fn write(&mut self, offset: usize, value: u32, dma: &mut dyn Dma) {
        match offset {
            CTRL if value & 1 << 26 != 0 => self.reset(),
            IMS => self.mask |= value,
            IMC => self.mask &= !value,
            ICR => self.causes &= !value,
            STATUS | MPC => {}
            EERD if value & 1 != 0 => {
                let word = (value >> 8 & 0xff) as usize;
                let word = self
                    .manner
                    .address
                    .chunks(2)
                    .nth(word)
                    .map_or(0, |pair| u32::from(pair[0]) | u32::from(pair[1]) << 8);
                self.registers.insert(EERD, word << 16 | 1 << 4);
            }
            _ => _ = self.registers.insert(offset, value),
        }
        if offset == RING_TRANSMIT + 0x18 && self.manner.sends_at_once {
            self.send(dma);
        }
    }

    /// Whether the interrupt line is raised.
    pub fn interrupts(&self) -> bool {
        self.causes & self.mask != 0
    }

    /// Plugs the cable in or out.
    pub fn set_link(&mut self, link: bool) {
        self.no_link = !link;
        self.causes |= LSC;
    }

    /// Sends all frames that the driver has told.
    pub fn send(&mut self, dma: &mut dyn Dma) {
        let mut frame = Vec::new();
        while let Some((mut ring, place)) = self.next(RING_TRANSMIT, TCTL) {
            let mut descriptor = [0; 16];
            dma.read(place, &mut descriptor);
            let length = usize::from(u16::from_le_bytes([descriptor[8], descriptor[9]]));
            let mut part = vec![0; length];
            dma.read(word(&descriptor, 0), &mut part);
            frame.extend(part);
            let command = descriptor[11];
            if command & 1 != 0 {
                // Pads short frames if the driver wants it.
                if self.registers[&TCTL] & 1 << 3 != 0 && frame.len() < 60 {
                    frame.resize(60, 0);
                }
                self.sent.push(std::mem::take(&mut frame));
            }
            if command & 1 << 3 != 0 {
                descriptor[12] |= 1;
                dma.write(place + 8, &descriptor[8..]);
                self.causes |= TXDW;
            }
            ring.head = (ring.head + 1) % ring.entries;
            self.registers.insert(ring.base + 0x10, ring.head);
        }
    }

    /// A frame comes over the wire, without its checksum. Whether it was received.
    pub fn receive(&mut self, frame: &[u8], dma: &mut dyn Dma) -> bool {
        self.receive_as(frame, 0, dma)
    }

    /// As [`Model::receive`], but the descriptor says another length.
    pub fn receive_lying(&mut self, frame: &[u8], length: Option<u16>, dma: &mut dyn Dma) -> bool {
        let head = self.ring(RING_RECEIVE).head;
        let received = self.receive(frame, dma);
        if let Some(length) = length.filter(|_| received) {
            let descriptor = self.descriptor(false, head.into());
            dma.write(descriptor + 8, &length.to_le_bytes());
        }
        received
    }

    /// As [`Model::receive`], with these bits in the descriptor's errors.
    pub fn receive_as(&mut self, frame: &[u8], errors: u8, dma: &mut dyn Dma) -> bool {
        let control = self.registers.get(&RCTL).copied().unwrap_or(0);
        let is_own = frame.get(..6) == Some(&self.own_address());
        let is_broadcast = frame.get(..6) == Some(&[0xff; 6]);
        let is_multicast = frame.first().is_some_and(|byte| byte & 1 != 0) && !is_broadcast;
        let wanted = is_own && self.read(RAH) & 1 << 31 != 0
            || is_broadcast && control & 1 << 15 != 0
            || is_multicast && control & 1 << 4 != 0;
        // Long packets are off, and so is all else that makes a buffer not have 2048 bytes.
        assert_eq!(control & (1 << 5 | 3 << 16 | 1 << 25), 0, "buffers of 2048 bytes");
        if self.no_link || control & 2 == 0 || !wanted || frame.len() > 1518 {
            return false;
        }
        let Some((mut ring, place)) = self.next(RING_RECEIVE, RCTL) else {
            self.lost += 1;
            self.causes |= RXO;
            return false;
        };
        let mut descriptor = [0; 16];
        dma.read(place, &mut descriptor);
        dma.write(word(&descriptor, 0), frame);
        let mut length = frame.len() as u16;
        if control & 1 << 26 == 0 {
            length += 4;
        }
        descriptor[8..10].copy_from_slice(&length.to_le_bytes());
        descriptor[12] = 3;
        descriptor[13] = errors;
        dma.write(place + 8, &descriptor[8..]);
        ring.head = (ring.head + 1) % ring.entries;
        self.registers.insert(ring.base + 0x10, ring.head);
        self.causes |= RXT0;
        true
    }

    /// How many buffers the card has for frames.
    pub fn room(&self) -> u32 {
        let ring = self.ring(RING_RECEIVE);
        if ring.entries == 0 { 0 } else { (ring.tail + ring.entries - ring.head) % ring.entries }
    }

    /// Raises the interrupt of a received frame for nothing.
    pub fn lie(&mut self) {
        self.causes |= RXT0 | TXDW;
    }

    /// The physical address of a receive or transmit descriptor, for mischief.
    pub fn descriptor(&self, transmit: bool, place: u64) -> u64 {
        self.ring(if transmit { RING_TRANSMIT } else { RING_RECEIVE }).address + place * 16
    }

    fn own_address(&self) -> [u8; 6] {
        let register = |offset| self.registers.get(&offset).copied().unwrap_or(0).to_le_bytes();
        let ([a, b, c, d], [e, f, ..]) = (register(RAL), register(RAH));
        [a, b, c, d, e, f]
    }

    fn reset(&mut self) {
        self.registers.clear();
        (self.causes, self.mask) = (0, 0);
        self.reset_count += 1;
        if !self.manner.resets {
            self.registers.insert(CTRL, 1 << 26);
        }
        if self.manner.loads_address {
            let [a, b, c, d, e, f] = self.manner.address;
            self.registers.insert(RAL, u32::from_le_bytes([a, b, c, d]));
            self.registers.insert(RAH, u32::from_le_bytes([e, f, 0, 0x80]));
        }
    }

    fn ring(&self, base: usize) -> Ring {
        let register = |offset| self.registers.get(&(base + offset)).copied().unwrap_or(0);
        let address = u64::from(register(0)) | u64::from(register(4)) << 32;
        assert_eq!((address % 16, register(8) % 128), (0, 0), "rings are aligned");
        Ring { base, address, entries: register(8) / 16, head: register(0x10), tail: register(0x18) }
    }

    /// The ring at `base` and the address of its next descriptor that is the card's, if there is one and it is on.
    fn next(&self, base: usize, control: usize) -> Option<(Ring, u64)> {
        let ring = self.ring(base);
        let on = self.registers.get(&control).is_some_and(|value| value & 2 != 0);
        if !on || ring.entries == 0 || ring.head == ring.tail {
            return None;
        }
        assert!(ring.head < ring.entries && ring.tail < ring.entries, "the tail is in the ring");
        let place = ring.address + u64::from(ring.head) * 16;
        Some((ring, place))
    }
}

fn word(descriptor: &[u8; 16], offset: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| descriptor[offset + index]))
}
