//! Says hello: the smallest program, and the one to copy.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use resea::println;

resea::main!(run);

fn run() {
    match resea::arguments().next() {
        Some(name) => println!("Hello, {name}!"),
        None => println!("Hello, world!"),
    }
}
