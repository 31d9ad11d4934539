//! How fast the time-stamp counter and the local APIC's timer count.
//!
//! Emulators and hypervisors say it, or have a timer of known speed. On hardware it is measured against the 8254
//! timer, and if there is none, taken from CPUID.

use crate::apic::LocalApic;
use crate::clock::{SECOND, frequency};
use crate::cpu::{self, in8, out8, relax};

/// The frequencies in hertz.
#[derive(Clone, Copy, Debug)]
pub struct Frequencies {
    /// Of the time-stamp counter.
    pub timestamp: u64,
    /// Of the local APIC's timer.
    pub timer: u64,
}

/// Finds out. Takes up to 10 ms.
pub fn measure(apic: &LocalApic) -> Frequencies {
    if let Some(known) = hypervisor_says() {
        return known;
    }
    if is_qemu() {
        return against_timer(apic);
    }
    against_8254(apic).or_else(cpu_says).unwrap_or_else(|| against_timer(apic))
}

/// CPUID leaf 0x4000_0010, which some hypervisors have: both frequencies in kHz.
fn hypervisor_says() -> Option<Frequencies> {
    if cpu::cpuid(1, 0).ecx >> 31 == 0 {
        return None;
    }
    let leaf = cpu::cpuid(0x4000_0010, 0);
    (leaf.eax != 0 && leaf.ebx != 0)
        .then(|| Frequencies { timestamp: u64::from(leaf.eax) * 1000, timer: u64::from(leaf.ebx) * 1000 })
}

/// The local APIC's timer in QEMU, emulated or by KVM.
const QEMU_TIMER: u64 = SECOND;

fn is_qemu() -> bool {
    let hypervisor = cpu::cpuid(1, 0).ecx >> 31 != 0;
    let name = cpu::cpuid(0x4000_0000, 0).ebx.to_le_bytes();
    hypervisor && (name == *b"TCGT" || name == *b"KVMK")
}

/// CPUID leaf 0x15: the crystal, which is the timer's, and the ratio of the time-stamp counter to it.
fn cpu_says() -> Option<Frequencies> {
    let leaf = cpu::cpuid(0x15, 0);
    let crystal = u64::from(leaf.ecx);
    let ratio = u64::from(leaf.ebx) * crystal;
    (leaf.eax != 0 && ratio != 0)
        .then(|| Frequencies { timestamp: ratio / u64::from(leaf.eax).max(1), timer: crystal })
}

/// How long to measure against a timer of known speed, in its ticks: 250 µs, which costs as many instructions as
/// nanoseconds when an emulator counts them.
const TIMER_TICKS: u64 = QEMU_TIMER / 4000;

/// Against the APIC's timer, taking it to be as QEMU's.
fn against_timer(apic: &LocalApic) -> Frequencies {
    apic.start_count();
    let start = sample(apic);
    // Bounded: a timer that does not count must not stop the boot.
    for _ in 0..TIMER_TICKS {
        if apic.counted().saturating_sub(start.count) >= TIMER_TICKS {
            break;
        }
        relax();
    }
    let end = sample(apic);
    let (ticks, count) =
        (end.timestamp.saturating_sub(start.timestamp), end.count.saturating_sub(start.count));
    Frequencies { timestamp: frequency(ticks, count, QEMU_TIMER), timer: QEMU_TIMER }
}

/// Both counters at one moment.
#[derive(Clone, Copy)]
struct Sample {
    timestamp: u64,
    count: u64,
    width: u64,
}

/// The best of some readings: the one in which nothing came between.
fn sample(apic: &LocalApic) -> Sample {
    let mut best = Sample { timestamp: 0, count: 0, width: u64::MAX };
    for _ in 0..8 {
        let before = cpu::timestamp();
        let count = apic.counted();
        let width = cpu::timestamp().saturating_sub(before);
        if width < best.width {
            best = Sample { timestamp: before + width / 2, count, width };
        }
    }
    best
}

/// The 8254 timer (Intel data sheet 231164), channel 2, whose gate and output are at port 0x61.
mod pit {
    pub const HERTZ: u64 = 1_193_182;
    pub const CHANNEL_2: u16 = 0x42;
    pub const COMMAND: u16 = 0x43;
    pub const GATE: u16 = 0x61;
    /// Channel 2, low byte then high byte, mode 0: the output rises when the count ends.
    pub const ONE_SHOT: u8 = 0b1011_0000;
    pub const OUTPUT: u8 = 1 << 5;
    /// 10 ms.
    pub const TICKS: u16 = (HERTZ / 100) as u16;
}

/// Polls of the 8254 before it is given up: more than a second at the speed of the bus.
const PATIENCE: usize = 2_000_000;

fn against_8254(apic: &LocalApic) -> Option<Frequencies> {
    let gate = in8(pit::GATE);
    out8(pit::GATE, gate & !2 | 1);
    out8(pit::COMMAND, pit::ONE_SHOT);
    let [low, high] = pit::TICKS.to_le_bytes();
    out8(pit::CHANNEL_2, low);
    out8(pit::CHANNEL_2, high);
    if in8(pit::GATE) & pit::OUTPUT != 0 {
        return None;
    }
    apic.start_count();
    let start = sample(apic);
    let polls = (0..PATIENCE).find(|_| in8(pit::GATE) & pit::OUTPUT != 0);
    let end = sample(apic);
    out8(pit::GATE, gate);
    polls?;
    let ticks = u64::from(pit::TICKS);
    Some(Frequencies {
        timestamp: frequency(end.timestamp.saturating_sub(start.timestamp), ticks, pit::HERTZ),
        timer: frequency(end.count.saturating_sub(start.count), ticks, pit::HERTZ),
    })
}
