//! A model of the device in its PCI slot: the registers of 4.1.4.3 to 4.1.4.6, or those of a legacy device, and sectors.
//!
//! Strict: it fails the test if the driver does not keep to the order of 3.1.1, to what it has offered, or to 5.2.6. It answers
//! in another order than it was asked, and interrupts after each answer.

#![allow(dead_code, reason = "each test program uses a part")]

use sim::pci::{Bar, Bus, Function, Msix};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use virtio::Ring;
use virtio::model::{Buffer, Memory, Queue};

const SEG_MAX: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
const ANY_LAYOUT: u64 = 1 << 27;
const EVENT_IDX: u64 = 1 << 29;
const VERSION_1: u64 = 1 << 32;
const RING_PACKED: u64 = 1 << 34;
/// Offers that the driver should not take: geometry, block size, topology, write-back mode, several queues, discard, indirect.
const MORE: u64 = 1 << 4 | 1 << 6 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 28;

/// What the tests see and say of the device, over all its resets.
#[derive(Default)]
pub struct Shared {
    /// Its content.
    pub sectors: Mutex<Vec<[u8; 512]>>,
    /// What of it was flushed, if a reset loses the rest.
    pub durable: Mutex<Option<Vec<[u8; 512]>>>,
    /// How many flushes it has done.
    pub flushes: AtomicU32,
    /// How many of the next requests it leaves alone.
    pub ignored: AtomicU32,
    /// How many of the next requests it ends with `status`.
    pub odd: AtomicU32,
    pub status: AtomicU32,
    /// It says that it has written more than there is room for.
    pub lies: AtomicU32,
    /// It does nothing while this is not 0.
    pub held: AtomicU32,
    /// The most requests that it has had at once.
    pub most: AtomicU32,
}

