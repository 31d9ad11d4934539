//! The driver on a simulated machine with the real device manager: frames through its user's rings, kills, heartbeats.

mod model;
#[path = "../../tests/port.rs"]
mod port;
mod support;

use interfaces::dm::{Class, Client as Manager, NAME_MAX, State};
use interfaces::nic::{Client as Nic, NOTIFY_DRIVER, NOTIFY_USER};
use model::{Manner, Transport, card, manners};
use port::{Port, driver, exchange, manager};
use resea::Error;
use sim::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use virtio::Ring;

/// The driver under test.
const DRIVER: &str = "virtio_net";

const USUAL: Manner = (Transport::Modern(Ring::Split), true, true);

fn system(kind: Manner) -> System {
    system_with(kind, Arc::new(AtomicBool::new(true)), false)
}

fn system_with(kind: Manner, link: Arc<AtomicBool>, lies: bool) -> System {
    System::new()
        .pci(3, 11, move || card(kind, &link, lies))
        .memory(16 << 20)
        .program(sim::program!(dm::run))
        .program(sim::program!(virtio_net::run))
}

#[test]
fn frames_go_out_and_come_in_with_every_kind_of_device() {
    for kind in manners() {
        system(kind).run(move || {
            let mut port = exchange(100).unwrap();
            for _ in 0..20 {
                port.exchange(50).unwrap();
            }
            assert!(resea::clock() < 500_000_000, "{kind:?}: nobody has waited for a timer");
            let status = Nic::new(port.driver).status().unwrap();
            assert!(status.link);
            assert_eq!((status.sent, status.received, status.dropped, status.errors), (1100, 1100, 0, 0));
            assert_eq!(status.sent_bytes, status.received_bytes);
            assert!(status.interrupts > 0 && status.interrupts <= 1200, "{kind:?}: {}", status.interrupts);
        });
    }
}

#[test]
fn nothing_happens_when_there_is_nothing_to_do() {
    let report = system(USUAL).run(|| {
        let port = exchange(1).unwrap();
        let before = Nic::new(port.driver).status().unwrap().interrupts;
        resea::sleep(Duration::from_secs(60));
        assert_eq!(Nic::new(port.driver).status().unwrap().interrupts, before);
        assert_eq!(sim::task("virtio_net"), Some(port.driver), "it has answered all heartbeats");
    });
    let quiet =
        report.trace.lines().filter(|line| line.contains("virtio_net →") && !line.contains("dm.alive"));
    assert!(quiet.count() < 20, "{}", report.trace);
}

#[test]
fn a_second_user_has_everything() {
    for kind in manners() {
        system(kind).run(|| {
            let first = exchange(10).unwrap();
            let mut second = Port::open(first.driver).unwrap();
            second.exchange(50).unwrap();
            drop(first);
            second.exchange(50).unwrap();
        });
    }
}

#[test]
fn the_user_is_told_that_the_cable_is_out() {
    for messages in [true, false] {
        let link = Arc::new(AtomicBool::new(true));
        system_with((USUAL.0, true, messages), link.clone(), false).run(move || {
            let port = exchange(1).unwrap();
            link.store(false, Ordering::Relaxed);
            while resea::wait() & NOTIFY_USER as usize == 0 {}
            assert!(!Nic::new(port.driver).status().unwrap().link);
        });
    }
}

#[test]
fn a_faulty_device_ends_the_driver_and_is_parked_at_last() {
    let report = system_with(USUAL, Arc::new(AtomicBool::new(true)), true).run(|| {
        let manager = manager().unwrap();
        for _ in 0..7 {
            manager.subscribe(Class::Network).unwrap();
            let found = loop {
                match manager.driver(Class::Network, 0, &mut [0; NAME_MAX]) {
                    Ok(found) => break found.task,
                    Err(_) if is_parked(manager) => return,
                    Err(_) => resea::sleep(Duration::from_millis(50)),
                }
            };
            let mut port = Port::open(found).unwrap();
            port.send(1, 60).unwrap();
            assert_eq!(port.receive(), Err(Error::NoTask));
        }
        assert!(is_parked(manager));
    });
    let line = "the device is faulty: it says that it has written 4000 bytes, more than fit; it is stopped";
    assert!(report.console.contains(line), "{}", report.console);
}

fn is_parked(manager: Manager) -> bool {
    manager.list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).unwrap().state == State::Parked
}

#[test]
fn a_user_that_breaks_the_rules_is_dropped_and_may_attach_again() {
    let report = system(USUAL).run(|| {
        let mut port = exchange(10).unwrap();
        port.shared.region().write(0, &[0x77; 1000]).unwrap();
        ipc::notify(port.driver, NOTIFY_DRIVER as usize).unwrap();
        resea::sleep(Duration::from_millis(1));
        port = Port::open(port.driver).unwrap();
        port.exchange(10).unwrap();
    });
    assert!(report.console.contains("the user is dropped"), "{}", report.console);
}

/// Wherever the driver is killed, its user finds its successor, which has reset the device, and frames go on. In a random
/// order it may also be dm that kills it, for being too slow.
#[test]
fn a_killed_driver_comes_back() {
    for (index, kind) in manners().into_iter().enumerate().filter(|(index, _)| index % 5 == 0) {
        let killed = system(kind).killable(["virtio_net"]).explore(150, || {
            let mut tries = 0;
            while let Err(error) = exchange(5).map(drop) {
                let starts =
                    manager().unwrap().list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).unwrap().starts;
                assert!(sim::was_killed() || starts > 1, "{error:?} without a reason");
                tries += 1;
                assert!(tries < 20, "{error:?} again and again");
            }
        });
        assert!(killed.killed > 30, "{index}: {killed:?}");
    }
}

/// Random messages, good and bad, of the interface: it is no service of its own, so `sim::messages!` does not find it.
#[test]
fn every_message_is_answered() {
    system(USUAL).explore(50, || {
        let driver = driver(manager().unwrap()).unwrap();
        sim::send_random(driver, &["nic"]);
        assert_eq!(ipc::notify(driver, 0), Ok(()), "it has survived");
    });
}
