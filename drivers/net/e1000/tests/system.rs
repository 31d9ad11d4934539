//! The driver on a simulated machine with the real device manager: frames through its user's rings, kills, heartbeats.
//!
//! On the wire is a mirror: each frame that is sent comes back, from whom it was for to whom it was from.

mod model;
#[path = "../../tests/port.rs"]
mod port;

use interfaces::dm::NAME_MAX;
use interfaces::nic::{Client as Nic, NOTIFY_USER};
use model::{Dma, Manner, Model};
use packets::Wake;
use port::{Port, driver, exchange, manager};
use resea::Error;
use sim::System;
use sim::pci::{Bar, Bus, Function, Header};
use std::time::Duration;

/// The driver under test.
const DRIVER: &str = "e1000";

/// The register that switches receiving on, and the bit.
const CONTROL: usize = 0x100;
const ENABLED: u32 = 2;
/// The first descriptor to receive into, and the one behind the last: if they are equal, there is none.
const HEAD: usize = 0x2810;
const TAIL: usize = 0x2818;

/// The card in its slot, with the mirror.
struct Card {
    model: Model,
    /// Frames that come back when the model is next asked.
    returning: Vec<Vec<u8>>,
    /// Whether it says impossible things instead.
    lies: bool,
}

struct Access<'a, 'b>(&'a mut Bus<'b>);

impl Dma for Access<'_, '_> {
    fn read(&mut self, address: u64, buffer: &mut [u8]) {
        self.0.read(address, buffer);
    }

    fn write(&mut self, address: u64, data: &[u8]) {
        self.0.write(address, data);
    }
}

impl Function for Card {
    fn header(&self) -> Header {
        let mut bars = [Bar::None; 6];
        (bars[0], bars[1]) = (Bar::Memory(0x2_0000), Bar::Ports(0x40));
        Header { vendor: 0x8086, device: 0x100e, class: 0x02_0000, revision: 3, bars, ..Header::default() }
    }

    fn read(&mut self, _: &mut Bus<'_>, bar: usize, offset: usize, buffer: &mut [u8]) {
        assert_eq!((bar, buffer.len()), (0, 4), "registers have 32 bits");
        buffer.copy_from_slice(&self.model.read(offset).to_le_bytes());
    }

    fn write(&mut self, bus: &mut Bus<'_>, bar: usize, offset: usize, data: &[u8]) {
        assert_eq!((bar, data.len()), (0, 4), "registers have 32 bits");
        let (head, tail) = (self.model.read(HEAD), self.model.read(TAIL));
        if offset == CONTROL && self.model.read(CONTROL) & ENABLED != 0 && head != tail {
            let mut buffer = [0; 8];
            bus.read(self.model.descriptor(false, head.into()), &mut buffer);
            assert_ne!(
                buffer, [0; 8],
                "its ring was zeroed while it could receive: a frame would go to address 0"
            );
        }
        self.model.write(offset, u32::from_le_bytes(data.try_into().unwrap()), &mut Access(bus));
        for mut frame in self.model.sent.drain(..) {
            let (to, from) = (frame[..6].to_vec(), frame[6..12].to_vec());
            frame[..6].copy_from_slice(&from);
            frame[6..12].copy_from_slice(&to);
            self.returning.push(frame);
        }
    }

    fn interrupts(&mut self) -> bool {
        self.model.interrupts()
    }

    fn next_event(&self) -> Option<u64> {
        (!self.returning.is_empty()).then_some(0)
    }

    fn event(&mut self, bus: &mut Bus<'_>) {
        for frame in self.returning.drain(..) {
            let length = if self.lies { Some(4000) } else { None };
            self.model.receive_lying(&frame, length, &mut Access(bus));
        }
    }
}

fn system(lies: bool) -> System {
    System::new()
        .pci(3, 11, move || Card { model: Model::new(Manner::default()), returning: Vec::new(), lies })
        .memory(16 << 20)
        .program(sim::program!(dm::run))
        .program(sim::program!(e1000::run))
}

