//! Sets a CPU up: protection features, descriptor tables, the entries for system calls and traps.

use core::arch::asm;

use crate::context::selector;
use crate::cpu::{self, control, msr};
use crate::descriptors::{self, NO_PORTS, Tss, VECTORS};
use crate::entry::{STUB_SIZE, syscall_entry, trap_stubs};
use crate::paging::NO_EXECUTE;
use crate::per_cpu::{EMERGENCY_STACK_COUNT, EMERGENCY_STACKS, EmergencyStack, GDT, IDT, TSS};

/// What this CPU can do, as far as the kernel cares.
#[derive(Clone, Copy)]
pub struct Features {
    /// [`NO_EXECUTE`] or 0.
    pub no_execute: u64,
    /// Pages of 1 GiB.
    pub huge_pages: bool,
    /// The first physical address that it does not have.
    pub physical_end: u64,
    /// Process-context identifiers.
    pub pcid: bool,
    /// Instructions for segment bases.
    pub bases: bool,
    /// CR4's bits for features that simply are turned on.
    protection: u64,
}

impl Features {
    /// Asks the CPU.
    pub fn detect() -> Self {
        let bit = |word: u32, bit: u32| word >> bit & 1 != 0;
        let basic = cpu::cpuid(1, 0);
        let structured = cpu::cpuid(7, 0);
        let extended = cpu::cpuid(0x8000_0001, 0);
        let address_bits = (cpu::cpuid(0x8000_0008, 0).eax & 0xff).clamp(36, 52);
        let mut protection = 0;
        for (present, control) in [
            (bit(structured.ebx, 7), control::SMEP),
            (bit(structured.ebx, 20), control::SMAP),
            (bit(structured.ecx, 2), control::UMIP),
            (bit(basic.edx, 13), control::GLOBAL_PAGES),
            (bit(basic.edx, 7), control::MACHINE_CHECK),
        ] {
            if present {
                protection |= control;
            }
        }
        Self {
            no_execute: if bit(extended.edx, 20) { NO_EXECUTE } else { 0 },
            huge_pages: bit(extended.edx, 26),
            physical_end: 1 << address_bits,
            pcid: bit(basic.ecx, 17),
            bases: bit(structured.ebx, 0),
            protection,
        }
    }
}

const EFER_SYSCALL: u64 = 1 << 0;
const EFER_NO_EXECUTE: u64 = 1 << 11;

/// Turns on what page tables with [`NO_EXECUTE`] need, and write protection in the kernel.
pub fn prepare_paging(features: &Features) {
    let no_execute = if features.no_execute != 0 { EFER_NO_EXECUTE } else { 0 };
    // SAFETY: every CPU with long mode has EFER; the bits set exist, the others stay. Write protection only refuses
    // writes that the tables forbid, and the boot tables forbid none.
    unsafe {
        cpu::write_msr(msr::EFER, cpu::read_msr(msr::EFER) | EFER_SYSCALL | no_execute);
        cpu::set_cr0(cpu::cr0() | control::WRITE_PROTECT);
    }
}

/// RFLAGS that `syscall` clears: traps, interrupts, direction, I/O privilege, nested task, alignment check.
const SYSCALL_CLEARS: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18;

/// Sets this CPU up. The tables that it uses are mapped.
pub fn start(features: &Features) {
    load_tables();
    let mut cr4 = cpu::cr4() | features.protection | control::FXSAVE | control::SIMD_EXCEPTIONS;
    if features.pcid {
        cr4 |= control::PCID;
    }
    let cr0 =
        cpu::cr0() & !control::EMULATION | control::MONITOR | control::NUMERIC_ERROR | control::TASK_SWITCHED;
    // User segments follow 0x10: `sysret` adds 8 for the stack and 16 for the code.
    let star = u64::from(selector::KERNEL_CODE) << 32 | u64::from(selector::KERNEL_DATA) << 48;
    // SAFETY: the features exist; identifiers are turned on with identifier 0 loaded, as the manual demands (SDM volume 3,
    // section 4.10.1). The entry obeys the protocol of `syscall`.
    unsafe {
        cpu::set_cr4(cr4);
        cpu::set_cr0(cr0);
        cpu::write_msr(msr::STAR, star);
        cpu::write_msr(msr::LSTAR, syscall_entry as *const () as u64);
        cpu::write_msr(msr::SFMASK, SYSCALL_CLEARS);
        cpu::write_msr(msr::SYSENTER_CS, 0);
        // No breakpoint that boot firmware may have left can hit in the kernel.
        asm!("mov dr7, {}", in(reg) 0u64, options(nomem, nostack, preserves_flags));
    }
}

/// A pointer to a table, for `lgdt` and `lidt`.
#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

fn load_tables() {
    let stubs = &raw const trap_stubs as u64;
    // SAFETY: boot code runs alone, and nothing uses these tables before they are loaded here.
    let (tss, gdt, idt) = unsafe { (&mut *TSS.get().cast::<Tss>(), &mut *GDT.get(), &mut *IDT.get()) };
    // Stacks grow down: each starts where the next begins.
    let stacks = EMERGENCY_STACKS.get().cast::<EmergencyStack>();
    let mut ist = [0; 7];
    for (entry, index) in ist.iter_mut().zip(1..=EMERGENCY_STACK_COUNT) {
        *entry = stacks.wrapping_add(index) as u64;
    }
    tss.ist = ist;
    tss.ports_offset = NO_PORTS;
    tss.ports = [0xff; descriptors::BITMAP_BYTES];
    tss.end = 0xff;
    *gdt = descriptors::gdt(TSS.get() as u64);
    for (vector, place) in idt.iter_mut().enumerate() {
        *place = descriptors::gate_of(vector, stubs + STUB_SIZE * vector as u64);
    }
    let gdt_pointer = Pointer { limit: (size_of_val(gdt) - 1) as u16, base: GDT.get() as u64 };
    let idt_pointer = Pointer { limit: (VECTORS * 16 - 1) as u16, base: IDT.get() as u64 };
    // SAFETY: the tables are complete and live for ever; the selectors are in the GDT, and its kernel code segment is
    // as the current one, so the far return goes on right after itself.
    unsafe {
        asm!(
            "lgdt [{gdt}]",
            "lidt [{idt}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ss, {data:e}",
            "xor {scratch:e}, {scratch:e}",
            "mov ds, {scratch:e}",
            "mov es, {scratch:e}",
            "mov fs, {scratch:e}",
            "mov gs, {scratch:e}",
            // After reset the LDT is not empty but memory from address 0 on, where a task could put call gates.
            "lldt {scratch:x}",
            "ltr {tss:x}",
            gdt = in(reg) &gdt_pointer,
            idt = in(reg) &idt_pointer,
            code = in(reg) u64::from(selector::KERNEL_CODE),
            data = in(reg) u64::from(selector::KERNEL_DATA),
            tss = in(reg) u64::from(selector::TSS),
            scratch = out(reg) _,
        );
    }
}
