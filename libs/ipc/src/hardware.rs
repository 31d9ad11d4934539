//! Random numbers of the processor: the instructions RDSEED and RDRAND of x86, found by CPUID.
//!
//! Keeps no state; every task may use it. Whoever wants random numbers asks the service `random`, which uses this one
//! to seed its own.

/// A number from the processor's source of random numbers; `None` if it has none, or if it does not work.
///
/// RDSEED if there is it, else RDRAND (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 7.3.17). A
/// source that says 0 or all ones is taken for broken: some processors answer so after a suspension.
pub fn hardware_random() -> Option<u64> {
    system::hardware_random().filter(|number| ![0, u64::MAX].contains(number))
}

#[cfg(not(target_os = "none"))]
use crate::host as system;

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
mod system {
    use core::arch::asm;
    use core::arch::x86_64::{__cpuid, __cpuid_count};

    /// How often an instruction is tried that has no number just now (same manual, volume 1, 7.3.17.1).
    const TRIES: usize = 10;

    /// An instruction with one operand that gets a number, and with the carry flag set if it got one.
    macro_rules! draw {
        ($instruction:literal) => {
            (0..TRIES).find_map(|_| {
                let (number, drawn): (u64, u8);
                // SAFETY: the processor has the instruction, by CPUID. It and SETC write to the two registers and
                // the flags only.
                unsafe {
                    asm!(
                        concat!($instruction, " {number}"),
                        "setc {drawn}",
                        number = out(reg) number,
                        drawn = out(reg_byte) drawn,
                        options(nomem, nostack),
                    );
                }
                (drawn != 0).then_some(number)
            })
        };
    }

    pub fn hardware_random() -> Option<u64> {
        // CPUID: leaf 7, EBX bit 18 is RDSEED; leaf 1, ECX bit 30 is RDRAND (same manual, volume 2A, CPUID).
        let has_seed = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & 1 << 18 != 0;
        let seed = if has_seed { draw!("rdseed") } else { None };
        seed.or_else(|| if __cpuid(1).ecx & 1 << 30 != 0 { draw!("rdrand") } else { None })
    }
}
