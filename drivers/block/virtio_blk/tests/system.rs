//! The driver on a simulated machine with the real device manager: sectors of every kind of device, kills, odd devices.

mod model;
mod support;

use blocks::{Disk, Operation, PAGE};
use interfaces::blk::Client as Driver;
use interfaces::dm::Client as Manager;
use model::{card, manners};
use resea::Error;
use sim::System;
use std::sync::atomic::Ordering;
use support::{SECTORS, USUAL, counting, is_parked, read, request, shared, system, transfer, write};

#[test]
fn every_kind_of_device_reads_and_writes() {
    for kind in manners() {
        let shared = shared();
        let seen = shared.clone();
        system(kind, false, &shared).run(move || {
            let mut disk = Disk::open("disk0").unwrap();
            assert_eq!(
                (disk.sectors(), disk.is_read_only(), disk.is_volatile()),
                (SECTORS as u64, false, true)
            );
            assert_eq!(read(&mut disk, 300, 100), Ok(counting(300_usize as u8, 100)), "{kind:?}");
            for (sector, sectors) in [(0, 1), (10, 8), (50, 192), (SECTORS as u64 - 9, 9), (1000, 13)] {
                assert_eq!(write(&mut disk, sector, sectors, sectors as u8), Ok(()), "{kind:?}");
                assert_eq!(
                    read(&mut disk, sector, sectors),
                    Ok(counting(sectors as u8, sectors)),
                    "{kind:?}"
                );
            }
            assert_eq!(transfer(&mut disk, Operation::Flush, 0, 0), Ok(()));
            assert_eq!(seen.flushes.load(Ordering::Relaxed), 1);
            assert_eq!(seen.sectors.lock().unwrap()[9], [9; 512], "what was not written is as it was");
            assert_eq!(transfer(&mut disk, Operation::Read, SECTORS as u64, 1), Err(Error::OutOfBounds));
            assert_eq!(transfer(&mut disk, Operation::Write, u64::MAX, 1), Err(Error::OutOfBounds));
            assert!(resea::clock() < 1_000_000_000, "{kind:?}: nobody has waited for a timer");
        });
    }
}

#[test]
fn many_requests_are_in_flight_at_once() {
    for kind in manners() {
        let shared = shared();
        let seen = shared.clone();
        system(kind, false, &shared).run(move || {
            let mut disk = Disk::open("disk0").unwrap();
            seen.held.store(1, Ordering::Relaxed);
            for tag in 0..64 {
                disk.submit(tag, &request(Operation::Read, u64::from(tag) * 8, 8, &[tag])).unwrap();
            }
            let again = disk.submit(3, &request(Operation::Read, 0, 8, &[3]));
            assert_eq!(again, Err(Error::InvalidArgument), "the tag is in use");
            seen.held.store(0, Ordering::Relaxed);
            let mut tags: Vec<_> = (0..64).map(|_| disk.wait().unwrap()).collect();
            assert!(!tags.is_sorted_by_key(|(tag, _)| *tag), "they come in the device's order");
            tags.sort_unstable_by_key(|(tag, _)| *tag);
            assert!(tags.iter().enumerate().all(|(index, ended)| *ended == (index as u16, Ok(()))));
            assert_eq!(disk.wait(), Err(Error::Empty));
            for tag in 0..64 {
                let mut bytes = [0; PAGE];
                disk.page(tag).read(0, &mut bytes).unwrap();
                assert_eq!((bytes[0], bytes[PAGE - 1]), ((tag * 8) as u8, (tag * 8 + 7) as u8), "{kind:?}");
            }
            assert!(seen.most.load(Ordering::Relaxed) > 4, "{kind:?}: it had several at once");
        });
    }
}

#[test]
fn a_read_only_disk_is_not_written() {
    system(USUAL, true, &shared()).run(|| {
        let mut disk = Disk::open("disk0").unwrap();
        assert!(disk.is_read_only());
        assert_eq!(write(&mut disk, 0, 1, 1), Err(Error::ReadOnly));
        assert_eq!(read(&mut disk, 5, 2), Ok(vec![5, 6]));
    });
}

#[test]
fn what_the_device_cannot_do_is_an_error() {
    let shared = shared();
    let seen = shared.clone();
    system(USUAL, false, &shared).run(move || {
        let mut disk = Disk::open("disk0").unwrap();
        for (status, error) in [(1, Error::InputOutput), (2, Error::NotSupported)] {
            seen.status.store(status, Ordering::Relaxed);
            seen.odd.store(1, Ordering::Relaxed);
            assert_eq!(read(&mut disk, 0, 8), Err(error));
            assert_eq!(read(&mut disk, 0, 2), Ok(vec![0, 1]), "the next one is done");
        }
        let manager = Manager::new(resea::lookup("dm").unwrap());
        let driver = Driver::new(manager.driver_of("disk0").unwrap().task);
        let status = driver.status(0).unwrap();
        assert_eq!((status.reads, status.read_sectors, status.errors), (2, 4, 2));
        assert_eq!(driver.status(1).err(), Some(Error::NotFound));
        assert_eq!(driver.wait(0), Ok(()), "there is nothing to wait for");
    });
}

#[test]
fn a_request_that_comes_back_without_a_status_is_not_done() {
    let shared = shared();
    let seen = shared.clone();
    let report = system(USUAL, false, &shared).run(move || {
        let mut disk = Disk::open("disk0").unwrap();
        // One with the same token has ended well before.
        assert_eq!(write(&mut disk, 0, 8, 1), Ok(()));
        seen.mute.store(1, Ordering::Relaxed);
        assert_eq!(write(&mut disk, 0, 8, 2), Ok(()), "the next driver does it");
        assert_eq!(seen.sectors.lock().unwrap()[0], [2; 512]);
    });
    assert!(report.console.contains("status 255, which does not exist"), "{}", report.console);
}

