//! The console: text out to the log and the serial line, input to the task that reads it.

use abi::{Access, ConsoleOperation, Error, MAX_CONSOLE, NOTIFY_CONSOLE, Powers, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::Sink;
use crate::syscall::{Handled, Stop};

const CAPACITY: usize = 1024;

const _: () = assert!(CAPACITY.is_power_of_two());

/// Input that waits to be read, and who is to be told of it. When it is full, further input is lost.
#[cfg_attr(test, derive(Clone))]
pub struct Input {
    bytes: [u8; CAPACITY],
    first: usize,
    length: usize,
    reader: Option<TaskIndex>,
}

impl Input {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; CAPACITY], first: 0, length: 0, reader: None }
    }

    fn push(&mut self, byte: u8) {
        if self.length < CAPACITY {
            self.bytes[(self.first + self.length) & (CAPACITY - 1)] = byte;
            self.length += 1;
        }
    }

    /// Copies what waits, without taking it.
    fn peek(&self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        for (place, offset) in buffer.iter_mut().zip(0..self.length) {
            *place = self.bytes[(self.first + offset) & (CAPACITY - 1)];
            count += 1;
        }
        count
    }

    fn take(&mut self, count: usize) {
        self.first = (self.first + count) & (CAPACITY - 1);
        self.length = self.length.saturating_sub(count);
    }

    /// `task` ends: if it is the reader, there is none.
    pub(crate) fn disown(&mut self, task: TaskIndex) {
        if self.reader == Some(task) {
            self.reader = None;
        }
    }
}

impl<M: Machine> Kernel<M> {
    /// A byte has come in from the console.
    pub fn console_input(&mut self, byte: u8) {
        #[cfg(debug_assertions)]
        if self.debugger_input(byte) {
            return;
        }
        self.input.push(byte);
        if let Some(reader) = self.input.reader {
            self.set_notifications(reader, NOTIFY_CONSOLE);
            self.reschedule();
        }
    }

    /// The system call `console`.
    pub(crate) fn sys_console(
        &mut self,
        caller: TaskIndex,
        operation: usize,
        address: usize,
        length: usize,
    ) -> Handled {
        let length = length.min(MAX_CONSOLE);
        if operation == ConsoleOperation::Write as usize {
            let mut buffer = [0; MAX_CONSOLE];
            let text = buffer.get_mut(..length).unwrap_or_default();
            self.machine
                .read((caller, address), text)
                .map_err(|address| Stop::Fault { address, access: Access::READ })?;
            self.write(text);
            return Ok(Some(length));
        }
        if operation != ConsoleOperation::Read as usize {
            return Err(Error::InvalidArgument.into());
        }
        self.check_power(caller, Powers::CONSOLE)?;
        self.input.reader = Some(caller);
        let mut buffer = [0; MAX_CONSOLE];
        let count = self.input.peek(buffer.get_mut(..length).unwrap_or_default());
        self.write_bytes(caller, address, buffer.get(..count).unwrap_or_default())?;
        self.input.take(count);
        Ok(Some(count))
    }
}
