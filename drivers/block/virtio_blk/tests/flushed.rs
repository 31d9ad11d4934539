//! A device that loses what was not flushed whenever it is reset, and drivers that are killed: what was flushed is there.

mod model;
mod support;

use blocks::{Disk, Operation};
use model::{Transport, card};
use resea::Error;
use sim::System;
use std::sync::Arc;
use support::{SECTORS, is_parked, read, shared, transfer, write};
use virtio::Ring;

#[test]
fn a_killed_driver_loses_nothing_that_was_flushed() {
    let make = || {
        let shared = shared();
        *shared.durable.lock().unwrap() = Some(shared.sectors.lock().unwrap().clone());
        card((Transport::Modern(Ring::Packed), true, true), false, &Arc::clone(&shared))
    };
    let killed = System::new()
        .pci(3, 11, make)
        .memory(32 << 20)
        .program(sim::program!(dm::run))
        .program(sim::program!(virtio_blk::run))
        .killable(["virtio_blk"])
        .explore(200, || match writes_and_flushes() {
            Ok(()) => {}
            Err(error) => assert!(error == Error::InputOutput && is_parked(), "{error}"),
        });
    assert!(killed.killed > 30, "{killed:?}");
}

/// What a sector may be full of: what it was when it was flushed, or anything that was written since.
type Possible = Vec<u8>;

fn writes_and_flushes() -> Result<(), Error> {
    let mut disk = Disk::open("disk0")?;
    let mut random = fastrand::Rng::with_seed(sim::random_number());
    let mut sectors: Vec<Possible> = (0..SECTORS).map(|number| vec![number as u8]).collect();
    for round in 0..20 {
        let (count, byte) = (random.u16(1..=100), random.u8(..));
        let first = random.usize(0..SECTORS - usize::from(count));
        if random.bool() {
            write(&mut disk, first as u64, count, byte)?;
            for (index, sector) in sectors[first..][..usize::from(count)].iter_mut().enumerate() {
                sector.push(byte.wrapping_add(index as u8));
            }
        }
        if random.u8(..3) == 0 {
            transfer(&mut disk, Operation::Flush, 0, 0)?;
            // Between the write and the flush it may have lost something: what it is now, it is for good.
            for first in (0..SECTORS).step_by(100) {
                let found = read(&mut disk, first as u64, 100)?;
                for (sector, found) in sectors[first..].iter_mut().zip(found) {
                    assert!(sector.contains(&found), "round {round}");
                    *sector = vec![found];
                }
            }
        }
        let found = read(&mut disk, first as u64, count)?;
        for (sector, found) in sectors[first..].iter().zip(found) {
            assert!(sector.contains(&found), "round {round}: {found} is none of {sector:?}");
        }
    }
    Ok(())
}
