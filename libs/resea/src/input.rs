//! Standard input: what is typed on the console, or a task that the environment names as `INPUT`, which reads a file.

use crate::local::task_local;
use crate::output::redirected;
use crate::typing::{Typed, Typing};
use crate::{ExitStatus, exit, flush_output, notifications};
use abi::{Error, MAX_CONSOLE, NOTIFY_CONSOLE};
use alloc::vec::Vec;
use core::cell::RefCell;

/// Status of a program that Ctrl-C has ended, as the shell has it.
const INTERRUPTED: ExitStatus = ExitStatus(130);

task_local! {
    /// What is typed and not read yet.
    static TYPED: RefCell<Keyboard> = RefCell::new(Keyboard::new());
}

/// Reads input: at least a byte and at most as many as the buffer takes, nothing at its end. Output that is still
/// collected is written first.
///
/// From the console, input comes in lines that can be edited; Ctrl-D ends it, and Ctrl-C the program.
///
/// Errors: `NotPermitted` (it is the console's, and the program's manifest has not the power `console`), and why a
/// redirected input cannot be read.
pub fn read_input(buffer: &mut [u8]) -> Result<usize, Error> {
    flush_output();
    if let Some(task) = redirected("INPUT") {
        return task.read(buffer);
    }
    TYPED.with(|keyboard| keyboard.borrow_mut().read(buffer))
}

/// The console as input.
struct Keyboard {
    typing: Typing,
    /// Lines that are complete.
    lines: Vec<u8>,
    /// The input ends after them.
    ended: bool,
}

impl Keyboard {
    const fn new() -> Self {
        Self { typing: Typing::new(), lines: Vec::new(), ended: false }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut keys = [0; MAX_CONSOLE];
        while self.lines.is_empty() && !self.ended {
            match ipc::console_read(&mut keys)? {
                0 => notifications::wait_for(NOTIFY_CONSOLE),
                count => self.take(keys.get(..count).unwrap_or_default()),
            }
        }
        if self.lines.is_empty() {
            self.ended = false;
        }
        let count = self.lines.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(self.lines.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    /// Takes what was typed. What follows a Ctrl-D at once is nobody's.
    fn take(&mut self, keys: &[u8]) {
        for &key in keys {
            match self.typing.key(key, &mut |text| ipc::console_write(text.as_bytes())) {
                Some(Typed::Text(text)) => self.lines.extend(text),
                Some(Typed::End) => return self.ended = true,
                Some(Typed::Interrupt) => {
                    ipc::console_write(b"^C\n");
                    exit(INTERRUPTED)
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_piece_by_piece_until_the_end() {
        let kernel = ipc::host::Loopback::new();
        let _installed = ipc::host::install(kernel);
        let (mut keyboard, mut buffer) = (Keyboard::new(), [0; 4]);
        keyboard.take(b"ab\x7fcde\rxy\r\x04lost\r");
        let mut read = || keyboard.read(&mut buffer).map(|count| buffer[..count].to_vec());
        assert_eq!(read(), Ok(b"acde".to_vec()));
        assert_eq!(read(), Ok(b"\nxy\n".to_vec()));
        assert_eq!(read(), Ok(Vec::new()));
    }
}
