//! Instructions that a task must not be able to execute, and states of the CPU that must not reach the kernel.

use super::{Address, MESSAGE_PAGE};
use abi::{Error, Syscall};
use core::arch::asm;

/// Continues at an address where no function of this program begins; ends the task.
pub fn jump(address: Address) -> ! {
    // SAFETY: nothing at this address can be executed, so the task ends.
    unsafe { asm!("jmp {address}", address = in(reg) address.0, options(noreturn)) }
}

/// Makes a system call while the stack pointer is `stack`, then uses the stack; ends the task if there is none.
pub fn stack_at(stack: Address) {
    // SAFETY: the stack pointer is restored; what is pushed in between lies where nothing of Rust's is.
    unsafe {
        asm!(
            "mov r12, rsp",
            "mov rsp, {stack}",
            "xor eax, eax",
            "syscall",
            "push rax",
            "mov rsp, r12",
            stack = in(reg) stack.0,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _,
        );
    }
}

/// Instructions that a task must not be able to execute, by name.
pub const FORBIDDEN: [&str; 16] = [
    "hlt", "cli", "sti", "in", "out", "rdmsr", "wrmsr", "mov-cr0", "mov-cr3", "lgdt", "invlpg", "swapgs",
    "iretq", "int-32", "ud2", "int3",
];

/// Executes one of [`FORBIDDEN`].
pub fn forbidden(name: &str) {
    // SAFETY: each of these ends the task; if one does not, the test fails, whatever it did.
    unsafe {
        match name {
            "hlt" => asm!("hlt"),
            "cli" => asm!("cli"),
            "sti" => asm!("sti"),
            "in" => asm!("in al, dx", in("dx") 0x3f8u16, out("al") _),
            "out" => asm!("out dx, al", in("dx") 0xf4u16, in("al") 0u8),
            "rdmsr" => asm!("rdmsr", in("ecx") 0xc000_0080u32, out("eax") _, out("edx") _),
            "wrmsr" => asm!("wrmsr", in("ecx") 0xc000_0080u32, in("eax") 0, in("edx") 0),
            "mov-cr0" => asm!("mov {0}, cr0", out(reg) _),
            "mov-cr3" => asm!("mov {0}, cr3", "mov cr3, {0}", out(reg) _),
            "lgdt" => asm!("lgdt [{0}]", in(reg) MESSAGE_PAGE),
            "invlpg" => asm!("invlpg [{0}]", in(reg) MESSAGE_PAGE),
            "swapgs" => asm!("swapgs"),
            "iretq" => asm!("push 0", "push 0", "push 0", "push 8", "push 0", "iretq"),
            "int-32" => asm!("int 32"),
            "ud2" => asm!("ud2"),
            "int3" => asm!("int3"),
            _ => {}
        }
    }
}

/// The limit of the segment with this selector, if there is such a segment.
pub fn segment_limit(selector: u16) -> Option<u32> {
    let (limit, exists): (u32, u8);
    // SAFETY: `lsl` only reads the descriptor tables.
    unsafe {
        asm!(
            "lsl {limit:e}, {selector:e}",
            "setz {exists}",
            limit = inout(reg) 0 => limit,
            selector = in(reg) u32::from(selector),
            exists = out(reg_byte) exists,
        );
    }
    (exists != 0).then_some(limit)
}

/// Makes a system call with these flags set in RFLAGS; returns its result. The flags are cleared again.
pub fn with_flags(flags: u64) -> Result<usize, Error> {
    let result: isize;
    // SAFETY: the flags that have an effect on Rust code (direction, alignment check, trap) are cleared before it runs.
    unsafe {
        asm!(
            "pushfq",
            "pop r12",
            "mov r13, r12",
            "or r13, {flags}",
            "push r13",
            "popfq",
            "syscall",
            "push r12",
            "popfq",
            flags = in(reg) flags,
            inlateout("rax") Syscall::Clock as usize => result,
            out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _,
        );
    }
    Error::decode(result)
}

/// Sets the segment registers that have no use in long mode to the null selector, then makes a system call.
pub fn without_segments() -> Result<usize, Error> {
    let result: isize;
    // SAFETY: in 64-bit mode DS, ES, FS and GS selectors have no effect on addresses but through the bases of FS and
    // GS, which this program does not use.
    unsafe {
        asm!(
            "xor ecx, ecx",
            "mov ds, ecx",
            "mov es, ecx",
            "mov fs, ecx",
            "mov gs, ecx",
            "syscall",
            inlateout("rax") Syscall::Clock as usize => result,
            out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            options(nostack),
        );
    }
    Error::decode(result)
}
