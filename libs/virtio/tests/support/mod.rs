//! Both sides of a queue over the same memory.
#![allow(dead_code, reason = "each test program uses a part")]

use ipc::Region;
use virtio::model::{self, Buffer, Memory};
use virtio::{Layout, Part, Queue};

/// The memory of the queue, at physical address 0.
pub struct Shared(pub Region);

impl Memory for Shared {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        self.0.read(address as usize, buffer).unwrap();
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        self.0.write(address as usize, data).unwrap();
    }
}

/// Both sides of a queue.
pub struct Pair {
    pub queue: Queue,
    pub device: model::Queue,
    pub memory: Shared,
}

impl Pair {
    pub fn new(layout: Layout, events: bool) -> Self {
        // More than the layout, to see that nothing is written past it.
        let region = Region::leak(layout.length + 8);
        region.store(layout.length, u64::MAX).unwrap();
        let queue = Queue::new(region, layout, events).unwrap();
        let areas = [0, layout.driver as u64, layout.device as u64];
        let device = model::Queue::new(layout.ring, layout.size, areas, events);
        Self { queue, device, memory: Shared(region) }
    }

    pub fn take(&mut self) -> Option<Buffer> {
        self.device.take(&mut self.memory)
    }

    pub fn give(&mut self, buffer: &Buffer, written: u32) {
        self.device.give(&mut self.memory, buffer, written);
    }
}

pub fn read(length: u32) -> Part {
    Part { address: 0x1234_5678_9abc, length, writable: false }
}

pub fn write(length: u32) -> Part {
    Part { address: 0xfedc_ba98, length, writable: true }
}
