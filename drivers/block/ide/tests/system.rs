//! The driver on a simulated machine with the real device manager, and models of two channels.

mod machine;
mod model;

use blocks::{Disk, Operation, PAGE, PAGE_SECTORS, Request};
use interfaces::dm::{Client as Manager, NAME_MAX};
use ipc::Error;
use machine::{Shared, machine};
use model::{Channel, Drive, Manner, SECTOR};
use sim::System;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A machine with these drives, and the channels of its latest run.
fn system(make: impl Fn() -> [Channel; 2] + Send + Sync + 'static) -> (System, Arc<Mutex<Vec<Shared>>>) {
    let (machine, channels) = machine(make);
    (machine.program(sim::program!(ide::run)), channels)
}

/// A machine with one disk.
fn with(drive: impl Fn() -> Drive + Send + Sync + 'static, delay: u64) -> (System, Arc<Mutex<Vec<Shared>>>) {
    system(move || [Channel::new([Some(drive()), None], delay), Channel::new([None, None], 0)])
}

/// The byte that a sector is filled with, and its number in front.
fn content(sector: u64, byte: u8) -> [u8; SECTOR] {
    let mut bytes = [byte; SECTOR];
    bytes[..8].copy_from_slice(&sector.to_le_bytes());
    bytes
}

/// Pages of a request, none after its neighbour.
fn pages(sectors: u16) -> Vec<u16> {
    (0..sectors.div_ceil(PAGE_SECTORS as u16)).map(|page| 200 - 3 * page).collect()
}

fn finish(disk: &mut Disk) -> Result<(), Error> {
    disk.wait().and_then(|(_, result)| result)
}

fn write(disk: &mut Disk, sector: u64, sectors: u16, byte: u8) -> Result<(), Error> {
    let pages = pages(sectors);
    for index in 0..sectors {
        let (page, at) =
            (pages[usize::from(index) / PAGE_SECTORS], usize::from(index) % PAGE_SECTORS * SECTOR);
        disk.page(page).write(at, &content(sector + u64::from(index), byte)).unwrap();
    }
    disk.submit(5, &Request { operation: Operation::Write, sector, sectors, pages: &pages })?;
    finish(disk)
}

fn read(disk: &mut Disk, sector: u64, sectors: u16) -> Result<Vec<[u8; SECTOR]>, Error> {
    let pages = pages(sectors);
    for page in &pages {
        disk.page(*page).write(0, &[0xee; PAGE]).unwrap();
    }
    disk.submit(9, &Request { operation: Operation::Read, sector, sectors, pages: &pages })?;
    finish(disk)?;
    let read = |index: u16| {
        let mut bytes = [0; SECTOR];
        let (page, at) =
            (pages[usize::from(index) / PAGE_SECTORS], usize::from(index) % PAGE_SECTORS * SECTOR);
        disk.page(page).read(at, &mut bytes).unwrap();
        bytes
    };
    Ok((0..sectors).map(read).collect())
}

fn flush(disk: &mut Disk) -> Result<(), Error> {
    disk.submit(1, &Request { operation: Operation::Flush, sector: 0, sectors: 0, pages: &[] })?;
    finish(disk)
}

fn written(sector: u64, sectors: u16, byte: u8) -> Vec<[u8; SECTOR]> {
    (sector..sector + u64::from(sectors)).map(|sector| content(sector, byte)).collect()
}

#[test]
fn what_is_written_is_read_with_every_kind_of_command() {
    for (long, multiple, delay) in
        [(false, 0, 0), (false, 16, 0), (true, 1, 0), (true, 16, 20_000), (true, 128, 0)]
    {
        let (system, told) = with(move || Drive::new(5_000, long, multiple), delay);
        system.run(move || {
            let mut disk = Disk::open("disk0").unwrap();
            assert_eq!((disk.sectors(), disk.is_read_only(), disk.is_volatile()), (5_000, false, true));
            for (sector, sectors) in [(0, 1), (1, 8), (100, 192), (4_999, 1), (4_808, 192), (301, 17)] {
                assert_eq!(write(&mut disk, sector, sectors, sectors as u8), Ok(()));
                assert_eq!(read(&mut disk, sector, sectors), Ok(written(sector, sectors, sectors as u8)));
            }
            assert_eq!(read(&mut disk, 2_000, 1), Ok(vec![[0; SECTOR]]));
            assert_eq!(read(&mut disk, 4_999, 2).err(), Some(Error::OutOfBounds));
            let channel = told.lock().unwrap()[0].clone();
            let held_back = || channel.lock().unwrap().drives[0].as_ref().unwrap().held_back.len();
            assert!(held_back() > 0);
            assert_eq!((flush(&mut disk), held_back()), (Ok(()), 0));
            let log = channel.lock().unwrap().drives[0].as_ref().unwrap().log.clone();
            let uses = |command| log.iter().any(|(used, ..)| *used == command);
            assert_eq!((uses(0x20), uses(0xc4)), (multiple < 2, multiple > 1), "{log:x?}");
            assert_eq!((uses(0xe7), uses(0xea)), (!long, long));
        });
    }
}