#[test]
fn frames_go_out_and_come_in() {
    system(false).run(|| {
        let mut port = exchange(100).unwrap();
        for _ in 0..20 {
            port.exchange(50).unwrap();
        }
        assert!(resea::clock() < 500_000_000, "nobody has waited for a timer in place of a notification");
        let status = Nic::new(port.driver).status().unwrap();
        assert!(status.link);
        assert_eq!((status.sent, status.received, status.dropped, status.errors), (1100, 1100, 0, 0));
        assert_eq!(status.sent_bytes, status.received_bytes);
        assert!(status.interrupts > 0 && status.interrupts <= 1100);
    });
}

#[test]
fn nothing_happens_when_there_is_nothing_to_do() {
    let report = system(false).run(|| {
        let port = exchange(1).unwrap();
        let before = Nic::new(port.driver).status().unwrap().interrupts;
        resea::sleep(Duration::from_secs(60));
        assert_eq!(Nic::new(port.driver).status().unwrap().interrupts, before);
        assert_eq!(sim::task("e1000"), Some(port.driver), "it has answered all heartbeats");
    });
    let quiet =
        report.trace.lines().filter(|line| line.contains("e1000 →") && !line.contains("dm.alive")).count();
    assert!(quiet < 20, "{}", report.trace);
}

#[test]
fn a_second_user_has_everything() {
    system(false).run(|| {
        let first = exchange(10).unwrap();
        let mut second = Port::open(first.driver).unwrap();
        second.exchange(50).unwrap();
        drop(first);
        second.exchange(50).unwrap();
    });
}

#[test]
fn a_card_that_says_impossible_things_is_reset_and_at_last_given_up() {
    let report = system(true).run(|| {
        let mut port = Port::open(driver(manager().unwrap()).unwrap()).unwrap();
        for number in 0..17 {
            port.send(number, 60).unwrap();
            if number == 16 {
                assert_eq!(port.receive(), Err(Error::NoTask));
                break;
            }
            assert_eq!(port.receive(), Err(Error::WouldBlock));
            assert_eq!(Nic::new(port.driver).status().unwrap().errors, u64::from(number) + 1);
        }
        assert_ne!(sim::task("e1000"), Some(port.driver));
    });
    assert!(
        report.console.contains("a frame of 4000 bytes; it is reset for the 16. time"),
        "{}",
        report.console
    );
    assert!(report.console.contains("the card is given up"), "{}", report.console);
}

/// Wherever the driver is killed, its user finds its successor, which has reset the card, and frames go on. In a random
/// order it may also be dm that kills it, for being too slow.
#[test]
fn a_killed_driver_comes_back() {
    let killed = system(false).killable(["e1000"]).explore(500, || {
        let mut tries = 0;
        while let Err(error) = exchange(5).map(drop) {
            let starts = manager().unwrap().list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX]).unwrap().starts;
            assert!(sim::was_killed() || starts > 1, "{error:?} without a reason");
            tries += 1;
            assert!(tries < 20, "{error:?} again and again");
        }
    });
    assert!(killed.killed > 100, "{killed:?}");
}

#[test]
fn the_user_is_notified_by_its_bit() {
    system(false).run(|| {
        let mut port = Port::open(driver(manager().unwrap()).unwrap()).unwrap();
        assert!(port.user.sleep(Wake::FRAMES).unwrap());
        port.send(1, 60).unwrap();
        while resea::wait() & NOTIFY_USER as usize == 0 {}
        assert_eq!(port.receive(), Ok((1, 60)));
        assert_eq!(port.shared.region().len(), packets::SIZE);
    });
}

/// Random messages, good and bad, of the interface: it is no service of its own, so `sim::messages!` does not find it.
#[test]
fn every_message_is_answered() {
    system(false).explore(50, || {
        let driver = driver(manager().unwrap()).unwrap();
        sim::send_random(driver, &["nic"]);
        assert_eq!(ipc::notify(driver, 0), Ok(()), "it has survived");
    });
}
