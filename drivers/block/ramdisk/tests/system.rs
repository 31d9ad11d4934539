//! The driver on a simulated machine: what is written is read, by several users at once, and whoever is killed.

use blocks::{Disk, Operation, PAGE, PAGE_SECTORS, Request, SECTOR};
use interfaces::dm::{Client as Manager, NAME_MAX, State};
use ipc::Error;
use sim::System;

/// Sectors of the disk.
const SECTORS: u64 = 201;

fn system() -> System {
    let content: Vec<u8> = (0..SECTORS as usize * SECTOR - 100).map(|at| (at / SECTOR) as u8).collect();
    System::new()
        .memory(32 << 20)
        .file("ramdisk.img", content)
        .program(sim::program!(dm::run))
        .program(sim::program!(ramdisk::run))
}

/// Does a request of some pages, filled with `byte` if it writes; what the first page begins with afterwards.
fn transfer(disk: &mut Disk, operation: Operation, sector: u64, sectors: u32, byte: u8) -> Result<u8, Error> {
    let pages: Vec<u16> = (0..sectors.div_ceil(PAGE_SECTORS as u32) as u16).map(|page| 40 - page).collect();
    if operation == Operation::Write {
        for page in &pages {
            disk.page(*page).write(0, &[byte; PAGE])?;
        }
    }
    disk.submit(3, &Request { operation, sector, sectors: sectors as u16, pages: &pages })?;
    let (tag, result) = disk.wait()?;
    assert_eq!(tag, 3);
    let mut first = [0];
    disk.page(40).read(0, &mut first)?;
    result.map(|()| first[0])
}

#[test]
fn what_is_written_is_read() {
    system().run(|| {
        let mut disk = Disk::open("ramdisk0").unwrap();
        assert_eq!((disk.sectors(), disk.is_read_only(), disk.is_volatile()), (SECTORS, false, false));
        assert_eq!(transfer(&mut disk, Operation::Read, 77, 1, 0), Ok(77), "the file's content");
        for (sector, sectors) in [(0, 1), (1, 8), (9, 192), (SECTORS - 13, 13), (77, 2)] {
            assert_eq!(transfer(&mut disk, Operation::Write, sector, sectors, 200), Ok(200));
            assert_eq!(transfer(&mut disk, Operation::Read, sector, 1, 0), Ok(200));
            assert_eq!(transfer(&mut disk, Operation::Read, sector + u64::from(sectors) - 1, 1, 0), Ok(200));
        }
        assert_eq!(transfer(&mut disk, Operation::Flush, 0, 0, 0).map(drop), Ok(()));
        assert_eq!(transfer(&mut disk, Operation::Read, SECTORS - 1, 2, 0), Err(Error::OutOfBounds));
        assert_eq!(disk.wait(), Err(Error::Empty));
        assert_eq!(Disk::open("disk0").err(), Some(Error::NotFound));
    });
}

#[test]
fn many_requests_at_once() {
    system().run(|| {
        let mut disk = Disk::open("ramdisk0").unwrap();
        for tag in 0..64 {
            disk.page(tag).write(0, &[tag as u8; PAGE]).unwrap();
            let sector = u64::from(tag) * 3;
            disk.submit(tag, &Request { operation: Operation::Write, sector, sectors: 3, pages: &[tag] })
                .unwrap();
        }
        let mut answered: Vec<_> = (0..64).map(|_| disk.wait().unwrap()).collect();
        answered.sort_unstable_by_key(|(tag, _)| *tag);
        assert!(answered.iter().enumerate().all(|(index, answer)| *answer == (index as u16, Ok(()))));
        assert_eq!(transfer(&mut disk, Operation::Read, 63 * 3, 3, 0), Ok(63));
    });
}

/// The driver is killed wherever: what was asked for is done all the same, and what was written is there.
#[test]
fn a_killed_driver_loses_nothing() {
    system().killable(["ramdisk"]).explore(1500, || {
        let mut random = fastrand::Rng::with_seed(sim::random_number());
        let manager = Manager::new(resea::lookup("dm").unwrap());
        let mut disk = loop {
            match Disk::open("ramdisk0") {
                Ok(disk) => break disk,
                // In a random order it may be so slow to answer heartbeats that dm gives it up.
                Err(Error::InputOutput) => manager.restart("ramdisk0").unwrap(),
                Err(error) => assert!(sim::was_killed(), "{error}"),
            }
        };
        let mut known = vec![None; SECTORS as usize];
        for _ in 0..12 {
            let sectors = random.u32(1..100);
            let sector = random.u64(0..SECTORS - u64::from(sectors));
            let byte = random.u8(..);
            match transfer(&mut disk, Operation::Write, sector, sectors, byte) {
                // As above.
                Err(Error::InputOutput) if is_parked(&manager) => return,
                written => assert_eq!(written, Ok(byte)),
            }
            known[sector as usize..][..sectors as usize].fill(Some(byte));
            let sector = random.u64(0..SECTORS);
            let expected = known[sector as usize].unwrap_or(sector as u8);
            match transfer(&mut disk, Operation::Read, sector, 1, 0) {
                Err(Error::InputOutput) if is_parked(&manager) => return,
                read => assert_eq!(read, Ok(expected)),
            }
        }
    });
}

fn is_parked(manager: &Manager) -> bool {
    let state = manager.list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).map(|device| device.state);
    state == Ok(State::Parked)
}
