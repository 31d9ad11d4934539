//! Devices: who gets their memory, memory for them, and drivers.

mod support;

use abi::{Error, MapFlags, Powers, Range, Region, TaskId};
use interfaces::vm::{Client, Server};
use ipc::host::{Backend, Loopback};
use manifest::{DeviceId, Manifest, Power};
use std::cell::RefCell;
use std::rc::Rc;
use support::System;
use vm::devices::{DEVICES, DeviceRights, MAX_DMA};

const PAGE: u64 = 4096;
const FRAMES: u64 = 800;
/// Where a device is.
const BAR: u64 = 0xfebc_0000;
const CONFIGURATION: Region = Region { start: 0xb000_0000, length: 4 << 20 };

fn manager() -> Manifest<'static> {
    let mut manifest = Manifest { shared: 64 << 20, ..Manifest::default() };
    manifest.powers.push(Power::Devices).unwrap();
    manifest
}

fn driver() -> Manifest<'static> {
    let mut manifest = Manifest::default();
    manifest.devices.push(DeviceId::Pci { vendor: 0x1af4, device: 0x1000 }).unwrap();
    manifest.provides.push("nic").unwrap();
    manifest.uses.push("dm").unwrap();
    manifest
}

/// A system with the tasks of the device manager and of an ordinary program that uses `nic`.
fn system() -> (System, TaskId, TaskId) {
    let mut other = Manifest::default();
    other.uses.push("nic").unwrap();
    let mut system = System::new(FRAMES, &[("dm", manager()), ("driver", driver()), ("other", other)]);
    system.state.devices.configuration = CONFIGURATION;
    let (dm, other) = (system.run("dm").unwrap(), system.run("other").unwrap());
    (system, dm, other)
}

/// Rights to one IRQ, a range of ports, and one of physical addresses.
fn rights(irq: u64, ports: Range, mmio: Range) -> DeviceRights {
    let pairs = |range: Range| [range.start, range.end, 0, 0, 0, 0, 0, 0];
    DeviceRights { pairs: [pairs(Range { start: irq, end: irq + 1 }), pairs(ports), pairs(mmio)] }
}

const PORTS: Range = Range { start: 0xc000, end: 0xc020 };
const REGISTERS: Range = Range { start: BAR, end: BAR + 4 * PAGE };

fn launch(system: &mut System, dm: TaskId) -> TaskId {
    system.launch_device_driver(dm, "driver", &rights(48, PORTS, REGISTERS)).unwrap()
}

#[test]
fn only_the_device_manager_does_what_takes_its_power() {
    let (mut system, _, other) = system();
    assert_eq!(system.platform(other), Err(Error::NotPermitted));
    assert_eq!(system.message_irq(other, 48), Err(Error::NotPermitted));
    assert_eq!(system.dma_create(other, 1, 1), Err(Error::NotPermitted));
    let rights = rights(48, PORTS, REGISTERS);
    assert_eq!(system.launch_device_driver(other, "driver", &rights), Err(Error::NotPermitted));
}

#[test]
fn the_configuration_space_is_told_and_can_be_mapped() {
    let (mut system, dm, other) = system();
    let platform = system.platform(dm).unwrap();
    assert_eq!((platform.configuration, platform.buses), (CONFIGURATION.start, 4));
    let address = system.map_device(dm, CONFIGURATION.start, 2 * PAGE as usize).unwrap() as u64;
    assert_eq!(address, DEVICES + CONFIGURATION.start);
    let flags = MapFlags(MapFlags::DEVICE.0 | MapFlags::WRITE.0);
    assert_eq!(system.model.flags(dm, address + PAGE), Some(flags));
    assert_eq!(system.model.flags(dm, address + 2 * PAGE), None);
    let refused = system.map_device(other, CONFIGURATION.start, PAGE as usize);
    assert_eq!(refused, Err(Error::NotPermitted));
}

