//! Formats of the descriptor tables: GDT, IDT and TSS (Intel SDM volume 3, sections 3.4.5, 7.7 and 6.14.1).

/// Vectors that have a gate: exceptions, then the timer, then [`FIRST_IRQ`] up. Others fault.
pub const VECTORS: usize = 128;
/// Vector of the local APIC's timer.
pub const TIMER: usize = 0x20;
/// Vector of interrupts that the local APIC took back.
pub const SPURIOUS: usize = 0x2f;
/// Vector of IRQ 0.
pub const FIRST_IRQ: usize = 0x30;
/// IRQs that have a vector.
pub const MOST_IRQS: usize = VECTORS - FIRST_IRQ;

const _: () = assert!(abi::FIRST_MESSAGE_IRQ + abi::MESSAGE_IRQS == MOST_IRQS);

/// The interrupt stack table's entries.
pub mod stack {
    /// The stack that the privilege level says.
    pub const NORMAL: u8 = 0;
    /// Non-maskable interrupts.
    pub const NMI: u8 = 1;
    /// Double faults.
    pub const DOUBLE_FAULT: u8 = 2;
    /// Machine checks.
    pub const MACHINE_CHECK: u8 = 3;
}

/// Bytes of the I/O permission bitmap: a bit for each port.
pub const BITMAP_BYTES: usize = 8192;

/// The task state segment: where the CPU finds its stacks and which I/O ports the running task has.
#[repr(C, packed(4))]
pub struct Tss {
    reserved0: u32,
    /// The stack for traps from tasks: the end of the running task's context.
    pub rsp0: u64,
    rsp1: u64,
    rsp2: u64,
    reserved1: u64,
    /// The stacks of [`stack`], from 1.
    pub ist: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    /// Offset of `ports`, or [`NO_PORTS`].
    pub ports_offset: u16,
    /// A bit for each port: 0, the task may use it.
    pub ports: [u8; BITMAP_BYTES],
    /// The CPU reads one byte past the bitmap; it must be all ones.
    pub end: u8,
}

/// `ports_offset` of a task that may use the ports in the bitmap.
pub const PORTS: u16 = core::mem::offset_of!(Tss, ports) as u16;
/// `ports_offset` of a task without ports: past the end of the segment.
pub const NO_PORTS: u16 = u16::MAX;
/// The segment's limit: the offset of its last byte.
pub const TSS_LIMIT: u64 = core::mem::offset_of!(Tss, end) as u64;

const _: () = assert!(core::mem::offset_of!(Tss, rsp0) == 4 && PORTS == 104);

/// The GDT in the order of [`crate::context::selector`]; `tss` is the address of the TSS.
pub const fn gdt(tss: u64) -> [u64; 7] {
    const CODE: u64 = 0x00af_9a00_0000_ffff;
    const DATA: u64 = 0x00cf_9200_0000_ffff;
    const USER: u64 = 3 << 45;
    const AVAILABLE_TSS: u64 = 0x89 << 40;
    let low = TSS_LIMIT & 0xffff | (tss & 0xff_ffff) << 16 | AVAILABLE_TSS | (tss >> 24 & 0xff) << 56;
    [0, CODE, DATA, DATA | USER, CODE | USER, low, tss >> 32]
}

/// An interrupt gate: interrupts are off in its handler.
pub const fn gate(handler: u64, stack: u8, from_user: bool) -> [u64; 2] {
    const PRESENT_INTERRUPT: u64 = 0x8e << 40;
    let privilege = if from_user { 3 << 45 } else { 0 };
    let selector = crate::context::selector::KERNEL_CODE as u64;
    let low = handler & 0xffff
        | selector << 16
        | (stack as u64) << 32
        | PRESENT_INTERRUPT
        | privilege
        | (handler >> 16 & 0xffff) << 48;
    [low, handler >> 32]
}

/// The gate of a vector whose stub starts at `handler`. Only breakpoints may be raised by a task's `int`.
pub const fn gate_of(vector: usize, handler: u64) -> [u64; 2] {
    let stack = match vector {
        2 => stack::NMI,
        8 => stack::DOUBLE_FAULT,
        18 => stack::MACHINE_CHECK,
        _ => stack::NORMAL,
    };
    gate(handler, stack, vector == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_spread_as_the_manual_says() {
        let [low, high] = gate(0x1122_3344_5566_7788, 2, false);
        assert_eq!(low, 0x5566_8e02_0008_7788);
        assert_eq!(high, 0x1122_3344);
        assert_eq!(gate_of(3, 0)[0], 0x0000_ee00_0008_0000);
        let table = gdt(0xffff_ffff_c012_3456);
        assert_eq!(table[5], 0xc000_8912_3456_0000 | TSS_LIMIT);
        assert_eq!(table[6], 0xffff_ffff);
        assert_eq!(table[4], 0x00af_fa00_0000_ffff);
    }
}
