//! The time stamp counter: the only unsafe code of the program.

use alloc::vec::Vec;

/// The counter now. Waits until everything before it is done, so that nothing moves out of what is measured.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: both instructions exist on every x86_64 CPU, and the kernel lets tasks read the counter.
    unsafe {
        core::arch::x86_64::_mm_lfence();
        core::arch::x86_64::_rdtsc()
    }
}

/// What two readings alone take at least.
pub fn overhead() -> u64 {
    (0..1000).map(|_| elapsed(|| ())).min().unwrap_or(0)
}

/// Ticks that `operation` takes, and the two readings.
#[inline(always)]
fn elapsed(operation: impl FnOnce()) -> u64 {
    let start = now();
    operation();
    now().wrapping_sub(start)
}

/// `count` samples of `operation`, after `warm_up` unmeasured ones. Stops at its first error.
#[inline(always)]
pub fn samples<E>(
    warm_up: usize,
    count: usize,
    mut operation: impl FnMut() -> Result<(), E>,
) -> Result<Vec<u64>, E> {
    let overhead = overhead();
    let mut samples = Vec::with_capacity(count);
    for index in 0..warm_up + count {
        let mut result = Ok(());
        let ticks = elapsed(|| result = operation());
        result?;
        if index >= warm_up {
            samples.push(ticks.saturating_sub(overhead));
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_not_among_the_samples() {
        let mut runs = 0;
        let samples = samples(3, 7, || {
            runs += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((samples.map(|samples| samples.len()), runs), (Ok(7), 10));
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut runs = 0;
        let samples = samples(1, 7, || {
            runs += 1;
            if runs == 4 { Err(runs) } else { Ok(()) }
        });
        assert_eq!((samples, runs), (Err(4), 4));
    }
}
