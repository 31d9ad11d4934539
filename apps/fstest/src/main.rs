//! The program: see its library.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]
resea::main!(fstest::run);