#[test]
fn device_memory_is_mapped_at_most_once_and_only_whole_pages_of_it() {
    let (mut system, dm, _) = system();
    let task = launch(&mut system, dm);
    let page = PAGE as usize;
    let first = system.map_device(task, BAR + PAGE, page).unwrap();
    assert_eq!(system.map_device(task, BAR, 4 * page).unwrap() + page, first, "what is mapped stays");
    let mapped = (0..5).filter(|page| system.model.frame(task, DEVICES + BAR + page * PAGE).is_some());
    assert_eq!(mapped.collect::<Vec<_>>(), [0, 1, 2, 3]);
    for (physical, size, error) in [
        (BAR + 4 * PAGE, page, Error::NotPermitted),
        (BAR + 3 * PAGE, 2 * page, Error::NotPermitted),
        (BAR + 1, page, Error::InvalidArgument),
        (BAR, page + 1, Error::InvalidArgument),
        (BAR, 0, Error::InvalidArgument),
        (!(PAGE - 1), page, Error::InvalidArgument),
        (1 << 47, page, Error::InvalidArgument),
        (BAR, (16 << 20) + page, Error::TooLarge),
        (support::model::BASE, page, Error::PageInUse),
    ] {
        assert_eq!(system.map_device(task, physical, size), Err(error), "{physical:#x}, {size:#x}");
    }
}

#[test]
fn a_driver_has_the_rights_that_it_was_launched_with() {
    let (mut system, dm, _) = system();
    let task = launch(&mut system, dm);
    let given = system.model.0.borrow().tasks[&task].create.rights;
    let none = Range::default();
    assert_eq!(given.irqs, [Range { start: 48, end: 49 }, none, none, none]);
    assert_eq!(given.ports, [PORTS, none, none, none]);
    assert_eq!(given.mmio, [REGISTERS, none, none, none]);
    assert_eq!(given.powers, Powers(0));
    assert_ne!(given.provides, abi::ServiceSet::EMPTY);
}

#[test]
fn rights_that_no_machine_has_and_programs_that_are_no_drivers_are_refused() {
    let (mut system, dm, _) = system();
    let backwards = Range { start: 2, end: 1 };
    for wrong in [
        rights(80, PORTS, REGISTERS),
        rights(48, Range { start: 0, end: 0x1_0001 }, REGISTERS),
        rights(48, PORTS, Range { start: 0, end: (1 << 52) + 1 }),
        rights(48, backwards, REGISTERS),
    ] {
        assert_eq!(
            system.launch_device_driver(dm, "driver", &wrong),
            Err(Error::InvalidArgument),
            "{wrong:?}"
        );
    }
    let right = rights(48, PORTS, REGISTERS);
    assert_eq!(system.launch_device_driver(dm, "other", &right), Err(Error::NotPermitted));
    assert_eq!(system.launch_device_driver(dm, "nobody", &right), Err(Error::NotFound));
    assert!(system.launch_device_driver(dm, "bin/driver", &right).is_ok());
}

#[test]
fn drivers_end_with_whoever_launched_them() {
    let (mut system, dm, other) = system();
    let second = system.run("dm").unwrap();
    let (own, stays) = (launch(&mut system, dm), launch(&mut system, second));
    system.watch(other, own).unwrap();
    assert!(!system.touch(dm, 0, abi::Access::READ), "the device manager crashes");
    let living = |system: &System, task| system.model.0.borrow().tasks.contains_key(&task);
    assert!(!living(&system, own) && living(&system, stays) && living(&system, other));
    let end = system.next_exit(other).unwrap();
    assert_eq!((end.task, end.kind), (own, interfaces::vm::ExitKind::Killed));
}

#[test]
fn a_driver_is_not_started_by_looking_for_its_service() {
    let (mut system, dm, other) = system();
    assert_eq!(system.look_up(other, "nic"), Err(Error::NotFound));
    let task = launch(&mut system, dm);
    system.provide(task, "nic").unwrap();
    assert_eq!(system.look_up(other, "nic"), Ok(Some(task)));
}

