//! How many messages went from whom to whom, for inspectors: a table of the first tasks, so that counting is an addition.
//!
//! Tasks with an index from [`COUNTED_TASKS`] on are not counted. A task that ends takes its counts with it.

use abi::{COUNTED_TASKS, TaskIndex};

/// The counts of a kernel: by receiver, then by sender. They wrap around.
#[cfg_attr(test, derive(Clone))]
pub struct Counts([[u32; COUNTED_TASKS]; COUNTED_TASKS]);

impl Counts {
    pub(crate) const fn new() -> Self {
        Self([[0; COUNTED_TASKS]; COUNTED_TASKS])
    }

    /// Counts a message.
    #[inline(always)]
    pub(crate) fn add(&mut self, from: TaskIndex, to: TaskIndex) {
        let (from, to) = (from.get(), to.get());
        // One comparison for both: the number of tasks that are counted is a power of two.
        const { assert!(COUNTED_TASKS.is_power_of_two()) };
        if from | to < COUNTED_TASKS {
            let count = &mut self.0[to & (COUNTED_TASKS - 1)][from & (COUNTED_TASKS - 1)];
            *count = count.wrapping_add(1);
        }
    }

    /// What the task at place `receiver` has received from each; `None` if that is not counted.
    pub(crate) fn received_by(&self, receiver: usize) -> Option<&[u32; COUNTED_TASKS]> {
        self.0.get(receiver)
    }

    /// The task at this place has ended.
    pub(crate) fn forget(&mut self, task: TaskIndex) {
        if let Some(row) = self.0.get_mut(task.get()) {
            *row = [0; COUNTED_TASKS];
            for row in &mut self.0 {
                row[task.get() & (COUNTED_TASKS - 1)] = 0;
            }
        }
    }
}
