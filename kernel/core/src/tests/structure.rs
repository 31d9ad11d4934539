//! What must hold between any two entries into the kernel, whatever happened: queues agree with states, the most
//! important ready task runs, the timer is armed for what comes next.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{MAX_TASKS, PRIORITIES, TaskIndex};

use super::model::Model;
use crate::kernel::Kernel;
use crate::table::List;
use crate::task::{Outgoing, State};

/// What is wrong, if anything.
pub fn check(kernel: &Kernel<Model>) -> Result<(), String> {
    if kernel.machine.halted.is_some() {
        return Ok(());
    }
    let mut queued = [false; MAX_TASKS];
    check_ready(kernel, &mut queued)?;
    check_senders(kernel, &mut queued)?;
    check_free(kernel, &mut queued)?;
    for (place, &queued) in queued.iter().enumerate() {
        let task = TaskIndex::new(place);
        let state = kernel.tasks[task].state;
        if place >= kernel.fresh {
            let untouched = state == State::Free && kernel.tasks[task].id.is_none() && !queued;
            ensure(untouched, || format!("place {place} was never given to a task, but is {state:?}"))?;
            continue;
        }
        let free = state == State::Free && kernel.tasks[task].generation > 0;
        let retired = free && kernel.tasks[task].generation == abi::TaskId::LAST_GENERATION;
        let is_current = kernel.current == Some(task);
        let should = (state == State::Ready && !is_current)
            || matches!(state, State::Sending(_))
            || (free && !retired);
        ensure(queued == should, || format!("place {place} in state {state:?}: in a queue: {queued}"))?;
        check_task(kernel, task)?;
    }
    check_running(kernel)?;
    check_timer(kernel)
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

/// The members of a list, walked in both directions; none may be in another list.
fn members(
    kernel: &Kernel<Model>,
    list: &List,
    name: &str,
    queued: &mut [bool; MAX_TASKS],
) -> Result<Vec<TaskIndex>, String> {
    let (mut found, mut previous, mut place) = (Vec::new(), None, list.first);
    while let Some(task) = place {
        ensure(!queued[task.get()], || format!("{task:?} in {name} is in two queues"))?;
        queued[task.get()] = true;
        let links = kernel.tasks[task].links;
        ensure(links.previous == previous, || format!("{name}: the links of {task:?} do not agree"))?;
        (previous, place) = (place, links.next);
        found.push(task);
    }
    ensure(list.last == previous, || format!("{name}: its last is not its last"))?;
    Ok(found)
}

fn check_ready(kernel: &Kernel<Model>, queued: &mut [bool; MAX_TASKS]) -> Result<(), String> {
    for priority in 0..PRIORITIES {
        let list = members(kernel, &kernel.ready.lists[priority], "a ready queue", queued)?;
        let bit = kernel.ready.occupied >> priority & 1 != 0;
        ensure(bit != list.is_empty(), || format!("ready bit {priority} is {bit}"))?;
        for task in list {
            let entry = &kernel.tasks[task];
            let right = entry.state == State::Ready && entry.priority as usize == priority;
            ensure(right, || format!("{task:?} is in ready queue {priority}, but {:?}", entry.state))?;
        }
    }
    Ok(())
}

fn check_senders(kernel: &Kernel<Model>, queued: &mut [bool; MAX_TASKS]) -> Result<(), String> {
    for place in 0..kernel.fresh {
        let receiver = TaskIndex::new(place);
        let senders = members(kernel, &kernel.tasks[receiver].senders, "a sender queue", queued)?;
        let state = kernel.tasks[receiver].state;
        ensure(state != State::Free || senders.is_empty(), || format!("senders queue at free {place}"))?;
        for sender in senders {
            let right = kernel.tasks[sender].state == State::Sending(receiver);
            ensure(right, || format!("{sender:?} queues at {receiver:?}, but is not sending to it"))?;
            let waiting = state == State::Receiving(None) || state == State::Receiving(Some(sender));
            ensure(!waiting, || format!("{receiver:?} waits for {sender:?}, which waits for it"))?;
        }
    }
    Ok(())
}

fn check_free(kernel: &Kernel<Model>, queued: &mut [bool; MAX_TASKS]) -> Result<(), String> {
    for task in members(kernel, &kernel.free, "the free list", queued)? {
        let fine = kernel.tasks[task].state == State::Free && task.get() < kernel.fresh;
        ensure(fine, || format!("{task:?} is in the free list, but lives"))?;
    }
    Ok(())
}

/// What a task's fields say of each other and of the tasks that it depends on.
fn check_task(kernel: &Kernel<Model>, task: TaskIndex) -> Result<(), String> {
    let entry = &kernel.tasks[task];
    ensure((entry.state == State::Free) == entry.id.is_none(), || {
        format!("{task:?}: a free place has an ID")
    })?;
    let Some(id) = entry.id else { return Ok(()) };
    ensure(id.index() == task && id.generation() == entry.generation, || format!("{id} lives elsewhere"))?;
    ensure(kernel.machine.places[task.get()].is_some(), || format!("{id} is unknown to the machine"))?;
    if let Some(pager) = entry.pager {
        ensure(kernel.tasks[pager.index()].id == Some(pager), || format!("{id}: its pager {pager} is dead"))?;
    }
    let waiting = entry.state == State::Receiving(None) && entry.notifications != 0;
    ensure(!waiting, || format!("{id} waits although notifications are pending"))?;
    let never_runs = matches!(entry.state, State::Exited | State::Dying(_))
        || matches!(entry.outgoing, Outgoing::Fault(crate::Fault::Exit { .. }));
    ensure(entry.ended == never_runs, || format!("{id} has ended: {}, but {:?}", entry.ended, entry.state))?;
    match entry.state {
        State::Sending(peer) | State::Receiving(Some(peer)) | State::Calling(peer) | State::Faulted(peer) => {
            let lives = kernel.tasks[peer].id.is_some() && peer != task;
            ensure(lives, || format!("{id} waits for {peer:?}, where nobody else lives"))?;
        }
        _ => {}
    }
    match entry.state {
        State::Calling(_) => {
            ensure(matches!(entry.outgoing, Outgoing::Call(_)), || format!("{id} did not call"))
        }
        State::Faulted(pager) => {
            let right = matches!(entry.outgoing, Outgoing::Fault(_))
                && entry.pager.map(|pager| pager.index()) == Some(pager);
            ensure(right, || format!("{id} has faulted, but not to its pager"))
        }
        _ => Ok(()),
    }
}

fn check_running(kernel: &Kernel<Model>) -> Result<(), String> {
    let spends = |task| !kernel.tasks[task].ended && kernel.tasks[task].id.is_some();
    ensure(kernel.slice.owner.is_none_or(spends), || "a task that has ended pays for the time".into())?;
    let highest = kernel.ready.occupied.checked_ilog2();
    let Some(current) = kernel.current else {
        return ensure(highest.is_none(), || "nobody runs although somebody is ready".into());
    };
    let entry = &kernel.tasks[current];
    ensure(entry.state == State::Ready, || format!("{current:?} runs, but is {:?}", entry.state))?;
    let most_important = highest.is_none_or(|highest| highest <= entry.priority.into());
    ensure(most_important, || format!("{current:?} runs, but priority {highest:?} is ready"))
}

fn check_timer(kernel: &Kernel<Model>) -> Result<(), String> {
    let mut earliest = kernel.slice.deadline();
    for place in 0..kernel.fresh {
        let timer = kernel.tasks[TaskIndex::new(place)].timer.map(|(deadline, _)| deadline);
        earliest = [earliest, timer].into_iter().flatten().min();
    }
    let timer = kernel.machine.timer;
    ensure(timer == earliest, || format!("the timer is armed for {timer:?}, not for {earliest:?}"))?;
    let Some(current) = kernel.current else {
        return ensure(kernel.slice.deadline().is_none(), || "the timer ticks although nobody runs".into());
    };
    let entry = &kernel.tasks[current];
    let shared = kernel.ready.occupied >> entry.priority & 1 != 0 || entry.policy == abi::Policy::Report;
    ensure(!shared || kernel.slice.deadline().is_some(), || format!("{current:?} runs without end"))
}
