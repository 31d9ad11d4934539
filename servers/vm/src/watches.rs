//! Who is told about whose end: notify and pull.
//!
//! A watch *is* the place where the end will be stored, so an end is never lost for want of room: the table can only
//! be full when a watch begins. A task may watch [`MAX_WATCHES_PER_TASK`] others at once, so that no one takes all places;
//! and the last [`RESERVED`] places are for launchers, so that many together do not take them from the shell either.
//!
//! A short-lived program can end before its launcher has said that it watches it. So the last ends are remembered,
//! and a watch of a task among them is answered at once.

use abi::{Error, MAX_TASKS, TaskId};

/// Watches that one task can have at once.
pub const MAX_WATCHES_PER_TASK: u16 = 64;

/// Watches that all tasks together can have at once.
pub const MAX_WATCHES: usize = 1024;

/// Places of these that only tasks with the power to launch get.
pub const RESERVED: usize = 64;

/// Ends that are remembered for those who have not begun to watch yet.
const REMEMBERED: usize = 64;

/// In which way a task has ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub enum EndKind {
    /// By itself, with a status.
    #[default]
    Exited = 0,
    /// By itself, in a panic.
    Panicked = 1,
    /// vm ended it, for a wrong access or an exception.
    Crashed = 2,
    /// Another task ended it.
    Killed = 3,
}

/// A task's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// The task that has ended.
    pub task: TaskId,
    /// The status it gave; -1 if it did not end by itself.
    pub status: i32,
    /// How it came.
    pub kind: EndKind,
}

#[derive(Clone, Copy)]
struct Watch {
    watcher: Option<TaskId>,
    task: Option<TaskId>,
    /// 0 while the task lives, then the place of its end in the order of all ends.
    order: u64,
    status: i32,
    kind: EndKind,
}

impl Watch {
    const FREE: Self = Self { watcher: None, task: None, order: 0, status: 0, kind: EndKind::Exited };
}

/// All watches.
pub struct Watches {
    watches: [Watch; MAX_WATCHES],
    /// Per task: watches it has. And: watches of it, while it lives. They spare most searches.
    watching: [u16; MAX_TASKS],
    watched: [u16; MAX_TASKS],
    ends: u64,
    /// The last ends, as watches of nobody.
    remembered: [Watch; REMEMBERED],
}

impl Watches {
    /// Nobody watches anybody.
    pub const fn new() -> Self {
        Self {
            watches: [Watch::FREE; MAX_WATCHES],
            watching: [0; MAX_TASKS],
            watched: [0; MAX_TASKS],
            ends: 0,
            remembered: [Watch::FREE; REMEMBERED],
        }
    }

    /// Begins to watch `task`; `lives` says whether it does, `launcher` whether the watcher has the power to launch.
    /// Returns whether its end can be pulled already.
    ///
    /// Errors: `NoTask` (it has ended long ago, or never was), `AlreadyExists` (watched by `watcher` already),
    /// `TableFull`.
    pub fn watch(
        &mut self,
        watcher: TaskId,
        task: TaskId,
        lives: bool,
        launcher: bool,
    ) -> Result<bool, Error> {
        let end = self.remembered.iter().find(|end| end.task == Some(task)).copied();
        if !lives && end.is_none() {
            return Err(Error::NoTask);
        }
        if self.watching[watcher.index().get()] >= MAX_WATCHES_PER_TASK {
            return Err(Error::TableFull);
        }
        if self.of(watcher).any(|watch| watch.task == Some(task)) {
            return Err(Error::AlreadyExists);
        }
        let places = if launcher { MAX_WATCHES } else { MAX_WATCHES - RESERVED };
        let mut places = self.watches.iter_mut().take(places);
        let free = places.find(|watch| watch.watcher.is_none()).ok_or(Error::TableFull)?;
        *free = Watch { watcher: Some(watcher), task: Some(task), ..Watch::FREE };
        if let Some(end) = end.filter(|_| !lives) {
            self.ends += 1;
            *free = Watch { order: self.ends, status: end.status, kind: end.kind, ..*free };
        } else {
            self.watched[task.index().get()] += 1;
        }
        self.watching[watcher.index().get()] += 1;
        Ok(!lives)
    }

    fn of(&self, watcher: TaskId) -> impl Iterator<Item = &Watch> {
        let count = usize::from(self.watching[watcher.index().get()]);
        self.watches.iter().filter(move |watch| watch.watcher == Some(watcher)).take(count)
    }

    /// A task has ended: its own watches are dropped, and `tell` is called for each task that watches it.
    pub fn ended(&mut self, end: End, mut tell: impl FnMut(TaskId)) {
        let index = end.task.index().get();
        let mut left = core::mem::take(&mut self.watching[index]);
        for watch in &mut self.watches {
            if left == 0 {
                break;
            }
            if watch.watcher == Some(end.task) {
                left -= 1;
                if let (0, Some(task)) = (watch.order, watch.task) {
                    self.watched[task.index().get()] -= 1;
                }
                *watch = Watch::FREE;
            }
        }
        self.ends += 1;
        let mut left = core::mem::take(&mut self.watched[index]);
        for watch in &mut self.watches {
            if left == 0 {
                break;
            }
            if watch.task == Some(end.task) && watch.order == 0 {
                left -= 1;
                *watch = Watch { order: self.ends, status: end.status, kind: end.kind, ..*watch };
                watch.watcher.into_iter().for_each(&mut tell);
            }
        }
        let place = &mut self.remembered[(self.ends % REMEMBERED as u64) as usize];
        *place = Watch { task: Some(end.task), status: end.status, kind: end.kind, ..Watch::FREE };
    }

