//! The lives of drivers on a simulated machine: they work, fail, hang and are killed.

mod machine;
mod support;

use dm::configuration::header;
use interfaces::dm::{Class, Client, NAME_MAX, State};
use ipc::{Error, Region};
use machine::{CONFIGURATION, MANIFEST, REGISTERS, card, claim, good, manager, system, until, working};
use resea::abi::NOTIFY_IRQ;
use sim::{Program, System};
use std::time::Duration;

#[test]
fn devices_are_listed_and_drivers_started() {
    let report = system(good).run(|| {
        let task = working();
        assert_eq!(sim::task("card"), Some(task));
        let (manager, mut name, mut driver) = (manager(), [0; NAME_MAX], [0; NAME_MAX]);
        let bridge = manager.list(0, &mut name, &mut driver).unwrap();
        assert_eq!(
            (bridge.place, bridge.vendor, bridge.device, bridge.state),
            (0, 0x8086, 0x29c0, State::NoDriver)
        );
        assert_eq!((bridge.name, bridge.driver, bridge.task), ("", "", 0));
        let card = manager.list(1, &mut name, &mut driver).unwrap();
        assert_eq!(
            (card.place, card.class_code, card.state, card.starts),
            (0x18, 0x02_00_00, State::Running, 1)
        );
        assert_eq!((card.irq, card.messages, card.task), (48, true, task.raw() as u32));
        assert_eq!((card.name, card.driver), ("net0", "card"));
        let mut room = [0; NAME_MAX];
        assert_eq!(manager.list(2, &mut name, &mut room).err(), Some(Error::NotFound));
        assert_eq!(manager.list(1, &mut [0; 3], &mut room).err(), Some(Error::TooLarge));
        assert_eq!(manager.driver(Class::Network, 1, &mut room).err(), Some(Error::NotFound));
        assert_eq!(manager.driver(Class::Block, 0, &mut room).err(), Some(Error::NotFound));
    });
    assert!(
        report.console.contains("dm: net0: card drives pci:1234:0001 at 00:03.0\n"),
        "{}",
        report.console
    );
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn a_machine_without_pci_has_no_devices() {
    System::new().program(sim::program!(dm::run)).program(Program::new("card", MANIFEST, good)).run(|| {
        let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
        assert_eq!(manager().list(0, &mut name, &mut driver).err(), Some(Error::NotFound));
        assert_eq!(sim::task("card"), None);
        assert_eq!(manager().restart("card"), Err(Error::NotFound));
    });
}

#[test]
fn a_driver_has_rights_to_its_device_and_nobody_else() {
    fn driver() {
        let (manager, device, _) = claim().unwrap();
        assert_eq!((device.vendor, device.device, device.subsystem, device.revision), (0x1234, 1, 0x77, 5));
        assert_eq!((device.messages, device.vectors, device.table_bar), (true, 2, 1));
        assert_eq!((device.bars[1], device.sizes[1], device.sizes[0]), (REGISTERS as u64, 4096, 0));
        let words = manager.configuration(0).unwrap();
        assert_eq!((words[0], words[1] & header::BUS_MASTER), (0x0001_1234, header::BUS_MASTER));
        assert_eq!(manager.configuration(4096 - 64).unwrap(), [0; 16]);
        for offset in [2, 4096 - 60, u32::MAX] {
            assert_eq!(manager.configuration(offset), Err(Error::InvalidArgument), "{offset}");
        }
        assert_eq!(resea::vm().map_device(CONFIGURATION as u64, 4096), Err(Error::NotPermitted));
        assert_eq!(ipc::irq_acquire(49, NOTIFY_IRQ), Err(Error::NotPermitted));
        manager.ready(1).unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        working();
        let manager = manager();
        assert_eq!(manager.device().err(), Some(Error::NotPermitted));
        assert_eq!(manager.configuration(0).err(), Some(Error::NotPermitted));
        assert_eq!(manager.memory(0, 4096, true).err(), Some(Error::NotPermitted));
        assert_eq!((manager.ready(1), manager.alive()), (Err(Error::NotPermitted), Err(Error::NotPermitted)));
    });
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn memory_outlives_the_driver() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        let open = |index, size, keep| {
            let memory = manager.memory(index, size, keep).unwrap();
            let map = resea::vm().share_map(memory.handle, true).unwrap();
            (Region::new(map.address, map.size).unwrap(), memory.physical)
        };
        let (kept, place) = open(0, 5000, true);
        let (zeroed, _) = open(7, 4096, false);
        assert_eq!((kept.len(), zeroed.load(0)), (8192, Ok(0)));
        // What the driver before has left: where the memory was.
        let before = kept.load(8).unwrap();
        assert!(before == 0 || before == place, "it has moved");
        resea::println!("life {}", kept.load(0).unwrap());
        kept.store(0, kept.load(0).unwrap() + 1).unwrap();
        kept.store(8, place).unwrap();
        zeroed.store(0, 1).unwrap();
        assert_eq!(manager.memory(8, 4096, false).err(), Some(Error::InvalidArgument));
        assert_eq!(manager.memory(1, 0, false).err(), Some(Error::InvalidArgument));
        assert_eq!(manager.memory(0, 4096, false).err(), Some(Error::InvalidArgument), "another size");
        assert_eq!(manager.memory(2, 56 << 10, false).err(), Some(Error::TooLarge), "of what `dma` allows");
        assert!(manager.memory(1, 52 << 10, false).is_ok(), "all the rest");
        manager.ready(1).unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        for victim in ["card", "dm", "card"] {
            working();
            sim::kill(victim).unwrap();
        }
        working();
    });
    for life in 0..4 {
        assert!(report.console.contains(&format!("life {life}\n")), "{}", report.console);
    }
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn a_driver_that_was_killed_starts_at_once_every_time() {
    system(good).run(|| {
        for starts in 1..20 {
            let task = working();
            assert_eq!(card(), (State::Running, starts));
            let killed = ipc::clock();
            sim::kill("card").unwrap();
            assert_ne!(working(), task);
            assert!(ipc::clock() - killed < 1_000_000, "it took {} ns", ipc::clock() - killed);
        }
    });
}

