//! The SSE registers, which the compiler does not use on this target: what is put there stays until someone else does.

use core::arch::asm;

/// Fills the SSE registers with values made from `seed`. The compiler uses none of them on this target.
pub fn set_vectors(seed: u64) {
    let values: [u64; 16] = core::array::from_fn(|index| vector(seed, index));
    // SAFETY: the array is read; the compiler uses no SSE register on this target.
    unsafe {
        asm!(
            "movq xmm0, [{0}]", "movq xmm1, [{0} + 8]", "movq xmm2, [{0} + 16]", "movq xmm3, [{0} + 24]",
            "movq xmm4, [{0} + 32]", "movq xmm5, [{0} + 40]", "movq xmm6, [{0} + 48]", "movq xmm7, [{0} + 56]",
            "movq xmm8, [{0} + 64]", "movq xmm9, [{0} + 72]", "movq xmm10, [{0} + 80]", "movq xmm11, [{0} + 88]",
            "movq xmm12, [{0} + 96]", "movq xmm13, [{0} + 104]", "movq xmm14, [{0} + 112]", "movq xmm15, [{0} + 120]",
            in(reg) values.as_ptr(),
            options(nostack, readonly),
        );
    }
}

/// Whether the SSE registers hold what [`set_vectors`] put there.
pub fn vectors_are(seed: u64) -> bool {
    let mut values = [0u64; 16];
    // SAFETY: the array is written, as long as it is.
    unsafe {
        asm!(
            "movq [{0}], xmm0", "movq [{0} + 8], xmm1", "movq [{0} + 16], xmm2", "movq [{0} + 24], xmm3",
            "movq [{0} + 32], xmm4", "movq [{0} + 40], xmm5", "movq [{0} + 48], xmm6", "movq [{0} + 56], xmm7",
            "movq [{0} + 64], xmm8", "movq [{0} + 72], xmm9", "movq [{0} + 80], xmm10", "movq [{0} + 88], xmm11",
            "movq [{0} + 96], xmm12", "movq [{0} + 104], xmm13", "movq [{0} + 112], xmm14", "movq [{0} + 120], xmm15",
            in(reg) values.as_mut_ptr(),
            options(nostack),
        );
    }
    values.iter().enumerate().all(|(index, &value)| value == vector(seed, index))
}

/// Whether the SSE registers hold nothing: how a task must find them.
pub fn vectors_are_empty() -> bool {
    let used: u64;
    // SAFETY: only registers that the compiler does not use on this target are changed.
    unsafe {
        asm!(
            "por xmm0, xmm1", "por xmm2, xmm3", "por xmm4, xmm5", "por xmm6, xmm7",
            "por xmm8, xmm9", "por xmm10, xmm11", "por xmm12, xmm13", "por xmm14, xmm15",
            "por xmm0, xmm2", "por xmm4, xmm6", "por xmm8, xmm10", "por xmm12, xmm14",
            "por xmm0, xmm4", "por xmm8, xmm12", "por xmm0, xmm8",
            "movq {used}, xmm0",
            used = out(reg) used,
            options(nostack, nomem),
        );
    }
    used == 0
}

fn vector(seed: u64, index: usize) -> u64 {
    seed.wrapping_add(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
