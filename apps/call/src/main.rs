//! Sends a message to a service: see the library.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]
resea::main!(call::run);