#[test]
fn sectors_behind_the_28th_bit_have_48() {
    let (system, told) = with(|| Drive::new(1 << 33, true, 16), 0);
    system.run(move || {
        let mut disk = Disk::open("disk0").unwrap();
        assert_eq!(disk.sectors(), 1 << 33);
        let edge = 0x0fff_ffff;
        for (sector, sectors) in
            [(edge - 8, 8), (edge - 7, 8), (edge, 1), (edge + 1, 9), ((1 << 33) - 192, 192)]
        {
            assert_eq!(write(&mut disk, sector, sectors, 7), Ok(()), "{sector:x}");
            assert_eq!(read(&mut disk, sector, sectors), Ok(written(sector, sectors, 7)));
        }
        let log = told.lock().unwrap()[0].lock().unwrap().drives[0].as_ref().unwrap().log.clone();
        let writes: Vec<_> =
            log.iter().filter(|(command, ..)| matches!(command, 0xc5 | 0x39)).copied().collect();
        assert_eq!(writes[0], (0xc5, edge - 8, 8), "28 bits where they are enough");
        assert!(writes[1..].iter().all(|(command, ..)| *command == 0x39), "{writes:x?}");
        assert_eq!(writes[4], (0x39, (1 << 33) - 192, 192));
    });
}

#[test]
fn each_drive_is_a_unit_and_what_is_no_disk_is_left_alone() {
    let (system, _) = system(|| {
        let mut cd = Drive::new(100, false, 0);
        cd.packet = true;
        let (second, fourth) = (Drive::new(111, false, 0), Drive::new(222, true, 16));
        [Channel::new([Some(cd), Some(second)], 0), Channel::new([None, Some(fourth)], 0)]
    });
    system.run(|| {
        let mut disks: Vec<_> = ["disk1", "disk3"].map(|name| Disk::open(name).unwrap()).into();
        assert!(["disk0", "disk2"].iter().all(|name| Disk::open(name).is_err()));
        let sectors: Vec<_> = disks.iter().map(Disk::sectors).collect();
        assert_eq!(sectors, [111, 222]);
        for (disk, byte) in disks.iter_mut().zip([3, 4]) {
            assert_eq!(write(disk, 50, 20, byte), Ok(()));
        }
    });
}

#[test]
fn both_channels_work_at_once() {
    const DELAY: u64 = 1_000_000;
    let (system, _) = system(|| {
        let drives = || [Some(Drive::new(200, true, 16)), None];
        [Channel::new(drives(), DELAY), Channel::new(drives(), DELAY)]
    });
    system.run(|| {
        let mut disks: Vec<_> = ["disk0", "disk2"].map(|name| Disk::open(name).unwrap()).into();
        let start = resea::clock();
        let pages: Vec<u16> = (0..20).collect();
        for tag in 0..5 {
            for disk in &mut disks {
                // Ten blocks, each with an interrupt.
                let request = Request { operation: Operation::Read, sector: 0, sectors: 160, pages: &pages };
                disk.submit(tag, &request).unwrap();
            }
        }
        for disk in &mut disks {
            (0..5).for_each(|_| assert_eq!(finish(disk), Ok(())));
        }
        // Besides, the driver waits for each drive once it has given its last block.
        let took = (resea::clock() - start) / DELAY;
        assert!((50..70).contains(&took), "50 blocks of each disk take {took} times as long as one");
    });
}

#[test]
fn a_controller_without_drives_offers_none() {
    let (system, _) = system(|| [Channel::new([None, None], 0), Channel::new([None, None], 0)]);
    system.run(|| assert!(Disk::open("disk0").is_err()));
}

#[test]
fn a_bad_sector_fails_its_request_and_no_other() {
    let (system, _) = with(
        || {
            let mut drive = Drive::new(1_000, true, 16);
            drive.bad.insert(500);
            drive
        },
        5_000,
    );
    let report = system.run(|| {
        let mut disk = Disk::open("disk0").unwrap();
        for _ in 0..3 {
            assert_eq!(read(&mut disk, 400, 192).err(), Some(Error::InputOutput));
            assert_eq!(write(&mut disk, 490, 30, 1), Err(Error::InputOutput));
            assert_eq!(write(&mut disk, 501, 30, 2), Ok(()));
            assert_eq!(read(&mut disk, 501, 30), Ok(written(501, 30, 2)));
        }
    });
    assert!(report.console.contains("status 0x51, error 0x40"), "{}", report.console);
}

