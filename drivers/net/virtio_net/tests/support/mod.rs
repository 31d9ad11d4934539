//! The device of a driver's traffic, in memory that both share, and the user on the other side.
#![allow(dead_code, reason = "each test program uses a part")]

use ipc::Region;
use packets::{Driver, Wake};
use std::collections::VecDeque;
use virtio::model::{self, Memory};
use virtio::{Layout, Queue, Ring};
use virtio_net::{Header, News, Side, Stop, Traffic};

/// Physical addresses of the packet memory and of the two queues.
const PACKETS: u64 = 0x100_0000;
const QUEUES: [u64; 2] = [0x300_0000, 0x310_0000];

/// Memory by physical addresses.
pub struct Physical(Vec<(u64, Region)>);

impl Physical {
    fn place(&self, address: u64, length: usize) -> Region {
        let inside = |&&(first, region): &&(u64, Region)| {
            address >= first && address + length as u64 <= first + region.len() as u64
        };
        let (first, region) =
            self.0.iter().find(inside).expect("the driver gives addresses of its memory only");
        region.part((address - first) as usize, length).unwrap()
    }
}

impl Memory for Physical {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        self.place(address, buffer.len()).read(0, buffer).unwrap();
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        self.place(address, data.len()).write(0, data).unwrap();
    }
}

/// The device's two ends of the queues, and what it does with frames.
pub struct Net {
    pub receive: model::Queue,
    pub transmit: model::Queue,
    pub header: Header,
    /// Frames that it was given to send.
    pub sent: Vec<Vec<u8>>,
    /// Frames that have no buffer yet.
    pub waiting: VecDeque<Vec<u8>>,
}

impl Net {
    pub fn new(receive: model::Queue, transmit: model::Queue, header: Header) -> Self {
        Self { receive, transmit, header, sent: Vec::new(), waiting: VecDeque::new() }
    }

    /// Puts frames that have come into buffers, as many as there are.
    pub fn deliver(&mut self, memory: &mut impl Memory) {
        while let Some(frame) = self.waiting.front() {
            let Some(buffer) = self.receive.take(memory) else { return };
            let mut bytes = vec![0xee; self.header.length];
            bytes.extend(frame);
            let mut rest = &bytes[..];
            for part in &buffer.parts {
                assert!(part.writable);
                let (now, later) = rest.split_at(rest.len().min(part.length as usize));
                memory.write(part.address, now);
                rest = later;
            }
            assert!(rest.is_empty(), "no frame here is longer than a buffer");
            self.receive.give(memory, &buffer, bytes.len() as u32);
            self.waiting.pop_front();
        }
    }

    /// Sends what there is to be sent, but at most so many.
    pub fn send(&mut self, memory: &mut impl Memory, most: usize) {
        for _ in 0..most {
            let Some(buffer) = self.transmit.take(memory) else { return };
            let mut bytes = Vec::new();
            for part in &buffer.parts {
                assert!(!part.writable);
                let start = bytes.len();
                bytes.resize(start + part.length as usize, 0);
                memory.read(part.address, &mut bytes[start..]);
            }
            if self.header.separate {
                assert_eq!(buffer.parts[0].length as usize, self.header.length, "the header is alone");
            }
            let frame = bytes.split_off(self.header.length);
            assert!(bytes.iter().all(|byte| *byte == 0), "the header asks for nothing");
            self.sent.push(frame);
            self.transmit.give(memory, &buffer, 0);
        }
    }
}

/// A driver's traffic between its user and its device.
pub struct Wire {
    pub traffic: Traffic,
    pub user: packets::User,
    pub net: Net,
    pub memory: Physical,
    pub packets: Region,
}

impl Wire {
    pub fn new(layout: Layout, events: bool, header: Header) -> Self {
        Self::within(&mut Region::leak, layout, events, header)
    }

    /// With memory from elsewhere.
    pub fn within(
        memory: &mut dyn FnMut(usize) -> Region,
        layout: Layout,
        events: bool,
        header: Header,
    ) -> Self {
        let packets = memory(packets::SIZE);
        let rings = Driver::new(packets).unwrap();
        let regions = [memory(layout.length), memory(layout.length)];
        let queues = regions.map(|region| Queue::new(region, layout, events).unwrap());
        let device = QUEUES.map(|at| {
            let areas = [at, at + layout.driver as u64, at + layout.device as u64];
            model::Queue::new(layout.ring, layout.size, areas, events)
        });
        let places = [(PACKETS, packets), (QUEUES[0], regions[0]), (QUEUES[1], regions[1])];
        Self {
            traffic: Traffic::new(rings, queues, header, PACKETS),
            user: packets::User::new(packets).unwrap(),
            net: Net::new(device[0], device[1], header),
            memory: Physical(places.to_vec()),
            packets,
        }
    }

    /// What a driver does when it is woken: rounds until there is no more; what happened, and whom to tell.
    pub fn work(&mut self) -> Result<(News, Vec<Side>), Stop> {
        let (mut all, mut notified) = (News::default(), Vec::new());
        loop {
            let news = self.traffic.round(|side| notified.push(side))?;
            all.frames |= news.frames;
            all.buffers |= news.buffers;
            if !news.more {
                return Ok((all, notified));
            }
        }
    }

    /// The user gives all but `kept` of its buffers to receive into.
    pub fn fill(&mut self, kept: usize) {
        while self.user.free() > kept {
            let buffer = self.user.allocate().unwrap().unwrap();
            self.user.fill(buffer).unwrap();
        }
    }

    /// The user sends a frame, if it has a buffer.
    pub fn transmit(&mut self, frame: &[u8]) -> bool {
        let Some(buffer) = self.user.allocate().unwrap() else { return false };
        self.user.write(buffer, frame).unwrap();
        self.user.transmit(buffer, frame.len()).unwrap();
        true
    }

    /// The frames that the user has received. The buffers go back to the driver.
    pub fn received(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some((buffer, length)) = self.user.receive().unwrap() {
            let mut frame = vec![0; length];
            self.user.read(buffer, &mut frame).unwrap();
            self.user.fill(buffer).unwrap();
            frames.push(frame);
        }
        frames
    }

    /// The device wants to hear of everything.
    pub fn device_sleeps(&mut self) {
        let Self { net, memory, .. } = self;
        assert!(!net.transmit.sleep(memory));
        net.receive.sleep(memory);
    }

    pub fn user_sleeps(&mut self) -> bool {
        self.user.sleep(Wake::BOTH).unwrap()
    }
}

/// All kinds of devices: queues of `size` descriptors, split, packed and legacy, with and without event indices, with the
/// header in front of the frame or apart.
pub fn all(size: u16) -> Vec<(Layout, bool, Header)> {
    let modern = Header { length: 12, separate: false };
    let legacy = Header { length: 10, separate: false };
    let kinds = [
        (Layout::new(Ring::Split, size), modern),
        (Layout::new(Ring::Packed, size), modern),
        (Layout::legacy(size), legacy),
        (Layout::legacy(size), Header { separate: true, ..legacy }),
    ];
    kinds
        .into_iter()
        .flat_map(|(layout, header)| [false, true].map(|events| (layout, events, header)))
        .collect()
}

/// A frame of this length, different for each number.
pub fn frame(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + number * 13) as u8).collect()
}
