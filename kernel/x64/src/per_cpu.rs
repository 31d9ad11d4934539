//! What each CPU has for itself: its kernel, stacks, descriptor tables.
//!
//! The statics here are placed in sections that the linker puts at one virtual address and that every CPU maps to
//! memory of its own; so an access costs no more than to any static, and no register has to point to them. A CPU's
//! tasks have page tables that lead to that CPU's memory. CPU 0's memory is the image itself.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use kernel_core::Kernel;

use crate::context::Context;
use crate::descriptors::{Tss, VECTORS};
use crate::fpu::Area;
use crate::machine::X64;

/// A static of one CPU.
#[repr(C, align(64))]
pub struct PerCpu<T>(UnsafeCell<T>);

// SAFETY: each CPU sees memory of its own at the static's address, and on one CPU the kernel runs with interrupts off
// and is entered only from tasks and from the idle loop: there is never a second user of the value.
unsafe impl<T> Sync for PerCpu<T> {}

impl<T> PerCpu<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// A pointer to this CPU's value.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// Bytes of the stack that the kernel runs on.
pub const STACK_SIZE: usize = 16 * 1024;
/// Bytes of the stack that boot code runs on: it keeps its lists of memory regions there (`cargo resea size --stack`).
pub const BOOT_STACK_SIZE: usize = 32 * 1024;
/// Bytes of each stack for what can hit at any moment.
pub const EMERGENCY_STACK_SIZE: usize = 8 * 1024;
/// Bytes of the page below each stack that is never mapped.
pub const GUARD_SIZE: usize = 4096;

/// A stack above a guard page: an overflow faults instead of overwriting something.
#[repr(C, align(4096))]
pub struct Stack<const SIZE: usize> {
    guard: [u8; GUARD_SIZE],
    memory: [u8; SIZE],
}

impl<const SIZE: usize> Stack<SIZE> {
    const NEW: Self = Self { guard: [0; GUARD_SIZE], memory: [0; SIZE] };
}

/// This CPU's kernel.
#[unsafe(link_section = ".cpu.data")]
pub static KERNEL: PerCpu<Kernel<X64>> = PerCpu::new(Kernel::new(X64::NEW, 0));

/// The stack that the kernel runs on, from its start at each entry.
#[unsafe(link_section = ".bss.cpu.stack")]
pub static STACK: PerCpu<Stack<STACK_SIZE>> = PerCpu::new(Stack::NEW);

/// The stacks for non-maskable interrupts, double faults and machine checks.
#[unsafe(link_section = ".bss.cpu.stack")]
pub static EMERGENCY_STACKS: PerCpu<[EmergencyStack; EMERGENCY_STACK_COUNT]> =
    PerCpu::new([Stack::NEW; EMERGENCY_STACK_COUNT]);

/// A stack for what can hit at any moment.
pub type EmergencyStack = Stack<EMERGENCY_STACK_SIZE>;
/// How many there are; in the order of [`crate::descriptors::stack`].
pub const EMERGENCY_STACK_COUNT: usize = 3;

/// Whether the page at `address` is a stack's guard, to be left unmapped.
pub fn is_guard(address: u64) -> bool {
    let emergency = EMERGENCY_STACKS.get().cast::<EmergencyStack>();
    let stacks = (0..EMERGENCY_STACK_COUNT).map(|index| emergency.wrapping_add(index) as u64);
    stacks.chain([STACK.get() as u64]).any(|stack| address == stack)
}

/// The task state segment.
#[unsafe(link_section = ".bss.cpu.tss")]
pub static TSS: PerCpu<MaybeUninit<Tss>> = PerCpu::new(MaybeUninit::zeroed());

/// The global descriptor table.
#[unsafe(link_section = ".bss.cpu.gdt")]
pub static GDT: PerCpu<[u64; 7]> = PerCpu::new([0; 7]);

/// The interrupt descriptor table.
#[unsafe(link_section = ".bss.cpu.idt")]
pub static IDT: PerCpu<[[u64; 2]; VECTORS]> = PerCpu::new([[0; 2]; VECTORS]);

/// What runs when no task is ready.
#[unsafe(link_section = ".cpu.data")]
pub static IDLE: PerCpu<Context> =
    PerCpu::new(Context { kind: crate::context::kind::IDLE, ..Context::EMPTY });

/// The FPU registers of tasks that are not loaded.
#[unsafe(link_section = ".bss.cpu.fpu")]
pub static FPU: PerCpu<[Area; abi::MAX_TASKS]> = PerCpu::new([Area::ZERO; abi::MAX_TASKS]);
