//! The system call instruction of x86_64, and nothing else.
//!
//! Registers as the manual in [`abi::Syscall`] says. [`syscall`] is public for programs that test the kernel with
//! bad arguments; everybody else uses [`crate::calls`].

use core::arch::asm;

/// The result registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Returned {
    /// Value, or the negative of an error's code.
    pub result: isize,
    /// Who sent what was received; 0 for the kernel. Meaningless after calls that receive nothing.
    pub sender: usize,
    /// The info word of what was received.
    pub info: usize,
}

/// One function for each number of arguments, so that none loads registers in vain.
macro_rules! system_calls {
    ($($name:ident($($argument:ident in $register:tt),*);)*) => {$(
        /// Executes the call with this number.
        ///
        /// # Safety
        ///
        /// Memory that the arguments name (buffers, lends, mappings) must be the caller's to give.
        #[inline(always)]
        pub(crate) unsafe fn $name(number: usize, $($argument: usize),*) -> Returned {
            let (result, sender, info);
            // SAFETY: the instruction keeps all registers but those listed, does not use the stack, and changes only
            // the memory that the caller answers for. Without `nomem` the compiler has written everything to memory
            // before it and reads everything again after it, the message page included.
            unsafe {
                asm!(
                    "syscall",
                    inlateout("rax") number => result,
                    $(in($register) $argument,)*
                    lateout("rdi") sender,
                    lateout("rsi") info,
                    lateout("rcx") _,
                    lateout("rdx") _,
                    lateout("r8") _,
                    lateout("r9") _,
                    lateout("r10") _,
                    lateout("r11") _,
                    options(nostack),
                );
            }
            Returned { result, sender, info }
        }
    )*};
}

system_calls! {
    call0();
    call1(a in "rdi");
    call2(a in "rdi", b in "rsi");
    call3(a in "rdi", b in "rsi", c in "rdx");
    call4(a in "rdi", b in "rsi", c in "rdx", d in "r10");
    call5(a in "rdi", b in "rsi", c in "rdx", d in "r10", e in "r8");
}

/// Executes any system call with any arguments, to see what the kernel says.
///
/// # Safety
///
/// The kernel protects itself and other tasks from whatever the arguments are, but not the caller from itself: memory
/// of the caller that the call writes or unmaps must be the caller's to give.
pub unsafe fn syscall(number: usize, arguments: [usize; 5]) -> Returned {
    let [a, b, c, d, e] = arguments;
    // SAFETY: the caller's promise is the same.
    unsafe { call5(number, a, b, c, d, e) }
}
