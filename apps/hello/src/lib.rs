//! `hello [NAME]` says hello. The smallest program, and the template of a new one.
#![no_std]
#![forbid(unsafe_code)]

use resea::println;

/// Says hello to whom the command line names, or to the world.
pub fn run() {
    println!("Hello, {}!", resea::arguments().next().unwrap_or("world"));
}
