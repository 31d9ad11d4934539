//! The kernel of one CPU: its tables, and how it starts.

use abi::{Error, MAX_TASKS, PRIORITIES, Rights, TaskCreate, TaskId, TaskIndex};

use crate::console::Input;
use crate::counts::Counts;
use crate::irq::Irqs;
use crate::log::Log;
use crate::machine::Machine;
use crate::print::Sink;
use crate::schedule::{ReadyQueue, Slice};
use crate::table::{List, Table};
use crate::task::{State, Task};
use crate::timers::Timers;

/// The kernel of one CPU. Its entries ([`Kernel::syscall`], [`Kernel::fault`], [`Kernel::interrupt`],
/// [`Kernel::timer`], [`Kernel::console_input`]) are called by the machine crate with interrupts off.
#[cfg_attr(test, derive(Clone))]
pub struct Kernel<M: Machine> {
    /// The machine it runs on.
    pub machine: M,
    pub(crate) cpu: usize,
    pub(crate) current: Option<TaskIndex>,
    pub(crate) tasks: Table<Task>,
    pub(crate) ready: ReadyQueue,
    pub(crate) slice: Slice,
    pub(crate) timers: Timers,
    pub(crate) irqs: Irqs,
    pub(crate) input: Input,
    pub(crate) log: Log,
    pub(crate) counts: Counts,
    /// Free places that were used before.
    pub(crate) free: List,
    /// The first place that was never used; all after it are free too.
    pub(crate) fresh: usize,
    #[cfg(debug_assertions)]
    pub(crate) debugger: crate::debugger::Debugger,
    #[cfg(debug_assertions)]
    pub(crate) messages: crate::debugger::messages::MessageCounts,
}

impl<M: Machine> Kernel<M> {
    /// The kernel of CPU number `cpu` (below the bits of a word), without tasks.
    pub const fn new(machine: M, cpu: usize) -> Self {
        Self {
            machine,
            cpu,
            current: None,
            tasks: Table::new([const { Task::FREE }; MAX_TASKS]),
            ready: ReadyQueue::new(),
            slice: Slice::NONE,
            timers: Timers::new(),
            irqs: Irqs::new(),
            input: Input::new(),
            log: Log::new(),
            counts: Counts::new(),
            free: List::EMPTY,
            fresh: 0,
            #[cfg(debug_assertions)]
            debugger: crate::debugger::Debugger::new(),
            #[cfg(debug_assertions)]
            messages: crate::debugger::messages::MessageCounts::new(),
        }
    }

    /// Creates the first task, with all rights, no pager and the highest priority, and makes it the one to run.
    ///
    /// Errors: those of [`Machine::create`].
    pub fn start(&mut self, first: &TaskCreate) -> Result<TaskId, Error> {
        let (task, id) = self.create(&TaskCreate { rights: Rights::ALL, ..*first }, None)?;
        self.tasks[task].priority = (PRIORITIES - 1) as u8;
        self.wake(task);
        self.reschedule();
        Ok(id)
    }

    /// The task to run now; `None`: nobody is ready, wait for an interrupt.
    #[inline]
    pub const fn current(&self) -> Option<TaskIndex> {
        self.current
    }

    /// A task's entry, for inspection by tests and debuggers.
    pub fn task(&self, task: TaskIndex) -> &Task {
        &self.tasks[task]
    }

    /// The living task with this ID, as it stands in a register.
    #[inline]
    pub(crate) fn lookup(&self, raw: usize) -> Result<TaskIndex, Error> {
        let task = TaskIndex::new(raw);
        match self.tasks[task].id {
            Some(id) if id.raw() == raw => Ok(task),
            _ => Err(Error::NoTask),
        }
    }

    /// Whether `task` will never again receive or send.
    #[inline]
    pub(crate) fn has_ended(&self, task: TaskIndex) -> bool {
        self.tasks[task].ended
    }

    /// Whether `task` is ready or running.
    #[inline]
    pub(crate) fn is_ready(&self, task: TaskIndex) -> bool {
        self.tasks[task].state == State::Ready
    }
}

impl<M: Machine> Sink for Kernel<M> {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        #[cfg(debug_assertions)]
        let logged = !self.debugger.speaks;
        #[cfg(not(debug_assertions))]
        let logged = true;
        for &byte in bytes {
            if logged {
                self.log.push(byte);
            }
            self.machine.put(byte);
        }
    }
}