#[test]
fn a_driver_that_ends_again_and_again_is_parked() {
    let report = system(|| panic!("no")).run(|| {
        until(State::Parked);
        assert_eq!(card().1, 6);
        resea::sleep(Duration::from_secs(60));
        assert_eq!(card(), (State::Parked, 6), "for good");
        assert_eq!(manager().restart("net1"), Err(Error::NotFound));
        assert_eq!(manager().restart("net0"), Ok(()));
        until(State::Parked);
        assert_eq!(card().1, 12, "as a new one");
    });
    let line = "dm: warning: net0: its driver card panicked, the 6th quick end in a row: it is parked; `restart net0` \
                starts it again\n";
    assert_eq!(report.console.matches(line).count(), 2, "{}", report.console);
    assert!(report.console.contains("panicked; it is started again in 800 ms\n"), "{}", report.console);
}

#[test]
fn a_driver_that_hangs_is_ended() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        manager.ready(1).unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        let task = working();
        resea::sleep(Duration::from_secs(5));
        assert_eq!(card().1, 1, "it has some time");
        resea::sleep(Duration::from_secs(2));
        assert_ne!(working(), task);
    });
    assert!(
        report.console.contains("card has not answered for 4 s and was ended; it is"),
        "{}",
        report.console
    );
}

#[test]
fn a_driver_that_answers_is_left_alone() {
    system(good).run(|| {
        let task = working();
        resea::sleep(Duration::from_secs(3600));
        assert_eq!((working(), card()), (task, (State::Running, 1)));
    });
}

#[test]
fn a_driver_is_started_again_when_asked() {
    let report = system(good).run(|| {
        for (starts, name) in (2..).zip(["net0", "card", "net0"]) {
            working();
            assert_eq!(manager().restart(name), Ok(()));
            while card() != (State::Running, starts) {
                resea::sleep(Duration::from_millis(1));
            }
        }
        assert_eq!(manager().restart(&"n".repeat(NAME_MAX + 1)), Err(Error::TooLarge));
    });
    assert!(report.console.contains("card was ended as asked; it is started again\n"), "{}", report.console);
}

#[test]
fn a_new_manager_starts_over() {
    system(good).run(|| {
        let (before, task) = (sim::task("dm"), working());
        sim::kill("dm").unwrap();
        assert_ne!(working(), task);
        assert_ne!(sim::task("dm"), before);
        assert_eq!(card(), (State::Running, 1));
    });
}

/// Whoever is killed at whatever instant: in the end the driver works, and its device was switched off in between.
#[test]
fn a_working_driver_comes_back_whoever_is_killed() {
    let summary = system(good).killable(["dm", "card"]).explore(2_000, || {
        // The manager itself may be killed in the middle of an answer.
        let answers = || {
            let manager = Client::new(resea::lookup("dm").ok()?);
            manager.subscribe(Class::Network).ok()?;
            manager.driver(Class::Network, 0, &mut [0; NAME_MAX]).ok().map(|driver| driver.task)
        };
        let mut tries = 0;
        while answers().is_none() {
            resea::sleep(Duration::from_millis(20));
            tries += 1;
            assert!(tries < 1000, "no driver works");
        }
    });
    assert!(summary.killed > 200, "{summary:?}");
}

// Random messages, good and bad, of its interface.
sim::messages!(dm::run);
