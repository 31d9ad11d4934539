//! A task's saved registers. `entry.s` reads and writes them by the offsets that are checked here.

use core::mem::{offset_of, size_of};

/// What a context is for; in place of an interrupt's vector.
pub mod kind {
    /// The task is in a system call: only what the call keeps is saved.
    pub const SYSCALL: u64 = 0x100;
    /// Not a task: the idle loop.
    pub const IDLE: u64 = 0x101;
    /// Everything is to be restored.
    pub const FULL: u64 = 0x102;
}

/// Selectors in the GDT. `syscall` and `sysret` fix their order.
pub mod selector {
    /// Kernel code.
    pub const KERNEL_CODE: u16 = 0x08;
    /// Kernel stack.
    pub const KERNEL_DATA: u16 = 0x10;
    /// User stack, with privilege level 3.
    pub const USER_DATA: u16 = 0x18 | 3;
    /// User code, with privilege level 3.
    pub const USER_CODE: u16 = 0x20 | 3;
    /// Task state segment.
    pub const TSS: u16 = 0x28;
}

/// RFLAGS: the bit that is always 1, and interrupts on.
pub const FLAGS: u64 = 1 << 1 | 1 << 9;

/// The registers of a task, in the order in which `entry.s` pushes them, downwards.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C, align(16))]
#[allow(missing_docs, reason = "the names of registers")]
pub struct Context {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    /// The vector of the interrupt that saved this, or one of [`kind`].
    pub kind: u64,
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

const END: usize = size_of::<Context>();
const _: () =
    assert!(END == 176 && END.is_multiple_of(16), "the CPU aligns the stack before it pushes a frame");
const _: () = assert!(offset_of!(Context, rip) == END - 40 && offset_of!(Context, kind) == END - 56);
const _: () = assert!(offset_of!(Context, rax) == END - 64 && offset_of!(Context, rbp) == END - 112);
const _: () = assert!(offset_of!(Context, rdi) == END - 104 && offset_of!(Context, rsi) == END - 96);

impl Context {
    /// No registers: of no task.
    pub const EMPTY: Self = Self {
        r15: 0,
        r14: 0,
        r13: 0,
        r12: 0,
        r11: 0,
        r10: 0,
        r9: 0,
        r8: 0,
        rbp: 0,
        rdi: 0,
        rsi: 0,
        rdx: 0,
        rcx: 0,
        rbx: 0,
        rax: 0,
        kind: 0,
        error: 0,
        rip: 0,
        cs: 0,
        rflags: 0,
        rsp: 0,
        ss: 0,
    };

    /// The registers of a task that starts.
    pub const fn new(entry: u64, stack: u64, argument: u64) -> Self {
        Self {
            kind: kind::FULL,
            rip: entry,
            rsp: stack,
            rdi: argument,
            cs: selector::USER_CODE as u64,
            ss: selector::USER_DATA as u64,
            rflags: FLAGS,
            ..Self::EMPTY
        }
    }

    /// All registers with their names, for a report.
    pub fn registers(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        // In the order of the fields; a register that is not one of the task's is skipped.
        let names = "r15 r14 r13 r12 r11 r10 r9 r8 rbp rdi rsi rdx rcx rbx rax - - rip cs rflags rsp ss";
        names.split(' ').zip(self.words()).filter(|(name, _)| *name != "-")
    }

    const fn words(&self) -> [u64; END / 8] {
        [
            self.r15,
            self.r14,
            self.r13,
            self.r12,
            self.r11,
            self.r10,
            self.r9,
            self.r8,
            self.rbp,
            self.rdi,
            self.rsi,
            self.rdx,
            self.rcx,
            self.rbx,
            self.rax,
            self.kind,
            self.error,
            self.rip,
            self.cs,
            self.rflags,
            self.rsp,
            self.ss,
        ]
    }
}