    /// Takes the earliest end that `watcher` has not been told of.
    pub fn next_end(&mut self, watcher: TaskId) -> Option<End> {
        let count = usize::from(self.watching[watcher.index().get()]);
        let own = self.watches.iter_mut().filter(|watch| watch.watcher == Some(watcher)).take(count);
        let watch = own.filter(|watch| watch.order > 0).min_by_key(|watch| watch.order)?;
        let end = End { task: watch.task?, status: watch.status, kind: watch.kind };
        *watch = Watch::FREE;
        self.watching[watcher.index().get()] -= 1;
        Some(end)
    }
}

impl Default for Watches {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use abi::TaskIndex;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    fn task(index: usize, generation: u32) -> TaskId {
        TaskId::new(TaskIndex::new(index), generation).unwrap()
    }

    fn exited(task: TaskId, status: i32) -> End {
        End { task, status, kind: EndKind::Exited }
    }

    #[test]
    fn an_end_before_the_watch_is_told_at_once() {
        let mut watches = Watches::new();
        watches.ended(exited(task(5, 1), 42), |_| unreachable!("nobody watches"));
        assert_eq!(watches.watch(task(1, 1), task(5, 1), false, false), Ok(true));
        assert_eq!(watches.next_end(task(1, 1)), Some(exited(task(5, 1), 42)));
        assert_eq!(watches.next_end(task(1, 1)), None);
        assert_eq!(watches.watch(task(1, 1), task(5, 2), false, false), Err(Error::NoTask));
    }

    #[test]
    fn no_task_takes_all_places() {
        let mut watches = Watches::new();
        for index in 0..usize::from(MAX_WATCHES_PER_TASK) {
            assert_eq!(watches.watch(task(1, 1), task(10 + index, 1), true, false), Ok(false));
        }
        assert_eq!(watches.watch(task(1, 1), task(9, 1), true, false), Err(Error::TableFull));
        assert_eq!(watches.watch(task(2, 1), task(10, 1), true, false), Ok(false));
        assert_eq!(watches.watch(task(2, 1), task(10, 1), true, false), Err(Error::AlreadyExists));
        watches.ended(exited(task(1, 1), 0), |_| {});
        assert_eq!(
            watches.watch(task(1, 2), task(9, 1), true, false),
            Ok(false),
            "a dead task's watches are free"
        );
    }

    #[test]
    fn sixteen_watchers_together_leave_places_for_the_shell() {
        let mut watches = Watches::new();
        let mut begun = 0;
        for watcher in 100..116 {
            for index in 0..usize::from(MAX_WATCHES_PER_TASK) {
                begun +=
                    usize::from(watches.watch(task(watcher, 1), task(index + 1, 1), true, false).is_ok());
            }
        }
        assert_eq!(begun, MAX_WATCHES - RESERVED);
        for index in 0..RESERVED {
            assert_eq!(watches.watch(task(99, 1), task(index + 1, 1), true, true), Ok(false));
        }
    }

    proptest! {
        /// Against a model of one queue per watcher: ends arrive once, in order, and only where they are watched.
        #[test]
        fn no_end_is_lost_or_told_twice(steps in proptest::collection::vec((0..3u8, 0..6usize, 0..6usize), 1..200)) {
            let mut watches = Watches::new();
            let mut generations = [1u32; 6];
            let mut pending: Vec<(TaskId, TaskId)> = Vec::new();
            let mut queues: [VecDeque<End>; 6] = Default::default();
            for (status, (action, first, second)) in steps.into_iter().enumerate() {
                let (a, b) = (task(first, generations[first]), task(second, generations[second]));
                match action {
                    0 => {
                        let known = pending.contains(&(a, b));
                        let result = watches.watch(a, b, true, false);
                        prop_assert_eq!(result, if known { Err(Error::AlreadyExists) } else { Ok(false) });
                        if !known {
                            pending.push((a, b));
                        }
                    }
                    1 => {
                        let end = exited(a, status as i32);
                        generations[first] += 1;
                        queues[first].clear();
                        pending.retain(|&(watcher, _)| watcher != a);
                        let mut told = Vec::new();
                        watches.ended(end, |watcher| told.push(watcher));
                        let expected: Vec<TaskId> =
                            pending.iter().filter(|pair| pair.1 == a).map(|pair| pair.0).collect();
                        pending.retain(|pair| pair.1 != a);
                        for watcher in &expected {
                            queues[watcher.index().get()].push_back(end);
                        }
                        told.sort();
                        let mut expected = expected;
                        expected.sort();
                        prop_assert_eq!(told, expected);
                    }
                    _ => prop_assert_eq!(watches.next_end(a), queues[first].pop_front()),
                }
            }
        }
    }
}
