//! What cannot be guessed: the processor's own random numbers, or else how long the same steps take each time.
//!
//! The second is weaker: how long a system call takes depends on caches, interrupts and, in an emulator, on what else the
//! host does. It is measured whether that varies; how much of it an onlooker could predict cannot be. Where the clock
//! counts instructions nothing varies at all. [`Source`] says what was found, so that nobody is told otherwise.

use crate::generator::{Generator, KEY};

/// What a generator was seeded from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The processor's source of random numbers.
    Processor,
    /// How long steps took, which varied.
    Clock,
    /// Nothing that varies.
    Guessable,
}

/// How many durations that differ in a new way are collected, each worth a bit or less: four times the key's bits.
pub const JITTER_SAMPLES: usize = 1024;

/// How many durations are measured before the clock is said to tick evenly.
const JITTER_ATTEMPTS: usize = 4 * JITTER_SAMPLES;

/// Words of the processor that make a seed: twice the key.
const HARDWARE_WORDS: usize = 2 * KEY / 8;

/// Seeds a generator. `hardware` is the processor's source of random numbers, `clock` the time in nanoseconds.
///
/// The time is stirred in with both: it costs nothing and cannot make the seed worse.
pub fn gather(
    generator: &mut Generator,
    hardware: impl Fn() -> Option<u64>,
    clock: impl Fn() -> u64,
) -> Source {
    let mut words = 0;
    while words < HARDWARE_WORDS
        && let Some(word) = hardware()
    {
        stir(generator, word, clock());
        words += 1;
    }
    if words == HARDWARE_WORDS {
        return Source::Processor;
    }
    if stir_jitter(generator, clock) { Source::Clock } else { Source::Guessable }
}

/// Stirs in what is new, before a request: a word of the processor, and when the request came.
pub fn refresh(generator: &mut Generator, hardware: impl Fn() -> Option<u64>, clock: impl Fn() -> u64) {
    stir(generator, hardware().unwrap_or(0), clock());
}

fn stir(generator: &mut Generator, word: u64, time: u64) {
    let mut input = [0; KEY];
    let bytes = word.to_le_bytes().into_iter().chain(time.to_le_bytes());
    input.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    generator.stir(input);
}

/// Stirs in how long one step after the other takes, until enough of them were irregular; false if they never are.
///
/// A duration counts only if it, its change, and the change of the change are not zero: a clock that ticks evenly, or
/// ever more slowly, says nothing (the test for a stuck source in S. Müller, "CPU Time Jitter Based Non-Physical True
/// Random Number Generator", 2022).
fn stir_jitter(generator: &mut Generator, clock: impl Fn() -> u64) -> bool {
    let (mut time, mut duration, mut change, mut irregular) = (clock(), 0_u64, 0_u64, 0);
    for _ in 0..JITTER_ATTEMPTS {
        // The step that is measured is the stirring itself, and the system call that tells the time.
        stir(generator, 0, time);
        let now = clock();
        let new_duration = now.wrapping_sub(time);
        let new_change = new_duration.wrapping_sub(duration);
        if new_duration != 0 && new_change != 0 && new_change != change {
            irregular += 1;
        }
        (time, duration, change) = (now, new_duration, new_change);
        if irregular == JITTER_SAMPLES {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A source that counts, a hardware source of `words` words, and the first bytes then made.
    fn seeded(words: u64, step: impl Fn(u64) -> u64) -> (Source, [u8; 16]) {
        let (time, left, mut bytes) = (Cell::new(0), Cell::new(words), [0; 16]);
        let hardware = || {
            left.set(left.get().checked_sub(1)?);
            Some(left.get())
        };
        let clock = || {
            time.set(time.get() + step(time.get()));
            time.get()
        };
        let mut generator = Generator::default();
        let source = gather(&mut generator, hardware, clock);
        generator.fill(&mut bytes);
        (source, bytes)
    }

    #[test]
    fn the_processor_is_the_source_if_it_has_one() {
        assert_eq!(seeded(u64::MAX, |_| 1).0, Source::Processor);
        let (first, second) = (seeded(1000, |_| 1).1, seeded(1001, |_| 1).1);
        assert_ne!(first, second);
    }

    #[test]
    fn a_processor_that_stops_giving_numbers_is_not_believed() {
        assert_eq!(seeded(HARDWARE_WORDS as u64 - 1, |_| 1).0, Source::Guessable);
    }

    #[test]
    fn an_even_clock_is_no_source() {
        for step in [0, 1, 1000] {
            assert_eq!(seeded(0, move |_| step).0, Source::Guessable, "{step}");
        }
        assert_eq!(seeded(0, |time| time / 1000 + 1).0, Source::Guessable, "slower and slower, but evenly");
    }

    #[test]
    fn an_irregular_clock_is_one_and_every_step_matters() {
        let jitter = |time: u64| 300 + (time.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60);
        let (source, bytes) = seeded(0, jitter);
        assert_eq!(source, Source::Clock);
        let late = |time: u64| jitter(time) + u64::from(time > 200_000);
        assert_ne!(seeded(0, late).1, bytes, "steps differ near the end only");
    }

    #[test]
    fn each_request_is_given_something_new() {
        let made = |word, time| {
            let (mut generator, mut bytes) = (Generator::default(), [0; 16]);
            refresh(&mut generator, || word, || time);
            generator.fill(&mut bytes);
            bytes
        };
        assert_ne!(made(Some(1), 1), made(Some(2), 1));
        assert_ne!(made(None, 1), made(None, 2));
    }
}
