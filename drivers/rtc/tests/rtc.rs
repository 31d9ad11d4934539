//! The service as its clients see it: on the simulated machine, with the chip at its ports.

mod model;

use interfaces::rtc::Client;
use model::{Chip, SECOND, Shared};
use resea::Error;
use rtc::registers::{D, HOURS_24};
use sim::System;
use std::time::Duration;

const START: i64 = 1_582_979_696;

fn system(change: fn(&mut Chip)) -> System {
    System::new().program(sim::program!(rtc::run)).ports(0x70..0x72, 8, move || {
        let mut chip = Chip::new(START, HOURS_24, SECOND / 2);
        change(&mut chip);
        Shared::new(chip)
    })
}

fn clock() -> Client {
    Client::new(resea::lookup("rtc").unwrap())
}

#[test]
fn the_clock_goes_on_and_can_be_set() {
    system(|_| ()).run(|| {
        assert_eq!(clock().time(), Ok(START));
        resea::sleep(Duration::from_secs(10));
        assert_eq!(clock().time(), Ok(START + 10));
        assert_eq!(clock().set_time(1_800_000_000), Ok(()));
        assert_eq!(clock().time(), Ok(1_800_000_000));
        resea::sleep(Duration::from_millis(2_700));
        assert_eq!(clock().time(), Ok(1_800_000_003));
        assert_eq!(clock().set_time(-1), Err(Error::InvalidArgument));
        assert_eq!(clock().set_time(calendar::LAST + 1), Err(Error::InvalidArgument));
        assert_eq!(clock().time(), Ok(1_800_000_003));
    });
}

#[test]
fn a_clock_without_power_is_not_believed_and_the_log_says_why() {
    let report = system(|chip| chip.memory[usize::from(D)] = 0).run(|| {
        assert_eq!(clock().time(), Err(Error::InputOutput));
    });
    assert!(report.console.contains("it has lost its power"), "{}", report.console);
}

#[test]
fn where_there_is_no_clock_requests_are_answered_nevertheless() {
    let report = System::new().program(sim::program!(rtc::run)).run(|| {
        assert_eq!(clock().time(), Err(Error::InputOutput));
        assert_eq!(clock().set_time(START), Err(Error::InputOutput));
    });
    assert!(report.console.contains("there is none"), "{}", report.console);
}

sim::messages!(rtc::run);
