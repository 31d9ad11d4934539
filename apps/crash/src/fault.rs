//! What safe Rust cannot do wrong. Each function here does something that the machine or the heap must catch, so none
//! of them ever returns to code that could be misled by what it did.
#![allow(unsafe_code)]

use alloc::alloc::{Layout, alloc, dealloc};
use core::arch::asm;
use core::hint::black_box;

/// Reads a byte from any address; to be used with those at which a task has no memory.
#[inline(never)]
pub fn read(address: usize) {
    // SAFETY: reading has no effect on memory, and the value is thrown away.
    unsafe {
        asm!("mov {value}, byte ptr [{address}]", value = out(reg_byte) _, address = in(reg) address,
            options(nostack, preserves_flags, readonly));
    }
}

/// Executes the instruction that is undefined by definition.
#[inline(never)]
pub fn undefined() {
    // SAFETY: it raises an exception and does nothing else.
    unsafe { asm!("ud2", options(nomem, nostack)) };
}

/// Divides 1 by 0 in the processor; Rust would check before.
#[inline(never)]
pub fn divide() {
    // SAFETY: it changes the registers named and raises an exception.
    unsafe {
        asm!("div {divisor:e}", divisor = in(reg) 0_u32, inout("eax") 1_u32 => _, inout("edx") 0_u32 => _,
            options(nomem, nostack));
    }
}

/// Writes to the first byte of this function.
#[inline(never)]
pub fn write_text() {
    let code = write_text as fn() as usize;
    // SAFETY: code is mapped read-only, so the write never takes effect. If it did, it would put back what is there.
    unsafe {
        asm!("mov {value}, byte ptr [{code}]", "mov byte ptr [{code}], {value}", value = out(reg_byte) _,
            code = in(reg) code, options(nostack, preserves_flags));
    }
}

/// Calls a variable whose bytes are an instruction.
#[inline(never)]
pub fn execute_data() {
    /// `ret`: should it be executed after all, nothing happens.
    static mut INSTRUCTION: [u8; 1] = [0xc3];
    // SAFETY: variables are not executable, so the call faults; and if not, it returns at once.
    unsafe { asm!("call {data}", data = in(reg) &raw mut INSTRUCTION, clobber_abi("C")) };
}

/// Frees an allocation twice. Only for debug builds, whose heap catches it.
#[inline(never)]
pub fn double_free() {
    let layout = Layout::new::<[u64; 8]>();
    // SAFETY: the layout has a size. The first free is right. The second is what the heap of debug builds exists to
    // catch: it ends the task before anything is done with the memory. The compiler cannot see that it is the same.
    unsafe {
        let memory = black_box(alloc(layout));
        dealloc(black_box(memory), layout);
        dealloc(black_box(memory), layout);
    }
}
