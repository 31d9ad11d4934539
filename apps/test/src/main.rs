//! Tries to break the system from inside.
//!
//! `test` runs every test, each in a task of its own; `test NAME…` runs some, in this one; `test --list` lists them;
//! `test launches COUNT` launches and ends that many tasks; `test deadlock` leaves tasks that wait for each other, to be
//! looked at with the kernel's debugger. A line for each test says `ok NAME` or `FAILED NAME: why`;
//! the status is 0 only if all passed. Helper tasks are this program, started as `test child PARENT ROLE …`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![deny(unsafe_code)]

extern crate alloc;

mod cases;
mod kit;
mod pager;
#[expect(unsafe_code, reason = "bad system calls and instructions cannot be written in safe Rust")]
mod raw;
mod roles;
mod server;

use abi::TaskState;
use alloc::format;
use alloc::vec::Vec;
use cases::{ALL, Test};
use kit::{Ending, Failure, Kit};
use resea::{ExitStatus, println};

resea::main!(run);

fn run() -> ExitStatus {
    let arguments: Vec<&str> = resea::arguments().collect();
    ExitStatus(match arguments.as_slice() {
        [] => run_all(),
        ["--list"] => {
            ALL.iter().for_each(|test| println!("{}", test.name));
            0
        }
        ["deadlock"] => deadlock(),
        ["child", parent, role, rest @ ..] => roles::play(parent.parse().unwrap_or(0), role, rest),
        ["launches", count] => match count.parse() {
            Ok(count) => launches(count),
            Err(_) => usage(&format!("`{count}` is not a number of launches")),
        },
        names => run_some(names),
    })
}

fn usage(problem: &str) -> i32 {
    println!("{problem}: use `test`, `test NAME…`, `test --list`, `test launches COUNT` or `test deadlock`");
    2
}

/// How long a test may take, in nanoseconds, before it counts as hung.
const PATIENCE: u64 = 120_000_000_000;

/// Runs every test in a task of its own.
fn run_all() -> i32 {
    println!("{} tests. Reports of tasks that were ended on purpose stand between the lines.", ALL.len());
    let mut kit = Kit::new();
    let failed: Vec<&str> =
        ALL.iter().filter(|test| !passes_alone(&mut kit, test)).map(|test| test.name).collect();
    match failed.as_slice() {
        [] => {
            println!("all {} tests passed", ALL.len());
            0
        }
        failed => {
            println!("{} of {} tests FAILED: {}", failed.len(), ALL.len(), failed.join(", "));
            1
        }
    }
}

/// Runs a test in its own task, which prints its line unless it dies.
fn passes_alone(kit: &mut Kit, test: &Test) -> bool {
    let ending = kit.launch(&["test", test.name]).and_then(|task| kit.ending_within(task, PATIENCE));
    match ending {
        Ok(Ending::Exited(0)) => return true,
        Ok(Ending::Exited(1)) => {}
        Ok(ending) => println!("FAILED {}: its task ended as {ending:?}", test.name),
        Err(failure) => println!("FAILED {}: {failure}", test.name),
    }
    kit.clean_up();
    false
}

/// Runs the tests with these names here.
fn run_some(names: &[&str]) -> i32 {
    let mut status = 0;
    for name in names {
        let Some(test) = ALL.iter().find(|test| test.name == *name) else {
            return usage(&format!("there is no test `{name}`"));
        };
        let mut kit = Kit::new();
        let outcome = (test.run)(&mut kit);
        kit.clean_up();
        match outcome {
            Ok(()) => println!("ok {name}"),
            Err(failure) => {
                println!("FAILED {name}: {failure}");
                status = 1;
            }
        }
    }
    status
}

fn launches(count: usize) -> i32 {
    let mut kit = Kit::new();
    let start = kit.clock();
    match cases::memory::launches(&mut kit, count) {
        Ok(()) => {
            println!(
                "ok {count} launches in {} ms, and the same free memory",
                (kit.clock() - start) / 1_000_000
            );
            0
        }
        Err(Failure(why)) => {
            println!("FAILED launches: {why}");
            1
        }
    }
}

/// Leaves a server and a client that wait for each other, and another client that waits for them.
fn deadlock() -> i32 {
    let mut kit = Kit::new();
    let own_id = format!("{}", kit.own_id());
    let mut start = || {
        let server = kit.launch_unwatched(&["test", "child", &own_id, "lock"])?;
        let clients =
            [(); 2].map(|()| kit.launch_unwatched(&["test", "child", &own_id, "call", &format!("{server}")]));
        for client in clients {
            kit.until(client?, "waiting", |info| info.peer == Some(server))?;
        }
        kit.until(server, "waiting", |info| info.state == TaskState::Receiving && info.peer.is_some())
    };
    let outcome = start();
    kit.clean_up();
    match outcome {
        Ok(()) => {
            println!("two tasks wait for each other, and one for them: Ctrl-T, `ps`");
            0
        }
        Err(failure) => {
            println!("FAILED deadlock: {failure}");
            1
        }
    }
}
