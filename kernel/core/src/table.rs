//! Fixed tables of tasks and the doubly-linked lists that thread through them.
//!
//! A list owns no memory: its links are fields of the tasks, so a task is in one list at most, and adding, removing
//! and finding the first are O(1). Indices cannot leave the table, so nothing here can panic.

use core::ops::{Index, IndexMut};

use abi::{MAX_TASKS, TaskIndex};

use crate::task::Task;

/// One `T` for each place in the task table.
#[cfg_attr(test, derive(Clone))]
pub struct Table<T>([T; MAX_TASKS]);

impl<T> Table<T> {
    /// A table of these values.
    pub const fn new(values: [T; MAX_TASKS]) -> Self {
        Self(values)
    }
}

impl<T> Index<TaskIndex> for Table<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: TaskIndex) -> &T {
        // `TaskIndex::get` is masked to the size of the table, so the compiler drops this check.
        &self.0[index.get()]
    }
}

impl<T> IndexMut<TaskIndex> for Table<T> {
    #[inline]
    fn index_mut(&mut self, index: TaskIndex) -> &mut T {
        &mut self.0[index.get()]
    }
}

/// The neighbours of a task in the list it is in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Links {
    pub(crate) previous: Option<TaskIndex>,
    pub(crate) next: Option<TaskIndex>,
}

impl Links {
    /// In no list.
    pub const NONE: Self = Self { previous: None, next: None };
}

/// A first-in, first-out list of tasks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct List {
    pub(crate) first: Option<TaskIndex>,
    pub(crate) last: Option<TaskIndex>,
}

impl List {
    /// The empty list.
    pub const EMPTY: Self = Self { first: None, last: None };

    /// Whether no task is in it.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The task that would be taken next.
    #[inline]
    pub const fn first(&self) -> Option<TaskIndex> {
        self.first
    }

    /// Adds a task, which is in no list, behind all others.
    #[inline]
    pub fn push_back(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        tasks[task].links = Links { previous: self.last, next: None };
        match self.last {
            Some(last) => tasks[last].links.next = Some(task),
            None => self.first = Some(task),
        }
        self.last = Some(task);
    }

    /// Adds a task, which is in no list, before all others.
    pub fn push_front(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        tasks[task].links = Links { previous: None, next: self.first };
        match self.first {
            Some(first) => tasks[first].links.previous = Some(task),
            None => self.last = Some(task),
        }
        self.first = Some(task);
    }

    /// Takes out a task, which must be in this list.
    #[inline]
    pub fn remove(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        let Links { previous, next } = core::mem::take(&mut tasks[task].links);
        match previous {
            Some(previous) => tasks[previous].links.next = next,
            None => self.first = next,
        }
        match next {
            Some(next) => tasks[next].links.previous = previous,
            None => self.last = previous,
        }
    }

    /// Takes out the first task.
    #[inline]
    pub fn pop_front(&mut self, tasks: &mut Table<Task>) -> Option<TaskIndex> {
        let first = self.first?;
        self.remove(tasks, first);
        Some(first)
    }

    /// How many tasks are in it: for inspection only, it walks the list.
    pub fn count(&self, tasks: &Table<Task>) -> usize {
        let mut count = 0;
        let mut place = self.first;
        while let Some(task) = place
            && count < MAX_TASKS
        {
            count += 1;
            place = tasks[task].links.next;
        }
        count
    }
}