#[test]
fn a_drive_that_hangs_is_reset() {
    let (system, _) = with(
        || {
            let mut drive = Drive::new(1_000, true, 16);
            drive.manner = Manner::Hangs(6);
            drive
        },
        1_000,
    );
    system.run(|| {
        let mut disk = Disk::open("disk0").unwrap();
        let results: Vec<_> = (0..12).map(|sector| write(&mut disk, sector, 1, 9)).collect();
        assert!(results.contains(&Err(Error::InputOutput)), "{results:?}");
        assert!(results.iter().filter(|result| result.is_ok()).count() > 6, "{results:?}");
    });
}

#[test]
fn impossible_answers_are_errors_and_the_driver_lives_on() {
    for manner in [Manner::EndsEarly, Manner::WantsMore, Manner::Vanishes(2)] {
        let (system, _) = with(
            move || {
                let mut drive = Drive::new(1_000, true, 1);
                drive.manner = manner;
                drive
            },
            0,
        );
        system.run(move || {
            let mut disk = Disk::open("disk0").unwrap();
            let task = sim::task("ide");
            let results =
                [write(&mut disk, 0, 30, 1), read(&mut disk, 0, 30).map(drop), write(&mut disk, 7, 1, 1)];
            assert!(results.contains(&Err(Error::InputOutput)), "{manner:?}: {results:?}");
            assert_eq!(sim::task("ide"), task, "{manner:?}");
        });
    }
}

#[test]
fn a_random_status_neither_ends_nor_hangs_the_driver() {
    for seed in 0..40 {
        let (system, _) = with(
            move || {
                let mut drive = Drive::new(1_000, true, 4);
                drive.manner = Manner::Random(seed);
                drive
            },
            0,
        );
        system.run(|| {
            // It may not even say that it is a disk.
            let Ok(mut disk) = Disk::open("disk0") else { return };
            let task = sim::task("ide");
            for sector in 0..10 {
                let _ = write(&mut disk, sector, 20, 1);
                let _ = read(&mut disk, sector, 20);
            }
            assert_eq!(sim::task("ide"), task);
        });
    }
}

/// The driver is killed wherever: what was answered is on the disk, and all is answered.
#[test]
fn a_killed_driver_loses_nothing() {
    let (system, _) = with(|| Drive::new(600, true, 16), 3_000);
    let summary = system.killable(["ide"]).explore(300, || {
        let mut random = fastrand::Rng::with_seed(sim::random_number());
        let Some(mut disk) = allowed(Disk::open("disk0")) else { return };
        let mut known = [0; 600];
        for byte in 1..8 {
            let sectors = random.u16(1..100);
            let sector = random.u64(0..600 - u64::from(sectors));
            let Some(()) = allowed(write(&mut disk, sector, sectors, byte)) else { return };
            known[sector as usize..][..usize::from(sectors)].fill(byte);
            let sector = random.u64(0..500);
            let Some(sectors) = allowed(read(&mut disk, sector, 50)) else { return };
            for (read, sector) in sectors.into_iter().zip(sector..) {
                let expected = match known[sector as usize] {
                    0 => [0; SECTOR],
                    byte => content(sector, byte),
                };
                assert_eq!(read, expected);
            }
        }
        FINISHED.fetch_add(1, Ordering::Relaxed);
    });
    assert!(summary.killed > 50, "{summary:?}");
    // In most runs nothing is given up.
    let finished = FINISHED.load(Ordering::Relaxed);
    assert!(finished > 150, "only {finished} runs came to their end");
}

static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// In a random order time flies: the driver may be so slow that dm ends it, and again, until it or the disk is given up. That
/// is said.
fn allowed<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let manager = Manager::new(resea::lookup("dm").unwrap());
            let starts = manager.list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).map(|device| device.starts);
            assert!(
                error == Error::InputOutput && starts.is_ok_and(|starts| starts > 1),
                "{error} {starts:?}"
            );
            None
        }
    }
}

/// Random messages, good and bad: it is no service of its own, so `sim::messages!` does not find it.
#[test]
fn every_message_is_answered() {
    let (system, _) = with(|| Drive::new(600, true, 16), 0);
    system.explore(100, || {
        let _disk = Disk::open("disk0").unwrap();
        let driver = sim::task("ide").unwrap();
        sim::send_random(driver, &["blk"]);
        assert_eq!(ipc::notify(driver, 0), Ok(()), "it has survived");
    });
}
