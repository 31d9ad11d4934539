//! The assembly of the first instructions and of the ways into the kernel, and what the linker script defines.

use core::arch::global_asm;

use crate::context::Context;
use crate::descriptors::VECTORS;
use crate::per_cpu::{BOOT_STACK_SIZE, GUARD_SIZE, STACK, STACK_SIZE, TSS};
use crate::{start, trap};

global_asm!(
    include_str!("boot.s"),
    stack = sym STACK_FOR_BOOT,
    stack_size = const BOOT_STACK_SIZE,
    start = sym start::start,
);

global_asm!(
    include_str!("entry.s"),
    tss = sym TSS,
    stack = sym STACK,
    stack_size = const GUARD_SIZE + STACK_SIZE,
    vectors = const VECTORS,
    on_syscall = sym trap::on_syscall,
    on_trap = sym trap::on_trap,
    on_fatal = sym trap::on_fatal,
);

/// The stack until the CPU's own is mapped. Only assembly uses it.
#[repr(C, align(16))]
struct BootStack([u8; BOOT_STACK_SIZE]);
#[unsafe(link_section = ".bss.boot_stack")]
static STACK_FOR_BOOT: crate::per_cpu::PerCpu<BootStack> =
    crate::per_cpu::PerCpu::new(BootStack([0; BOOT_STACK_SIZE]));

unsafe extern "C" {
    /// Where `syscall` leads.
    pub fn syscall_entry();
    /// The stubs of all vectors, [`STUB_SIZE`] bytes each.
    pub static trap_stubs: u8;
    /// Runs the task whose context ends here.
    pub fn enter_task(context_end: *mut Context) -> !;

    // The linker script's symbols; their addresses count.
    static image_start: u8;
    static image_end: u8;
    static text_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static data_end: u8;
    static cpu_start: u8;
    static cpu_end: u8;
    static cpu_load: u8;
}

/// Distance between two trap stubs.
pub const STUB_SIZE: u64 = 8;

const _: () = assert!(VECTORS <= 128, "a stub has room for a signed byte");

/// Where the linker has put the kernel. All addresses are page-aligned, except `image_end`.
pub struct Layout {
    /// Physical, of the whole image.
    pub image: (u64, u64),
    /// Virtual minus physical addresses of the next three.
    pub base: u64,
    /// Virtual: code.
    pub text: (u64, u64),
    /// Virtual: constants.
    pub rodata: (u64, u64),
    /// Virtual: variables.
    pub data: (u64, u64),
    /// Virtual: what each CPU has for itself.
    pub cpu: (u64, u64),
    /// Physical: where CPU 0 has it.
    pub cpu_load: u64,
}

impl Layout {
    /// What the linker script has decided.
    pub fn get() -> Self {
        let address = |symbol: *const u8| symbol as u64;
        Self {
            image: (address(&raw const image_start), address(&raw const image_end)),
            base: 0xffff_ffff_8000_0000,
            text: (address(&raw const text_start), address(&raw const rodata_start)),
            rodata: (address(&raw const rodata_start), address(&raw const data_start)),
            data: (address(&raw const data_start), address(&raw const data_end)),
            cpu: (address(&raw const cpu_start), address(&raw const cpu_end)),
            cpu_load: address(&raw const cpu_load),
        }
    }
}
