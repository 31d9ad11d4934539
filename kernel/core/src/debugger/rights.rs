//! What the debugger shows of rights: powers by their names, services by the numbers that vm has given them.

use abi::{MAX_SERVICES, MAX_TASKS, Powers, Range, ServiceSet, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::Hex;
use crate::say;

/// Powers as manifests call them.
const POWERS: [(Powers, &str); 7] = [
    (Powers::CREATE, "create"),
    (Powers::MAP, "map"),
    (Powers::CONSOLE, "console"),
    (Powers::INSPECT, "inspect"),
    (Powers::POWER, "power"),
    (Powers::LAUNCH, "launch"),
    (Powers::KILL, "kill"),
];

/// The first task's range of each kind.
const EVERYTHING: Range = Range { start: 0, end: u64::MAX };

impl<M: Machine> Kernel<M> {
    pub(super) fn debug_rights(&mut self) {
        for place in 0..MAX_TASKS {
            let task = TaskIndex::new(place);
            if self.tasks[task].id.is_none() {
                continue;
            }
            let (label, rights) = (self.label(task), self.tasks[task].rights);
            say!(self, "task ", label, "\n");
            self.debug_powers(rights.powers);
            self.debug_services("may send to", rights.may_send);
            self.debug_services("provides", rights.provides);
            self.debug_ranges("irqs", &rights.irqs);
            self.debug_ranges("ports", &rights.ports);
            self.debug_ranges("devices at", &rights.mmio);
        }
    }

    fn debug_powers(&mut self, powers: Powers) {
        if powers == Powers::default() {
            return;
        }
        say!(self, "  powers");
        let mut rest = powers.0;
        for (power, name) in POWERS {
            if powers.contains(power) {
                say!(self, " ", name);
                rest &= !power.0;
            }
        }
        // The first task has every bit, those that mean nothing included.
        if rest != 0 && powers.0 != u64::MAX {
            say!(self, " ", Hex(rest as usize));
        }
        say!(self, "\n");
    }

    fn debug_services(&mut self, what: &str, set: ServiceSet) {
        if set == ServiceSet::EMPTY {
            return;
        }
        say!(self, "  ", what);
        if set == ServiceSet::ALL {
            say!(self, " every service\n");
            return;
        }
        say!(self, " services");
        for service in 0..MAX_SERVICES {
            if set.meets(ServiceSet::EMPTY.with(service)) {
                say!(self, " ", service);
            }
        }
        say!(self, "\n");
    }

    fn debug_ranges(&mut self, what: &str, ranges: &[Range]) {
        if ranges.iter().all(|range| range.is_empty()) {
            return;
        }
        say!(self, "  ", what);
        if ranges.contains(&EVERYTHING) {
            say!(self, " all\n");
            return;
        }
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let (start, last) = (range.start as usize, (range.end - 1) as usize);
            say!(self, " ", Hex(start), "-", Hex(last));
        }
        say!(self, "\n");
    }
}
