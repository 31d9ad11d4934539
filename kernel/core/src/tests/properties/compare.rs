//! Compares the kernel with the world, and takes snapshots of the kernel.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{COUNTED_TASKS, MAX_TASKS, Policy, TaskId, TaskIndex};

use super::world::{Actor, Doing, World};
use crate::kernel::Kernel;
use crate::table::{Links, List};
use crate::task::{Outgoing, State};
use crate::tests::model::{Event, Model};

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

/// The kernel's state of a task in the words of the world.
fn doing(kernel: &Kernel<Model>, state: State) -> Option<Doing> {
    let id = |task: TaskIndex| kernel.tasks[task].id;
    Some(match state {
        State::Free => return None,
        State::New => Doing::New,
        State::Ready => Doing::Ready,
        State::Sending(to) => Doing::Sending(id(to)?),
        State::Receiving(None) => Doing::Receiving(None),
        State::Receiving(Some(from)) => Doing::Receiving(Some(id(from)?)),
        State::Calling(to) => Doing::Calling(id(to)?),
        State::Faulted(pager) => Doing::Faulted(id(pager)?),
        State::Exited => Doing::Exited,
        State::Dying(place) => Doing::Dying(place as usize / 128),
    })
}

/// Whether every task is in the kernel what it is in the world, and nobody else lives.
pub fn compare(kernel: &mut Kernel<Model>, world: &World) -> Result<(), String> {
    let living = (0..MAX_TASKS).filter(|&place| kernel.tasks[TaskIndex::new(place)].state != State::Free);
    ensure(living.count() == world.tasks.len(), || "the kernel has other tasks than the world".into())?;
    for (&id, actor) in &world.tasks {
        let task = id.index();
        ensure(kernel.tasks[task].id == Some(id), || format!("{id} does not live where its ID says"))?;
        compare_task(kernel, id, actor)?;
        let page = kernel.machine.place(task).payload;
        ensure(page == actor.page, || format!("{id}: its message page is {page:?}, not {:?}", actor.page))?;
    }
    let enabled = kernel.machine.irq_enabled;
    ensure(enabled == world.irq_enabled, || format!("IRQs enabled: {enabled:?}, not {:?}", world.irq_enabled))
}

fn compare_task(kernel: &Kernel<Model>, id: TaskId, actor: &Actor) -> Result<(), String> {
    let entry = &kernel.tasks[id.index()];
    let state = doing(kernel, entry.state);
    ensure(state == Some(actor.doing), || format!("{id} is {state:?}, but should be {:?}", actor.doing))?;
    let counts = kernel.counts.received_by(id.index().get()).copied().unwrap_or([0; COUNTED_TASKS]);
    let mut expected = [0; COUNTED_TASKS];
    for (from, &count) in actor.counts.iter().filter(|_| id.index().get() < COUNTED_TASKS) {
        expected.get_mut(from.index().get()).into_iter().for_each(|place| *place = count);
    }
    ensure(counts == expected, || format!("{id}: counted {counts:?}, not {expected:?}"))?;
    let pending = entry.notifications;
    ensure(pending == actor.pending, || format!("{id}: notified {pending:#x}, not {:#x}", actor.pending))?;
    let timer = entry.timer.map(|(deadline, _)| deadline);
    ensure(timer == actor.timer, || format!("{id}: timer {timer:?}, not {:?}", actor.timer))?;
    ensure(entry.pager == actor.pager, || format!("{id}: pager {:?}, not {:?}", entry.pager, actor.pager))?;
    ensure(entry.rights == actor.rights, || format!("{id}: its rights have changed"))?;
    ensure(entry.priority as usize == actor.priority, || format!("{id}: priority {}", entry.priority))?;
    ensure((entry.policy == Policy::Report) == actor.reports, || format!("{id}: policy {:?}", entry.policy))?;
    ensure(entry.ended == actor.ended, || format!("{id}: ended is {}", entry.ended))?;
    ensure(entry.received == actor.received, || format!("{id} received {} messages", entry.received))?;
    let queue = queue(kernel, &entry.senders);
    ensure(queue.iter().eq(actor.queue.iter()), || format!("{id}: queue {queue:?}, not {:?}", actor.queue))
}

