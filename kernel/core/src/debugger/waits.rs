//! Deadlocks: cycles of tasks of which each waits for the next.
//!
//! A task waits for one other task at most: until that one receives its message, replies, handles its fault, or sends.
//! So following who waits for whom from a task either ends, at one that can go on without a certain other, or runs into
//! one cycle: then the task is in a deadlock, or hangs behind it.

use abi::{MAX_TASKS, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;

/// How a task that cannot go on has to do with a deadlock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Deadlock {
    /// The first task of the cycle in the table; where the cycle is told from.
    pub first: TaskIndex,
    /// Whether the task is in the cycle; else it waits for one that is, maybe through others.
    pub member: bool,
}

impl<M: Machine> Kernel<M> {
    /// The task without which `task` cannot go on.
    pub(crate) fn awaited(&self, task: TaskIndex) -> Option<TaskIndex> {
        self.tasks[task].visible_state().1
    }

    /// The deadlock that keeps `task` from going on, if one does.
    pub(crate) fn deadlock(&self, task: TaskIndex) -> Option<Deadlock> {
        let mut place = task;
        // After as many steps as there are tasks some task was met twice: this one is in the cycle.
        for _ in 0..MAX_TASKS {
            place = self.awaited(place)?;
        }
        let mut found = Deadlock { first: place, member: false };
        for member in self.cycle(place) {
            found.first = found.first.min(member);
            found.member |= member == task;
        }
        Some(found)
    }

    /// The members of the cycle that `first` is in, from it on.
    pub(crate) fn cycle(&self, first: TaskIndex) -> impl Iterator<Item = TaskIndex> {
        let next = move |task: &TaskIndex| self.awaited(*task).filter(|next| *next != first);
        core::iter::successors(Some(first), next).take(MAX_TASKS)
    }
}
