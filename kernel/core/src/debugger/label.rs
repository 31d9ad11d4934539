//! What the debugger calls a task: its ID, and the name of its program.
//!
//! The kernel knows no names. But vm leaves every program's name at the start of its arguments, in its message page
//! ([`abi::Startup`]), where it stays unless the program writes over it. So a name is a hint and no more: it is read as
//! any user memory is, bounded, and shown only while it looks like a name.

use abi::{MESSAGE_PAGE, STARTUP_OFFSET, Startup, TaskId, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::{Print, Sink};
use crate::say;
use crate::task::State;

/// Most bytes of a name that are shown.
const MAX_NAME: usize = 15;

/// Where a program's name begins in its memory.
pub(crate) const NAME: usize = MESSAGE_PAGE + STARTUP_OFFSET + size_of::<Startup>();

/// Printed as `5 (fs)`, or `5` without a name.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    id: Option<TaskId>,
    name: [u8; MAX_NAME],
    length: usize,
}

impl Label {
    /// The name; empty if none is known.
    pub(crate) fn name(&self) -> &str {
        self.name.get(..self.length).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl Print for Label {
    fn print(&self, sink: &mut dyn Sink) {
        match self.id {
            Some(id) => say!(sink, id),
            None => say!(sink, "?"),
        }
        if self.length > 0 {
            say!(sink, " (", self.name(), ")");
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// What to call the task at a place.
    pub(crate) fn label(&mut self, task: TaskIndex) -> Label {
        let entry = &self.tasks[task];
        let mut label = Label { id: entry.id, name: [0; MAX_NAME], length: 0 };
        match entry.state {
            // It has no memory yet, or may have lost it already.
            State::Free | State::Dying(_) => return label,
            // The first task has no such record.
            _ if entry.pager.is_none() => {
                label.name[..2].copy_from_slice(b"vm");
                label.length = 2;
                return label;
            }
            _ => {}
        }
        // The byte after the last shows whether the name ends in time.
        let mut bytes = [0; MAX_NAME + 1];
        if self.machine.read((task, NAME), &mut bytes).is_ok() {
            let length = bytes.iter().take_while(|byte| is_in_names(**byte)).count();
            let ends = bytes.get(length).is_none_or(|byte| *byte == 0);
            label.length = if ends { length.min(MAX_NAME) } else { 0 };
            label.name.copy_from_slice(&bytes[..MAX_NAME]);
        }
        label
    }
}

/// Letters, digits and what connects them: nothing that could move a terminal's cursor or end the parentheses.
const fn is_in_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/')
}
