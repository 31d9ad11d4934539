//! What the debugger shows of tasks: the list with its deadlocks, and where each one is.

use abi::{MAX_TASKS, TaskIndex, TaskState};

use super::waits::Deadlock;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::{Column, Hex};
use crate::say;
use crate::task::State;

/// Most callers of a task that are shown.
const MAX_DEPTH: usize = 16;

impl<M: Machine> Kernel<M> {
    pub(super) fn debug_tasks(&mut self) {
        say!(self, "task  name            state      waits for           ");
        say!(self, "priority  senders  notifications  received\n");
        for place in 0..MAX_TASKS {
            self.debug_task(TaskIndex::new(place));
        }
        for place in 0..MAX_TASKS {
            let task = TaskIndex::new(place);
            if self.deadlock(task).is_some_and(|deadlock| deadlock.member && deadlock.first == task) {
                self.debug_cycle(task);
            }
        }
    }

    fn debug_task(&mut self, task: TaskIndex) {
        let Some(info) = self.task_info(task) else { return };
        let label = self.label(task);
        say!(self, Column(info.id, 6), Column(label.name(), 16), Column(info.state.text(), 11));
        match self.awaited(task) {
            Some(peer) => {
                let peer = self.label(peer);
                say!(self, Column(peer, 20));
            }
            None if info.state == TaskState::Receiving => say!(self, Column("anyone", 20)),
            None => say!(self, Column("", 20)),
        }
        say!(self, Column(info.priority, 10), Column(info.senders, 9));
        say!(self, Column(Hex(info.notifications as usize), 15), info.received);
        if self.current == Some(task) {
            say!(self, "  running");
        }
        match self.deadlock(task) {
            Some(Deadlock { member: true, .. }) => say!(self, "  deadlocked"),
            Some(Deadlock { first, .. }) => {
                let first = self.label(first);
                say!(self, "  behind the deadlock of ", first);
            }
            None => {}
        }
        say!(self, "\n");
    }

    /// Tells the whole cycle that `first` is in.
    fn debug_cycle(&mut self, first: TaskIndex) {
        say!(self, "DEADLOCK: ");
        let mut next = Some(first);
        // As many steps as the cycle has members: a step never leaves it.
        for _ in 0..self.cycle(first).count() {
            let Some(member) = next else { break };
            let label = self.label(member);
            say!(self, label, " → ");
            next = self.awaited(member);
        }
        let label = self.label(first);
        say!(self, label, ": each waits for the next, and none can go on until one of them is ended\n");
    }

    /// Shows each task's place with its callers, in the form that vm's crash reports have.
    pub(super) fn debug_places(&mut self) {
        for place in 0..MAX_TASKS {
            let task = TaskIndex::new(place);
            // A task that has not begun is nowhere, one that is being destroyed may have lost its memory.
            if matches!(self.tasks[task].state, State::Free | State::New | State::Dying(_)) {
                continue;
            }
            let (label, state) = (self.label(task), self.tasks[task].visible_state().0);
            say!(self, "kernel: task ", label, " is ", state.text(), "\n");
            self.debug_callers(task);
        }
    }

    /// Follows the chain of frame pointers, at each of which lie the caller's frame pointer and the return address. What
    /// is in the task's memory is believed in nothing: a pointer that is not aligned, not readable or does not go up
    /// ends the chain.
    fn debug_callers(&mut self, task: TaskIndex) {
        let place = self.machine.frame(task);
        let (mut address, mut frame) = (place.instruction, place.frame);
        for number in 0..MAX_DEPTH {
            say!(self, "kernel:   #", number, " ", Hex(address), "\n");
            let mut words = [0; 16];
            if frame == 0 || !frame.is_multiple_of(8) || self.machine.read((task, frame), &mut words).is_err()
            {
                return;
            }
            let [next, caller] = [0, 8].map(|offset| word(&words, offset));
            if caller == 0 {
                return;
            }
            address = caller;
            // The outermost frame has no next one, but a caller.
            frame = if next > frame { next } else { 0 };
        }
    }
}

/// The word at an offset.
fn word(bytes: &[u8], offset: usize) -> usize {
    let bytes = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize)
}
