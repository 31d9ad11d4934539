//! The clock and timers.

use crate::kit::{Kit, Outcome, ensure, equal, set_timer};
use crate::raw;
use abi::NOTIFY_TIMER;

const MILLISECOND: u64 = 1_000_000;

/// Waits for the timer; how long it took.
fn wait(kit: &Kit, nanoseconds: u64) -> Result<u64, crate::kit::Failure> {
    let start = kit.clock();
    set_timer(nanoseconds);
    while raw::receive(0)?.notifications().is_none_or(|bits| bits & NOTIFY_TIMER == 0) {}
    Ok(kit.clock() - start)
}

/// Does `action` until it was done within `limit` nanoseconds: a busy host can stop the machine at any moment, and what
/// is to be done before a timer expires then comes too late.
fn promptly(kit: &Kit, limit: u64, mut action: impl FnMut() -> Outcome) -> Outcome {
    for _ in 0..1000 {
        let start = kit.clock();
        action()?;
        if kit.clock() - start < limit {
            return Ok(());
        }
        set_timer(0);
        raw::notify(kit.own_id(), 1 << 8)?;
        raw::receive(0)?;
    }
    ensure(false, "the host never let two calls follow at once")
}

pub fn the_clock_never_goes_back(kit: &mut Kit) -> Outcome {
    let mut last = kit.clock();
    let start = last;
    for _ in 0..100_000 {
        let now = kit.clock();
        ensure(now >= last, format_args!("the clock went from {last} to {now}"))?;
        last = now;
    }
    ensure(last > start, "the clock stands still")
}

pub fn a_timer_expires_after_its_time_and_once(kit: &mut Kit) -> Outcome {
    for time in [1, 1_000, MILLISECOND, 20 * MILLISECOND] {
        let took = wait(kit, time)?;
        ensure(took >= time, format_args!("a timer of {time} ns expired after {took} ns"))?;
    }
    kit.sleep(5)?;
    raw::notify(kit.own_id(), 1 << 8)?;
    let bits = raw::receive(0)?.notifications().unwrap_or(0);
    equal("timer bit after it expired", bits & NOTIFY_TIMER, 0)
}

pub fn a_stopped_timer_does_not_expire(kit: &mut Kit) -> Outcome {
    promptly(kit, 5 * MILLISECOND, || {
        set_timer(5 * MILLISECOND);
        set_timer(0);
        Ok(())
    })?;
    kit.sleep(20)?;
    raw::notify(kit.own_id(), 1 << 8)?;
    let bits = raw::receive(0)?.notifications().unwrap_or(0);
    equal("timer bit", bits & NOTIFY_TIMER, 0)
}

pub fn a_timer_that_is_set_again_forgets_the_first_time(kit: &mut Kit) -> Outcome {
    let mut start = 0;
    promptly(kit, 5 * MILLISECOND, || {
        set_timer(5 * MILLISECOND);
        start = kit.clock();
        set_timer(30 * MILLISECOND);
        Ok(())
    })?;
    while raw::receive(0)?.notifications().is_none_or(|bits| bits & NOTIFY_TIMER == 0) {}
    let took = kit.clock() - start;
    ensure(took >= 30 * MILLISECOND, format_args!("it expired after {took} ns"))
}

pub fn timers_of_any_length_can_be_set(kit: &mut Kit) -> Outcome {
    for time in [u64::MAX, u64::MAX - 1, 1 << 63, i64::MAX as u64, 1 << 40] {
        set_timer(time);
    }
    kit.sleep(2)?;
    let took = wait(kit, MILLISECOND)?;
    ensure(took >= MILLISECOND, format_args!("it expired after {took} ns"))
}

pub fn many_tasks_have_timers_at_once(kit: &mut Kit) -> Outcome {
    let mut nappers = alloc::vec::Vec::new();
    for _ in 0..8 {
        nappers.push(kit.child(&["napper"])?);
    }
    // Long ones first, so that the order of setting is not the order of expiring.
    for (napper, time) in nappers.into_iter().zip((1..=8).rev()) {
        raw::set_word(0, time * MILLISECOND);
        let start = kit.clock();
        raw::call(napper.raw(), super::ipc::info(1))?;
        let took = kit.clock() - start;
        ensure(took >= time * MILLISECOND, format_args!("{time} ms took {took} ns"))?;
        kit.kill(napper)?;
    }
    Ok(())
}

pub fn one_task_can_have_several_timers(kit: &mut Kit) -> Outcome {
    let mut timers = resea::Timers::<u8, 4>::new();
    promptly(kit, 5 * MILLISECOND, || {
        timers = resea::Timers::new();
        for (time, key) in [(30, 3), (10, 1), (20, 2), (40, 4), (5, 3)] {
            timers.set(time * MILLISECOND, key)?;
        }
        Ok(())
    })?;
    crate::kit::refused("a fifth timer", timers.set(1, 5), abi::Error::TableFull)?;
    ensure(timers.cancel(2), "a timer that was set could not be cancelled")?;
    let mut expired = alloc::vec::Vec::new();
    while !timers.is_empty() {
        while raw::receive(0)?.notifications().is_none_or(|bits| bits & NOTIFY_TIMER == 0) {}
        expired.extend(core::iter::from_fn(|| timers.expired()));
    }
    equal("order", expired, alloc::vec![3, 1, 4])
}

pub fn a_task_that_never_waits_does_not_starve_its_equals(kit: &mut Kit) -> Outcome {
    let spinning = [kit.child(&["spin"])?, kit.child(&["spin"])?];
    kit.succeeds(&["exit", "0"])?;
    kit.sleep(2)?;
    spinning.into_iter().try_for_each(|task| kit.kill(task))
}
