//! Does random things to files, and compares each answer with what a model of a file system says:
//! `fstest SEED OPERATIONS DIRECTORY`.
//!
//! The same seed does the same. The directory is made, and nothing else may be in it. At the end, what is in it is listed, so
//! that whoever reads the disk by other means can compare: a line `fstest: directory PATH` or `fstest: SIZE CHECKSUM PATH` for
//! each path below it, with FNV-1a of 64 bits as the checksum. Everything is on the medium then.
//!
//! Goes through the library `fs` as programs do. The file servers' own random test is `fileserver::conformance`, from which
//! the model is.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod names;
mod operations;
mod verify;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use operations::Test;
use resea::println;

const USAGE: &str = "fstest SEED OPERATIONS DIRECTORY";

/// Operations between two comparisons of everything.
const ROUND: u64 = 200;

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line, which answer was wrong, or what is not as it should be.
pub fn run() -> Result<(), String> {
    let words: Vec<&str> = resea::arguments().collect();
    let [seed, operations, directory] = words.as_slice() else {
        return Err(format!("this is not how it is used; usage: {USAGE}"));
    };
    let number =
        |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is not a number; usage: {USAGE}"));
    let (seed, operations) = (number(seed)?, number(operations)?);
    fs::create_dir(directory).map_err(|error| format!("{error}"))?;
    let mut test = Test::new(seed, directory);
    for operation in 1..=operations {
        let told = |wrong| format!("seed {seed}, operation {operation}: {wrong}");
        test.step().map_err(told)?;
        if operation % ROUND == 0 {
            test.verify().map_err(told)?;
        }
    }
    test.finish()?;
    println!("fstest: {} operations, {} found no space", operations, test.refused);
    Ok(())
}
