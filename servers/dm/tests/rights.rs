//! What nobody gets from the device manager on a simulated machine, however they ask.

mod machine;
mod support;

use interfaces::dm::{NAME_MAX, State};
use ipc::Error;
use machine::{Machine, card, claim, good, manager, system, system_with, until, working};
use resea::ExitKind;
use std::time::Duration;

/// Who starts the device manager by hand gets a second one, which must not touch what is the first one's.
#[test]
fn a_second_manager_touches_nothing() {
    let report = system(good).run(|| {
        let task = working();
        let second = resea::launch("dm", []).unwrap();
        resea::watch(second).unwrap();
        while resea::wait() & resea::abi::NOTIFY_CHILD == 0 {}
        let exit = resea::next_exit().unwrap().unwrap();
        assert_eq!((exit.task, exit.kind, exit.status), (second, ExitKind::Exited, 1));
        resea::sleep(Duration::from_secs(20));
        assert_eq!((working(), card()), (task, (State::Running, 1)));
    });
    assert_eq!(report.trace.matches("vm.launch_driver(").count(), 1, "{}", report.trace);
}

/// A driver that asks for its memory for ever takes nothing from the others.
#[test]
fn memory_is_granted_once_a_life() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        let first = manager.memory(0, 4096, false).unwrap();
        for _ in 0..200 {
            let again = manager.memory(0, 4096, false).unwrap();
            assert_eq!((again.handle, again.physical), (first.handle, first.physical));
        }
        assert!(resea::vm().share_map(first.handle, true).is_ok());
        manager.ready(1).unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        let task = working();
        sim::kill("card").unwrap();
        assert_ne!(working(), task, "the next one gets it too");
    });
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

/// A driver that could have itself started again would do so for ever, without a pause.
#[test]
fn a_driver_restarts_nobody() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        assert_eq!(manager.restart("net0"), Err(Error::NotPermitted));
        assert_eq!(manager.restart("net7"), Err(Error::NotPermitted));
        ipc::exit(1);
    }
    let report = system(driver).run(|| {
        until(State::Parked);
        assert_eq!(card().1, 6);
        assert_eq!(manager().restart("net0"), Ok(()));
    });
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

/// Of two devices that say that they have the same registers, one gets a driver.
#[test]
fn registers_are_not_given_to_two() {
    let report = system_with(Machine::with_twin, good).run(|| {
        working();
        assert_eq!(card(), (State::Running, 1));
        let twin = || {
            let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
            let twin = manager().list(2, &mut name, &mut driver).unwrap();
            (twin.state, twin.starts)
        };
        assert_eq!(twin(), (State::Parked, 0));
        assert_eq!(manager().restart("net1"), Ok(()));
        assert_eq!(twin(), (State::Parked, 0));
    });
    let line = "net1: its driver card cannot be started: its ports or its memory are also another device's\n";
    assert_eq!(report.console.matches(line).count(), 2, "{}", report.console);
}
