//! The local APIC: end of interrupt, interrupts to this CPU itself, and the one-shot timer (Intel SDM volume 3,
//! chapter 11).
//!
//! x2APIC mode is used where the CPU has it, and the TSC-deadline timer too. There are no periodic ticks.

use crate::clock::Scale;
use crate::cpu::{self, msr};
use crate::descriptors::{SPURIOUS, TIMER};
use crate::memory::DIRECT;

/// Physical address of the registers; QEMU, and firmware everywhere, leave it at its reset value.
pub const ADDRESS: u64 = 0xfee0_0000;
/// Memory that belongs to local APICs: registers, and where messages for them are written to.
pub const ADDRESS_END: u64 = 0xfef0_0000;

/// Offsets of registers.
mod register {
    pub const ID: u32 = 0x20;
    pub const TASK_PRIORITY: u32 = 0x80;
    pub const END_OF_INTERRUPT: u32 = 0xb0;
    pub const SPURIOUS: u32 = 0xf0;
    pub const COMMAND: u32 = 0x300;
    pub const TIMER: u32 = 0x320;
    pub const LINT0: u32 = 0x350;
    pub const LINT1: u32 = 0x360;
    pub const ERROR: u32 = 0x370;
    pub const INITIAL_COUNT: u32 = 0x380;
    pub const CURRENT_COUNT: u32 = 0x390;
    pub const DIVIDE: u32 = 0x3e0;
    /// Only in x2APIC mode.
    pub const SELF_INTERRUPT: u32 = 0x3f0;
}

const MASKED: u32 = 1 << 16;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const DEADLINE_MODE: u32 = 2 << 17;
const NON_MASKABLE: u32 = 0b100 << 8;
const DIVIDE_BY_1: u32 = 0b1011;
const TO_SELF: u32 = 1 << 18;
const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;

/// This CPU's local APIC.
#[derive(Clone, Copy)]
pub struct LocalApic {
    x2apic: bool,
    deadline: bool,
    /// From nanoseconds to ticks of what the timer counts.
    scale: Scale,
}

impl LocalApic {
    /// Before [`LocalApic::start`].
    pub const NEW: Self = Self { x2apic: false, deadline: false, scale: Scale::ONE };

    /// Turns it on, with everything masked.
    pub fn start() -> Self {
        let features = cpu::cpuid(1, 0).ecx;
        let apic =
            Self { x2apic: features & 1 << 21 != 0, deadline: features & 1 << 24 != 0, scale: Scale::ONE };
        // SAFETY: every CPU with long mode has a local APIC; x2APIC mode is turned on only where it exists. The base
        // address is left as it is.
        unsafe {
            let base = cpu::read_msr(msr::APIC_BASE) | BASE_ENABLE;
            cpu::write_msr(msr::APIC_BASE, base);
            if apic.x2apic {
                cpu::write_msr(msr::APIC_BASE, base | BASE_X2APIC);
            }
        }
        for register in [register::TIMER, register::LINT0, register::ERROR] {
            apic.write(register, MASKED);
        }
        // On PCs the second pin is the non-maskable interrupt: somebody wants to know where the kernel hangs.
        apic.write(register::LINT1, NON_MASKABLE);
        apic.write(register::TASK_PRIORITY, 0);
        apic.write(register::SPURIOUS, SOFTWARE_ENABLE | SPURIOUS as u32);
        apic.write(register::DIVIDE, DIVIDE_BY_1);
        apic
    }

    /// This APIC's ID, for I/O APICs.
    pub fn id(&self) -> u8 {
        let id = self.read(register::ID);
        if self.x2apic { id as u8 } else { (id >> 24) as u8 }
    }

    /// Starts counting down from the highest number, without interrupt: for calibration.
    pub fn start_count(&self) {
        self.write(register::INITIAL_COUNT, u32::MAX);
    }

    /// How far it has counted since [`LocalApic::start_count`].
    pub fn counted(&self) -> u64 {
        u64::from(u32::MAX - self.read(register::CURRENT_COUNT))
    }

    /// Prepares the timer. Frequencies in hertz: that of the counter behind [`LocalApic::counted`], and the TSC's.
    pub fn start_timer(&mut self, count_hertz: u64, tsc_hertz: u64) {
        self.write(register::INITIAL_COUNT, 0);
        let (mode, hertz) = if self.deadline { (DEADLINE_MODE, tsc_hertz) } else { (0, count_hertz) };
        self.scale = Scale::new(crate::clock::SECOND, hertz);
        self.write(register::TIMER, mode | TIMER as u32);
    }

    /// Has the timer interrupt after `nanoseconds` from now, when the TSC is at `timestamp`; or earlier, if that is
    /// further away than it can count.
    pub fn arm(&self, nanoseconds: u64, timestamp: u64) {
        let ticks = self.scale.apply(nanoseconds).saturating_add(1);
        if self.deadline {
            // SAFETY: the CPU has the register, as `start` found; it only arms an interrupt.
            unsafe { cpu::write_msr(msr::TSC_DEADLINE, timestamp.saturating_add(ticks)) }
        } else {
            self.write(
                register::INITIAL_COUNT,
                if ticks > u64::from(u32::MAX) { u32::MAX } else { ticks as u32 },
            );
        }
    }

    /// Stops the timer.
    pub fn disarm(&self) {
        if self.deadline {
            // SAFETY: as in `arm`; 0 disarms.
            unsafe { cpu::write_msr(msr::TSC_DEADLINE, 0) }
        } else {
            self.write(register::INITIAL_COUNT, 0);
        }
    }

    /// The interrupt that was delivered last is handled.
    #[inline]
    pub fn end_of_interrupt(&self) {
        self.write(register::END_OF_INTERRUPT, 0);
    }

    /// Interrupts this CPU with `vector` as soon as interrupts are on.
    pub fn interrupt_self(&self, vector: usize) {
        if self.x2apic {
            self.write(register::SELF_INTERRUPT, vector as u32);
        } else {
            self.write(register::COMMAND, TO_SELF | vector as u32);
        }
    }

    fn read(&self, register: u32) -> u32 {
        if self.x2apic {
            // SAFETY: x2APIC mode is on, so the APIC's registers are MSRs; those used here have no side effects.
            return unsafe { cpu::read_msr(msr::X2APIC + register / 16) as u32 };
        }
        // SAFETY: the page is mapped as device memory at this address in every address space, and only used here.
        unsafe { ((DIRECT + ADDRESS + u64::from(register)) as *const u32).read_volatile() }
    }

    fn write(&self, register: u32, value: u32) {
        if self.x2apic {
            // SAFETY: as in `read`; the values written make the APIC interrupt with vectors that have gates.
            unsafe { cpu::write_msr(msr::X2APIC + register / 16, u64::from(value)) }
        } else {
            // SAFETY: as in `read`.
            unsafe { ((DIRECT + ADDRESS + u64::from(register)) as *mut u32).write_volatile(value) }
        }
    }
}
