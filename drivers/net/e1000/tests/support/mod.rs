//! A card, its driver and its user in one thread, without a kernel: memory is leaked for the test.

#![allow(dead_code, reason = "each test program uses a part of it")]

use crate::model::{Dma, Model};
use e1000::{Card, Memory, Nic, RING_SIZE, Registers};
use ipc::Region;
use packets::{Buffer, User};
use std::cell::RefCell;
use std::rc::Rc;

/// Where the card finds the memory: far from where the driver has it, and above 4 GiB.
const PHYSICAL: [u64; 3] = [0x1_0000_0000, 0x1_0001_0000, 0x1_0010_0000];

/// The memory that the card can reach. Any other access is a failure of the test: the driver has given a wrong address.
#[derive(Clone)]
pub struct Physical(pub [Memory; 3]);

impl Physical {
    fn find(&self, address: u64, length: usize) -> (Region, usize) {
        let found = self.0.iter().find_map(|memory| {
            let offset = usize::try_from(address.checked_sub(memory.physical)?).ok()?;
            (offset + length <= memory.region.len()).then_some((memory.region, offset))
        });
        found.unwrap_or_else(|| panic!("the card accesses {length} bytes at {address:#x}"))
    }
}

impl Dma for Physical {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        let (region, offset) = self.find(address, buffer.len());
        region.read(offset, buffer).unwrap();
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        let (region, offset) = self.find(address, data.len());
        region.write(offset, data).unwrap();
    }
}

/// The registers of a model.
#[derive(Clone)]
pub struct Wires {
    pub model: Rc<RefCell<Model>>,
    pub physical: Physical,
}

impl Registers for Wires {
    fn read(&self, offset: usize) -> u32 {
        self.model.borrow_mut().read(offset)
    }

    fn write(&self, offset: usize, value: u32) {
        self.model.borrow_mut().write(offset, value, &mut self.physical.clone());
    }

    fn pause(&self) {}
}

/// All of it.
pub struct Bench {
    pub nic: Nic<Wires>,
    pub wires: Wires,
    pub user: User,
}

impl Bench {
    /// A card whose driver has a user, who has given no buffers yet.
    pub fn new(model: Model) -> Self {
        let sizes = [RING_SIZE, RING_SIZE, packets::SIZE];
        let memories: Vec<_> = sizes
            .iter()
            .zip(PHYSICAL)
            .map(|(size, physical)| Memory { region: Region::leak(*size), physical })
            .collect();
        let memories = [memories[0], memories[1], memories[2]];
        let wires = Wires { model: Rc::new(RefCell::new(model)), physical: Physical(memories) };
        let [receive, transmit, packets] = memories;
        let mut nic = Nic::new(Card::new(wires.clone()), receive, transmit, packets).unwrap();
        nic.attach().unwrap();
        let user = User::new(packets.region).unwrap();
        Self { nic, wires, user }
    }

    /// The user gives up to `count` buffers to receive into.
    pub fn fill(&mut self, count: usize) {
        for _ in 0..count {
            let Some(buffer) = self.user.allocate().unwrap() else { return };
            self.user.fill(buffer).unwrap();
        }
    }

    /// The user sends a frame; false: it has no buffer.
    pub fn transmit(&mut self, frame: &[u8]) -> bool {
        let Some(buffer) = self.user.allocate().unwrap() else { return false };
        self.user.write(buffer, frame).unwrap();
        self.user.transmit(buffer, frame.len()).unwrap();
        true
    }

    /// A frame comes over the wire.
    pub fn receive(&mut self, frame: &[u8]) -> bool {
        self.wires.model.borrow_mut().receive(frame, &mut self.wires.physical.clone())
    }

    /// The card sends what it was told to.
    pub fn send(&mut self) {
        self.wires.model.borrow_mut().send(&mut self.wires.physical.clone());
    }

    /// The driver works until there is nothing left to do.
    pub fn work(&mut self) {
        while !self.nic.round().unwrap() {}
    }

    /// The next frame that the user finds.
    pub fn next(&mut self) -> Option<(Buffer, Vec<u8>)> {
        let (buffer, length) = self.user.receive().unwrap()?;
        let mut frame = vec![0; length];
        self.user.read(buffer, &mut frame).unwrap();
        Some((buffer, frame))
    }
}

/// A frame of `length` bytes to the card, each with other content.
pub fn frame(length: usize, seed: u8) -> Vec<u8> {
    let content = (0..length - 6).map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed));
    crate::model::ADDRESS.into_iter().chain(content).collect()
}
