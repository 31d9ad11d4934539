//! Faults: what a task's pager is told when the task cannot go on by itself.
//!
//! A fault is a call that the kernel makes in the task's name: the pager receives it like any message, and its reply
//! lets the task go on.

use abi::{Access, Exception, MessageInfo, TaskIndex, kind};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::Hex;
use crate::say;
use crate::task::{Outgoing, State};

/// Why a task cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It accessed memory that is not mapped, or not for this.
    Page {
        /// The address.
        address: usize,
        /// What it tried to do there.
        access: Access,
    },
    /// It caused an exception.
    Exception {
        /// Which one.
        exception: Exception,
        /// The machine's own number or error code.
        detail: usize,
    },
    /// It has ended.
    Exit {
        /// The status it gave.
        status: usize,
        /// Whether it ended in a panic.
        panicked: bool,
    },
    /// Its quantum is used up.
    Quantum,
}

impl Fault {
    const fn message(self) -> (u16, [u64; 2]) {
        match self {
            Self::Page { address, access } => (kind::PAGE_FAULT, [address as u64, access.0]),
            Self::Exception { exception, detail } => (kind::EXCEPTION, [exception as u64, detail as u64]),
            Self::Exit { status, panicked } => (kind::EXIT, [status as u64, panicked as u64]),
            Self::Quantum => (kind::QUANTUM, [0, 0]),
        }
    }
}

/// Words of payload of every fault message: two of its own, then instruction, stack and frame pointer.
const FAULT_WORDS: usize = 5;

impl<M: Machine> Kernel<M> {
    /// The current task has faulted.
    pub fn fault(&mut self, fault: Fault) {
        if let Some(task) = self.current {
            self.raise(task, fault);
            self.reschedule();
        }
    }

    /// Sends `task`'s fault to its pager. The task, which must be in no queue, stops.
    pub(crate) fn raise(&mut self, task: TaskIndex, fault: Fault) {
        self.tasks[task].outgoing = Outgoing::Fault(fault);
        if matches!(fault, Fault::Exit { .. }) {
            self.tasks[task].ended = true;
        }
        match self.tasks[task].pager {
            Some(pager) => self.send_to(task, pager.index()),
            None => self.first_task_failed(task, fault),
        }
    }

    /// Writes a fault's message to the pager that receives it.
    pub(crate) fn deliver_fault(&mut self, task: TaskIndex, pager: TaskIndex, fault: Fault) -> MessageInfo {
        let (kind, [first, second]) = fault.message();
        let frame = self.machine.frame(task);
        let payload = [first, second, frame.instruction as u64, frame.stack as u64, frame.frame as u64];
        self.machine.write_message(pager, &payload);
        self.tasks[task].state =
            if matches!(fault, Fault::Exit { .. }) { State::Exited } else { State::Faulted(pager) };
        MessageInfo::new(kind, FAULT_WORDS)
    }

    /// Nobody handles the first task's faults, so the system ends.
    fn first_task_failed(&mut self, task: TaskIndex, fault: Fault) {
        say!(self, "kernel: the first task has failed and the system cannot go on: ");
        match fault {
            Fault::Page { address, access } => say!(self, access.name(), " of address ", Hex(address)),
            Fault::Exception { exception, detail } => say!(self, exception.text(), " (", Hex(detail), ")"),
            Fault::Exit { panicked: true, .. } => say!(self, "it panicked"),
            Fault::Exit { status, .. } => say!(self, "it has ended with status ", status),
            Fault::Quantum => say!(self, "its quantum is used up"),
        }
        let frame = self.machine.frame(task);
        say!(self, ", at ", Hex(frame.instruction), "\n");
        self.tasks[task].state = State::Exited;
        self.machine.halt(1);
    }
}
