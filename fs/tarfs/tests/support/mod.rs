//! What the tests share: a system with the file server, and a client of one that was started.
#![allow(dead_code, reason = "each test uses a part of it")]

use interfaces::fs::Client;
use interfaces::vfs::NOTIFY_MOUNTED;
use resea::{ExitKind, TaskId};
use sim::System;

/// A system with the program.
pub fn system() -> System {
    System::new().program(sim::program!(tarfs::run))
}

/// Starts the file server as vfs does, and waits until it serves; else, the status that it ends with.
pub fn start(arguments: &[&str]) -> Result<TaskId, i32> {
    let own = format!("VFS={}", resea::own_id().raw());
    let task = resea::launch_in("tarfs", arguments.iter().copied(), [&own[..]]).unwrap();
    resea::watch(task).unwrap();
    let bits = resea::wait();
    if bits & NOTIFY_MOUNTED as usize != 0 {
        return Ok(task);
    }
    let exit = resea::next_exit().unwrap().unwrap();
    assert_eq!((exit.task, exit.kind), (task, ExitKind::Exited));
    Err(exit.status)
}

/// A client of a file server that was just started.
pub fn mount(arguments: &[&str]) -> Client {
    Client::new(start(arguments).unwrap())
}
