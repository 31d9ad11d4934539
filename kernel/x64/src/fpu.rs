//! FPU and SSE registers of tasks, switched lazily.
//!
//! The registers belong to the task that used them last. When another runs, CR0.TS makes its first FPU instruction
//! fault, and only then are the registers exchanged: a task that uses none never pays. Tasks have x87 and SSE; CR4
//! leaves `xsave` and so AVX off, because `fxsave` (Intel SDM volume 1, section 10.5) holds exactly these.

use core::arch::asm;

use abi::{MAX_TASKS, TaskIndex};

use crate::cpu::{self, control};
use crate::per_cpu::FPU;

/// A task's registers in memory, as `fxsave64` leaves them.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct Area([u8; 512]);

impl Area {
    /// All zeros; not a state to load.
    pub const ZERO: Self = Self([0; 512]);

    /// The state of a new task: no x87 exceptions, double extended precision; no SSE exceptions.
    const RESET: Self = {
        let mut bytes = [0; 512];
        [bytes[0], bytes[1]] = 0x037f_u16.to_le_bytes();
        [bytes[24], bytes[25]] = 0x1f80_u16.to_le_bytes();
        Self(bytes)
    };
}

/// Whose registers are in the FPU.
pub struct Fpu {
    owner: Option<TaskIndex>,
    /// Whether FPU instructions work now: CR0.TS is clear.
    on: bool,
    /// Whether a task has ever used the FPU.
    used: [bool; MAX_TASKS],
}

impl Fpu {
    /// Nobody's; FPU instructions fault.
    pub const NEW: Self = Self { owner: None, on: false, used: [false; MAX_TASKS] };

    /// Before `task` runs: its FPU instructions work if the registers are its own, and fault otherwise.
    #[inline]
    pub fn switch(&mut self, task: TaskIndex) {
        let on = self.owner == Some(task);
        if on != self.on {
            self.toggle(on);
        }
    }

    fn toggle(&mut self, on: bool) {
        self.on = on;
        if on {
            cpu::clear_task_switched();
        } else {
            // SAFETY: only the bit that makes FPU instructions fault changes.
            unsafe { cpu::set_cr0(cpu::cr0() | control::TASK_SWITCHED) }
        }
    }

    /// `task`'s FPU instruction has faulted: gives it the registers.
    pub fn take(&mut self, task: TaskIndex) {
        self.toggle(true);
        if self.owner == Some(task) {
            return;
        }
        if let Some(owner) = self.owner {
            // SAFETY: the area is this CPU's, 16-byte aligned, 512 bytes, in the table by a masked index.
            unsafe { asm!("fxsave64 [{}]", in(reg) area(owner), options(nostack)) }
        }
        if let Some(used) = self.used.get_mut(task.get())
            && !core::mem::replace(used, true)
        {
            // SAFETY: as above; nobody else has a reference to it.
            unsafe { area(task).write(Area::RESET) }
        }
        // SAFETY: the area holds what `fxsave64` wrote, or the reset state: no reserved bit of MXCSR is set. AMD's
        // `fxrstor` keeps the last x87 instruction's addresses unless an exception is pending; `fninit` clears them.
        unsafe { asm!("fninit", "fxrstor64 [{}]", in(reg) area(task), options(nostack)) }
        self.owner = Some(task);
    }

    /// `task` has ended: what is in its registers is forgotten.
    pub fn release(&mut self, task: TaskIndex) {
        if let Some(used) = self.used.get_mut(task.get()) {
            *used = false;
        }
        if self.owner == Some(task) {
            self.owner = None;
            self.toggle(false);
        }
    }
}

fn area(task: TaskIndex) -> *mut Area {
    // SAFETY: a task index is always below MAX_TASKS, the length of the array.
    unsafe { FPU.get().cast::<Area>().add(task.get()) }
}
