//! Model checking: all runs of a small system up to a length, each event in each state that can be reached.
//!
//! A depth-first search over copies of the kernel and of its world. After every event the kernel is compared with
//! the world and its structure is checked, as in the random runs. A state is searched again only if it is reached
//! by a shorter run than before: two states are the same if their [`Key`]s are, which hold everything that what
//! happens next depends on. Left out are the words of messages and statistics, on which nothing depends, and what a
//! task last sent once nobody can receive it any more. A run also ends at a call that fails, because that has been
//! checked to change nothing.
//!
//! Each of these bugs, planted one at a time, was found:
//!
//! | planted bug | run that the search shows |
//! |---|---|
//! | a closed receive takes any sender | `Send, Send, InterruptFirst, DestroyEqual, ReceiveFrom, Exit` |
//! | a notification ends a closed receive | `Send, Send, InterruptFirst, Timer, ReceiveFrom, Elapse` |
//! | a direct switch to a task that is not the most important | `Send, Receive, Receive, Call, InterruptFirst, Call` |
//! | callers of a dead server are forgotten | `Send, Call, Send, InterruptFirst, DestroyServer, DestroyServer` |
//! | a task is destroyed without leaving the queue it is in | `Send, Send, InterruptFirst, Send, Notify, DestroyEqual` |
//! | anybody may reply to a call | `Send, Receive, Call, Send, Reply` |
//! | a destroyed task's slice goes on | `Send, Send, InterruptServer, Call, Reply, DestroyServer` |

extern crate std;

use std::collections::{BTreeMap, HashMap};
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::TaskIndex;

use super::alphabet::{Cast, Event};
use super::driver::Driver;
use crate::fault::Fault;
use crate::task::{Outgoing, State, Task};

/// The length of the runs.
const DEPTH: usize = 6;

/// A state of the system, in words.
type Key = Vec<u64>;

/// What of the kernel decides what happens next.
fn key(driver: &Driver) -> Key {
    let kernel = &driver.kernel;
    let slice = kernel.slice;
    let mut key = Vec::with_capacity(100);
    key.extend([number(kernel.current), kernel.machine.now]);
    key.extend([number(slice.owner), slice.start, slice.end, u64::from(slice.armed)]);
    key.extend([number(kernel.free.first), number(kernel.free.last), u64::from(kernel.ready.occupied)]);
    key.extend(kernel.machine.irq_enabled[..2].iter().map(|&enabled| u64::from(enabled)));
    for &id in driver.world.tasks.keys() {
        let place = &kernel.machine.places[id.index().get()];
        key.extend([id.raw() as u64, place.as_ref().map_or(0, |place| place.steps as u64)]);
        describe(&kernel.tasks[id.index()], &mut key);
    }
    key
}

fn number(task: Option<TaskIndex>) -> u64 {
    task.map_or(0, |task| task.get() as u64 + 1)
}

fn describe(task: &Task, key: &mut Key) {
    let (state, peer) = match task.state {
        State::Free => (0, 0),
        State::New => (1, 0),
        State::Ready => (2, 0),
        State::Sending(to) => (3, number(Some(to))),
        State::Receiving(from) => (4, number(from)),
        State::Calling(to) => (5, number(Some(to))),
        State::Faulted(pager) => (6, number(Some(pager))),
        State::Exited => (7, 0),
        State::Dying(place) => (8, u64::from(place)),
    };
    let receivable = matches!(state, 3 | 5 | 6 | 7);
    let outgoing = match task.outgoing {
        _ if !receivable => 0,
        Outgoing::Send(info) => info.raw() as u64,
        Outgoing::Call(info) => 1 << 32 | info.raw() as u64,
        Outgoing::Fault(Fault::Page { .. }) => 2 << 32,
        Outgoing::Fault(Fault::Exception { .. }) => 3 << 32,
        Outgoing::Fault(Fault::Exit { status, .. }) => 4 << 32 | status as u64,
        Outgoing::Fault(Fault::Quantum) => 5 << 32,
    };
    let flags = u64::from(task.exhausted) | u64::from(task.ended) << 1;
    let (deadline, position) = task.timer.unwrap_or((0, u16::MAX));
    let pager = task.pager.map_or(0, |pager| pager.raw() as u64);
    key.extend([state, peer, outgoing, flags, task.notifications as u64, pager, deadline, position.into()]);
    key.extend([number(task.links.previous), number(task.links.next)]);
    key.extend([number(task.senders.first), number(task.senders.last), task.quantum_left]);
}

#[derive(Default)]
struct Search {
    /// The most events that have been left in each state.
    seen: HashMap<Key, usize>,
    /// How often each event happened and succeeded.
    succeeded: BTreeMap<Event, usize>,
    /// How often an event was tried.
    tried: usize,
}

impl Search {
    /// Tries every event in this state, and goes on from wherever that leads. An error names the run.
    fn explore(&mut self, cast: &Cast, driver: &Driver, run: &mut Vec<Event>) -> Result<(), String> {
        for event in Event::ALL {
            let mut next = driver.clone();
            run.push(event);
            let happened = cast.play(event, &mut next).map_err(|text| format!("{run:?}: {text}"))?;
            self.tried += usize::from(happened);
            let failed = next.calls.drain().any(|((_, result), _)| matches!(result, Some(Err(_))));
            if happened && !failed {
                *self.succeeded.entry(event).or_default() += 1;
                self.visit(cast, &next, run)?;
            }
            run.pop();
        }
        Ok(())
    }

    /// Goes on from a state, unless all that follows within the length of the runs is known.
    fn visit(&mut self, cast: &Cast, driver: &Driver, run: &mut Vec<Event>) -> Result<(), String> {
        let left = DEPTH - run.len();
        let most = self.seen.entry(key(driver)).or_insert(0);
        if left > *most {
            *most = left;
            self.explore(cast, driver, run)?;
        }
        Ok(())
    }
}

#[test]
fn every_short_run_of_a_small_system_does_what_the_manual_says() {
    let (mut driver, cast) = Cast::assemble().expect("the system starts");
    driver.calls.clear();
    let mut search = Search::default();
    let result = search.visit(&cast, &driver, &mut Vec::new());
    assert_eq!(result, Ok(()), "after {} events", search.tried);
    for event in Event::ALL {
        let count = search.succeeded.get(&event).copied().unwrap_or_default();
        assert!(count > 1000, "{event:?} succeeded {count} times");
    }
    assert!(search.seen.len() > 100_000, "only {} states", search.seen.len());
}