#[test]
fn memory_for_devices_is_contiguous_and_outlives_everyone() {
    let (mut system, dm, _) = system();
    let free = system.memory.free();
    let made = system.dma_create(dm, 7, 10 * PAGE as usize - 1).unwrap();
    assert_eq!(system.memory.free(), free - 10);
    let mapped = system.share_map(dm, made.handle, true).unwrap();
    for page in 0..10 {
        let address = mapped.address as u64 + page * PAGE;
        assert_eq!(system.model.frame(dm, address), Some(made.physical + page * PAGE));
        assert_eq!(system.model.byte(dm, address), Some(0));
    }
    system.model.poke(dm, mapped.address as u64, &[9]);
    let free = system.memory.free();
    system.share_close(dm, made.handle).unwrap();
    assert_eq!(system.memory.free(), free, "closing frees nothing");
    assert!(!system.touch(dm, 0, abi::Access::READ));
    let dm = system.run("dm").unwrap();
    let again = system.dma_create(dm, 7, 10 * PAGE as usize).unwrap();
    assert_eq!(again.physical, made.physical);
    let mapped = system.share_map(dm, again.handle, false).unwrap();
    assert_eq!(system.model.byte(dm, mapped.address as u64), Some(9), "as it was left");
    assert_eq!(system.dma_create(dm, 7, 11 * PAGE as usize), Err(Error::InvalidArgument));
    let other = system.dma_create(dm, 8, 3 * PAGE as usize).unwrap();
    assert!(other.physical + 3 * PAGE <= made.physical || made.physical + 10 * PAGE <= other.physical);
}

#[test]
fn memory_for_devices_has_limits() {
    let (mut system, dm, _) = system();
    assert_eq!(system.dma_create(dm, 1, 0), Err(Error::InvalidArgument));
    assert_eq!(system.dma_create(dm, 1, (16 << 20) + 1), Err(Error::TooLarge));
    let free = system.memory.free();
    assert_eq!(system.dma_create(dm, 1, 16 << 20), Err(Error::OutOfMemory), "there are not so many frames");
    assert_eq!(system.memory.free(), free);
    for key in 0..MAX_DMA as u64 {
        let made = system.dma_create(dm, key, 1).unwrap();
        system.share_close(dm, made.handle).unwrap();
    }
    assert_eq!(system.dma_create(dm, 1000, 1), Err(Error::TableFull));
    assert!(system.dma_create(dm, 5, 1).is_ok());
    let small = Manifest { shared: 4096, ..manager() };
    let mut system = System::new(FRAMES, &[("dm", small)]);
    let dm = system.run("dm").unwrap();
    assert_eq!(system.dma_create(dm, 1, 8192), Err(Error::TooLarge), "more than the manifest allows");
}

#[test]
fn messages_of_irqs_are_told() {
    let (mut system, dm, _) = system();
    let message = system.message_irq(dm, 50).unwrap();
    assert_eq!((message.address, message.data), (0xfee0_0000, 50));
    assert_eq!(system.message_irq(dm, 47), Err(Error::InvalidArgument));
}

#[test]
fn manifests_are_given_as_they_are_in_the_image() {
    let (system, dm, _) = system();
    let vm = system.model.own();
    let system = Rc::new(RefCell::new(system));
    let kernel = Loopback::new();
    kernel.serve(vm, system, |system, message| interfaces::vm::dispatch(&mut **system, message));
    kernel.act_as(dm);
    let _installed = ipc::host::install(kernel as Rc<dyn Backend>);
    let client = Client::new(vm);
    let mut buffer = [0; manifest::MAX_ENCODED];
    let length = client.manifest(1, &mut buffer).unwrap();
    assert_eq!(Manifest::decode(&buffer[..length]), Ok(driver()));
    assert_eq!(client.manifest(3, &mut buffer), Err(Error::NotFound));
    assert_eq!(client.manifest(1, &mut buffer[..length - 1]), Err(Error::TooLarge));
}
