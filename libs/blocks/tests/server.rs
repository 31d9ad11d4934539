//! The server that all drivers are, with a controller of the test's own: several disks and users, and users that die.

mod bench;

use bench::{NAME, SECTORS, byte, lock, read, release, shared, submit, system, user, write};
use blocks::{Disk, Operation, REQUESTS, Request, Unit};
use interfaces::blk::Client as Driver;
use interfaces::dm::Client as Manager;
use ipc::Error;
use std::sync::Arc;
use std::time::Duration;

fn disk(number: u32) -> Disk {
    Disk::open(&format!("disk{number}")).unwrap()
}

fn launch(name: &'static str) -> ipc::TaskId {
    resea::launch(name, [name]).unwrap()
}

/// Lets everybody else do what there is to do.
fn settle() {
    resea::sleep(Duration::from_millis(1));
}

#[test]
fn a_task_copies_from_disk_to_disk() {
    let shared = shared();
    let seen = Arc::clone(&shared);
    system(&shared).run(move || {
        let (mut from, mut to) = (disk(0), disk(1));
        assert_eq!(write(&mut from, 8, 7), Ok(()));
        for round in 0..3 {
            let byte = read(&mut from, 8).unwrap();
            assert_eq!((byte, write(&mut to, 16 + round * 8, byte + 1)), (7, Ok(())));
        }
        assert_eq!(lock(&seen).resets, 0, "neither has had to attach again");
        // The driver's next life gives each its own pages back, whoever attaches first.
        to.page(3).write(0, &[1; 4096]).unwrap();
        from.page(3).write(0, &[2; 4096]).unwrap();
        sim::kill(NAME).unwrap();
        assert_eq!((read(&mut to, 16), read(&mut from, 8)), (Ok(8), Ok(7)));
        assert_eq!((byte(&to, 3), byte(&from, 3)), (1, 2));
        let content = |number: usize| lock(&seen).content[number][16];
        assert_eq!((content(1), content(0)), (8, 0));
    });
}

#[test]
fn an_answer_of_one_disk_does_not_end_the_wait_for_another() {
    let shared = shared();
    let held = Arc::clone(&shared);
    let releaser = user("releaser", move || {
        resea::sleep(Duration::from_secs(1));
        release(&held);
    });
    let seen = Arc::clone(&shared);
    let report = system(&shared).program(releaser).run(move || {
        let (mut one, mut other) = (disk(0), disk(1));
        submit(&mut other, 0, Operation::Write, 0, 5);
        settle();
        lock(&seen).held[0] = true;
        submit(&mut one, 0, Operation::Read, 0, 0);
        launch("releaser");
        assert_eq!(one.wait(), Ok((0, Ok(()))));
        assert!(resea::clock() > 1_000_000_000);
        assert_eq!(other.wait(), Ok((0, Ok(()))));
    });
    assert_eq!(report.trace.matches("blk.wait(").count(), 1, "{}", report.trace);
}

#[test]
fn there_are_four_users_and_more_when_one_has_ended() {
    let first = user("first", || {
        let _disk = disk(0);
        resea::sleep(Duration::from_secs(1));
    });
    system(&shared()).program(first).run(|| {
        launch("first");
        settle();
        let mut disks: Vec<_> = (0..3).map(disk).collect();
        assert_eq!(Disk::open("disk3").err(), Some(Error::TableFull));
        disks.push(disk(2));
        resea::sleep(Duration::from_secs(2));
        disks.push(disk(3));
        assert_eq!(write(&mut disks[4], 0, 1), Ok(()));
    });
}

#[test]
fn a_disk_without_room_holds_up_no_other() {
    let shared = shared();
    let seen = Arc::clone(&shared);
    system(&shared).run(move || {
        let (mut busy, mut free) = (disk(0), disk(2));
        (lock(&seen).room[0], lock(&seen).held[0]) = (1, true);
        for tag in 0..20 {
            submit(&mut busy, tag, Operation::Write, u64::from(tag) * 8, tag as u8 + 1);
        }
        for round in 0..50 {
            assert_eq!(write(&mut free, 8, round), Ok(()));
            assert_eq!(read(&mut free, 8), Ok(round));
        }
        assert_eq!(lock(&seen).has.len(), 1);
        release(&seen);
        let mut tags: Vec<_> = (0..20).map(|_| busy.wait().unwrap()).collect();
        tags.sort_unstable_by_key(|(tag, _)| *tag);
        assert!(tags.iter().enumerate().all(|(index, ended)| *ended == (index as u16, Ok(()))));
        assert_eq!(read(&mut busy, 19 * 8), Ok(20));
        assert!(resea::clock() < 1_000_000_000, "nobody has waited for a timer");
    });
}

