//! What a queue does, and what it makes of a hostile device.

mod support;

use ipc::Region;
use ipc::host::Backend;
use std::cell::RefCell;
use std::rc::Rc;
use support::{Pair, read, write};
use virtio::model::{self, Buffer, Memory};
use virtio::{Faulty, Full, Layout, Queue, Ring, Used};

/// All kinds of queues with `size` descriptors, with and without event indices.
fn all(size: u16) -> impl Iterator<Item = Pair> {
    let layouts = [Layout::new(Ring::Split, size), Layout::legacy(size), Layout::new(Ring::Packed, size)];
    layouts.into_iter().flat_map(|layout| [false, true].map(|events| Pair::new(layout, events)))
}

#[test]
fn a_buffer_goes_to_the_device_and_comes_back() {
    for mut pair in all(8) {
        let parts = [read(10), write(100), write(28)];
        pair.queue.add(&parts, 77).unwrap();
        assert_eq!(pair.queue.free(), 5);
        assert_eq!(pair.queue.pop(), Ok(None));
        assert!(pair.queue.publish(), "a device that sleeps is notified");
        assert!(!pair.queue.publish(), "once");
        let buffer = pair.take().unwrap();
        assert_eq!(buffer.parts, parts);
        assert_eq!(pair.take(), None);
        pair.give(&buffer, 128);
        assert_eq!(pair.queue.pop(), Ok(Some(Used { token: 77, written: 128 })));
        assert_eq!(pair.queue.pop(), Ok(None));
        assert_eq!(pair.queue.free(), 8);
    }
}

#[test]
fn a_full_queue_takes_nothing() {
    for mut pair in all(4) {
        assert_eq!(pair.queue.add(&[], 0), Err(Full));
        assert_eq!(pair.queue.add(&[read(1); 5], 0), Err(Full));
        pair.queue.add(&[read(1); 3], 1).unwrap();
        assert_eq!(pair.queue.add(&[read(1); 2], 2), Err(Full));
        pair.queue.add(&[read(1)], 3).unwrap();
        assert_eq!(pair.queue.add(&[read(1)], 4), Err(Full));
        pair.queue.publish();
        assert_eq!(pair.take().unwrap().parts.len(), 3);
        assert_eq!(pair.take().unwrap().parts.len(), 1);
        assert_eq!(pair.take(), None);
    }
}

#[test]
fn a_queue_that_was_reset_is_as_new() {
    for mut pair in all(4) {
        for round in 0..7 {
            pair.queue.add(&[write(1500)], round).unwrap();
            pair.queue.add(&[read(4); 2], round).unwrap();
            pair.queue.publish();
            let first = pair.take().unwrap();
            pair.give(&first, 60);
            assert_eq!(pair.queue.pop(), Ok(Some(Used { token: round, written: 60 })));
            pair.queue.reset();
            let device = pair.device;
            pair.device = model::Queue::new(device.ring, device.size, device.areas, device.events);
            assert_eq!(pair.take(), None);
            assert_eq!((pair.queue.pop(), pair.queue.free()), (Ok(None), 4));
        }
    }
}

#[test]
fn what_a_device_says_of_a_buffer_that_it_only_reads_is_ignored() {
    for mut pair in all(4) {
        pair.queue.add(&[read(100)], 5).unwrap();
        pair.queue.publish();
        let buffer = pair.take().unwrap();
        pair.give(&buffer, 100);
        assert_eq!(pair.queue.pop(), Ok(Some(Used { token: 5, written: 0 })));
    }
}

#[test]
fn a_length_past_the_buffer_is_a_fault() {
    for mut pair in all(4) {
        pair.queue.add(&[read(10), write(100)], 5).unwrap();
        pair.queue.publish();
        let buffer = pair.take().unwrap();
        pair.give(&buffer, 101);
        assert_eq!(pair.queue.pop(), Err(Faulty::Length(101)));
    }
}

