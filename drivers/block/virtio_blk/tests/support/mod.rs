//! The simulated machine with the driver, and requests that wait for their answers.
#![allow(dead_code, reason = "each test program uses a part")]

use crate::model::{Manner, Shared, Transport, card};
use blocks::{Disk, Operation, PAGE, Request};
use interfaces::dm::{Client as Manager, NAME_MAX, State};
use resea::Error;
use sim::System;
use std::sync::Arc;
use virtio::Ring;

/// Sectors of the disk.
pub const SECTORS: usize = 2000;
pub const USUAL: Manner = (Transport::Modern(Ring::Split), true, true);

/// A device whose sectors are filled with their numbers.
pub fn shared() -> Arc<Shared> {
    let shared = Shared::default();
    *shared.sectors.lock().unwrap() = (0..SECTORS).map(|number| [number as u8; 512]).collect();
    Arc::new(shared)
}

pub fn system(kind: Manner, read_only: bool, shared: &Arc<Shared>) -> System {
    let shared = shared.clone();
    System::new()
        .pci(3, 11, move || card(kind, read_only, &shared))
        .memory(32 << 20)
        .program(sim::program!(dm::run))
        .program(sim::program!(virtio_blk::run))
}

/// Pages for so many sectors: some that lie one after the other, some that do not.
pub fn pages(sectors: u16) -> Vec<u16> {
    (0..sectors.div_ceil(8)).map(|index| 200 - index * 4 + index % 3 * 5).collect()
}

pub fn request(operation: Operation, sector: u64, sectors: u16, pages: &[u16]) -> Request<'_> {
    Request { operation, sector, sectors, pages }
}

/// Does one request and waits for it.
pub fn transfer(disk: &mut Disk, operation: Operation, sector: u64, sectors: u16) -> Result<(), Error> {
    disk.submit(7, &request(operation, sector, sectors, &pages(sectors)))?;
    let (tag, result) = disk.wait()?;
    assert_eq!(tag, 7);
    result
}

/// Writes sectors that differ from each other.
pub fn write(disk: &mut Disk, sector: u64, sectors: u16, byte: u8) -> Result<(), Error> {
    for (index, page) in pages(sectors).into_iter().enumerate() {
        for part in 0..8 {
            let byte = byte.wrapping_add((index * 8 + part) as u8);
            disk.page(page).write(part * 512, &[byte; 512])?;
        }
    }
    transfer(disk, Operation::Write, sector, sectors)
}

/// Reads sectors; the first byte of each.
pub fn read(disk: &mut Disk, sector: u64, sectors: u16) -> Result<Vec<u8>, Error> {
    for page in pages(sectors) {
        disk.page(page).write(0, &[0xee; PAGE])?;
    }
    transfer(disk, Operation::Read, sector, sectors)?;
    let place = |index: u16| (pages(sectors)[usize::from(index / 8)], usize::from(index % 8) * 512);
    let byte = |index| {
        let (page, offset) = place(index);
        let mut bytes = [0; 512];
        disk.page(page).read(offset, &mut bytes).unwrap();
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "it is one sector");
        bytes[0]
    };
    Ok((0..sectors).map(byte).collect())
}

pub fn counting(from: u8, sectors: u16) -> Vec<u8> {
    (0..sectors).map(|index| from.wrapping_add(index as u8)).collect()
}

/// Whether dm has given the driver up. In a random order it may be so slow to answer heartbeats that this happens.
pub fn is_parked() -> bool {
    let manager = Manager::new(resea::lookup("dm").unwrap());
    let state = manager.list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).map(|device| device.state);
    state == Ok(State::Parked)
}
