//! What `apps/fsbench` measures, on Linux: `files calls|write|read FILE [MIB]`. Built by `cargo resea bench fs --linux`.
#![forbid(unsafe_code)]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Instant;

const PIECE: usize = 4096;
const SMALL: usize = 16 * PIECE;
const CALLS: u64 = 100;
const SAMPLES: usize = 21;
const CHUNK: usize = 64 << 10;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let size = words.get(2).and_then(|size| size.parse::<u64>().ok()).unwrap_or(1) << 20;
    match words.as_slice() {
        ["calls", path] => calls(path),
        ["write", path, _] => write(path, size),
        ["read", path, _] => read(path, size),
        _ => Ok(()),
    }
}

fn calls(path: &str) -> std::io::Result<()> {
    std::fs::write(path, vec![1; SMALL])?;
    let (file, mut buffer, mut offset) = (File::open(path)?, vec![1; PIECE], 0);
    samples("read_4k", || {
        offset = (offset + PIECE) % SMALL;
        file.read_at(black_box(&mut buffer), offset as u64).map(drop)
    })?;
    samples("open_close", || File::open(path).map(drop))
}

fn samples(name: &str, mut operation: impl FnMut() -> std::io::Result<()>) -> std::io::Result<()> {
    let mut results = Vec::new();
    for sample in 0..=SAMPLES {
        let start = Instant::now();
        (0..CALLS).try_for_each(|_| operation())?;
        if sample > 0 {
            results.push(start.elapsed().as_nanos() / u128::from(CALLS));
        }
    }
    results.sort_unstable();
    println!("bench: {name} {} {} {}", results[0], results[SAMPLES / 2], results[SAMPLES - 1]);
    Ok(())
}

fn fill(buffer: &mut [u8], place: u64) {
    for (index, part) in buffer.chunks_exact_mut(4096).enumerate() {
        part.fill((place / 4096 + index as u64) as u8);
    }
}

fn write(path: &str, size: u64) -> std::io::Result<()> {
    let (file, mut buffer, mut place) = (File::create(path)?, vec![0; CHUNK], 0);
    let start = Instant::now();
    while place < size {
        fill(&mut buffer, place);
        place += file.write_at(&buffer, place)? as u64;
    }
    file.sync_all()?;
    speed("sequential_write", size, start);
    Ok(())
}

fn read(path: &str, size: u64) -> std::io::Result<()> {
    let (file, mut buffer, mut expected, mut place) = (File::open(path)?, vec![0; CHUNK], vec![0; CHUNK], 0);
    let (start, mut right) = (Instant::now(), true);
    while place < size {
        let length = file.read_at(&mut buffer, place)?;
        if length == 0 {
            break;
        }
        fill(&mut expected, place);
        right &= buffer[..length] == expected[..length];
        place += length as u64;
    }
    speed("sequential_read", place, start);
    if place != size || !right {
        println!("{path} is not as it was written");
    }
    Ok(())
}

fn speed(name: &str, bytes: u64, start: Instant) {
    let speed = u128::from(bytes) * 1_000_000_000 / start.elapsed().as_nanos().max(1);
    println!("bench: {name} {speed} {speed} {speed}");
}
