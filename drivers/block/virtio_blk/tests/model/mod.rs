//! A model of a disk: sectors, and what it does with requests as 5.2.6 wants them.
//!
//! Strict: it fails the test if a request is not as it should be. It answers in another order than it was asked, and interrupts
//! after each answer.

#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

#[path = "../../../../../libs/virtio/tests/device/mod.rs"]
mod device;

pub use device::{Manner, Transport, manners};

use device::{Access, Kind};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use virtio::model::{Buffer, Memory, Queue};

const SEG_MAX: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
/// Offers that the driver should not take: geometry, block size, topology, write-back mode, several queues, discard.
const MORE: u64 = 1 << 4 | 1 << 6 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13;

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
    /// It gives so many of the next requests back without having written a status.
    pub mute: AtomicU32,
    /// How often its capacity grows past 2^32 sectors while it is read.
    pub grows: AtomicU32,
    /// The upper half of its capacity. With it, the content is that of its last sectors.
    pub above: AtomicU32,
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

/// The device.
pub type Card = device::Card<Disk>;

/// A disk in its slot.
pub fn card(manner: Manner, read_only: bool, shared: &Arc<Shared>) -> Card {
    let (_, _, messages) = manner;
    let most_segments = if messages { 5 } else { 126 };
    let (queue, asked, shared) = (None, VecDeque::new(), Arc::clone(shared));
    Card::new(manner, Disk { read_only, most_segments, queue, asked, answers: 0, shared })
}

/// What is a disk's own.
pub struct Disk {
    read_only: bool,
    most_segments: u32,
    queue: Option<Queue>,
    /// What it was asked for, and the number of its answers.
    asked: VecDeque<Buffer>,
    answers: usize,
    shared: Arc<Shared>,
}

impl Kind for Disk {
    const NUMBER: u16 = 2;
    const CLASS: u32 = 0x01_0000;
    const QUEUES: usize = 1;

    fn offered(&self) -> (u64, u64) {
        (SEG_MAX | FLUSH | if self.read_only { READ_ONLY } else { 0 }, MORE)
    }

    fn register(&self, offset: usize) -> u64 {
        match offset {
            0 if self.shared.grows.load(Ordering::Relaxed) > 0 => 0xffff_ffff,
            0 => self.shared.sectors.lock().unwrap().len() as u64,
            4 => {
                // It grows between the two halves.
                if take(&self.shared.grows) {
                    self.shared.above.fetch_add(1, Ordering::Relaxed);
                }
                self.shared.above.load(Ordering::Relaxed).into()
            }
            12 => self.most_segments.into(),
            offset => panic!("the driver reads device register {offset}"),
        }
    }

    fn generation(&self) -> u8 {
        self.shared.above.load(Ordering::Relaxed) as u8
    }

    fn start(&mut self, mut queues: Vec<Queue>, _: u64) {
        self.queue = queues.pop();
    }

    fn reset(&mut self) {
        self.queue = None;
        self.asked.clear();
        if let Some(durable) = &*self.shared.durable.lock().unwrap() {
            self.shared.sectors.lock().unwrap().clone_from(durable);
        }
    }

    /// What there is in the queue is done later, or the driver would be interrupted where it stands.
    fn notified(&mut self, memory: &mut Access<'_, '_>, _: usize) -> bool {
        let queue = self.queue.as_mut().expect("it was started");
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
        false
    }

    fn is_busy(&self) -> bool {
        !self.asked.is_empty() && self.shared.held.load(Ordering::Relaxed) == 0
    }

    /// Does one request, the newest or the oldest in turn.
    fn act(&mut self, memory: &mut Access<'_, '_>) -> u8 {
        self.answers += 1;
        let is_even = self.answers.is_multiple_of(2);
        let next = if is_even { self.asked.pop_front() } else { self.asked.pop_back() };
        let Some(buffer) = next else { return 0 };
        let written = self.request(memory, &buffer);
        let queue = self.queue.as_mut().expect("it was started");
        let lie = if take(&self.shared.lies) { 4000 } else { 0 };
        queue.give(memory, &buffer, written + lie);
        u8::from(queue.interrupts(memory))
    }
}

impl Disk {
    /// Does a request; how many bytes it has written.
    fn request(&self, memory: &mut Access<'_, '_>, buffer: &Buffer) -> u32 {
        let [header, data @ .., status] = &buffer.parts[..] else { panic!("a header and a status") };
        assert_eq!((header.length, header.writable, status.length, status.writable), (16, false, 1, true));
        assert!(data.len() <= self.most_segments as usize, "no more parts than it takes");
        let (kind, first) = (memory.get::<4>(header.address), memory.get::<8>(header.address + 8));
        if take(&self.shared.mute) {
            return 0;
        }
        assert_eq!(memory.get::<4>(header.address + 4), 0, "reserved");
        let mut written = 1;
        let result = if take(&self.shared.odd) { self.shared.status.load(Ordering::Relaxed) } else { 0 };
        if result == 0 {
            let mut sectors = self.shared.sectors.lock().unwrap();
            let above = u64::from(self.shared.above.load(Ordering::Relaxed)) << 32;
            let mut sector = first.wrapping_sub(above) as usize;
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
                        assert!(!self.read_only, "it is read-only");
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