#[test]
fn a_number_that_was_not_given_is_a_fault() {
    for mut pair in all(4) {
        pair.queue.add(&[write(10)], 5).unwrap();
        pair.queue.publish();
        let number = pair.take().unwrap().number;
        for wrong in [u32::from(number ^ 1), 4, 0xffff] {
            let before = pair.device;
            pair.device.give_raw(&mut pair.memory, wrong, 1, 1);
            assert_eq!(pair.queue.pop(), Err(Faulty::Buffer(wrong)));
            pair.device = before;
        }
    }
}

#[test]
fn a_buffer_that_comes_twice_is_a_fault() {
    for mut pair in all(4) {
        pair.queue.add(&[write(10)], 5).unwrap();
        pair.queue.add(&[write(10)], 6).unwrap();
        pair.queue.publish();
        let buffer = pair.take().unwrap();
        pair.give(&buffer, 1);
        pair.give(&buffer, 1);
        assert_eq!(pair.queue.pop(), Ok(Some(Used { token: 5, written: 1 })));
        assert_eq!(pair.queue.pop(), Err(Faulty::Buffer(buffer.number.into())));
    }
}

#[test]
fn an_index_that_jumps_is_a_fault() {
    for mut pair in all(4).filter(|pair| pair.device.ring == Ring::Split) {
        pair.queue.add(&[write(10)], 5).unwrap();
        pair.queue.publish();
        pair.device.jump(&mut pair.memory, 2);
        assert_eq!(pair.queue.pop(), Err(Faulty::Count(2)));
        pair.device.jump(&mut pair.memory, u16::MAX - 2);
        assert_eq!(pair.queue.pop(), Err(Faulty::Count(u16::MAX)), "backwards");
    }
}

/// Memory with a device that looks at it after each single write of the driver.
struct Watched {
    memory: RefCell<Bytes>,
    device: RefCell<model::Queue>,
    taken: RefCell<Vec<Buffer>>,
}

struct Bytes(Vec<u8>);

impl Memory for Bytes {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0[address as usize..][..buffer.len()]);
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        self.0[address as usize..][..data.len()].copy_from_slice(data);
    }
}

impl Backend for Watched {
    fn region_read(&self, address: usize, buffer: &mut [u8]) -> bool {
        self.memory.borrow_mut().read((address - Region::FIRST) as u64, buffer);
        true
    }

    fn region_write(&self, address: usize, data: &[u8]) -> bool {
        let mut memory = self.memory.borrow_mut();
        memory.write((address - Region::FIRST) as u64, data);
        let taken = std::iter::from_fn(|| self.device.borrow_mut().take(&mut *memory));
        self.taken.borrow_mut().extend(taken);
        true
    }
}

#[test]
fn a_device_never_sees_half_a_buffer() {
    for ring in [Ring::Split, Ring::Packed] {
        let layout = Layout::new(ring, 16);
        let device =
            model::Queue::new(ring, layout.size, [0, layout.driver as u64, layout.device as u64], true);
        let (memory, taken) = (RefCell::new(Bytes(vec![0; layout.length])), RefCell::default());
        let watched = Rc::new(Watched { memory, device: RefCell::new(device), taken });
        let _installed = ipc::host::install(watched.clone());
        let region = Region::new(Region::FIRST, layout.length).unwrap();
        let mut queue = Queue::new(region, layout, true).unwrap();
        for token in 0..1000 {
            let parts = [read(token.into()), write(7), write(9)];
            let parts = &parts[..=usize::from(token % 3)];
            queue.add(parts, token).unwrap();
            queue.publish();
            let buffer = watched.taken.borrow_mut().pop().expect("it is there");
            assert_eq!(buffer.parts, parts);
            watched.device.borrow_mut().give(&mut *watched.memory.borrow_mut(), &buffer, 0);
            assert_eq!(queue.pop(), Ok(Some(Used { token, written: 0 })));
        }
        assert_eq!(*watched.taken.borrow(), []);
    }
}
