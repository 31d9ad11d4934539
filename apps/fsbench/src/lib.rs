//! Measures files, for `cargo resea bench fs`.
//!
//! - `fsbench calls FILE`: what reading 4 KiB that are cached costs, and opening and closing a file, in nanoseconds of the
//!   machine; where instructions are counted (QEMU's `-icount shift=0`), one is an instruction.
//! - `fsbench write FILE MIB` and `fsbench read FILE MIB`: bytes in a second, of a file that is written and synced, or read.
//! - `fsbench nothing FILE`: nothing, to know what a launch costs.
//!
//! Each figure is a line `bench: NAME LEAST MEDIAN GREATEST`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use fs::File;
use resea::{clock, println};

/// Bytes that are read at once when calls are measured, and of the file they are read from.
const PIECE: usize = 4096;
const SMALL: usize = 16 * PIECE;
/// Calls between two looks at the clock, and how often that is done.
const CALLS: u64 = 100;
const SAMPLES: usize = 21;
/// Bytes that are written or read at once when a long file is.
const CHUNK: usize = 64 << 10;
const USAGE: &str = "fsbench calls|nothing FILE, or fsbench write|read FILE MIB";

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line, or what cannot be done with the file.
pub fn run() -> Result<(), String> {
    let words: Vec<&str> = resea::arguments().collect();
    let mebibytes = |text: &str| {
        let number = text.parse::<u64>().ok().filter(|number| (1..=2048).contains(number));
        number.ok_or_else(|| alloc::format!("`{text}` is not a number of MiB from 1 to 2048; usage: {USAGE}"))
    };
    let measured = match words.as_slice() {
        ["nothing", _] => Ok(()),
        ["calls", path] => calls(path),
        ["write", path, size] => write(path, mebibytes(size)? << 20),
        ["read", path, size] => read(path, mebibytes(size)? << 20),
        _ => return Err(alloc::format!("this is not how it is used; usage: {USAGE}")),
    };
    measured.map_err(|error| alloc::format!("{error}"))
}

fn calls(path: &str) -> fs::Result<()> {
    let mut buffer = vec![1; PIECE];
    fs::write(path, vec![1; SMALL])?;
    let file = File::open(path)?;
    let mut offset = 0;
    samples("read_4k", || {
        offset = (offset + PIECE) % SMALL;
        file.read_at(&mut buffer, offset as u64).map(drop)
    })?;
    samples("open_close", || File::open(path).map(drop))
}

/// Measures an operation, some time after it has been done for the first time.
fn samples(name: &str, mut operation: impl FnMut() -> fs::Result<()>) -> fs::Result<()> {
    let mut results = Vec::with_capacity(SAMPLES);
    for sample in 0..=SAMPLES {
        let start = clock();
        for _ in 0..CALLS {
            operation()?;
        }
        if sample > 0 {
            results.push((clock() - start) / CALLS);
        }
    }
    results.sort_unstable();
    if let (Some(least), Some(median), Some(greatest)) =
        (results.first(), results.get(SAMPLES / 2), results.last())
    {
        println!("bench: {name} {least} {median} {greatest}");
    }
    Ok(())
}

/// What is at `place` of a long file, so that it is seen whether what is read is what was written.
fn fill(buffer: &mut [u8], place: u64) {
    for (index, part) in buffer.chunks_exact_mut(4096).enumerate() {
        part.fill((place / 4096 + index as u64) as u8);
    }
}

fn write(path: &str, size: u64) -> fs::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let file = File::create(path)?;
    let (start, mut place) = (clock(), 0);
    while place < size {
        fill(&mut buffer, place);
        place += file.write_at(&buffer, place)? as u64;
    }
    file.sync_all()?;
    speed("sequential_write", size, clock() - start);
    Ok(())
}

fn read(path: &str, size: u64) -> fs::Result<()> {
    let (mut buffer, mut expected) = (vec![0; CHUNK], vec![0; CHUNK]);
    let file = File::open(path)?;
    let (start, mut place) = (clock(), 0);
    let mut right = true;
    while place < size {
        let length = file.read_at(&mut buffer, place)?;
        if length == 0 {
            break;
        }
        fill(&mut expected, place);
        right &= buffer.get(..length) == expected.get(..length);
        place += length as u64;
    }
    speed("sequential_read", place, clock() - start);
    if place != size || !right {
        println!("fsbench: {path} is not as it was written");
    }
    Ok(())
}

/// Tells bytes in a second.
fn speed(name: &str, bytes: u64, nanoseconds: u64) {
    let speed = u128::from(bytes) * 1_000_000_000 / u128::from(nanoseconds.max(1));
    println!("bench: {name} {speed} {speed} {speed}");
}
