//! The kernel debugger of debug builds: Ctrl-T on the console starts it, and it answers even when every task hangs.
//!
//! It is no loop inside the kernel: while it is open, console input goes to its command line, and the system runs on.

use abi::{MAX_TASKS, TaskIndex, TaskState};

use crate::irq::MAX_IRQS;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::{Column, Hex, Sink};
use crate::say;

/// Ctrl-T, the key that asks BSD terminals for a status.
const HOT_KEY: u8 = 0x14;
const ENTER: u8 = b'\r';
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;

/// Bytes of the log that are shown.
const LOG_SHOWN: usize = 1024;

const HELP: &str = "\
ps      tasks: state, whom they wait for, queued senders; points out deadlocks
mem     what memory is used for
log     the end of the kernel log
irq     interrupts and their owners
timers  timers that are set
rights  what each task may do
help    this list
c       close the debugger (as does Ctrl-T)
";

/// The debugger's command line.
#[cfg_attr(test, derive(Clone))]
pub struct Debugger {
    open: bool,
    line: [u8; 16],
    length: usize,
}

impl Debugger {
    pub(crate) const fn new() -> Self {
        Self { open: false, line: [0; 16], length: 0 }
    }
}

impl<M: Machine> Kernel<M> {
    /// Gives the debugger a byte of console input; false if it does not want it.
    pub(crate) fn debugger_input(&mut self, byte: u8) -> bool {
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

    fn debug_tasks(&mut self) {
        say!(self, "task  state      waits for  priority  senders  notifications  received\n");
        for place in 0..MAX_TASKS {
            let Some(info) = self.task_info(TaskIndex::new(place)) else { continue };
            say!(self, Column(info.id, 6), Column(info.state.text(), 11));
            match info.peer {
                Some(peer) => say!(self, Column(peer, 11)),
                None if info.state == TaskState::Receiving => say!(self, Column("anyone", 11)),
                None => say!(self, Column("", 11)),
            }
            say!(self, Column(info.priority, 10), Column(info.senders, 9));
            say!(self, Column(Hex(info.notifications as usize), 15), info.received);
            if self.current == Some(TaskIndex::new(place)) {
                say!(self, "  (running)");
            }
            if self.is_deadlocked(TaskIndex::new(place)) {
                say!(self, "  DEADLOCK: it waits for a task that waits for it");
            }
            say!(self, "\n");
        }
    }

    /// Whether following who waits for whom leads from `task` back to it.
    fn is_deadlocked(&self, task: TaskIndex) -> bool {
        let mut place = task;
        for _ in 0..MAX_TASKS {
            match self.task(place).visible_state().1 {
                Some(peer) if peer == task => return true,
                Some(peer) => place = peer,
                None => return false,
            }
        }
        false
    }

    fn debug_memory(&mut self) {
        let count = self.machine.memory_use();
        for (frames, what) in [
            (count.kernel, " pages are the kernel's or boot files\n"),
            (count.tables, " are page tables\n"),
            (count.mapped, " are mapped by tasks\n"),
            (count.unmapped, " are not mapped\n"),
        ] {
            say!(self, frames, what);
        }
    }

    /// Shows the log without adding to it.
    fn debug_log(&mut self) {
        let end = self.log.end();
        let mut position = end.saturating_sub(LOG_SHOWN);
        let mut buffer = [0; 64];
        while position < end {
            let (count, next) = self.log.read(position, &mut buffer);
            buffer.iter().take(count).for_each(|&byte| self.machine.put(byte));
            if count == 0 {
                break;
            }
            position = next;
        }
        say!(self, "\n");
    }

    fn debug_irqs(&mut self) {
        for irq in 0..MAX_IRQS {
            if let Some(id) = self.irqs.owner(irq).and_then(|owner| self.task(owner).id) {
                say!(self, "irq ", irq, " belongs to task ", id, "\n");
            }
        }
    }

    fn debug_timers(&mut self) {
        let now = self.machine.now();
        for place in 0..MAX_TASKS {
            let task = self.task(TaskIndex::new(place));
            if let (Some(id), Some((deadline, _))) = (task.id, task.timer) {
                say!(self, "task ", id, " in ", deadline.saturating_sub(now) / 1000, " us\n");
            }
        }
    }

    fn debug_rights(&mut self) {
        say!(self, "task  powers              may send to                             provides\n");
        for place in 0..MAX_TASKS {
            let task = self.task(TaskIndex::new(place));
            let (Some(id), rights) = (task.id, task.rights) else { continue };
            say!(self, Column(id, 6), Column(Hex(rights.powers.0 as usize), 20));
            for set in [rights.may_send, rights.provides] {
                let [low, high] = set.words();
                say!(self, Column(Hex(high as usize), 20), Column(Hex(low as usize), 20));
            }
            say!(self, "\n");
        }
    }
}
