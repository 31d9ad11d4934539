//! A model of the device in its PCI slot: the registers of 4.1.4.3 to 4.1.4.6, or those of a legacy device. On the wire is a
//! mirror: each frame that is sent comes back, from whom it was for to whom it was from.
//!
//! Strict: it fails the test if the driver does not keep to the order of 3.1.1, or to what it has offered.

use crate::support::Net;
use sim::pci::{Bar, Bus, Function, Msix};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use virtio::Ring;
use virtio::model::{Memory, Queue};
use virtio_net::Header;

/// The device's address.
pub const ADDRESS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

const MAC: u64 = 1 << 5;
const STATUS: u64 = 1 << 16;
const ANY_LAYOUT: u64 = 1 << 27;
const EVENT_IDX: u64 = 1 << 29;
const VERSION_1: u64 = 1 << 32;
const RING_PACKED: u64 = 1 << 34;
/// Offers that the driver should not take: checksums, large frames, merged buffers, indirect descriptors.
const MORE: u64 = 1 | 1 << 1 | 1 << 7 | 1 << 15 | 1 << 28;

/// What kind of device it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Modern(Ring),
    Legacy { any_layout: bool },
}

/// All kinds, with event indices or without, with messages or a line.
pub fn kinds() -> Vec<(Kind, bool, bool)> {
    let legacy = [true, false].map(|any_layout| Kind::Legacy { any_layout });
    let modern = [Ring::Split, Ring::Packed].map(Kind::Modern);
    let flags = [(true, true), (true, false), (false, true), (false, false)];
    let all = legacy.into_iter().chain(modern);
    all.flat_map(|kind| flags.map(|(events, messages)| (kind, events, messages))).collect()
}

/// What a driver has said about a queue.
#[derive(Clone, Copy, Default)]
struct Place {
    size: u16,
    areas: [u64; 3],
    vector: u16,
    enabled: bool,
}

/// The device.
pub struct Card {
    kind: Kind,
    offered: u64,
    messages: bool,
    /// Registers.
    status: u8,
    select: u32,
    accepted: u64,
    queue: usize,
    places: [Place; 2],
    isr: u8,
    net: Option<Net>,
    link: Arc<AtomicBool>,
    last_link: bool,
    /// Whether it says that it has written more than a buffer has.
    pub lies: bool,
}

/// The device's queues are this long.
const SIZE: u16 = 64;
const NO_VECTOR: u16 = 0xffff;
/// Where a modern device has its structures.
const COMMON: usize = 0;
const ISR: usize = 0x1000;
const DEVICE: usize = 0x2000;
const NOTIFY: usize = 0x3000;
const MULTIPLIER: usize = 4;

struct Access<'a, 'b>(&'a mut Bus<'b>);

impl Memory for Access<'_, '_> {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        assert!(self.0.read(address, buffer), "{address:#x} is memory, and it is a bus master");
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        assert!(self.0.write(address, data), "{address:#x} is memory, and it is a bus master");
    }
}

impl Card {
    pub fn new((kind, events, messages): (Kind, bool, bool), link: &Arc<AtomicBool>) -> Self {
        let own = match kind {
            Kind::Modern(Ring::Split) => VERSION_1,
            Kind::Modern(Ring::Packed) => VERSION_1 | RING_PACKED,
            Kind::Legacy { any_layout: true } => ANY_LAYOUT,
            Kind::Legacy { any_layout: false } => 0,
        };
        Self {
            kind,
            offered: own | MAC | STATUS | MORE | if events { EVENT_IDX } else { 0 },
            messages,
            status: 0,
            select: 0,
            accepted: 0,
            queue: 0,
            places: [Place::default(); 2],
            isr: 0,
            net: None,
            link: link.clone(),
            last_link: true,
            lies: false,
        }
    }