/// The IDs in a list.
pub fn queue(kernel: &Kernel<Model>, list: &List) -> Vec<TaskId> {
    let mut place = list.first;
    let next = || {
        let task = place?;
        place = kernel.tasks[task].links.next;
        kernel.tasks[task].id
    };
    std::iter::from_fn(next).take(MAX_TASKS).collect()
}

/// Whether exactly those system calls have returned that should have, with what they should have returned.
pub fn compare_returns(kernel: &Kernel<Model>, events: &[Event], world: &World) -> Result<(), String> {
    let place = |id: TaskId| id.index().get();
    let mut expected: Vec<_> = world.returns.iter().map(|&(id, outcome)| (place(id), outcome)).collect();
    let result = |event: &Event| match *event {
        Event::Result(task, outcome) => Some((task.get(), outcome)),
        _ => None,
    };
    let mut actual: Vec<_> = events.iter().filter_map(result).collect();
    expected.sort_by_key(|&(place, _)| place);
    actual.sort_by_key(|&(place, _)| place);
    ensure(actual == expected, || format!("returned: {actual:?}, but should: {expected:?}"))?;
    ensure(kernel.machine.violations.is_empty(), || format!("{:?}", kernel.machine.violations))
}

/// Tasks whose quantum the kernel has reported though the world knows nothing of it yet; those whose report has
/// been received first, then in the order of the queues.
pub fn reported(kernel: &Kernel<Model>, world: &World) -> Vec<TaskId> {
    let is_new = |id: &TaskId| {
        let entry = &kernel.tasks[id.index()];
        let faulted = matches!(entry.state, State::Sending(_) | State::Faulted(_));
        faulted
            && entry.outgoing == Outgoing::Fault(crate::Fault::Quantum)
            && world.doing(*id) == Some(Doing::Ready)
    };
    let mut ids: Vec<TaskId> = world.tasks.keys().copied().filter(is_new).collect();
    ids.sort_by_key(|id| match kernel.tasks[id.index()].state {
        State::Sending(to) => {
            1 + queue(kernel, &kernel.tasks[to].senders).iter().position(|other| other == id).unwrap_or(0)
        }
        _ => 0,
    });
    ids
}

/// Everything of a task that a failing call must not change.
type TaskDigest =
    (State, Option<TaskId>, u8, [bool; 2], Outgoing, Links, List, usize, Option<(u64, u16)>, [u64; 4]);

/// Everything of the kernel that a failing call must not change.
#[derive(PartialEq, Debug)]
pub struct Digest {
    tasks: Vec<TaskDigest>,
    ready: Vec<TaskId>,
    current: Option<TaskIndex>,
    timer: Option<u64>,
    free: (List, usize),
}

pub fn digest(kernel: &Kernel<Model>) -> Digest {
    let entries = (0..kernel.fresh).map(|place| &kernel.tasks[TaskIndex::new(place)]);
    let tasks = entries
        .filter(|entry| entry.state != State::Free)
        .map(|entry| {
            let numbers = [entry.quantum, entry.quantum_left, entry.time, entry.received];
            let flags = [entry.exhausted, entry.ended];
            let (id, priority, outgoing) = (entry.id, entry.priority, entry.outgoing);
            let (links, senders, pending) = (entry.links, entry.senders, entry.notifications);
            (entry.state, id, priority, flags, outgoing, links, senders, pending, entry.timer, numbers)
        })
        .collect();
    let ready = kernel.ready.lists.iter().flat_map(|list| queue(kernel, list)).collect();
    let free = (kernel.free, kernel.fresh);
    Digest { tasks, ready, current: kernel.current, timer: kernel.machine.timer, free }
}
