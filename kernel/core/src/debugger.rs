//! The kernel debugger of debug builds: Ctrl-T on the console starts it, and it answers even when every task hangs.
//!
//! It is no loop inside the kernel: while it is open, console input goes to its command line, and the system runs on.
//! It only looks. Here is the command line; what the commands show is in the modules below, one for each subject.

mod label;
pub(crate) mod messages;
mod rights;
mod system;
mod tasks;
mod waits;

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::Sink;
use crate::say;

/// Ctrl-T, the key that asks BSD terminals for a status.
const HOT_KEY: u8 = 0x14;
const ENTER: u8 = b'\r';
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;

const HELP: &str = "\
ps        tasks: state, whom they wait for, queued senders; points out deadlocks
where     where each task is, with its callers; `cargo resea symbolize` names the lines
messages  how many messages went from whom to whom, replies included
mem       what memory is used for
log       the end of the kernel log
irq       interrupts and their owners
timers    timers that are set
rights    what each task may do
help      this list
c         close the debugger (as does Ctrl-T)
";

/// The debugger's command line.
#[derive(Clone)]
pub struct Debugger {
    open: bool,
    /// Whether it writes. What it says is not logged: it would push out what one looks for in the log.
    pub(crate) speaks: bool,
    line: [u8; 16],
    length: usize,
}

impl Debugger {
    pub(crate) const fn new() -> Self {
        Self { open: false, speaks: false, line: [0; 16], length: 0 }
    }
}

impl<M: Machine> Kernel<M> {
    /// Gives the debugger a byte of console input; false if it does not want it.
    pub(crate) fn debugger_input(&mut self, byte: u8) -> bool {
        self.debugger.speaks = true;
        let taken = self.debugger_key(byte);
        self.debugger.speaks = false;
        taken
    }

    fn debugger_key(&mut self, byte: u8) -> bool {
        if byte == HOT_KEY {
            self.debugger.open = !self.debugger.open;
            self.debugger.length = 0;
            let text = if self.debugger.open { "\nkernel debugger (help: commands)\nkernel> " } else { "\n" };
            say!(self, text);
            return true;
        }
        if !self.debugger.open {
            return false;
        }
        match byte {
            ENTER | b'\n' => self.debugger_line(),
            BACKSPACE | DELETE if self.debugger.length > 0 => {
                self.debugger.length -= 1;
                say!(self, "\x08 \x08");
            }
            b' '..=b'~' => {
                let length = self.debugger.length;
                if let Some(place) = self.debugger.line.get_mut(length) {
                    *place = byte;
                    self.debugger.length += 1;
                    self.write(&[byte]);
                }
            }
            _ => {}
        }
        true
    }

    fn debugger_line(&mut self) {
        let line = self.debugger.line;
        let command = line.get(..self.debugger.length).unwrap_or_default().trim_ascii();
        self.debugger.length = 0;
        say!(self, "\n");
        match command {
            b"" => {}
            b"ps" => self.debug_tasks(),
            b"where" => self.debug_places(),
            b"messages" => self.debug_messages(),
            b"mem" => self.debug_memory(),
            b"log" => self.debug_log(),
            b"irq" => self.debug_irqs(),
            b"timers" => self.debug_timers(),
            b"rights" => self.debug_rights(),
            b"help" => say!(self, HELP),
            b"c" => {
                self.debugger.open = false;
                return;
            }
            _ => say!(self, "no such command; help lists them\n"),
        }
        say!(self, "kernel> ");
    }
}
