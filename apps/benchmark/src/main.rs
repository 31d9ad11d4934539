//! Measures the kernel and the library with the time stamp counter.
//!
//! Each figure is the least, the middle and the greatest of many samples. A sample is one operation between two
//! readings of the counter, less what two readings alone take at least; so no loop is measured with it. Operations
//! run some times before they are measured. With QEMU's `-icount shift=0` a tick is an instruction.
//!
//! `benchmark` prints a line `bench: NAME MIN MEDIAN MAX` for each figure, in ticks; `benchmark NAME…` only those.
//! The tasks that it measures against are this program, started as `benchmark server` and `benchmark end`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![deny(unsafe_code)]

extern crate alloc;

mod boot;
mod figures;
mod server;
#[expect(unsafe_code, reason = "the time stamp counter is read by an intrinsic")]
mod ticks;

use alloc::vec::Vec;
use figures::{ALL, Peers};
use ipc::Error;
use resea::{ExitStatus, println};

resea::main!(run);

fn run() -> ExitStatus {
    let arguments: Vec<&str> = resea::arguments().collect();
    ExitStatus(match arguments.as_slice() {
        ["server"] => server::serve(),
        ["end"] => 0,
        names => measure(names),
    })
}

/// Measures the figures with these names; all if there are none.
fn measure(names: &[&str]) -> i32 {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|figure| figure.name != **name)) {
        let known: Vec<&str> = ALL.iter().map(|figure| figure.name).collect();
        println!("there is no figure `{unknown}`: choose from {}", known.join(", "));
        return 2;
    }
    let mut peers = match Peers::launch() {
        Ok(peers) => peers,
        Err(error) => {
            println!("benchmark: its server cannot be launched: {error}; `mem` and `ps` show what is left");
            return 1;
        }
    };
    println!("Ticks of the time stamp counter (with -icount: instructions). Least, median, greatest:");
    let mut status = 0;
    for figure in ALL.iter().filter(|figure| names.is_empty() || names.contains(&figure.name)) {
        match (figure.measure)(&mut peers) {
            Ok(result) => {
                let figures::Summary { min, median, max } = result;
                println!("bench: {} {min} {median} {max}", figure.name);
            }
            Err(error) => {
                println!("benchmark: {} cannot be measured: {}", figure.name, why(error));
                status = 1;
            }
        }
    }
    peers.end();
    status
}

/// The error as a sentence that says what to do.
fn why(error: Error) -> alloc::string::String {
    match error {
        Error::NotFound => {
            "the kernel log does not hold the shell's greeting any more: measure right after the start".into()
        }
        error => alloc::format!("{error}; try again after a restart"),
    }
}
