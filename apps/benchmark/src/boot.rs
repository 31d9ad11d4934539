//! How long it took from the kernel's start to the shell's first prompt.
//!
//! The shell says so in its greeting, which is in the kernel log. It counts in nanoseconds; they are turned into ticks
//! by what both clocks count while this module waits. With QEMU's `-icount shift=0` they are the same.

use crate::figures::Summary;
use crate::ticks;
use alloc::vec::Vec;
use ipc::Error;

/// What stands before and after the milliseconds, which have six decimals.
const BEFORE: &str = "ready ";
const AFTER: &str = " ms after its start";

/// How long both clocks are compared, in nanoseconds.
const COMPARED: u64 = 5_000_000;

/// Ticks from the start to the first prompt. `NotFound` if the log does not hold the greeting any more.
pub fn boot() -> Result<Summary, Error> {
    let log = log()?;
    let nanoseconds = log.utf8_chunks().find_map(|chunk| greeting(chunk.valid())).ok_or(Error::NotFound)?;
    let (clock, counter) = (ipc::clock(), ticks::now());
    while ipc::clock() - clock < COMPARED {}
    let (clock, counter) = (ipc::clock() - clock, ticks::now() - counter);
    let ticks = u128::from(nanoseconds) * u128::from(counter) / u128::from(clock.max(1));
    Ok(Summary::single(ticks as u64))
}

/// The nanoseconds in the shell's greeting.
fn greeting(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(BEFORE)?;
    let (milliseconds, _) = rest.split_once(AFTER)?;
    let (whole, fraction) = milliseconds.split_once('.')?;
    let (whole, fraction): (u64, u64) = (whole.parse().ok()?, fraction.parse().ok()?);
    Some(whole * 1_000_000 + fraction)
}

fn log() -> Result<Vec<u8>, Error> {
    let (mut log, mut position) = (Vec::new(), 0);
    let mut buffer = [0; 256];
    loop {
        let (count, next) = ipc::inspect_log(position, &mut buffer)?;
        if count == 0 || next <= position {
            return Ok(log);
        }
        log.extend_from_slice(buffer.get(..count).unwrap_or_default());
        position = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_is_found_among_other_text() {
        let log = "kernel: 128 MiB\nResea 0.1.0, ready 45.903169 ms after its start.\n`help` lists";
        assert_eq!(greeting(log), Some(45_903_169));
        assert_eq!(greeting("ready 0.000001 ms after its start"), Some(1));
    }

    #[test]
    fn what_is_no_greeting_is_none() {
        for text in
            ["", "ready ", "ready 45 ms after its start", "ready x.5 ms after its start", "ready 1.2 ms"]
        {
            assert_eq!(greeting(text), None, "{text:?}");
        }
    }
}
