//! `fuzz_targets::kernel` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::kernel::run(data));