    fn is_legacy(&self) -> bool {
        matches!(self.kind, Kind::Legacy { .. })
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            (self.status, self.accepted, self.isr, self.net) = (0, 0, 0, None);
            self.places = [Place { size: SIZE, vector: NO_VECTOR, ..Place::default() }; 2];
            return;
        }
        assert_eq!(status & self.status, self.status, "no bit is taken back");
        assert_eq!(self.accepted & !self.offered, 0, "it takes only what was offered");
        assert_eq!(self.accepted & MORE, 0, "it takes only what it understands");
        self.status = status;
        if status & 4 != 0 && self.net.is_none() {
            assert!(self.is_legacy() || status == 15, "{status}");
            let queue = |place: &Place| {
                assert!(place.enabled, "both queues are there before it starts");
                let ring = if self.accepted & RING_PACKED != 0 { Ring::Packed } else { Ring::Split };
                Queue::new(ring, place.size, place.areas, self.accepted & EVENT_IDX != 0)
            };
            let header = Header {
                length: if self.is_legacy() { 10 } else { 12 },
                separate: self.is_legacy() && self.accepted & ANY_LAYOUT == 0,
            };
            self.net = Some(Net::new(queue(&self.places[0]), queue(&self.places[1]), header));
        }
    }

    /// A register's value. `offset` counts from the structure.
    fn read_common(&self, offset: usize) -> u64 {
        let place = self.places.get(self.queue).copied().unwrap_or_default();
        match offset {
            4 => self.offered >> (32 * self.select) & 0xffff_ffff,
            18 => 2,
            20 => self.status.into(),
            24 => place.size.into(),
            26 => place.vector.into(),
            30 => self.queue as u64,
            offset => panic!("the driver reads register {offset}"),
        }
    }

    fn write_common(&mut self, offset: usize, value: u64) {
        match offset {
            0 | 8 => self.select = value as u32,
            12 => self.accepted |= value << (32 * self.select),
            16 => assert_eq!(value, 0),
            20 => self.set_status(value as u8),
            22 => self.queue = value as usize,
            24 => self.places[self.queue].size = value as u16,
            26 => self.places[self.queue].vector = value as u16,
            28 => self.places[self.queue].enabled = value == 1,
            32..56 => {
                let (area, shift) = ((offset - 32) / 8, offset % 8 * 8);
                self.places[self.queue].areas[area] |= value << shift;
            }
            offset => panic!("the driver writes {value:#x} to register {offset}"),
        }
    }

    fn read_legacy(&mut self, offset: usize) -> u64 {
        let vectors = if self.messages { 4 } else { 0 };
        let place = self.places.get(self.queue).copied().unwrap_or_default();
        match offset {
            0 => self.offered & 0xffff_ffff,
            12 => place.size.into(),
            18 => self.status.into(),
            19 => std::mem::take(&mut self.isr).into(),
            22 if self.messages => place.vector.into(),
            offset => self.read_device(offset - 20 - vectors),
        }
    }

    fn write_legacy(&mut self, bus: &mut Bus<'_>, offset: usize, value: u64) {
        match offset {
            4 => self.accepted = value,
            8 => {
                let (first, size) = (value << 12, u64::from(SIZE));
                let used = (first + 16 * size + 6 + 2 * size).next_multiple_of(4096);
                self.places[self.queue].areas = [first, first + 16 * size, used];
                self.places[self.queue].enabled = true;
            }
            14 => self.queue = value as usize,
            16 => self.notified(bus, value as usize),
            18 => self.set_status(value as u8),
            20 if self.messages => assert_eq!(value, 0),
            22 if self.messages => self.places[self.queue].vector = value as u16,
            offset => panic!("the driver writes {value:#x} to register {offset}"),
        }
    }

    fn read_device(&self, offset: usize) -> u64 {
        match offset {
            0..6 => ADDRESS[offset].into(),
            6 => self.last_link.into(),
            offset => panic!("the driver reads device register {offset}"),
        }
    }

    fn interrupt(&mut self, bus: &mut Bus<'_>, cause: u8) {
        self.isr |= cause;
        if self.messages {
            assert!(self.places.iter().all(|place| place.vector == 0), "each queue has a vector");
            bus.interrupt(0);
        }
    }

    /// There is something in a queue. What is to be sent comes back later, or the driver would be interrupted where it stands.
    fn notified(&mut self, bus: &mut Bus<'_>, queue: usize) {
        let net = self.net.as_mut().expect("it was started");
        if queue == 1 {
            let memory = &mut Access(bus);
            loop {
                net.transmit.wake(memory);
                net.send(memory, usize::MAX);
                if !net.transmit.sleep(memory) {
                    break;
                }
            }
            for mut frame in net.sent.drain(..) {
                let (to, from) = (frame[..6].to_vec(), frame[6..12].to_vec());
                frame[..6].copy_from_slice(&from);
                frame[6..12].copy_from_slice(&to);
                net.waiting.push_back(frame);
            }
            if net.transmit.interrupts(memory) {
                self.interrupt(bus, 1);
            }
        }
    }

    fn deliver(&mut self, bus: &mut Bus<'_>) {
        let (lies, Some(net)) = (self.lies, &mut self.net) else { return };
        let memory = &mut Access(bus);
        if lies
            && !net.waiting.is_empty()
            && let Some(buffer) = net.receive.take(memory)
        {
            net.receive.give(memory, &buffer, 4000);
        }
        loop {
            net.deliver(memory);
            // It wants to hear of new buffers only if it needs one.
            if net.waiting.is_empty() {
                net.receive.wake(memory);
                break;
            } else if !net.receive.sleep(memory) {
                break;
            }
        }
        if net.receive.interrupts(memory) {
            self.interrupt(bus, 1);
        }
    }
}

