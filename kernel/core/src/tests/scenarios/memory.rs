//! map and unmap: who may, and that the machine is asked for exactly what the caller asked for.

use abi::{Error, MapFlags, Powers, Range, Rights};

use crate::tests::model::{PAGE, RAM_END, USER_END};
use crate::tests::requests::*;
use crate::tests::system::*;

const ADDRESS: usize = 0x1000_0000;
const FRAME: usize = 0x20_0000;

#[test]
fn a_pager_maps_and_unmaps_pages_of_its_tasks() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    assert_eq!(system.act(first, map(task, ADDRESS, FRAME, 1, 0)), failed(Error::NeedsTable));
    assert_eq!(
        system.act(first, map(task, ADDRESS, FRAME, 1, FRAME + PAGE)),
        done(0b11),
        "mapped, table used"
    );
    assert_eq!(system.act(first, map(task, ADDRESS + PAGE, FRAME, 1, 0)), done(0b01));
    let pages = &system.kernel.machine.place(task.index()).pages;
    assert_eq!(pages.get(&ADDRESS), Some(&(FRAME, MapFlags::WRITE)));
    assert_eq!(system.act(first, map(task, ADDRESS, FRAME, 1, 0)), failed(Error::AlreadyExists));
    assert_eq!(system.act(first, unmap(task, ADDRESS)), done(FRAME));
    assert_eq!(system.act(first, unmap(task, ADDRESS)), failed(Error::NotFound));
}

#[test]
fn pages_behind_the_first_follow_until_one_cannot() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    let flags = |more| MapFlags::WRITE.and_more(more).0;
    // The table is used for the first page, and the second is there already.
    assert_eq!(system.act(first, map(task, ADDRESS + 3 * PAGE, FRAME, 0, FRAME - PAGE)), done(0b11));
    assert_eq!(system.act(first, map(task, ADDRESS, FRAME, flags(7), 0)), done(0b01 | 2 << 2));
    assert_eq!(system.act(first, map(task, ADDRESS + 4 * PAGE, FRAME, flags(63), 0)), done(0b01 | 63 << 2));
    let pages = &system.kernel.machine.place(task.index()).pages;
    assert_eq!(pages.range(ADDRESS..).count(), 3 + 1 + 64);
    for page in [0, 1, 2] {
        assert_eq!(pages.get(&(ADDRESS + page * PAGE)), Some(&(FRAME + page * PAGE, MapFlags::WRITE)));
    }
    assert_eq!(
        system.act(first, map(task, ADDRESS + 80 * PAGE, FRAME, 64 << 16, 0)),
        failed(Error::InvalidArgument)
    );
}

#[test]
fn no_page_follows_one_that_needs_another_table() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    // The tables of the pages behind are there, those of the first are not.
    let (far, behind) = ((2 << 39) - PAGE, 2 << 39);
    let (here, there) = (behind + 8 * PAGE, FRAME - PAGE);
    assert_eq!(system.act(first, map(task, here, FRAME, 1, there)), done(0b10));
    assert_eq!(system.act(first, map(task, here, FRAME, 1, there)), done(0b11));
    let flags = MapFlags::WRITE.and_more(3).0;
    assert_eq!(system.act(first, map(task, far, FRAME, flags, there)), done(0b10));
    assert_eq!(system.kernel.machine.place(task.index()).pages.range(behind - PAGE..).count(), 1);
    assert_eq!(system.act(first, map(task, far, FRAME, flags, there)), done(0b11 | 3 << 2));
    assert_eq!(system.kernel.machine.place(task.index()).pages.range(behind - PAGE..).count(), 5);
}

/// The caller would not be told that its table was used.
#[test]
fn a_table_is_used_for_the_first_page_only() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    let (end, table) = (ADDRESS + (1 << 21), FRAME - PAGE);
    assert_eq!(system.act(first, map(task, ADDRESS, FRAME, 0, table)), done(0b11));
    let two = MapFlags::READ.and_more(1).0;
    assert_eq!(system.act(first, map(task, end - PAGE, FRAME, two, table)), done(0b01));
    assert_eq!(system.act(first, map(task, end, FRAME, two, table)), done(0b11 | 1 << 2));
}

