//! `hello [NAME]` greets. The smallest program, the template of a new program.
#![no_std]
#![forbid(unsafe_code)]

use resea::println;

/// Greets whom the command line names, or the world.
pub fn run() {
    println!("Hello, {}!", resea::arguments().next().unwrap_or("world"));
}
