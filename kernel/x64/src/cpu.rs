//! Single instructions of the CPU behind functions: ports, model-specific registers, control registers, CPUID.
//!
//! Nothing here keeps state. What an instruction does is in the Intel SDM, volume 2.

use core::arch::asm;
use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// Model-specific registers (Intel SDM volume 4).
pub mod msr {
    /// Base and mode of the local APIC.
    pub const APIC_BASE: u32 = 0x1b;
    /// When the local APIC's timer interrupts, in ticks of the time-stamp counter.
    pub const TSC_DEADLINE: u32 = 0x6e0;
    /// The first register of the local APIC in x2APIC mode.
    pub const X2APIC: u32 = 0x800;
    /// Extended features: `syscall`, long mode, no-execute.
    pub const EFER: u32 = 0xc000_0080;
    /// Segments of `syscall` and `sysret`.
    pub const STAR: u32 = 0xc000_0081;
    /// Entry of `syscall`.
    pub const LSTAR: u32 = 0xc000_0082;
    /// Flags that `syscall` clears.
    pub const SFMASK: u32 = 0xc000_0084;
    /// Segment of `sysenter`; 0 makes it fault.
    pub const SYSENTER_CS: u32 = 0x174;
}

/// Bits of CR0 and CR4.
pub mod control {
    /// CR0: the kernel obeys write protection.
    pub const WRITE_PROTECT: u64 = 1 << 16;
    /// CR0: alignment checks for tasks that ask for them.
    pub const ALIGNMENT_MASK: u64 = 1 << 18;
    /// CR0: `wait` obeys [`TASK_SWITCHED`].
    pub const MONITOR: u64 = 1 << 1;
    /// CR0: no FPU.
    pub const EMULATION: u64 = 1 << 2;
    /// CR0: the next FPU instruction faults.
    pub const TASK_SWITCHED: u64 = 1 << 3;
    /// CR0: FPU errors are exceptions.
    pub const NUMERIC_ERROR: u64 = 1 << 5;
    /// CR4: machine-check exceptions.
    pub const MACHINE_CHECK: u64 = 1 << 6;
    /// CR4: global pages.
    pub const GLOBAL_PAGES: u64 = 1 << 7;
    /// CR4: `fxsave`, and SSE.
    pub const FXSAVE: u64 = 1 << 9;
    /// CR4: SSE errors are exceptions.
    pub const SIMD_EXCEPTIONS: u64 = 1 << 10;
    /// CR4: tasks cannot read descriptor tables' addresses.
    pub const UMIP: u64 = 1 << 11;
    /// CR4: `rdfsbase` and its siblings.
    pub const FSGSBASE: u64 = 1 << 16;
    /// CR4: process-context identifiers.
    pub const PCID: u64 = 1 << 17;
    /// CR4: the kernel cannot execute user pages.
    pub const SMEP: u64 = 1 << 20;
    /// CR4: the kernel cannot access user pages.
    pub const SMAP: u64 = 1 << 21;
}

/// Writes a byte to an I/O port.
pub fn out8(port: u16, value: u8) {
    // SAFETY: port writes touch no memory of this program; all ports used in this crate are those of devices that
    // cannot write to memory (console, interrupt controllers, timers, the emulator's exit).
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) }
}

/// Reads a byte from an I/O port.
pub fn in8(port: u16) -> u8 {
    let value;
    // SAFETY: as `out8`.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Reads the time-stamp counter.
#[inline]
pub fn timestamp() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter into registers.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags)) }
    u64::from(high) << 32 | u64::from(low)
}

/// CPUID; zeros for leaves that the CPU does not have.
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    let highest = __cpuid_count(leaf & 0xf000_0000, 0).eax;
    if leaf > highest {
        return CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    }
    __cpuid_count(leaf, subleaf)
}

/// Reads a model-specific register.
///
/// # Safety
///
/// The CPU must have it.
pub unsafe fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the caller says that the register exists; reading one changes nothing.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags))
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
///
/// The CPU must have it, and `value` must keep what this program relies on (entry points, long mode).
pub unsafe fn write_msr(register: u32, value: u64) {
    // SAFETY: the caller answers for the effect. Not `nomem`: the effect may need earlier stores to be done.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack, preserves_flags))
    }
}

/// Reads CR0.
pub fn cr0() -> u64 {
    let value;
    // SAFETY: reading a control register changes nothing.
    unsafe { asm!("mov {}, cr0", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Writes CR0.
///
/// # Safety
///
/// Paging and protection must stay on.
pub unsafe fn set_cr0(value: u64) {
    // SAFETY: the caller keeps what the program relies on.
    unsafe { asm!("mov cr0, {}", in(reg) value, options(nostack, preserves_flags)) }
}

/// Clears CR0's [`control::TASK_SWITCHED`].
pub fn clear_task_switched() {
    // SAFETY: lets FPU instructions run; the kernel has none.
    unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) }
}

/// Reads CR2, the address of the last page fault.
pub fn cr2() -> u64 {
    let value;
    // SAFETY: reading a control register changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Switches to another address space.
///
/// # Safety
///
/// The tables must map the kernel as the current ones do, and stay until another switch.
#[inline]
pub unsafe fn set_cr3(value: u64) {
    // SAFETY: the caller says that everything the kernel uses stays mapped.
    unsafe { asm!("mov cr3, {}", in(reg) value, options(nostack, preserves_flags)) }
}

/// Reads CR4.
pub fn cr4() -> u64 {
    let value;
    // SAFETY: reading a control register changes nothing.
    unsafe { asm!("mov {}, cr4", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Writes CR4.
///
/// # Safety
///
/// The CPU must have every feature that is set, and physical address extension must stay on.
pub unsafe fn set_cr4(value: u64) {
    // SAFETY: the caller answers for the features.
    unsafe { asm!("mov cr4, {}", in(reg) value, options(nostack, preserves_flags)) }
}

/// Forgets the translation of `address` in the current address space.
pub fn invalidate(address: u64) {
    // SAFETY: the TLB is a cache; dropping an entry is always right.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) }
}

/// A short pause for loops that wait.
pub fn relax() {
    core::hint::spin_loop();
}

/// Stops this CPU for ever.
pub fn stop() -> ! {
    loop {
        // SAFETY: with interrupts off, `hlt` waits for what never comes; nothing runs after it.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}

/// The running task's bases of FS and GS.
pub fn segment_bases() -> [u64; 2] {
    let (fs, gs);
    // SAFETY: called only while FSGSBASE is on; reads registers.
    unsafe {
        asm!("rdfsbase {}", "rdgsbase {}", out(reg) fs, out(reg) gs, options(nomem, nostack, preserves_flags))
    }
    [fs, gs]
}

/// Sets the bases of FS and GS, which the kernel does not use.
///
/// # Safety
///
/// [`control::FSGSBASE`] must be on, and the values must come from [`segment_bases`] or be 0.
pub unsafe fn set_segment_bases([fs, gs]: [u64; 2]) {
    // SAFETY: the caller says that the instructions exist and the addresses are canonical.
    unsafe {
        asm!("wrfsbase {}", "wrgsbase {}", in(reg) fs, in(reg) gs, options(nomem, nostack, preserves_flags))
    }
}

/// Reads CR3, the address space.
pub fn cr3() -> u64 {
    let value;
    // SAFETY: reading a control register changes nothing.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// The frame pointer of the caller.
#[cfg(debug_assertions)]
#[inline(always)]
pub fn frame_pointer() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}
