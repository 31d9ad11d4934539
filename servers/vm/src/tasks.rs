//! The tasks that vm has launched.

use crate::memory::Owned;
use abi::{MAX_TASKS, TaskId, TaskIndex};

/// A task.
pub struct Task {
    /// Its ID; `None` if the place is free.
    id: Option<TaskId>,
    /// Its program's place in the catalog.
    pub program: u16,
    /// Who launched it; `None` for vm itself.
    pub launcher: Option<TaskId>,
    /// When it was started, in nanoseconds. Only for programs that are started again.
    pub started: u64,
    /// It is a driver, and ends with its launcher.
    pub is_driver: bool,
    /// Its frames.
    pub owned: Owned,
}

impl Task {
    const FREE: Self =
        Self { id: None, program: 0, launcher: None, started: 0, is_driver: false, owned: Owned::EMPTY };

    /// A task.
    pub const fn new(id: TaskId, program: u16, launcher: Option<TaskId>, started: u64, owned: Owned) -> Self {
        Self { id: Some(id), program, launcher, started, is_driver: false, owned }
    }
}

/// The table of tasks, with the kernel's indices.
pub struct Tasks {
    table: [Task; MAX_TASKS],
}

impl Tasks {
    /// No tasks.
    pub const fn new() -> Self {
        Self { table: [const { Task::FREE }; MAX_TASKS] }
    }

    /// The task with this ID, if it is one of vm's and lives.
    #[inline]
    pub fn get(&self, id: TaskId) -> Option<&Task> {
        let task = &self.table[id.index().get()];
        (task.id == Some(id)).then_some(task)
    }

    /// As [`Tasks::get`], to change it.
    #[inline]
    pub fn get_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        let task = &mut self.table[id.index().get()];
        (task.id == Some(id)).then_some(task)
    }

    /// Enters a task. Its place is free: the kernel gives no place twice.
    pub fn insert(&mut self, id: TaskId, task: Task) {
        self.table[id.index().get()] = task;
    }

    /// Takes a task out.
    pub fn remove(&mut self, id: TaskId) -> Option<Task> {
        let task = &mut self.table[id.index().get()];
        (task.id == Some(id)).then(|| core::mem::replace(task, Task::FREE))
    }

    /// The ID of the task at a place.
    pub fn id_at(&self, index: TaskIndex) -> Option<TaskId> {
        self.table[index.get()].id
    }

    /// A driver whose launcher has ended.
    pub fn orphaned_driver(&self) -> Option<TaskId> {
        let is_orphan =
            |task: &Task| task.is_driver && task.launcher.is_none_or(|launcher| self.get(launcher).is_none());
        self.iter().find(|(_, task)| is_orphan(task)).map(|(id, _)| id)
    }

    /// All tasks.
    pub fn iter(&self) -> impl Iterator<Item = (TaskId, &Task)> {
        self.table.iter().filter_map(|task| Some((task.id?, task)))
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}
