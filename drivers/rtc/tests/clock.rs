//! Reading and setting over a model of the chip, with interruptions of any length between any two accesses.

mod model;

use model::{ALL_MODES, Chip, SECOND};
use proptest::prelude::*;
use rtc::registers::{A, B, BINARY, D, HOURS_24, SET, STOPPED, UPDATING};
use rtc::{Clock, ClockError, Ports};
use std::cell::RefCell;
use std::rc::Rc;

struct State {
    chip: Chip,
    now: u64,
    /// How long the next accesses take; then a microsecond each.
    delays: Vec<u64>,
}

#[derive(Clone)]
struct Bench(Rc<RefCell<State>>);

impl Bench {
    fn new(chip: Chip, delays: Vec<u64>) -> (Self, Clock<Self>) {
        let bench = Self(Rc::new(RefCell::new(State { chip, now: 0, delays })));
        (bench.clone(), Clock::new(bench))
    }

    fn access(&mut self) -> std::cell::RefMut<'_, State> {
        let mut state = self.0.borrow_mut();
        state.now += state.delays.pop().unwrap_or(1000);
        state
    }

    /// What the chip shows now.
    fn seconds(&self) -> i64 {
        let mut state = self.0.borrow_mut();
        let now = state.now;
        state.chip.pass(now);
        state.chip.seconds
    }
}

impl Ports for Bench {
    fn read(&mut self, register: u8) -> u8 {
        let mut state = self.access();
        let now = state.now;
        state.chip.read(register, now)
    }

    fn write(&mut self, register: u8, value: u8) {
        let mut state = self.access();
        let now = state.now;
        state.chip.write(register, value, now);
    }

    fn now(&self) -> u64 {
        self.0.borrow().now
    }
}

/// Mostly a microsecond, now and then anything up to some seconds.
fn delays() -> impl Strategy<Value = Vec<u64>> {
    let delay = prop_oneof![30 => Just(1_000_u64), 1 => 0..3_000_000_u64, 1 => 0..3 * SECOND];
    prop::collection::vec(delay, 0..400)
}

const START: i64 = 1_582_979_696;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_time_is_never_torn(
        seconds in calendar::FIRST..calendar::LAST - 10_000,
        first in 0..2 * SECOND,
        modes in prop::sample::select(&ALL_MODES),
        delays in delays(),
    ) {
        let (bench, mut clock) = Bench::new(Chip::new(seconds, modes, first), delays);
        let before = bench.seconds();
        match clock.time() {
            Ok(time) => prop_assert!((before..=bench.seconds()).contains(&time), "{time}"),
            // It was interrupted again and again.
            Err(error) => prop_assert_eq!(error, ClockError::NoClock),
        }
    }

    #[test]
    fn who_is_not_interrupted_gets_the_time(seconds in 0..calendar::LAST, first in 0..2 * SECOND) {
        let (bench, mut clock) = Bench::new(Chip::new(seconds, HOURS_24, first), Vec::new());
        let time = clock.time();
        prop_assert!(time == Ok(bench.seconds()) || time == Ok(bench.seconds() - 1), "{time:?}");
    }

    #[test]
    fn what_is_set_goes_on_from_there(
        seconds in calendar::FIRST..calendar::LAST - 10_000,
        first in 0..2 * SECOND,
        modes in prop::sample::select(&ALL_MODES),
        delays in delays(),
    ) {
        let (bench, mut clock) = Bench::new(Chip::new(START, modes, first), delays);
        if let Err(error) = clock.set(seconds) {
            // It was interrupted in two updates.
            prop_assert_eq!(error, ClockError::NoClock);
            return Ok(());
        }
        // The last access, which lets it go on, may have come late.
        prop_assert_eq!(bench.seconds(), seconds);
        bench.0.borrow_mut().delays.clear();
        let time = clock.time().unwrap();
        prop_assert!((seconds..=bench.seconds()).contains(&time));
    }
}

