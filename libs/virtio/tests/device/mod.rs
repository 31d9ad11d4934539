//! A model of a virtio device in its PCI slot: the registers of 4.1.4.3 to 4.1.4.6, or those of a legacy device. What kind of
//! device it is says a [`Kind`] of the driver's tests, which use this as a part of themselves.
//!
//! Strict: it fails the test if the driver does not keep to the order of 3.1.1, or to what it has offered.

use sim::pci::{Bar, Bus, Function, Msix};
use virtio::model::{Memory, Queue};
use virtio::{Ring, features};

/// The transports of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Modern(Ring),
    Legacy { any_layout: bool },
}

/// A transport, whether it has event indices, and whether its interrupts are messages or a line.
pub type Manner = (Transport, bool, bool);

/// All of them.
pub fn manners() -> Vec<Manner> {
    let legacy = [true, false].map(|any_layout| Transport::Legacy { any_layout });
    let modern = [Ring::Split, Ring::Packed].map(Transport::Modern);
    let flags = [(true, true), (true, false), (false, true), (false, false)];
    let all = legacy.into_iter().chain(modern);
    all.flat_map(|transport| flags.map(|(events, messages)| (transport, events, messages))).collect()
}

/// What is not the same for all devices.
pub trait Kind: Send {
    /// Its number in section 5, its class code, and how many queues it has.
    const NUMBER: u16;
    const CLASS: u32;
    const QUEUES: usize;

    /// The features of its kind, and others of which the driver must take none.
    fn offered(&self) -> (u64, u64);

    /// The register at `offset` in section 5.
    fn register(&self, offset: usize) -> u64;

    /// How often those registers have changed.
    fn generation(&self) -> u8 {
        0
    }

    /// The driver has started it, with these features.
    fn start(&mut self, queues: Vec<Queue>, accepted: u64);

    /// The driver has reset it.
    fn reset(&mut self);

    /// There is something in the queue with this number. True: it interrupts.
    fn notified(&mut self, memory: &mut Access<'_, '_>, queue: usize) -> bool;

    /// Whether it has something to do.
    fn is_busy(&self) -> bool;

    /// Does some of it. The result is a cause to interrupt as in its ISR status (4.1.4.5), or 0.
    fn act(&mut self, memory: &mut Access<'_, '_>) -> u8;
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
pub struct Card<K> {
    pub kind: K,
    transport: Transport,
    events: bool,
    messages: bool,
    /// Registers.
    status: u8,
    select: u32,
    accepted: u64,
    queue: usize,
    places: Vec<Place>,
    isr: u8,
}

/// The device's queues are this long.
const SIZE: u16 = 64;
const NO_VECTOR: u16 = 0xffff;
/// Indirect descriptors, which no driver here takes (6).
const INDIRECT: u64 = 1 << 28;
/// The cause of an interrupt: a queue.
const OF_QUEUE: u8 = 1;
/// Where a modern device has its structures.
const COMMON: usize = 0;
const ISR: usize = 0x1000;
const DEVICE: usize = 0x2000;
const NOTIFY: usize = 0x3000;
const MULTIPLIER: usize = 4;

/// The machine's memory, as the device reaches it.
pub struct Access<'a, 'b>(&'a mut Bus<'b>);

impl Memory for Access<'_, '_> {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        assert!(self.0.read(address, buffer), "{address:#x} is memory, and it is a bus master");
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        assert!(self.0.write(address, data), "{address:#x} is memory, and it is a bus master");
    }
}

impl<K: Kind> Card<K> {
    pub fn new((transport, events, messages): Manner, kind: K) -> Self {
        let (places, isr) = (vec![Place::default(); K::QUEUES], 0);
        let (status, select, accepted, queue) = (0, 0, 0, 0);
        Self { kind, transport, events, messages, status, select, accepted, queue, places, isr }
    }

    fn is_legacy(&self) -> bool {
        matches!(self.transport, Transport::Legacy { .. })
    }