/// One less, if there is one.
fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1)).is_ok()
}

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
    selected: usize,
    place: Place,
    isr: u8,
    queue: Option<Queue>,
    /// What it was asked for, and the number of its answers.
    asked: VecDeque<Buffer>,
    answers: usize,
    most_segments: u32,
    shared: Arc<Shared>,
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
    pub fn new((kind, events, messages): (Kind, bool, bool), read_only: bool, shared: &Arc<Shared>) -> Self {
        let own = match kind {
            Kind::Modern(Ring::Split) => VERSION_1,
            Kind::Modern(Ring::Packed) => VERSION_1 | RING_PACKED,
            Kind::Legacy { any_layout: true } => ANY_LAYOUT,
            Kind::Legacy { any_layout: false } => 0,
        };
        Self {
            kind,
            offered: own
                | SEG_MAX
                | FLUSH
                | MORE
                | if events { EVENT_IDX } else { 0 }
                | if read_only { READ_ONLY } else { 0 },
            messages,
            status: 0,
            select: 0,
            accepted: 0,
            selected: 0,
            place: Place::default(),
            isr: 0,
            queue: None,
            asked: VecDeque::new(),
            answers: 0,
            most_segments: if messages { 5 } else { 126 },
            shared: shared.clone(),
        }
    }

    fn is_legacy(&self) -> bool {
        matches!(self.kind, Kind::Legacy { .. })
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            (self.status, self.accepted, self.isr, self.queue) = (0, 0, 0, None);
            self.asked.clear();
            if let Some(durable) = &*self.shared.durable.lock().unwrap() {
                self.shared.sectors.lock().unwrap().clone_from(durable);
            }
            self.place = Place { size: SIZE, vector: NO_VECTOR, ..Place::default() };
            return;
        }
        assert_eq!(status & self.status, self.status, "no bit is taken back");
        assert_eq!(self.accepted & !self.offered, 0, "it takes only what was offered");
        assert_eq!(self.accepted & MORE, 0, "it takes only what it understands");
        self.status = status;
        if status & 4 != 0 && self.queue.is_none() {
            assert!(self.is_legacy() || status == 15, "{status}");
            assert!(self.place.enabled, "the queue is there before it starts");
            let ring = if self.accepted & RING_PACKED != 0 { Ring::Packed } else { Ring::Split };
            let Place { size, areas, .. } = self.place;
            self.queue = Some(Queue::new(ring, size, areas, self.accepted & EVENT_IDX != 0));
        }
    }

    /// A register's value. `offset` counts from the structure.
    fn read_common(&self, offset: usize) -> u64 {
        let place = if self.selected == 0 { self.place } else { Place::default() };
        match offset {
            4 => self.offered >> (32 * self.select) & 0xffff_ffff,
            18 => 2,
            20 => self.status.into(),
            24 => place.size.into(),
            26 => place.vector.into(),
            30 => self.selected as u64,
            offset => panic!("the driver reads register {offset}"),
        }
    }

    fn write_common(&mut self, offset: usize, value: u64) {
        match offset {
            0 | 8 => self.select = value as u32,
            12 => self.accepted |= value << (32 * self.select),
            16 => assert_eq!(value, 0),
            20 => self.set_status(value as u8),
            22 => self.selected = value as usize,
            24 => self.place.size = value as u16,
            26 => self.place.vector = value as u16,
            28 => self.place.enabled = value == 1,
            32..56 => {
                let (area, shift) = ((offset - 32) / 8, offset % 8 * 8);
                self.place.areas[area] |= value << shift;
            }
            offset => panic!("the driver writes {value:#x} to register {offset}"),
        }
    }

    fn read_legacy(&mut self, offset: usize) -> u64 {
        let vectors = if self.messages { 4 } else { 0 };
        let place = if self.selected == 0 { self.place } else { Place::default() };
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
                self.place.areas = [first, first + 16 * size, used];
                self.place.enabled = true;
            }
            14 => self.selected = value as usize,
            16 => self.notified(bus, value),
            18 => self.set_status(value as u8),
            20 if self.messages => assert_eq!(value, 0),
            22 if self.messages => self.place.vector = value as u16,
            offset => panic!("the driver writes {value:#x} to register {offset}"),
        }
    }

    fn read_device(&self, offset: usize) -> u64 {
        match offset {
            0 => self.shared.sectors.lock().unwrap().len() as u64,
            4 => 0,
            12 => self.most_segments.into(),
            offset => panic!("the driver reads device register {offset}"),
        }
    }

    fn interrupt(&mut self, bus: &mut Bus<'_>, cause: u8) {
        self.isr |= cause;
        if self.messages {
            assert_eq!(self.place.vector, 0, "the queue has a vector");
            bus.interrupt(0);
        }
    }

    /// There is something in the queue. It is done later, or the driver would be interrupted where it stands.
    fn notified(&mut self, bus: &mut Bus<'_>, queue: u64) {
        assert_eq!(queue, 0);
        let queue = self.queue.as_mut().expect("it was started");
        let memory = &mut Access(bus);
        loop {
            queue.wake(memory);
            while let Some(buffer) = queue.take(memory) {
                if !take(&self.shared.ignored) {
                    self.asked.push_back(buffer);
                }
            }
            if !queue.sleep(memory) {
                break;
            }
        }
        self.shared.most.fetch_max(self.asked.len() as u32, Ordering::Relaxed);
    }

    /// Does one request, the newest or the oldest in turn.
    fn answer(&mut self, bus: &mut Bus<'_>) {
        self.answers += 1;
        let next =
            if self.answers.is_multiple_of(2) { self.asked.pop_front() } else { self.asked.pop_back() };
        let Some(buffer) = next else { return };
        let memory = &mut Access(bus);
        let written = self.request(memory, &buffer);
        let queue = self.queue.as_mut().expect("it was started");
        let lie = if take(&self.shared.lies) { 4000 } else { 0 };
        queue.give(memory, &buffer, written + lie);
        if queue.interrupts(memory) {
            self.interrupt(bus, 1);
        }
    }

    /// Does a request; how many bytes it has written.
    fn request(&self, memory: &mut Access<'_, '_>, buffer: &Buffer) -> u32 {
        let [header, data @ .., status] = &buffer.parts[..] else { panic!("a header and a status") };
        assert_eq!((header.length, header.writable, status.length, status.writable), (16, false, 1, true));
        assert!(data.len() <= self.most_segments as usize, "no more parts than it takes");
        let (kind, first) = (memory.get::<4>(header.address), memory.get::<8>(header.address + 8));
        assert_eq!(memory.get::<4>(header.address + 4), 0, "reserved");
        let mut written = 1;
        let result = if take(&self.shared.odd) { self.shared.status.load(Ordering::Relaxed) } else { 0 };
        if result == 0 {
            let mut sectors = self.shared.sectors.lock().unwrap();
            let mut sector = first as usize;
            match kind {
                0 | 1 => assert!(!data.is_empty()),
                4 => {
                    assert!(data.is_empty() && first == 0);
                    self.shared.flushes.fetch_add(1, Ordering::Relaxed);
                    if let Some(durable) = &mut *self.shared.durable.lock().unwrap() {
                        durable.clone_from(&sectors);
                    }
                }
                kind => panic!("a request of type {kind}"),
            }
            for part in data {
                assert_eq!((part.writable, part.length % 512), (kind == 0, 0));
                for offset in (0..u64::from(part.length)).step_by(512) {
                    let place = sectors.get_mut(sector).expect("the sector exists");
                    if kind == 0 {
                        memory.write(part.address + offset, place);
                    } else {
                        assert_eq!(self.offered & READ_ONLY, 0, "it is read-only");
                        memory.read(part.address + offset, place);
                    }
                    sector += 1;
                }
                written += if kind == 0 { part.length } else { 0 };
            }
        }
        memory.write(status.address, &[result as u8]);
        written
    }
}

impl Function for Card {
    fn header(&self) -> sim::pci::Header {
        let mut header = sim::pci::Header { vendor: 0x1af4, class: 0x01_0000, ..Default::default() };
        header.bars[1] = Bar::Memory(0x1000);
        header.msix = self.messages.then_some(Msix { vectors: 3, bar: 1, offset: 0 });
        if self.is_legacy() {
            (header.device, header.bars[0]) = (0x1001, Bar::Ports(64));
            return header;
        }
        (header.device, header.bars[4]) = (0x1042, Bar::Wide(0x4000));
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
                self.notified(bus, value);
            }
            (4, ..ISR) => self.write_common(offset, value),
            place => panic!("the driver writes {value:#x} to {place:?}"),
        }
    }

    fn interrupts(&mut self) -> bool {
        self.isr != 0
    }

    fn next_event(&self) -> Option<u64> {
        (!self.asked.is_empty() && self.shared.held.load(Ordering::Relaxed) == 0).then_some(0)
    }

    fn event(&mut self, bus: &mut Bus<'_>) {
        self.answer(bus);
    }
}
