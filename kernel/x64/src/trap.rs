//! System calls, exceptions and interrupts, as they come from `entry.s`: each is passed to the core, which decides who
//! runs next.

use abi::{Access, Exception, TaskIndex};
use kernel_core::{Fault, Kernel, Request};

use crate::context::Context;
use crate::descriptors::TIMER;
use crate::machine::X64;
use crate::paging::USER_END;
use crate::per_cpu::KERNEL;
use crate::{cpu, report, serial};

/// Numbers of exceptions (Intel SDM volume 3, section 6.15).
mod vector {
    pub const DIVIDE: usize = 0;
    pub const DEBUG: usize = 1;
    pub const BREAKPOINT: usize = 3;
    pub const INVALID_OPCODE: usize = 6;
    pub const NO_DEVICE: usize = 7;
    pub const INVALID_TSS: usize = 10;
    pub const PROTECTION: usize = 13;
    pub const PAGE_FAULT: usize = 14;
    pub const X87: usize = 16;
    pub const ALIGNMENT: usize = 17;
    pub const MACHINE_CHECK: usize = 18;
    pub const SIMD: usize = 19;
    pub const FIRST_INTERRUPT: usize = 32;
}

/// A system call of the current task. Returns the end of the context to resume.
pub extern "C" fn on_syscall(
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    number: usize,
) -> *mut Context {
    // SAFETY: called by the assembly entry only, with interrupts off and nothing of the kernel below on the stack:
    // nobody else has a reference to this CPU's kernel.
    let kernel = unsafe { &mut *KERNEL.get() };
    kernel.syscall(&Request { number, arguments: [first, second, third, fourth, fifth] });
    kernel.machine.resume(kernel.current())
}

/// An exception of the current task, or an interrupt. Returns the end of the context to resume.
pub extern "C" fn on_trap(vector: usize) -> *mut Context {
    // SAFETY: as in `on_syscall`; traps in the kernel itself never come here, but from the idle loop, which holds
    // nothing.
    let kernel = unsafe { &mut *KERNEL.get() };
    let task = kernel.current();
    if let Some(task) = task {
        keep_canonical(&mut kernel.machine.parts[task].context);
    }
    if vector >= vector::FIRST_INTERRUPT {
        interrupt(kernel, vector);
    } else if let Some(task) = task {
        exception(kernel, task, vector);
    }
    kernel.machine.resume(kernel.current())
}

/// Some CPUs jump to an address that is none and fault only at the fetch, so that an interrupt can come in between;
/// `iretq` to it would fault in the kernel. At address 0, where nothing is mapped, the task faults as it should.
fn keep_canonical(context: &mut Context) {
    if context.rip >= USER_END {
        context.rip = 0;
    }
}

fn interrupt(kernel: &mut Kernel<X64>, vector: usize) {
    if vector == TIMER {
        kernel.machine.apic.end_of_interrupt();
        kernel.timer();
    } else {
        if let Some(irq) = kernel.machine.arrived(vector) {
            if irq == serial::IRQ { console(kernel) } else { kernel.interrupt(irq) }
        }
        // After the line is masked: a level that still holds would interrupt again at once.
        kernel.machine.apic.end_of_interrupt();
    }
}

/// Most bytes of input taken at one interrupt; the rest interrupts again.
const INPUT_AT_ONCE: usize = 256;

fn console(kernel: &mut Kernel<X64>) {
    for _ in 0..INPUT_AT_ONCE {
        match serial::receive() {
            Some(byte) => kernel.console_input(byte),
            None => return,
        }
    }
    serial::rearm();
}

fn exception(kernel: &mut Kernel<X64>, task: TaskIndex, vector: usize) {
    let Context { error, .. } = kernel.machine.parts[task].context;
    let handled = match vector {
        vector::NO_DEVICE => {
            kernel.machine.fpu.take(task);
            true
        }
        vector::PROTECTION => kernel.machine.ports.take(task),
        vector::INVALID_OPCODE => kernel.machine.take_bases(task),
        _ => false,
    };
    if handled {
        return;
    }
    kernel.fault(if vector == vector::PAGE_FAULT {
        Fault::Page { address: cpu::cr2() as usize, access: access(error) }
    } else {
        Fault::Exception { exception: name(vector), detail: vector | (error as usize) << 8 }
    });
}

/// What kind of access a page fault's error code tells (Intel SDM volume 3, section 4.7).
const fn access(error: u64) -> Access {
    let mut access = Access::READ;
    if error & 1 != 0 {
        access = access.union(Access::PRESENT);
    }
    if error & 1 << 4 != 0 {
        access.union(Access::EXECUTE)
    } else if error & 1 << 1 != 0 {
        access.union(Access::WRITE)
    } else {
        access
    }
}

const fn name(vector: usize) -> Exception {
    match vector {
        vector::DIVIDE => Exception::Divide,
        vector::DEBUG | vector::BREAKPOINT => Exception::Breakpoint,
        vector::INVALID_OPCODE => Exception::IllegalInstruction,
        vector::INVALID_TSS..=vector::PROTECTION => Exception::Protection,
        vector::ALIGNMENT => Exception::Alignment,
        vector::X87 | vector::SIMD => Exception::FloatingPoint,
        vector::MACHINE_CHECK => Exception::MachineCheck,
        _ => Exception::Other,
    }
}

/// An exception in the kernel, or one after which nothing can be trusted. The assembly has pushed all registers and
/// passes the address of the block; nothing else refers to it.
pub extern "C" fn on_fatal(context: &Context) -> ! {
    report::fatal(context)
}