/// What one that has ended had asked for must not come after what its successor does.
#[test]
fn nothing_is_done_for_those_that_have_ended() {
    for is_queued in [false, true] {
        let shared = shared();
        let (seen, made) = (Arc::clone(&shared), Arc::clone(&shared));
        // The place of the first one is free as well, so it is not the second one's that is given away.
        let first = user("first", || {
            disk(0).page(5).write(0, &[0xab; 4096]).unwrap();
            resea::sleep(Duration::from_secs(1));
        });
        let second = user("second", move || {
            let mut disk = disk(0);
            // The device has it, or it waits until there is room.
            (lock(&made).held[0], lock(&made).room[0]) = (true, usize::from(!is_queued));
            submit(&mut disk, 0, Operation::Write, 40, 1);
            submit(&mut disk, 1, Operation::Read, 40, 0);
            settle();
        });
        system(&shared).program(first).program(second).run(move || {
            launch("first");
            settle();
            launch("second");
            resea::sleep(Duration::from_secs(2));
            assert_eq!(lock(&seen).has.len(), usize::from(!is_queued));
            let mut disk = disk(0);
            assert_eq!(byte(&disk, 5), 0, "nobody sees what another one has had");
            assert!(lock(&seen).has.is_empty(), "the device does not write to anybody's memory");
            lock(&seen).room[0] = usize::MAX;
            submit(&mut disk, 0, Operation::Write, 40, 2);
            release(&seen);
            assert_eq!(disk.wait(), Ok((0, Ok(()))));
            assert_eq!((read(&mut disk, 40), lock(&seen).content[0][40]), (Ok(2), 2), "{is_queued}");
        });
    }
}

#[test]
fn others_requests_are_made_again_after_a_reset() {
    let shared = shared();
    let (seen, made) = (Arc::clone(&shared), Arc::clone(&shared));
    let second = user("second", move || {
        lock(&made).held[0] = true;
        submit(&mut disk(0), 0, Operation::Write, 40, 1);
        settle();
    });
    system(&shared).program(second).run(move || {
        let mut disk = disk(1);
        lock(&seen).held[1] = true;
        submit(&mut disk, 4, Operation::Write, 80, 9);
        launch("second");
        resea::sleep(Duration::from_secs(1));
        assert_eq!(lock(&seen).has.len(), 2);
        let _other = self::disk(2);
        assert_eq!(lock(&seen).resets, 1);
        assert_eq!(lock(&seen).has.len(), 1, "the other one's is made again");
        release(&seen);
        assert_eq!((disk.wait(), lock(&seen).content[1][80]), (Ok((4, Ok(()))), 9));
        assert_eq!(lock(&seen).content[0][40], 0);
    });
}

#[test]
fn who_attaches_again_and_again_takes_nothing_from_others() {
    system(&shared()).run(|| {
        let _first = disk(0);
        let driver = Driver::new(sim::task(NAME).unwrap());
        // Whoever does not map the memory does not pay for the handle.
        for _ in 0..200 {
            driver.attach(1).unwrap();
        }
        assert_eq!(write(&mut disk(2), 0, 1), Ok(()));
        let mapped = driver.attach(1).and_then(|again| resea::SharedMemory::open(again.blocks, true));
        assert!(mapped.is_ok(), "the handle that was given last is good");
        driver.attach(1).unwrap();
        mapped.unwrap().region().store(0, 0).unwrap();
    });
}

#[test]
fn what_cannot_be_done_is_refused() {
    let shared = shared();
    let disk_of = |sectors, read_only, volatile| Some(Unit { sectors, read_only, volatile });
    lock(&shared).units = [disk_of(9, true, true), disk_of(16, false, false), None, disk_of(8, false, true)];
    let seen = Arc::clone(&shared);
    system(&shared).run(move || {
        assert_eq!(Disk::open("disk2").err(), Some(Error::NotFound));
        let (mut fixed, mut safe, mut small) = (disk(0), disk(1), disk(3));
        let request = |operation, sector, sectors| Request { operation, sector, sectors, pages: &[1] };
        let does = |disk: &mut Disk, operation, sector, sectors| {
            disk.submit(9, &request(operation, sector, sectors))?;
            disk.wait().and_then(|(_, result)| result)
        };
        assert_eq!(does(&mut fixed, Operation::Write, 0, 1), Err(Error::ReadOnly));
        assert_eq!(does(&mut fixed, Operation::Read, 8, 1), Ok(()));
        for (sector, sectors) in [(9, 1), (8, 2), (u64::MAX, 1), (u64::MAX - 1, 8)] {
            assert_eq!(does(&mut fixed, Operation::Read, sector, sectors), Err(Error::OutOfBounds));
        }
        assert_eq!(does(&mut small, Operation::Write, 0, 8), Ok(()));
        assert_eq!(does(&mut small, Operation::Write, 1, 8), Err(Error::OutOfBounds));
        for (disk, flushes) in [(&mut safe, 0), (&mut small, 1)] {
            submit(disk, 2, Operation::Flush, 0, 0);
            assert_eq!((disk.wait(), lock(&seen).flushes), (Ok((2, Ok(()))), flushes));
        }
        let driver = Driver::new(sim::task(NAME).unwrap());
        assert_eq!(driver.attach(2).err(), Some(Error::NotFound));
        assert_eq!(
            (driver.wait(2), driver.wait(u32::MAX)),
            (Err(Error::NotPermitted), Err(Error::NotPermitted))
        );
        let counts =
            |unit| driver.status(unit).map(|said| (said.reads, said.writes, said.flushes, said.errors));
        assert_eq!([0, 1, 3].map(counts), [Ok((1, 0, 0, 0)), Ok((0, 0, 1, 0)), Ok((0, 1, 1, 0))]);
    });
}

