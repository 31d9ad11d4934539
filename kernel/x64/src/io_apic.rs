//! Device interrupts: which get through, by lines of the I/O APICs (82093AA data sheet) and by messages (Intel SDM volume
//! 3, 11.11).
//!
//! A level-triggered line is masked here when it has interrupted. A pulse that comes while its input is masked would be
//! lost, so pulse lines are masked only when one has come that is not to get through yet; it is remembered here. Messages go to the local APIC past all inputs, so one that is not to get through
//! yet is remembered in the same way.

use abi::FIRST_MESSAGE_IRQ;

use crate::acpi::{MOST_IO_APICS, Wiring};
use crate::apic::{self, LocalApic};
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
    /// Physical address of its I/O APIC; 0: it is raised by messages.
    apic: u64,
    /// Its input there.
    input: u32,
    /// The low half of its redirection entry, unmasked, or the word of its message; 0: there is no such IRQ.
    entry: u32,
    enabled: bool,
    /// A pulse or a message came while it was not enabled.
    pending: bool,
}

/// All IRQs of the machine.
pub struct Irqs {
    irqs: [Irq; MOST_IRQS],
    /// ID of the local APIC that they go to.
    target: u8,
}

impl Irqs {
    /// Before [`Irqs::start`]: no IRQ exists.
    pub const NEW: Self = Self {
        irqs: [Irq { apic: 0, input: 0, entry: 0, enabled: false, pending: false }; MOST_IRQS],
        target: 0,
    };

    /// Finds all inputs and masks them. Interrupts will go to the CPU whose local APIC has the ID `target`.
    pub fn start(&mut self, wiring: &Wiring, target: u8) {
        self.target = target;
        let mut inputs = [0; MOST_IO_APICS];
        for (apic, inputs) in wiring.io_apics.iter().zip(&mut inputs) {
            if let Some(apic) = apic {
                *inputs = (read(apic.address, VERSION) >> 16 & 0xff) as usize + 1;
                for input in 0..*inputs as u32 {
                    write(apic.address, REDIRECTION + 2 * input, MASKED);
                    write(apic.address, REDIRECTION + 2 * input + 1, u32::from(target) << 24);
                }
            }
        }
        for (irq, place) in self.irqs.iter_mut().enumerate() {
            let vector = (FIRST_IRQ + irq) as u32;
            if irq >= FIRST_MESSAGE_IRQ {
                place.entry = vector;
                continue;
            }
            let line = wiring.line(irq);
            let owner = wiring.io_apics.iter().zip(&inputs).find_map(|(apic, inputs)| {
                let apic = apic.as_ref()?;
                let input = line.input.checked_sub(apic.first)?;
                (input < *inputs).then_some((apic.address, input as u32))
            });
            if let Some((apic, input)) = owner {
                let mode = if line.level { LEVEL } else { 0 } | if line.low { ACTIVE_LOW } else { 0 };
                *place = Irq { apic, input, entry: mode | vector, enabled: false, pending: false };
            }
        }
    }

    /// Whether there is an IRQ with this number.
    pub fn has(&self, irq: usize) -> bool {
        self.irqs.get(irq).is_some_and(|state| state.entry != 0)
    }

    /// The message that raises `irq`: where and what; fixed delivery, edge-triggered (Intel SDM volume 3, 11.11.1 and
    /// 11.11.2). `None` if it has a line, or is none.
    pub fn message(&self, irq: usize) -> Option<(u32, u32)> {
        let state = self.irqs.get(irq).filter(|state| state.apic == 0 && state.entry != 0)?;
        Some((apic::ADDRESS as u32 | u32::from(self.target) << 12, state.entry))
    }

    /// `irq` has interrupted. Returns whether the kernel is to be told now; if not, it will be when it is enabled.
    pub fn arrived(&mut self, irq: usize) -> bool {
        let Some(state) = self.irqs.get_mut(irq) else { return false };
        if !state.enabled {
            state.pending = true;
            if state.apic != 0 {
                write(state.apic, REDIRECTION + 2 * state.input, state.entry | MASKED);
            }
        }
        state.enabled
    }

    /// Lets `irq` through, or stops it.
    pub fn set_enabled(&mut self, irq: usize, enabled: bool, local: &LocalApic) {
        let Some(state) = self.irqs.get_mut(irq) else { return };
        if state.entry == 0 {
            return;
        }
        state.enabled = enabled;
        let level = state.entry & LEVEL != 0;
        if state.apic != 0 && (enabled || level) {
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
