//! The I/O APICs: which device interrupts get through (82093AA data sheet).
//!
//! A level-triggered line is masked here when it has interrupted. A pulse that comes while its input is masked would be
//! lost, so pulse lines are masked only when one has come that is not to get through yet; it is remembered here.

use crate::acpi::{MOST_IO_APICS, Wiring};
use crate::apic::LocalApic;
use crate::descriptors::{FIRST_IRQ, MOST_IRQS};
use crate::memory::DIRECT;

const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// The state of one IRQ.
#[derive(Clone, Copy)]
struct Irq {
    /// Physical address of its I/O APIC; 0: there is no such IRQ.
    apic: u64,
    /// Its input there.
    input: u32,
    /// The low half of its redirection entry, unmasked.
    entry: u32,
    enabled: bool,
    /// A pulse came while it was not enabled.
    pending: bool,
}

/// All IRQs of the machine.
pub struct Irqs {
    irqs: [Irq; MOST_IRQS],
    count: usize,
}

impl Irqs {
    /// Before [`Irqs::start`]: no IRQ exists.
    pub const NEW: Self = Self {
        irqs: [Irq { apic: 0, input: 0, entry: 0, enabled: false, pending: false }; MOST_IRQS],
        count: 0,
    };

    /// Finds all inputs and masks them. Interrupts will go to the CPU whose local APIC has the ID `target`.
    pub fn start(&mut self, wiring: &Wiring, target: u8) {
        let mut inputs = [0; MOST_IO_APICS];
        for (apic, inputs) in wiring.io_apics.iter().zip(&mut inputs) {
            if let Some(apic) = apic {
                *inputs = (read(apic.address, VERSION) >> 16 & 0xff) as usize + 1;
                for input in 0..*inputs as u32 {
                    write(apic.address, REDIRECTION + 2 * input, MASKED);
                    write(apic.address, REDIRECTION + 2 * input + 1, u32::from(target) << 24);
                }
                self.count = self.count.max((apic.first + *inputs).min(MOST_IRQS));
            }
        }
        for (irq, place) in self.irqs.iter_mut().enumerate() {
            let line = wiring.line(irq);
            let owner = wiring.io_apics.iter().zip(&inputs).find_map(|(apic, inputs)| {
                let apic = apic.as_ref()?;
                let input = line.input.checked_sub(apic.first)?;
                (input < *inputs).then_some((apic.address, input as u32))
            });
            if let Some((apic, input)) = owner {
                let mode = if line.level { LEVEL } else { 0 } | if line.low { ACTIVE_LOW } else { 0 };
                *place = Irq {
                    apic,
                    input,
                    entry: mode | (FIRST_IRQ + irq) as u32,
                    enabled: false,
                    pending: false,
                };
            }
        }
    }

    /// How many IRQ numbers there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// `irq` has interrupted. Returns whether the kernel is to be told now; if not, it will be when it is enabled.
    pub fn arrived(&mut self, irq: usize) -> bool {
        let Some(state) = self.irqs.get_mut(irq) else { return false };
        if !state.enabled && state.apic != 0 {
            state.pending = true;
            write(state.apic, REDIRECTION + 2 * state.input, state.entry | MASKED);
        }
        state.enabled
    }

    /// Lets `irq` through, or stops it.
    pub fn set_enabled(&mut self, irq: usize, enabled: bool, local: &LocalApic) {
        let Some(state) = self.irqs.get_mut(irq) else { return };
        if state.apic == 0 {
            return;
        }
        state.enabled = enabled;
        let level = state.entry & LEVEL != 0;
        if enabled || level {
            let mask = if enabled { 0 } else { MASKED };
            write(state.apic, REDIRECTION + 2 * state.input, state.entry | mask);
        }
        if enabled && core::mem::replace(&mut state.pending, false) && !level {
            local.interrupt_self(FIRST_IRQ + irq);
        }
    }
}

fn read(apic: u64, register: u32) -> u32 {
    let base = (DIRECT + apic) as *mut u32;
    // SAFETY: boot code maps the page of each I/O APIC in the wiring as device memory at this address, in every address
    // space; the index register and the data window are only used here, with interrupts off.
    unsafe {
        base.write_volatile(register);
        base.add(4).read_volatile()
    }
}

fn write(apic: u64, register: u32, value: u32) {
    let base = (DIRECT + apic) as *mut u32;
    // SAFETY: as in `read`; vectors written have gates.
    unsafe {
        base.write_volatile(register);
        base.add(4).write_volatile(value);
    }
}
