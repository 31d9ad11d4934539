//! `fuzz_targets::symbols` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::symbols::run(data));
