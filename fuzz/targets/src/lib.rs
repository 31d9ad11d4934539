//! What is fuzzed: for each target a function that takes any bytes and panics if the tree does with them what it must
//! not.
//!
//! libFuzzer calls these functions through `fuzz/fuzz_targets`; the test of this crate calls them with the seeds in
//! `fuzz/corpus` and with variations of them. docs/fuzzing.md says how to use both. Nothing here runs on Resea.
#![forbid(unsafe_code)]

pub mod bootfs;
pub mod devices;
pub mod elf;
pub mod fat;
pub mod frames;
pub mod http;
pub mod idl;
mod input;
pub mod kernel;
pub mod manifest;
pub mod messages;
pub mod symbols;
pub mod tar;

/// A target: takes any bytes, panics if something is wrong.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Target); 12] = [
    ("bootfs", bootfs::run),
    ("devices", devices::run),
    ("elf", elf::run),
    ("fat", fat::run),
    ("frames", frames::run),
    ("http", http::run),
    ("idl", idl::run),
    ("kernel", kernel::run),
    ("manifest", manifest::run),
    ("messages", messages::run),
    ("symbols", symbols::run),
    ("tar", tar::run),
];
