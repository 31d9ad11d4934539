//! Several users of one disk at once, and users that are killed: nobody's pages are written for somebody else.

mod model;
mod support;

use blocks::{Disk, Operation, PAGE};
use model::{Transport, card};
use resea::Error;
use sim::{Program, System};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::{SECTORS, USUAL, is_parked, read, request, shared, system, write};
use virtio::Ring;

fn user(name: &str, work: impl Fn() + Send + Sync + 'static) -> Program {
    Program::new(name, "uses = [\"dm\", \"blk\"]", work)
}

#[test]
fn the_pages_of_who_has_ended_are_not_written_for_it_any_more() {
    for ends in [1, 3] {
        let shared = shared();
        let (seen, made) = (Arc::clone(&shared), Arc::clone(&shared));
        let reader = user("reader", move || {
            let mut disk = Disk::open("disk0").unwrap();
            made.held.store(1, Ordering::Relaxed);
            for tag in 0..20 {
                disk.submit(tag, &request(Operation::Read, 200, 8, &[tag])).unwrap();
            }
            resea::sleep(Duration::from_millis(1));
        });
        system(USUAL, false, &shared).program(reader).run(move || {
            for _ in 0..ends {
                resea::launch("reader", ["reader"]).unwrap();
                resea::sleep(Duration::from_secs(1));
                assert!(sim::task("reader").is_none(), "it has ended");
            }
            let mut disk = Disk::open("disk0").unwrap();
            for page in 0..20 {
                let mut bytes = [1; PAGE];
                disk.page(page).read(0, &mut bytes).unwrap();
                assert_eq!(bytes, [0; PAGE], "nobody sees what another one has read");
                disk.page(page).write(0, &[0xab; PAGE]).unwrap();
            }
            seen.held.store(0, Ordering::Relaxed);
            assert_eq!(read(&mut disk, 5, 3), Ok(vec![5, 6, 7]));
            resea::sleep(Duration::from_secs(1));
            for page in 0..20 {
                let mut bytes = [0; PAGE];
                disk.page(page).read(0, &mut bytes).unwrap();
                assert_eq!(bytes, [0xab; PAGE], "page {page}");
            }
        });
    }
}

/// How many sectors each user has for itself.
const SHARE: usize = SECTORS / 3;

#[test]
fn several_users_at_once_do_not_disturb_each_other() {
    let names = ["first", "second"];
    let mut system = System::new()
        .pci(3, 11, || card((Transport::Modern(Ring::Split), true, true), false, &shared()))
        .memory(32 << 20)
        .program(sim::program!(dm::run))
        .program(sim::program!(virtio_blk::run));
    for (number, name) in names.into_iter().enumerate() {
        system = system.program(user(name, move || works(number, 6)));
    }
    let killed = system.killable(["first", "second", "virtio_blk"]).explore(200, move || {
        for name in names {
            resea::launch(name, [name]).unwrap();
        }
        works(2, 6);
        // Whoever was killed has a successor.
        for (number, name) in names.into_iter().enumerate() {
            while sim::task(name).is_some() {
                resea::sleep(Duration::from_millis(1));
            }
            works(number, 2);
        }
    });
    assert!(killed.killed > 30, "{killed:?}");
}

/// A user of the part of the disk with this number.
fn works(number: usize, rounds: usize) {
    match uses(number, rounds) {
        Ok(()) => {}
        Err(error) => assert!(error == Error::InputOutput && is_parked(), "{error}"),
    }
}

fn uses(number: usize, rounds: usize) -> Result<(), Error> {
    let mut disk = Disk::open("disk0")?;
    let mut random = fastrand::Rng::with_seed(sim::random_number());
    for _ in 0..rounds {
        let (sectors, byte) = (random.u16(1..=100), random.u8(..));
        let sector = (number * SHARE + random.usize(0..SHARE - usize::from(sectors))) as u64;
        write(&mut disk, sector, sectors, byte)?;
        assert_eq!(read(&mut disk, sector, sectors)?, support::counting(byte, sectors));
    }
    Ok(())
}
