//! One-shot timers, one for each task: a binary heap by deadline, so that the next to expire is always first.

use abi::{MAX_TASKS, NOTIFY_TIMER, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::table::Table;
use crate::task::Task;

/// Most timers that one interrupt lets expire; the rest follow in the next, which comes at once.
const EXPIRE_AT_ONCE: usize = 16;

/// The timers that are set, and what the machine's timer is armed for.
#[cfg_attr(test, derive(Clone))]
pub struct Timers {
    heap: [TaskIndex; MAX_TASKS],
    length: usize,
    armed: Option<u64>,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { heap: [TaskIndex::new(0); MAX_TASKS], length: 0, armed: None }
    }

    fn at(&self, position: usize) -> TaskIndex {
        self.heap[position & (MAX_TASKS - 1)]
    }

    fn deadline(&self, tasks: &Table<Task>, position: usize) -> u64 {
        tasks[self.at(position)].timer.map_or(u64::MAX, |(deadline, _)| deadline)
    }

    fn place(&mut self, tasks: &mut Table<Task>, position: usize, task: TaskIndex, deadline: u64) {
        self.heap[position & (MAX_TASKS - 1)] = task;
        tasks[task].timer = Some((deadline, position as u16));
    }

    /// The task whose timer expires next, and when.
    pub(crate) fn first(&self, tasks: &Table<Task>) -> Option<(TaskIndex, u64)> {
        (self.length > 0).then(|| (self.at(0), self.deadline(tasks, 0)))
    }

    /// Sets a task's timer, which is not set.
    fn insert(&mut self, tasks: &mut Table<Task>, task: TaskIndex, deadline: u64) {
        let position = self.length;
        self.length += 1;
        self.rise(tasks, position, task, deadline);
    }

    /// Stops a task's timer, if it is set.
    pub(crate) fn remove(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        let Some((_, position)) = tasks[task].timer.take() else { return };
        let position = position as usize;
        self.length = self.length.saturating_sub(1);
        if position == self.length {
            return;
        }
        let last = self.at(self.length);
        let deadline = self.deadline(tasks, self.length);
        self.rise(tasks, position, last, deadline);
        if let Some((_, risen)) = tasks[last].timer {
            self.sink(tasks, risen as usize, last, deadline);
        }
    }

    fn rise(&mut self, tasks: &mut Table<Task>, mut position: usize, task: TaskIndex, deadline: u64) {
        while position > 0 {
            let parent = (position - 1) / 2;
            let above = self.deadline(tasks, parent);
            if above <= deadline {
                break;
            }
            self.place(tasks, position, self.at(parent), above);
            position = parent;
        }
        self.place(tasks, position, task, deadline);
    }

    fn sink(&mut self, tasks: &mut Table<Task>, mut position: usize, task: TaskIndex, deadline: u64) {
        loop {
            let left = 2 * position + 1;
            let right = left + 1;
            if left >= self.length {
                break;
            }
            let right_is_earlier =
                right < self.length && self.deadline(tasks, right) < self.deadline(tasks, left);
            let child = if right_is_earlier { right } else { left };
            let below = self.deadline(tasks, child);
            if deadline <= below {
                break;
            }
            self.place(tasks, position, self.at(child), below);
            position = child;
        }
        self.place(tasks, position, task, deadline);
    }
}

impl<M: Machine> Kernel<M> {
    /// The machine's timer has expired.
    pub fn timer(&mut self) {
        self.timers.armed = None;
        let now = self.machine.now();
        for _ in 0..EXPIRE_AT_ONCE {
            match self.timers.first(&self.tasks) {
                Some((task, deadline)) if deadline <= now => {
                    self.timers.remove(&mut self.tasks, task);
                    self.set_notifications(task, NOTIFY_TIMER);
                }
                _ => break,
            }
        }
        self.check_slice(now);
        self.reschedule();
        self.program_timer();
    }

    /// Arms the machine's timer for whatever comes next, if that has changed.
    pub(crate) fn program_timer(&mut self) {
        let timer = self.timers.first(&self.tasks).map(|(_, deadline)| deadline);
        let deadline = match (timer, self.slice.deadline()) {
            (Some(timer), Some(slice)) => Some(timer.min(slice)),
            (timer, slice) => timer.or(slice),
        };
        if deadline != self.timers.armed {
            self.timers.armed = deadline;
            self.machine.set_timer(deadline);
        }
    }

    /// The system call `timer`.
    pub(crate) fn sys_timer(&mut self, caller: TaskIndex, nanoseconds: usize) {
        self.timers.remove(&mut self.tasks, caller);
        if nanoseconds != 0 {
            let deadline = self.machine.now().saturating_add(nanoseconds as u64);
            self.timers.insert(&mut self.tasks, caller, deadline);
        }
        self.program_timer();
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::boxed::Box;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn timers_expire_in_the_order_of_their_deadlines(
            steps in prop::collection::vec((0usize..40, 0u64..1000, any::<bool>()), 0..200)
        ) {
            let mut tasks = Box::new(Table::new([const { Task::FREE }; MAX_TASKS]));
            let mut timers = Timers::new();
            let mut model: Vec<(usize, u64)> = Vec::new();
            for (task, deadline, set) in steps {
                timers.remove(&mut tasks, TaskIndex::new(task));
                model.retain(|&(other, _)| other != task);
                if set {
                    timers.insert(&mut tasks, TaskIndex::new(task), deadline);
                    model.push((task, deadline));
                }
                prop_assert_eq!(timers.length, model.len());
                prop_assert_eq!(
                    timers.first(&tasks).map(|(_, deadline)| deadline),
                    model.iter().map(|&(_, deadline)| deadline).min()
                );
            }
            model.sort_by_key(|&(_, deadline)| deadline);
            for (_, deadline) in model {
                let (task, first) = timers.first(&tasks).unwrap();
                prop_assert_eq!(first, deadline);
                timers.remove(&mut tasks, task);
            }
            prop_assert!(timers.first(&tasks).is_none());
        }
    }
}
