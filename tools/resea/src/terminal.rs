//! The person's terminal: QEMU changes how it works, and may die before it can change it back.

use std::io::IsTerminal;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Remembers how the terminal works and restores it when dropped.
#[derive(Debug)]
pub struct Restore {
    before: Option<Termios>,
}

impl Restore {
    /// Remembers how standard input works now, if it is a terminal.
    pub fn new() -> Self {
        let stdin = std::io::stdin();
        Self { before: if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None } }
    }
}

impl Default for Restore {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // If the terminal is gone, there is nothing to restore.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
        }
    }
}
