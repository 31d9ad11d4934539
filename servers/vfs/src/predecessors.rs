//! The file servers that a vfs before this one has started. They learn of its end, write out what they have and end; until then
//! none may be started, which would write to the same disks.

use alloc::string::String;
use alloc::vec::Vec;
use interfaces::vm::NAME_MAX;
use ipc::{Error, TaskId};
use resea::abi::MAX_TASKS;

/// How long they may take, in nanoseconds. Then they are ended.
pub const GRACE: u64 = 5_000_000_000;

/// Finds all tasks that run one of these programs, and has their ends told.
pub fn find(file_servers: &[String]) -> Vec<TaskId> {
    let tasks = (0..MAX_TASKS).filter_map(|index| ipc::inspect_task(index).ok());
    let mut found: Vec<_> = tasks.map(|task| task.id).filter(|task| runs_any(*task, file_servers)).collect();
    found.retain(|task| match resea::watch(*task) {
        Ok(()) | Err(Error::AlreadyExists) => true,
        // It has ended; or it can only be ended.
        Err(_) => {
            let _ = resea::kill(*task);
            false
        }
    });
    found
}

fn runs_any(task: TaskId, programs: &[String]) -> bool {
    let mut name = [0; NAME_MAX];
    resea::task_name(task, &mut name).is_ok_and(|name| programs.iter().any(|program| program == name))
}