    fn offered(&self) -> u64 {
        let own = match self.transport {
            Transport::Modern(Ring::Split) => features::VERSION_1,
            Transport::Modern(Ring::Packed) => features::VERSION_1 | features::RING_PACKED,
            Transport::Legacy { any_layout: true } => features::ANY_LAYOUT,
            Transport::Legacy { any_layout: false } => 0,
        };
        let (offered, more) = self.kind.offered();
        own | offered | more | INDIRECT | if self.events { features::EVENT_IDX } else { 0 }
    }

    fn set_status(&mut self, status: u8) {
        if status == 0 {
            (self.status, self.accepted, self.isr) = (0, 0, 0);
            self.kind.reset();
            self.places.fill(Place { size: SIZE, vector: NO_VECTOR, ..Place::default() });
            return;
        }
        assert_eq!(status & self.status, self.status, "no bit is taken back");
        assert_eq!(self.accepted & !self.offered(), 0, "it takes only what was offered");
        assert_eq!(
            self.accepted & (self.kind.offered().1 | INDIRECT),
            0,
            "it takes only what it understands"
        );
        let starts = status & !self.status & 4 != 0;
        self.status = status;
        if starts {
            assert!(self.is_legacy() || status == 15, "{status}");
            let queue = |place: &Place| {
                assert!(place.enabled, "the queues are there before it starts");
                let is_packed = self.accepted & features::RING_PACKED != 0;
                let ring = if is_packed { Ring::Packed } else { Ring::Split };
                Queue::new(ring, place.size, place.areas, self.accepted & features::EVENT_IDX != 0)
            };
            self.kind.start(self.places.iter().map(queue).collect(), self.accepted);
        }
    }

    /// A register's value. `offset` counts from the structure.
    fn read_common(&self, offset: usize) -> u64 {
        let place = self.places.get(self.queue).copied().unwrap_or_default();
        match offset {
            4 => self.offered() >> (32 * self.select) & 0xffff_ffff,
            18 => K::QUEUES as u64,
            20 => self.status.into(),
            21 => self.kind.generation().into(),
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
            0 => self.offered() & 0xffff_ffff,
            12 => place.size.into(),
            18 => self.status.into(),
            19 => std::mem::take(&mut self.isr).into(),
            22 if self.messages => place.vector.into(),
            offset => self.kind.register(offset - 20 - vectors),
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

    fn notified(&mut self, bus: &mut Bus<'_>, queue: usize) {
        assert!(self.status & 4 != 0 && queue < K::QUEUES, "queue {queue} of a device that was started");
        if self.kind.notified(&mut Access(bus), queue) {
            self.interrupt(bus, OF_QUEUE);
        }
    }

    fn interrupt(&mut self, bus: &mut Bus<'_>, cause: u8) {
        self.isr |= cause;
        if self.messages {
            assert!(self.places.iter().all(|place| place.vector == 0), "each queue has a vector");
            bus.interrupt(0);
        }
    }
}

impl<K: Kind> Function for Card<K> {
    fn header(&self) -> sim::pci::Header {
        let mut header = sim::pci::Header { vendor: 0x1af4, class: K::CLASS, ..Default::default() };
        header.bars[1] = Bar::Memory(0x1000);
        header.msix = self.messages.then_some(Msix { vectors: 3, bar: 1, offset: 0 });
        if self.is_legacy() {
            (header.device, header.bars[0]) = (0x0fff + K::NUMBER, Bar::Ports(64));
            return header;
        }
        (header.device, header.bars[4]) = (0x1040 + K::NUMBER, Bar::Wide(0x4000));
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
            (4, DEVICE..NOTIFY) => self.kind.register(offset - DEVICE),
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
        self.kind.is_busy().then_some(0)
    }

    fn event(&mut self, bus: &mut Bus<'_>) {
        match self.kind.act(&mut Access(bus)) {
            0 => {}
            cause => self.interrupt(bus, cause),
        }
    }
}