#[test]
fn sectors_are_numbered_with_64_bits() {
    for manner in manners().into_iter().step_by(5) {
        let shared = shared();
        shared.above.store(3, Ordering::Relaxed);
        system(manner, false, &shared).run(|| {
            let mut disk = Disk::open("disk0").unwrap();
            let above = 3 << 32;
            assert_eq!(disk.sectors(), above + SECTORS as u64);
            // In pieces, where the device takes few parts at once.
            assert_eq!(write(&mut disk, above + 5, 100, 9), Ok(()));
            assert_eq!(read(&mut disk, above + 4, 3), Ok(vec![4, 9, 10]));
        });
    }
}

#[test]
fn a_capacity_that_changes_while_it_is_read_is_read_again() {
    for manner in manners().into_iter().step_by(5) {
        let shared = shared();
        shared.grows.store(2, Ordering::Relaxed);
        system(manner, false, &shared).run(|| {
            let disk = Disk::open("disk0").unwrap();
            assert_eq!(disk.sectors(), (2 << 32) + SECTORS as u64);
        });
    }
}

#[test]
fn what_takes_too_long_is_an_error_and_the_rest_is_done() {
    let shared = shared();
    let seen = shared.clone();
    let report = system(USUAL, false, &shared).run(move || {
        let mut disk = Disk::open("disk0").unwrap();
        seen.ignored.store(1, Ordering::Relaxed);
        assert_eq!(read(&mut disk, 0, 8), Err(Error::InputOutput));
        assert!(resea::clock() > 10_000_000_000);
        assert_eq!(read(&mut disk, 0, 2), Ok(vec![0, 1]));
    });
    assert!(report.console.contains("it is reset"), "{}", report.console);
}

#[test]
fn a_faulty_device_ends_the_driver_with_a_line() {
    for lies in [true, false] {
        let shared = shared();
        let seen = shared.clone();
        let report = system(USUAL, false, &shared).run(move || {
            let mut disk = Disk::open("disk0").unwrap();
            seen.status.store(77, Ordering::Relaxed);
            if lies { &seen.lies } else { &seen.odd }.store(1, Ordering::Relaxed);
            assert_eq!(read(&mut disk, 4, 2), Ok(vec![4, 5]), "the next driver does it");
            // One that does it always is given up at last.
            seen.lies.store(u32::MAX, Ordering::Relaxed);
            assert_eq!(read(&mut disk, 4, 2), Err(Error::InputOutput));
        });
        let line = if lies { "it says that it has written" } else { "status 77, which does not exist" };
        assert!(report.console.contains(line), "{}", report.console);
    }
}

#[test]
fn who_breaks_the_rules_is_dropped_and_may_attach_again() {
    let report = system(USUAL, false, &shared()).run(|| {
        let mut disk = Disk::open("disk0").unwrap();
        assert_eq!(read(&mut disk, 4, 2), Ok(vec![4, 5]));
        let manager = Manager::new(resea::lookup("dm").unwrap());
        let driver = Driver::new(manager.driver_of("disk0").unwrap().task);
        let again = driver.attach(0).unwrap();
        let memory = resea::SharedMemory::open(again.blocks, true).unwrap();
        memory.region().store(0, 1000).unwrap();
        assert_eq!(driver.wait(0), Err(Error::BadMessage));
        assert_eq!(read(&mut disk, 4, 2), Ok(vec![4, 5]), "it has attached again");
    });
    assert!(report.console.contains("is dropped"), "{}", report.console);
}

/// Wherever the driver is killed, its user's requests are done in the end, and what was written is there.
#[test]
fn a_killed_driver_loses_nothing() {
    for (index, kind) in manners().into_iter().enumerate().filter(|(index, _)| index % 5 == 0) {
        // The machine of each seed has a device of its own.
        let make = move || card(kind, false, &shared());
        let killed = System::new()
            .pci(3, 11, make)
            .memory(32 << 20)
            .program(sim::program!(dm::run))
            .program(sim::program!(virtio_blk::run))
            .killable(["virtio_blk"])
            .explore(150, writes_and_reads);
        assert!(killed.killed > 30, "{index}: {killed:?}");
    }
}

fn writes_and_reads() {
    let Ok(mut disk) = Disk::open("disk0") else {
        assert!(is_parked());
        return;
    };
    let mut random = fastrand::Rng::with_seed(sim::random_number());
    let mut known: Vec<u8> = (0..SECTORS).map(|number| number as u8).collect();
    for _ in 0..8 {
        let (sectors, byte) = (random.u16(1..=192), random.u8(..));
        let sector = random.usize(0..SECTORS - usize::from(sectors));
        match write(&mut disk, sector as u64, sectors, byte) {
            Err(Error::InputOutput) if is_parked() => return,
            result => assert_eq!(result, Ok(())),
        }
        known[sector..][..usize::from(sectors)].copy_from_slice(&counting(byte, sectors));
        let sectors = random.u16(1..=192);
        let sector = random.usize(0..SECTORS - usize::from(sectors));
        match read(&mut disk, sector as u64, sectors) {
            Err(Error::InputOutput) if is_parked() => return,
            result => assert_eq!(result, Ok(known[sector..][..usize::from(sectors)].to_vec())),
        }
    }
}

/// Random messages, good and bad, of the interface.
#[test]
fn every_message_is_answered() {
    system(USUAL, false, &shared()).explore(100, || {
        let driver = Manager::new(resea::lookup("dm").unwrap()).driver_of("disk0").unwrap().task;
        sim::send_random(driver, &["blk"]);
        assert_eq!(ipc::notify(driver, 0), Ok(()), "it has survived");
    });
}
