//! What the debugger shows of the system: memory, the log, interrupts, timers.

use abi::{MAX_TASKS, TaskIndex};

use crate::irq::MAX_IRQS;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::{Hex, Sink};
use crate::say;

/// Bytes of the log that are shown.
const LOG_SHOWN: usize = 1024;

impl<M: Machine> Kernel<M> {
    pub(super) fn debug_memory(&mut self) {
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

    pub(super) fn debug_log(&mut self) {
        let end = self.log.end();
        let mut position = end.saturating_sub(LOG_SHOWN);
        let mut buffer = [0; 64];
        while position < end {
            let (count, next) = self.log.read(position, &mut buffer);
            if count == 0 {
                break;
            }
            self.write(buffer.get(..count).unwrap_or_default());
            position = next;
        }
        say!(self, "\n");
    }

    pub(super) fn debug_irqs(&mut self) {
        let mut none = true;
        for irq in 0..MAX_IRQS {
            if let Some((owner, bits)) = self.irqs.owner(irq) {
                let owner = self.label(owner);
                say!(self, "irq ", irq, " notifies task ", owner, " by ", Hex(bits), "\n");
                none = false;
            }
        }
        if none {
            say!(self, "no task has claimed an interrupt\n");
        }
    }

    pub(super) fn debug_timers(&mut self) {
        let now = self.machine.now();
        let mut none = true;
        for place in 0..MAX_TASKS {
            let task = TaskIndex::new(place);
            if let Some((deadline, _)) = self.tasks[task].timer {
                let label = self.label(task);
                say!(self, "task ", label, " in ", deadline.saturating_sub(now) / 1000, " us\n");
                none = false;
            }
        }
        if none {
            say!(self, "no timer is set\n");
        }
    }
}
