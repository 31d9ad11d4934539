//! The service with the real driver of the clock and a model of the clock itself.

#[path = "../../../drivers/rtc/tests/model/mod.rs"]
mod model;

use interfaces::datetime::Client;
use model::{Chip, Shared};
use resea::Error;
use rtc::registers::{D, HOURS_24};
use sim::System;
use std::time::Duration;

const START: i64 = 1_582_979_696;
const SECOND: i64 = 1_000_000_000;

fn system(change: fn(&mut Chip)) -> System {
    let system = System::new().program(sim::program!(datetime::run)).program(sim::program!(rtc::run));
    system.ports(0x70..0x72, 8, move || {
        let mut chip = Chip::new(START, HOURS_24, model::SECOND / 2);
        change(&mut chip);
        Shared::new(chip)
    })
}

fn server() -> Client {
    Client::new(resea::lookup("datetime").unwrap())
}

/// What time it is, in milliseconds.
fn now() -> Result<i64, Error> {
    let server = resea::lookup("datetime").map_err(|failed| failed.error)?;
    Client::new(server).offset().map(|offset| (offset + resea::clock() as i64) / 1_000_000)
}

#[test]
fn the_time_is_asked_once_and_goes_on_with_the_machines_clock() {
    let report = system(|_| ()).run(|| {
        let before = now().unwrap();
        assert_eq!(before / 1000, START);
        resea::sleep(Duration::from_millis(12_345));
        let after = now().unwrap();
        assert!((12_345..12_346).contains(&(after - before)), "{}", after - before);
    });
    assert_eq!(report.trace.matches("rtc.time").count(), 1, "{}", report.trace);
}

#[test]
fn what_is_set_is_set_in_both_clocks() {
    system(|_| ()).run(|| {
        assert_eq!(server().set(1_800_000_000 * SECOND + 700_000_000), Ok(()));
        assert!((1_800_000_000_700..1_800_000_000_720).contains(&now().unwrap()));
        let clock = interfaces::rtc::Client::new(resea::lookup("rtc").unwrap());
        assert_eq!(clock.time(), Ok(1_800_000_000));
        // A server that was started again asks that clock.
        sim::kill("datetime").unwrap();
        assert_eq!(now().unwrap() / 1000, 1_800_000_000);
        assert_eq!(server().set(-1), Err(Error::InvalidArgument));
        assert_eq!(server().set((calendar::LAST + 1) * SECOND), Err(Error::InvalidArgument));
        assert_eq!(now().unwrap() / 1000, 1_800_000_000);
    });
}

#[test]
fn without_a_clock_the_time_can_be_set_until_the_machine_is_off() {
    system(|chip| chip.memory[usize::from(D)] = 0).run(|| {
        assert_eq!(now(), Err(Error::InputOutput));
        assert_eq!(calendar::now(), None);
    });
    System::new().program(sim::program!(datetime::run)).program(sim::program!(rtc::run)).run(|| {
        assert_eq!(now(), Err(Error::InputOutput));
        assert_eq!(server().set(5 * SECOND), Err(Error::InputOutput));
        assert_eq!(now().unwrap() / 1000, 5);
    });
    System::new().program(sim::program!(datetime::run)).run(|| assert_eq!(now(), Err(Error::InputOutput)));
}

#[test]
fn programs_ask_once_a_minute() {
    let report = system(|_| ()).run(|| {
        assert_eq!(calendar::now().unwrap() / 1000, START);
        resea::sleep(Duration::from_secs(50));
        assert_eq!(calendar::now().unwrap() / 1000, START + 50);
        server().set(0).unwrap();
        assert_eq!(calendar::now().unwrap() / 1000, START + 50);
        resea::sleep(Duration::from_secs(11));
        assert_eq!(calendar::now().unwrap() / 1000, 11);
    });
    assert_eq!(report.trace.matches("test → datetime.offset").count(), 2, "{}", report.trace);
}

/// Whoever dies and whenever: no time is told but the old one and the new one.
#[test]
fn kills_never_make_a_wrong_time() {
    let new = 1_800_000_000;
    let near = |time: i64, from: i64| (from..from + 30).contains(&(time / 1000));
    let summary = system(|_| ()).killable(["rtc", "datetime"]).explore(1_000, move || {
        match now() {
            Ok(time) => assert!(near(time, START), "{time}"),
            Err(error) => assert!(sim::was_killed(), "{error}"),
        }
        let set = resea::lookup("datetime").map_err(|failed| failed.error);
        let set = set.and_then(|server| Client::new(server).set(new * SECOND));
        if let Err(error) = set {
            assert!(sim::was_killed(), "{error}");
        }
        match now() {
            Ok(time) => assert!(near(time, new) || set.is_err() && near(time, START), "{time} {set:?}"),
            // The clock was left half set, or the answer was lost.
            Err(_) => {
                assert!(sim::was_killed());
                server().set(new * SECOND).unwrap();
                assert!(near(now().unwrap(), new));
            }
        }
    });
    assert!(summary.killed > 100, "{summary:?}");
}

sim::messages!(datetime::run, rtc::run);
