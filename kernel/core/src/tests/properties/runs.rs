//! The properties themselves.

extern crate std;

use std::collections::{BTreeMap, HashMap};
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{Error, Policy, Syscall, TaskId, TaskIndex, kind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::driver::Driver;
use super::steps::{Step, rights, step};
use crate::machine::Request;
use crate::tests::requests;
use crate::tests::system::BUFFER;

/// How a run begins: tasks with these seeds for their rights, priorities and policies.
type Start = Vec<(u16, usize, bool)>;

fn start() -> impl Strategy<Value = Start> {
    prop::collection::vec((any::<u16>(), 0usize..30, prop::bool::weighted(0.2)), 2..8)
}

/// The first task makes a system call, which must not block it.
fn first(driver: &mut Driver, request: &Request) -> Result<(), String> {
    driver.call(driver.first, request)
}

fn begin(driver: &mut Driver, start: &Start) -> Result<(), String> {
    for (place, &(seed, priority, reports)) in start.iter().enumerate() {
        let root = 0x40_0000 + place as u64 * 0x2000;
        let rights = rights(seed, &abi::Rights::ALL);
        let create = abi::TaskCreate { root, message: root + 0x1000, rights, ..Default::default() };
        for (place, word) in create.encode().iter().enumerate() {
            driver.kernel.machine.poke(driver.first.index(), BUFFER + 8 * place, &word.to_le_bytes());
        }
        first(driver, &requests::task_create(BUFFER))?;
        let id = driver.world.tasks.keys().copied().max_by_key(|id| id.index()).ok_or("nobody lives")?;
        let policy = if reports { Policy::Report } else { Policy::Refill };
        first(driver, &requests::schedule(id, priority, 1_000_000, policy as usize))?;
    }
    first(driver, &requests::irq(0, 0, 0x100))?;
    first(driver, &requests::console(1, BUFFER, 0))
}

/// Destroys everything but the first task, if it still can; then every place must be free.
fn finish(driver: &mut Driver) -> Result<(), String> {
    if driver.world.debugging {
        driver.input(0x14)?;
    }
    driver.input(b'x')?;
    if driver.world.halted || driver.kernel.current() != Some(driver.first.index()) {
        return Ok(());
    }
    let child = |driver: &Driver| {
        let mut tasks = driver.world.tasks.iter();
        tasks.find(|(_, actor)| actor.pager == Some(driver.first)).map(|(&id, _)| id)
    };
    while let Some(id) = child(driver) {
        first(driver, &requests::destroy(id))?;
    }
    let kernel = &driver.kernel;
    let living: Vec<TaskId> =
        (0..abi::MAX_TASKS).filter_map(|place| kernel.task(TaskIndex::new(place)).id).collect();
    let places = kernel.machine.places.iter().flatten().count();
    if living == [driver.first] && places == 1 {
        Ok(())
    } else {
        Err(format!("left over: {living:?}, {places}"))
    }
}

fn run(start: &Start, steps: &[Step]) -> Result<Driver, String> {
    let mut driver = Driver::new();
    begin(&mut driver, start)?;
    for (number, step) in steps.iter().enumerate() {
        driver.step(step).map_err(|text| format!("step {number}: {text}"))?;
        if driver.world.halted {
            return Ok(driver);
        }
    }
    finish(&mut driver)?;
    Ok(driver)
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
        let driver = run(&start, &steps).expect("the property holds");
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
