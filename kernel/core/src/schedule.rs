//! Who runs: the ready queue, quanta, and the `schedule` call.
//!
//! The ready task of the highest priority runs; equals take turns by quantum. A *slice* is the time from one choice
//! of this module to the next; it belongs to the task that was chosen, and what that task calls runs on it (time is
//! donated along a call, and a reply does not donate it back), so the IPC path touches neither clock nor timer. The
//! timer is armed for the end of a slice only while somebody of the same priority waits, or while a quantum has to be
//! reported: an idle or lone task gets no ticks.

use abi::{Error, PRIORITIES, Policy, TaskIndex};

use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::Handled;
use crate::table::{List, Table};
use crate::task::{State, Task};

/// The quantum of a task that was given none: 10 ms, in nanoseconds.
pub const DEFAULT_QUANTUM: u64 = 10_000_000;

/// The shortest quantum: 100 µs, in nanoseconds. Shorter ones would let a task's switches starve the rest.
pub const MIN_QUANTUM: u64 = 100_000;

const _: () = assert!(PRIORITIES == u32::BITS as usize);

/// The tasks that are ready but do not run, by priority.
#[cfg_attr(test, derive(Clone))]
pub struct ReadyQueue {
    /// Bit *p* is set if a task of priority *p* is in the queue.
    pub(crate) occupied: u32,
    pub(crate) lists: [List; PRIORITIES],
}

impl ReadyQueue {
    pub(crate) const fn new() -> Self {
        Self { occupied: 0, lists: [List::EMPTY; PRIORITIES] }
    }

    fn list(&mut self, priority: u8) -> &mut List {
        &mut self.lists[priority as usize & (PRIORITIES - 1)]
    }

    /// Whether a task of a priority above `priority` waits.
    #[inline]
    fn has_above(&self, priority: u8) -> bool {
        self.occupied >> (priority as usize & (PRIORITIES - 1)) > 1
    }

    /// Whether a task of this priority waits.
    #[inline]
    fn has(&self, priority: u8) -> bool {
        self.occupied >> (priority as usize & (PRIORITIES - 1)) & 1 != 0
    }

    /// Adds a task behind its equals, which is all that a used-up quantum costs under [`Policy::Refill`].
    fn push_back(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        let Task { priority, policy, exhausted, .. } = &mut tasks[task];
        *exhausted &= *policy == Policy::Report;
        let priority = *priority;
        self.list(priority).push_back(tasks, task);
        self.occupied |= 1 << (priority & (PRIORITIES - 1) as u8);
    }

    fn push_front(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        let priority = tasks[task].priority;
        self.list(priority).push_front(tasks, task);
        self.occupied |= 1 << (priority & (PRIORITIES - 1) as u8);
    }

    pub(crate) fn remove(&mut self, tasks: &mut Table<Task>, task: TaskIndex) {
        let priority = tasks[task].priority;
        self.list(priority).remove(tasks, task);
        if self.list(priority).is_empty() {
            self.occupied &= !(1 << (priority & (PRIORITIES - 1) as u8));
        }
    }

    fn pop_highest(&mut self, tasks: &mut Table<Task>) -> Option<TaskIndex> {
        let priority = self.occupied.checked_ilog2()? as u8;
        let task = self.list(priority).first()?;
        self.remove(tasks, task);
        Some(task)
    }
}

/// The time since the last choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    pub(crate) owner: Option<TaskIndex>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Whether the timer is to interrupt at the end.
    pub(crate) armed: bool,
}

impl Slice {
    pub(crate) const NONE: Self = Self { owner: None, start: 0, end: 0, armed: false };

    /// When the timer has to interrupt this slice, if at all.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.armed.then_some(self.end)
    }
}

impl<M: Machine> Kernel<M> {
    /// Makes a task ready. Whether it runs at once is [`Kernel::reschedule`]'s decision.
    pub(crate) fn wake(&mut self, task: TaskIndex) {
        self.tasks[task].state = State::Ready;
        self.ready.push_back(&mut self.tasks, task);
    }

    /// The current task has blocked; runs `task`, made ready for that, at once if nobody has a higher priority.
    #[inline]
    pub(crate) fn switch_to(&mut self, task: TaskIndex) {
        let Task { priority, exhausted, policy, .. } = self.tasks[task];
        self.tasks[task].state = State::Ready;
        if self.ready.has_above(priority) || exhausted {
            self.ready.push_back(&mut self.tasks, task);
            self.reschedule();
        } else {
            self.current = Some(task);
            if self.ready.has(priority) || policy == Policy::Report {
                self.arm_slice();
            }
        }
    }

    /// As [`Kernel::switch_to`], after a reply. If the server has worked on a slice of its own, the client has not
    /// paid for it and goes behind its equals: else one that keeps a busy server busy would never give way.
    #[inline]
    pub(crate) fn return_to(&mut self, client: TaskIndex, server: TaskIndex) {
        if self.slice.owner == Some(server) {
            self.wake(client);
            self.reschedule();
        } else {
            self.switch_to(client);
        }
    }

    /// The current task goes on later, and `task` takes its place.
    pub(crate) fn yield_to(&mut self, task: TaskIndex) {
        if let Some(current) = self.current.take() {
            self.ready.push_front(&mut self.tasks, current);
        }
        self.switch_to(task);
    }

