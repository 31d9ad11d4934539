//! schedule and priorities.

use abi::{Error, PRIORITIES, Syscall};

use crate::task::State;
use crate::tests::requests::*;
use crate::tests::system::*;

#[test]
fn the_most_important_runs() {
    let (mut system, [low, high, middle]) = System::peers([1, 20, 10]);
    for task in [high, middle, low] {
        assert_eq!(system.running(), Some(task));
        system.act(task, receive());
    }
    assert_eq!(system.running(), None);
}

#[test]
fn waking_the_more_important_preempts_at_once() {
    let (mut system, [high, low]) = System::peers([9, 5]);
    system.act(high, receive());
    system.act(low, notify(high, 1));
    assert_eq!(system.running(), Some(high));
}

#[test]
fn the_preempted_goes_on_before_its_equals() {
    let (mut system, [high, one, two]) = System::peers([9, 5, 5]);
    system.act(high, receive());
    system.act(one, notify(high, 1));
    system.act(high, receive());
    assert_eq!(system.running(), Some(one), "{two} is not due yet");
}

#[test]
fn a_new_priority_takes_effect_at_once() {
    let (mut system, [low, high]) = System::peers([5, 6]);
    let first = system.first;
    system.act(high, notify(first, 1));
    assert_eq!(system.act(first, schedule(low, 7, 0, 0)), done(0));
    system.act(first, receive());
    assert_eq!(system.running(), Some(low));
}

#[test]
fn a_task_with_the_pagers_priority_or_more_is_scheduled_safely() {
    let (mut system, [pager]) = System::with([(5, abi::Rights::ALL)]);
    let child = system.spawn(pager, 1, PEER);
    assert_eq!(system.act(pager, schedule(child, 6, 0, 0)), done(0));
    assert_eq!(system.running(), Some(child), "it is now more important");
}

#[test]
fn scheduling_needs_to_be_the_pager() {
    let (mut system, [one, other]) = System::with([(6, abi::Rights::ALL), (5, PEER)]);
    for task in [one, other, system.first] {
        assert_eq!(system.act(one, schedule(task, 5, 0, 0)), failed(Error::NotPermitted), "{task}");
    }
}

#[test]
fn scheduling_out_of_range_is_refused_and_changes_nothing() {
    let mut system = System::new();
    let first = system.first;
    let parameters = system.parameters(PEER);
    let task = system.create(first, &parameters).unwrap();
    let refused = [
        [task.raw(), PRIORITIES, 0, 0, 1],
        [task.raw(), usize::MAX, 0, 0, 1],
        [task.raw(), 5, crate::MIN_QUANTUM as usize - 1, 0, 1],
        [task.raw(), 5, 0, 2, 1],
        [task.raw(), 5, 0, usize::MAX, 1],
        [task.raw(), 5, 0, 0, 0],
        [task.raw(), 5, 0, 0, !1],
    ];
    for arguments in refused {
        let outcome = system.act(first, request(Syscall::Schedule, &arguments));
        assert_eq!(outcome, failed(Error::InvalidArgument), "{arguments:?}");
    }
    assert_eq!(system.state(task), State::New);
    let extreme = [task.raw(), PRIORITIES - 1, usize::MAX, 1, usize::MAX];
    assert_eq!(system.act(first, request(Syscall::Schedule, &extreme)), done(0));
}

#[test]
fn a_task_that_has_exited_is_not_scheduled() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, exit(0, false));
    assert_eq!(system.act(first, schedule(task, 5, 0, 0)), failed(Error::NoTask));
}

#[test]
fn scheduling_a_blocked_task_does_not_wake_it() {
    let (mut system, [task, other]) = System::peers([6, 5]);
    let first = system.first;
    system.act(task, receive());
    system.act(other, notify(first, 1));
    system.act(first, schedule(task, 20, 0, 0));
    assert_eq!(system.state(task), State::Receiving(None));
}
