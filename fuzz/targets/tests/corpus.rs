//! Each target takes its seeds in `fuzz/corpus`, and variations of them that are the same each time.
//!
//! This is what `cargo test` can do without coverage counters: it keeps what fuzzing once found from coming back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fuzz_targets::{TARGETS, Target};

/// Numbers that parsers get wrong.
const NUMBERS: [u64; 12] = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// Longest variation, in bytes.
const LONGEST: usize = 16 * 1024;

/// A sequence of numbers that looks random (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % end.max(1)
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target)
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).expect("every target has a folder with seeds");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("it can be listed").path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(&path).expect("seeds can be read"))).collect()
}

/// A seed with one to four changes.
fn vary(seeds: &[(PathBuf, Vec<u8>)], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].1.clone();
    for _ in 0..=numbers.below(4) {
        let place = numbers.below(bytes.len() + 1);
        match numbers.below(6) {
            0 if !bytes.is_empty() => {
                let place = place % bytes.len();
                bytes[place] ^= 1 << numbers.below(8);
            }
            1 => {
                let number = NUMBERS[numbers.below(NUMBERS.len())].to_le_bytes();
                let length = [1, 2, 4, 8][numbers.below(4)].min(bytes.len() - place);
                bytes[place..place + length].copy_from_slice(&number[..length]);
            }
            2 => bytes.truncate(place),
            3 => {
                let end = place + numbers.below(bytes.len() - place + 1).min(40);
                bytes.drain(place..end);
            }
            4 => {
                let other = &seeds[numbers.below(seeds.len())].1;
                let start = numbers.below(other.len() + 1);
                let end = start + numbers.below(other.len() - start + 1).min(200);
                bytes.splice(place..place, other[start..end].iter().copied());
            }
            _ => bytes.insert(place, numbers.below(256) as u8),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Runs a target; if it panics, keeps the input and says how to run it again.
fn try_input(name: &str, target: Target, from: &str, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        std::fs::write(&file, bytes).expect("the input can be kept");
        panic!("{from} fails, see above; to run it again: cargo resea fuzz {name} {}", file.display());
    }
}

fn test(name: &str, variations: usize) {
    let (_, target) = TARGETS.iter().find(|(other, _)| *other == name).expect("it is a target");
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for (path, bytes) in &seeds {
        try_input(name, *target, &path.display().to_string(), bytes);
    }
    let mut numbers = Numbers(20_260_101);
    for number in 0..variations {
        try_input(name, *target, &format!("variation {number}"), &vary(&seeds, &mut numbers));
    }
}

#[test]
fn boot_images_are_read_or_refused() {
    test("bootfs", 3000);
}

#[test]
fn devices_are_examined_whatever_they_say() {
    test("devices", 1000);
}

#[test]
fn requests_are_answered_or_refused() {
    test("http", 3000);
}

#[test]
fn frames_are_processed_or_dropped() {
    test("frames", 1000);
}

#[test]
fn programs_are_loaded_or_refused() {
    test("elf", 10_000);
}

#[test]
fn volumes_are_used_or_refused() {
    test("fat", 10_000);
}

#[test]
fn interfaces_are_compiled_or_refused() {
    test("idl", 2000);
}

#[test]
fn system_calls_do_what_the_manual_says() {
    test("kernel", 1000);
}

#[test]
fn manifests_are_read_or_refused() {
    test("manifest", 5000);
}

#[test]
fn messages_arrive_or_are_refused() {
    test("messages", 3000);
}

#[test]
fn symbols_are_found_or_not() {
    test("symbols", 5000);
}

#[test]
fn archives_are_read_or_refused() {
    test("tar", 5000);
}

#[test]
fn every_target_is_a_program_of_cargo_fuzz_with_seeds_and_a_short_run() {
    let manifest =
        std::fs::read_to_string(folder("").join("../Cargo.toml")).expect("fuzz/Cargo.toml is there");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no program in fuzz/Cargo.toml");
        assert!(manifest.contains(&format!("\n{name} = ")), "{name} has no short run in fuzz/Cargo.toml");
    }
    let folders = std::fs::read_dir(folder("")).expect("the seeds are there").count();
    assert_eq!(folders, TARGETS.len(), "fuzz/corpus has a folder for each target and no other");
}