#[test]
fn users_take_turns() {
    let shared = shared();
    let (seen, made) = (Arc::clone(&shared), Arc::clone(&shared));
    let first = user("first", move || {
        let mut disk = disk(0);
        (lock(&made).held[0], lock(&made).room[0]) = (true, 1);
        (0..10).for_each(|tag| submit(&mut disk, tag, Operation::Write, 80, 1));
        (0..10).for_each(|_| assert_eq!(disk.wait().unwrap().1, Ok(())));
    });
    system(&shared).program(first).run(move || {
        launch("first");
        settle();
        let mut disk = disk(0);
        (0..10).for_each(|tag| submit(&mut disk, tag, Operation::Write, 160, 1));
        release(&seen);
        (0..10).for_each(|_| assert_eq!(disk.wait().unwrap().1, Ok(())));
        settle();
        // A second one of the first user's was taken before there was another user.
        let expected = [&[80][..], &[80, 160].repeat(9), &[160]].concat();
        assert_eq!(lock(&seen).started, expected);
    });
}

#[test]
fn what_is_asked_of_a_driver_that_has_died_is_done_by_the_next_without_a_wait() {
    let shared = shared();
    let seen = Arc::clone(&shared);
    system(&shared).run(move || {
        let mut disk = disk(0);
        assert_eq!(write(&mut disk, 0, 1), Ok(()));
        settle();
        sim::kill(NAME).unwrap();
        submit(&mut disk, 0, Operation::Write, 8, 2);
        resea::sleep(Duration::from_secs(1));
        assert_eq!(lock(&seen).content[0][8], 2);
        assert_eq!(disk.poll(), Ok(Some((0, Ok(())))));
    });
}

#[test]
fn a_disk_whose_driver_was_given_up_can_be_used_when_it_was_restarted() {
    let shared = shared();
    let seen = Arc::clone(&shared);
    system(&shared).run(move || {
        let mut disk = disk(0);
        assert_eq!(write(&mut disk, 8, 1), Ok(()));
        lock(&seen).dies = true;
        for _ in 0..20 {
            let request = Request { operation: Operation::Write, sector: 8, sectors: 8, pages: &[1] };
            let ended = disk.submit(29, &request).and_then(|()| disk.wait());
            assert_eq!(ended, Err(Error::InputOutput));
        }
        lock(&seen).dies = false;
        Manager::new(resea::lookup("dm").unwrap()).restart("disk0").unwrap();
        assert_eq!((write(&mut disk, 8, 3), read(&mut disk, 8)), (Ok(()), Ok(3)));
    });
}

/// A user fills the table of requests: the next one has its turn, and all is done.
#[test]
fn a_full_table_is_emptied() {
    let shared = shared();
    let (seen, told) = (Arc::clone(&shared), Arc::clone(&shared));
    let greedy = user("greedy", move || {
        let mut disk = disk(0);
        lock(&told).held[0] = true;
        for tag in 0..REQUESTS as u16 {
            let request = Request { operation: Operation::Read, sector: 0, sectors: 8, pages: &[1] };
            disk.submit(tag, &request).unwrap();
        }
        (0..REQUESTS).for_each(|_| assert!(disk.wait().unwrap().1.is_ok()));
        for sector in 0..100 {
            assert_eq!(write(&mut disk, sector * 8, 3), Ok(()));
        }
    });
    system(&shared).program(greedy).run(move || {
        let mut disk = disk(3);
        launch("greedy");
        resea::sleep(Duration::from_secs(1));
        submit(&mut disk, 0, Operation::Write, SECTORS - 8, 6);
        settle();
        assert_eq!(lock(&seen).has.len(), REQUESTS, "there is no room for another one");
        release(&seen);
        assert_eq!(disk.wait(), Ok((0, Ok(()))));
        resea::sleep(Duration::from_secs(1));
        assert_eq!(lock(&seen).content[0][..800], [3; 800]);
    });
}