impl Function for Card {
    fn header(&self) -> sim::pci::Header {
        let mut header = sim::pci::Header { vendor: 0x1af4, class: 0x02_0000, ..Default::default() };
        header.bars[1] = Bar::Memory(0x1000);
        header.msix = self.messages.then_some(Msix { vectors: 3, bar: 1, offset: 0 });
        if self.is_legacy() {
            (header.device, header.bars[0]) = (0x1000, Bar::Ports(64));
            return header;
        }
        (header.device, header.bars[4]) = (0x1041, Bar::Wide(0x4000));
        for (kind, offset) in [(1, COMMON), (3, ISR), (4, DEVICE), (2, NOTIFY)] {
            let mut capability = vec![9, 0, 20, kind, 4, 0, 0, 0];
            for word in [offset, 0x1000, MULTIPLIER] {
                capability.extend((word as u32).to_le_bytes());
            }
            header.capabilities.push(capability);
        }
        header
    }

    fn read(&mut self, _: &mut Bus<'_>, bar: usize, offset: usize, buffer: &mut [u8]) {
        let value = match (bar, offset) {
            (0, _) => self.read_legacy(offset),
            (4, ISR) => std::mem::take(&mut self.isr).into(),
            (4, DEVICE..NOTIFY) => self.read_device(offset - DEVICE),
            (4, ..ISR) => self.read_common(offset),
            place => panic!("the driver reads {place:?}"),
        };
        buffer.copy_from_slice(&value.to_le_bytes()[..buffer.len()]);
    }

    fn write(&mut self, bus: &mut Bus<'_>, bar: usize, offset: usize, data: &[u8]) {
        let mut bytes = [0; 8];
        bytes[..data.len()].copy_from_slice(data);
        let value = u64::from_le_bytes(bytes);
        match (bar, offset) {
            (0, _) => self.write_legacy(bus, offset, value),
            (4, NOTIFY..) => {
                assert_eq!(offset - NOTIFY, value as usize * MULTIPLIER, "each queue has its own place");
                self.notified(bus, value as usize);
            }
            (4, ..ISR) => self.write_common(offset, value),
            place => panic!("the driver writes {value:#x} to {place:?}"),
        }
    }

    fn interrupts(&mut self) -> bool {
        self.isr != 0
    }

    fn next_event(&self) -> Option<u64> {
        let frames = self.net.as_ref().is_some_and(|net| !net.waiting.is_empty());
        let has_changed = self.link.load(Ordering::Relaxed) != self.last_link;
        (frames || has_changed).then_some(0)
    }

    fn event(&mut self, bus: &mut Bus<'_>) {
        self.deliver(bus);
        let link = self.link.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.last_link, link) != link && self.net.is_some() {
            self.interrupt(bus, 2);
        }
    }
}
