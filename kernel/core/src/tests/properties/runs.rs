//! The properties themselves.

extern crate std;

use std::collections::{BTreeMap, HashMap};
use std::vec::Vec;

use abi::{Error, Syscall, kind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::run::{play, run};
use super::steps::{CALLS, Start, Step};

/// The tasks that live from the start.
fn start() -> impl Strategy<Value = Vec<Start>> {
    prop::collection::vec((any::<u16>(), 0usize..30, prop::bool::weighted(0.2)), 2..8)
}

fn step() -> impl Strategy<Value = Step> {
    let calls = CALLS.iter().map(|&(weight, call)| (weight, Just(call).boxed())).collect();
    let call = proptest::strategy::Union::new_weighted(calls);
    let word = prop_oneof![Just(0), Just(usize::MAX), any::<usize>(), 0usize..5000, Just(1usize << 47)];
    let input = prop_oneof![3 => Just(b'p'), 2 => Just(b's'), 1 => Just(b'\r'), 1 => Just(0x14)];
    prop_oneof![
        80 => (call, any::<[u16; 5]>()).prop_map(|(call, seeds)| Step::Call(call, seeds)),
        4 => (0usize..25, prop::array::uniform5(word)).prop_map(|(number, words)| Step::Noise(number, words)),
        3 => (0usize..16).prop_map(Step::Interrupt),
        6 => (0u64..3_000_000, prop::bool::weighted(0.2))
            .prop_map(|(nanoseconds, late)| Step::Elapse { nanoseconds, late }),
        1 => (0u64..40_000_000).prop_map(|nanoseconds| Step::Elapse { nanoseconds, late: false }),
        3 => input.prop_map(Step::Input),
        3 => any::<usize>().prop_map(Step::PageFault),
        1 => (0u64..8).prop_map(Step::Exception),
    ]
}

proptest! {
    #[test]
    fn every_step_of_every_run_does_what_the_manual_says(
        start in start(),
        steps in prop::collection::vec(step(), 1..500),
    ) {
        if let Err(text) = run(&start, &steps) {
            prop_assert!(false, "{}", text);
        }
    }
}

/// A run that cannot fail proves nothing: the random steps have to reach every result of every system call.
#[test]
fn the_runs_reach_every_result_of_every_call() {
    let mut runner = TestRunner::deterministic();
    let strategy = (start(), prop::collection::vec(step(), 400));
    let (mut calls, mut messages, mut aborted) = (HashMap::new(), BTreeMap::new(), 0);
    for _ in 0..150 {
        let (start, steps) = strategy.new_tree(&mut runner).expect("steps can be made").current();
        let driver = play(&start, &steps).expect("the property holds");
        driver.calls.iter().for_each(|(key, count)| *calls.entry(*key).or_insert(0) += count);
        driver.kernel_messages.iter().for_each(|(key, count)| *messages.entry(*key).or_insert(0) += count);
        aborted += driver.aborted;
    }
    let missing: Vec<_> = expected_results().into_iter().filter(|key| !calls.contains_key(key)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    for kind in [kind::NOTIFICATIONS, kind::PAGE_FAULT, kind::EXCEPTION, kind::EXIT, kind::QUANTUM] {
        assert!(messages.get(&kind).is_some_and(|&count| count > 10), "kernel message {kind}: {messages:?}");
    }
    assert!(aborted > 10, "only {aborted} were aborted");
}

/// Every error that the manual lists, and that the call succeeds or waits.
fn expected_results() -> Vec<(usize, Option<Result<(), Error>>)> {
    use Error::*;
    use Syscall::*;
    let errors: [(Syscall, &[Error]); 19] = [
        (OwnId, &[]),
        (Send, &[NoTask, NotPermitted, InvalidArgument, WouldBlock]),
        (Receive, &[NoTask, InvalidArgument]),
        (Call, &[NoTask, NotPermitted, InvalidArgument]),
        (Reply, &[NoTask, NotWaiting, InvalidArgument]),
        (ReplyReceive, &[InvalidArgument]),
        (Notify, &[NoTask, NotPermitted]),
        (LendCopy, &[NoTask, NotWaiting, InvalidArgument, OutOfBounds, NotPermitted, BadLend]),
        (Timer, &[]),
        (Clock, &[]),
        (TaskCreate, &[NotPermitted, InvalidArgument]),
        (TaskDestroy, &[NoTask, NotPermitted]),
        (Exit, &[]),
        (Schedule, &[NoTask, NotPermitted, InvalidArgument]),
        (Map, &[NoTask, NotPermitted, InvalidArgument, AlreadyExists, NeedsTable]),
        (Unmap, &[NoTask, NotPermitted, InvalidArgument, NotFound]),
        (Irq, &[NotPermitted, AlreadyExists, InvalidArgument]),
        (Console, &[NotPermitted, InvalidArgument]),
        (Inspect, &[NotPermitted, NoTask, InvalidArgument]),
    ];
    let waits = [Send, Receive, Call, ReplyReceive, LendCopy, TaskCreate, Exit, Console, Inspect];
    let succeeds = errors.iter().map(|&(call, _)| call).filter(|call| !matches!(call, Call | Exit));
    let errors =
        errors.iter().flat_map(|&(call, errors)| errors.iter().map(move |&error| (call, Some(Err(error)))));
    errors
        .chain(succeeds.map(|call| (call, Some(Ok(())))))
        .chain(waits.map(|call| (call, None)))
        .map(|(call, result)| (call as usize, result))
        .collect()
}
