//! `fuzz_targets::bootfs` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::bootfs::run(data));