#[test]
fn every_error_is_told_from_the_others() {
    let with = |change: fn(&mut Chip)| {
        let mut chip = Chip::new(START, BINARY | HOURS_24, SECOND);
        change(&mut chip);
        Bench::new(chip, Vec::new()).1
    };
    assert_eq!(with(|_| ()).time(), Ok(START));
    assert_eq!(with(|chip| chip.memory[usize::from(D)] = 0).time(), Err(ClockError::NoPower));
    assert_eq!(with(|chip| chip.memory[usize::from(B)] |= SET).time(), Err(ClockError::HalfSet));
    assert_eq!(with(|chip| chip.memory[usize::from(A)] |= STOPPED).time(), Err(ClockError::Stopped));
    assert!(matches!(with(|chip| chip.memory[8] = 13).time(), Err(ClockError::NoDate(_))));
    assert_eq!(with(|_| ()).set(calendar::LAST + 1), Err(ClockError::OutOfRange));
    assert_eq!(with(|_| ()).set(calendar::FIRST - 1), Err(ClockError::OutOfRange));
}

#[test]
fn what_is_not_believed_is_not_believed_the_next_time_but_when_it_was_set() {
    for change in [
        |chip: &mut Chip| chip.memory[usize::from(D)] = 0,
        |chip: &mut Chip| chip.memory[usize::from(A)] |= STOPPED,
    ] {
        let mut chip = Chip::new(START, BINARY | HOURS_24, SECOND);
        change(&mut chip);
        let (bench, mut clock) = Bench::new(chip, Vec::new());
        assert!((0..3).all(|_| clock.time().is_err()));
        assert_eq!(clock.set(START + 5), Ok(()));
        bench.0.borrow_mut().now += 3 * SECOND;
        assert_eq!(clock.time(), Ok(START + 8));
    }
}

/// Where there is nothing, all bits are ones.
struct Nothing(u64);

impl Ports for Nothing {
    fn read(&mut self, register: u8) -> u8 {
        self.0 += 1000;
        assert!(register == A && UPDATING != 0, "nothing else is asked");
        0xff
    }

    fn write(&mut self, _: u8, _: u8) {
        panic!("nothing is written to a clock that does not exist");
    }

    fn now(&self) -> u64 {
        self.0
    }
}

#[test]
fn where_there_is_no_clock_it_does_not_wait_for_long() {
    let mut clock = Clock::new(Nothing(0));
    assert_eq!(clock.time(), Err(ClockError::NoClock));
    assert_eq!(clock.set(START), Err(ClockError::NoClock));
}

#[test]
fn a_clock_that_was_left_half_set_is_cured_by_setting_it() {
    // Wherever the driver dies while it sets the clock, no wrong time is told later.
    for accesses in 0.. {
        let (bench, _) = Bench::new(Chip::new(START, HOURS_24, SECOND), Vec::new());
        let dying = Dying(bench.clone(), accesses);
        let done =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Clock::new(dying).set(0))).is_ok();
        let mut clock = Clock::new(bench.clone());
        match clock.time() {
            Ok(time) => assert!(time == START || time == 0, "{time}"),
            Err(error) => assert_eq!((error, done), (ClockError::HalfSet, false)),
        }
        assert_eq!((clock.set(77), clock.time()), (Ok(()), Ok(77)));
        if done {
            assert!(accesses > 10);
            return;
        }
    }
}

/// Ends the driver after so many accesses.
struct Dying(Bench, usize);

impl Dying {
    fn live(&mut self) {
        self.1 = self.1.checked_sub(1).unwrap_or_else(|| std::panic::resume_unwind(Box::new(())));
    }
}

impl Ports for Dying {
    fn read(&mut self, register: u8) -> u8 {
        self.live();
        self.0.read(register)
    }

    fn write(&mut self, register: u8, value: u8) {
        self.live();
        self.0.write(register, value);
    }

    fn now(&self) -> u64 {
        self.0.now()
    }
}