#[test]
fn pages_follow_up_to_the_end_of_what_a_task_can_have() {
    let mmio = [Range { start: RAM_END as u64, end: (RAM_END + 2 * PAGE) as u64 }; 4];
    let (mut system, [task]) = System::with([(5, Rights { mmio, ..peer_with(Powers::MAP) })]);
    let run = |address, frame, flags: MapFlags| map(task, address, frame, flags.and_more(63).0, FRAME);
    let (device, last) = (MapFlags(MapFlags::DEVICE.0 | MapFlags::WRITE.0), USER_END - 2 * PAGE);
    assert_eq!(system.act(task, run(ADDRESS, RAM_END, device)), done(0b11 | 1 << 2), "the right");
    assert_eq!(system.act(task, run(last, FRAME, MapFlags::READ)), done(0b10));
    assert_eq!(system.act(task, run(last, FRAME, MapFlags::READ)), done(0b11 | 1 << 2), "the addresses");
}

#[test]
fn a_task_with_the_power_maps_into_itself() {
    let (mut system, [task]) = System::with([(5, peer_with(Powers::MAP))]);
    assert_eq!(system.act(task, map(task, ADDRESS, FRAME, 0, FRAME + PAGE)), done(0b11));
    assert_eq!(system.act(task, unmap(task, ADDRESS)), done(FRAME));
}

#[test]
fn mapping_needs_the_power_and_the_task() {
    let (mut system, [strong, weak]) = System::with([(6, peer_with(Powers::MAP)), (5, PEER)]);
    let first = system.first;
    for target in [weak, first] {
        assert_eq!(system.act(strong, map(target, ADDRESS, FRAME, 0, 0)), failed(Error::NotPermitted));
        assert_eq!(system.act(strong, unmap(target, ADDRESS)), failed(Error::NotPermitted));
    }
    system.act(strong, receive());
    assert_eq!(system.act(weak, map(weak, ADDRESS, FRAME, 0, 0)), failed(Error::NotPermitted));
    assert_eq!(system.act(weak, unmap(weak, ADDRESS)), failed(Error::NotPermitted));
}

#[test]
fn flags_and_addresses_are_checked() {
    let (mut system, [task]) = System::with([(5, peer_with(Powers::MAP))]);
    for flags in [3, 7, 8, usize::MAX] {
        let outcome = system.act(task, map(task, ADDRESS, FRAME, flags, 0));
        assert_eq!(outcome, failed(Error::InvalidArgument), "flags {flags:#x}");
    }
    for (address, frame) in [(ADDRESS + 1, FRAME), (ADDRESS, FRAME + 8), (1 << 47, FRAME)] {
        let outcome = system.act(task, map(task, address, frame, 0, 0));
        assert_eq!(outcome, failed(Error::InvalidArgument), "{address:#x} {frame:#x}");
    }
    assert_eq!(system.act(task, unmap(task, ADDRESS + 1)), failed(Error::InvalidArgument));
    assert_eq!(system.act(task, map(task, ADDRESS, 0, 0, 0)), failed(Error::PageInUse), "the kernel's");
}

#[test]
fn the_device_right_is_the_tasks_not_the_pagers() {
    let mmio = [Range { start: RAM_END as u64, end: (RAM_END + PAGE) as u64 }; 4];
    let (mut system, [driver, other]) = System::with([(6, Rights { mmio, ..PEER }), (5, PEER)]);
    let first = system.first;
    system.act(driver, notify(first, 1));
    let device = MapFlags::DEVICE.0 | MapFlags::WRITE.0;
    assert_eq!(system.act(first, map(driver, ADDRESS, RAM_END, device, FRAME)), done(0b11));
    let past = map(driver, ADDRESS + PAGE, RAM_END + PAGE, device, 0);
    assert_eq!(system.act(first, past), failed(Error::NotPermitted));
    assert_eq!(system.act(first, map(other, ADDRESS, RAM_END, device, FRAME)), failed(Error::NotPermitted));
}
