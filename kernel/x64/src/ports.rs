//! I/O ports of tasks.
//!
//! The CPU looks ports up in a bitmap in the TSS. When a task starts to run, the bitmap is turned off; its first
//! access then faults, and only then is the bitmap filled with its ports, if it has any and they are not there still.
//! So tasks without ports pay one store for each switch.

use abi::{MAX_RANGES, MAX_TASKS, Range, TaskIndex};

use crate::descriptors::{PORTS, Tss};
use crate::per_cpu::TSS;

/// Ports, as a first and a last one; none if the last is below the first.
type Ports16 = (u16, u16);

const NO_PORTS: Ports16 = (1, 0);

/// Which task has which ports, and whose are in the bitmap.
pub struct Ports {
    allowed: [[Ports16; MAX_RANGES]; MAX_TASKS],
    owner: Option<TaskIndex>,
}

impl Ports {
    /// No task has ports.
    pub const NEW: Self = Self { allowed: [[NO_PORTS; MAX_RANGES]; MAX_TASKS], owner: None };

    /// Sets what ports a new task has. Numbers above 0xffff are ignored.
    pub fn allow(&mut self, task: TaskIndex, ranges: &[Range]) {
        let Some(allowed) = self.allowed.get_mut(task.get()) else { return };
        *allowed = [NO_PORTS; MAX_RANGES];
        for (place, range) in allowed.iter_mut().zip(ranges) {
            if range.start <= 0xffff && !range.is_empty() {
                *place = (range.start as u16, (range.end - 1).min(0xffff) as u16);
            }
        }
    }

    /// `task`, which runs, has caused a protection fault. Returns true if its ports were not in force and now are: the
    /// instruction is to be tried again.
    pub fn take(&mut self, task: TaskIndex) -> bool {
        // SAFETY: the TSS is this CPU's, set up by boot code, and only accessed here and when tasks switch.
        let tss = unsafe { &mut *TSS.get().cast::<Tss>() };
        let allowed = self.allowed_to(task);
        if tss.ports_offset == PORTS || allowed == [NO_PORTS; MAX_RANGES] {
            return false;
        }
        if self.owner != Some(task) {
            self.withdraw(tss);
            set(tss, allowed, false);
            self.owner = Some(task);
        }
        tss.ports_offset = PORTS;
        true
    }

    /// `task` has ended.
    pub fn release(&mut self, task: TaskIndex) {
        if self.owner == Some(task) {
            // SAFETY: as in `take`.
            self.withdraw(unsafe { &mut *TSS.get().cast::<Tss>() });
        }
        self.allow(task, &[]);
    }

    fn withdraw(&mut self, tss: &mut Tss) {
        if let Some(owner) = self.owner.take() {
            set(tss, self.allowed_to(owner), true);
        }
    }

    fn allowed_to(&self, task: TaskIndex) -> [Ports16; MAX_RANGES] {
        self.allowed.get(task.get()).copied().unwrap_or([NO_PORTS; MAX_RANGES])
    }
}

/// Sets (forbids) or clears (allows) the bits of `ports`, whole bytes at once where possible.
fn set(tss: &mut Tss, ports: [Ports16; MAX_RANGES], forbidden: bool) {
    for (first, last) in ports {
        let (mut port, end) = (usize::from(first), usize::from(last) + 1);
        while port < end {
            let Some(byte) = tss.ports.get_mut(port / 8) else { return };
            let whole = port.is_multiple_of(8) && end - port >= 8;
            let mask = if whole { 0xff } else { 1 << (port % 8) };
            if forbidden {
                *byte |= mask
            } else {
                *byte &= !mask
            }
            port += if whole { 8 } else { 1 };
        }
    }
}