    /// Runs the ready task `task` instead of the current one. For simulators: they try orders that priorities and quanta
    /// would seldom produce.
    #[cfg(feature = "choice")]
    pub fn prefer(&mut self, task: TaskIndex) {
        if self.current == Some(task) || !self.is_ready(task) || self.tasks[task].exhausted {
            return;
        }
        if let Some(current) = self.current.take() {
            self.ready.push_front(&mut self.tasks, current);
        }
        self.ready.remove(&mut self.tasks, task);
        let now = self.machine.now();
        self.end_slice(now);
        self.current = Some(task);
        self.start_slice(task, now);
        self.program_timer();
    }

    /// Decides who runs: the current task, unless it is not ready any more or somebody more important is.
    pub(crate) fn reschedule(&mut self) {
        match self.current {
            Some(current) if self.is_ready(current) => {
                let priority = self.tasks[current].priority;
                if self.ready.has_above(priority) {
                    self.ready.push_front(&mut self.tasks, current);
                    self.choose();
                } else if self.ready.has(priority) {
                    self.arm_slice();
                }
            }
            _ => self.choose(),
        }
    }

    /// Starts a slice for the most important ready task, or none if nobody is ready.
    fn choose(&mut self) {
        let now = self.machine.now();
        self.end_slice(now);
        self.current = None;
        while let Some(task) = self.ready.pop_highest(&mut self.tasks) {
            if !self.tasks[task].exhausted {
                self.current = Some(task);
                self.start_slice(task, now);
                break;
            }
            match self.tasks[task].policy {
                Policy::Refill => self.ready.push_back(&mut self.tasks, task),
                Policy::Report => self.raise(task, Fault::Quantum),
            }
        }
        self.program_timer();
    }

    fn start_slice(&mut self, task: TaskIndex, now: u64) {
        let armed = self.tasks[task].policy == Policy::Report || self.ready.has(self.tasks[task].priority);
        let end = now.saturating_add(self.tasks[task].quantum_left);
        self.slice = Slice { owner: Some(task), start: now, end, armed };
    }

    /// Charges the slice so far to its owner.
    pub(crate) fn end_slice(&mut self, now: u64) {
        let Some(owner) = self.slice.owner else { return };
        let used = now.saturating_sub(self.slice.start);
        self.slice = Slice::NONE;
        let task = &mut self.tasks[owner];
        task.time = task.time.saturating_add(used);
        task.quantum_left = task.quantum_left.saturating_sub(used);
        if task.quantum_left == 0 {
            task.exhausted = true;
            if task.policy == Policy::Refill {
                task.quantum_left = task.quantum;
            }
        }
    }

    /// `task` ends or is scheduled anew: if the slice is its, the current task, its server, gets one of its own. The
    /// caller programs the timer.
    pub(crate) fn end_slice_of(&mut self, task: TaskIndex) {
        if self.slice.owner == Some(task) {
            let now = self.machine.now();
            self.end_slice(now);
            if let Some(current) = self.current {
                self.start_slice(current, now);
            }
        }
    }

    /// Has the timer interrupt the slice at its end: there is now somebody to give way to.
    fn arm_slice(&mut self) {
        if !self.slice.armed && self.slice.owner.is_some() {
            self.slice.armed = true;
            self.program_timer();
        }
    }

    /// The timer has interrupted: if the slice is over, the current task gives way to its equals.
    pub(crate) fn check_slice(&mut self, now: u64) {
        if !self.slice.armed || now < self.slice.end {
            return;
        }
        self.end_slice(now);
        let Some(current) = self.current.take() else { return };
        let Task { exhausted, policy, .. } = self.tasks[current];
        if exhausted && policy == Policy::Report {
            self.raise(current, Fault::Quantum);
        } else {
            self.ready.push_back(&mut self.tasks, current);
        }
    }

    /// The system call `schedule`.
    pub(crate) fn sys_schedule(
        &mut self,
        caller: TaskIndex,
        [target, priority, quantum, policy, affinity]: [usize; 5],
    ) -> Handled {
        let task = self.lookup(target)?;
        self.check_pager(caller, task)?;
        let quantum = if quantum == 0 { DEFAULT_QUANTUM } else { quantum as u64 };
        let policy = match policy {
            0 => Policy::Refill,
            1 => Policy::Report,
            _ => return Err(Error::InvalidArgument.into()),
        };
        let here = 1usize.checked_shl(self.cpu as u32).unwrap_or(0);
        if priority >= PRIORITIES || quantum < MIN_QUANTUM || affinity & here == 0 {
            return Err(Error::InvalidArgument.into());
        }
        if self.has_ended(task) {
            return Err(Error::NoTask.into());
        }
        // Its time so far is charged by the old rules, and a slice never outlives the policy that it was armed by.
        self.end_slice_of(task);
        // The caller is its pager, so this task does not run now: if it is ready, it is in the queue.
        let queued = self.is_ready(task);
        if queued {
            self.ready.remove(&mut self.tasks, task);
        }
        let entry = &mut self.tasks[task];
        (entry.priority, entry.policy, entry.exhausted) = (priority as u8, policy, false);
        (entry.quantum, entry.quantum_left) = (quantum, quantum);
        if queued || entry.state == State::New {
            self.wake(task);
        }
        self.reschedule();
        self.program_timer();
        Ok(Some(0))
    }
}
