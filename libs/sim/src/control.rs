//! What a test does to the system that it runs in, besides what any task can do. All of these panic outside of one.

use crate::task::current;
use abi::{Error, TaskId};
use std::time::Duration;

/// The task that runs the program `name`; the one that was launched last, if there are several. `None`: there is none.
pub fn task(name: &str) -> Option<TaskId> {
    current().shared.lock().task(name)
}

/// Ends the program `name` through vm, wherever it is.
///
/// Errors: `NoTask` (it does not run), and those of vm's `kill`.
pub fn kill(name: &str) -> Result<(), Error> {
    let task = task(name).ok_or(Error::NoTask)?;
    // Others may notice before vm answers.
    current().shared.lock().killed = true;
    resea::kill(task)
}

/// Makes the program `name` crash in place of its next system call, as if it had executed an illegal instruction.
///
/// Panics if the system has no such program.
pub fn crash(name: &str) {
    crash_after(name, 0);
}

/// As [`crash`], after `calls` more system calls of it.
pub fn crash_after(name: &str, calls: u64) {
    current().shared.lock().crash(name, calls);
}

/// Whether the simulation has ended a task in this run: then errors are to be expected.
pub fn was_killed() -> bool {
    current().shared.lock().killed
}

/// Types on the console.
pub fn type_text(text: &str) {
    let task = current();
    drop(task.step(|world, _| text.bytes().for_each(|byte| world.kernel.console_input(byte))));
}

/// A random number, made from the seed of the run; the same in each run without one.
pub fn random_number() -> u64 {
    current().shared.lock().random_number()
}

/// Everything that was written to the console so far.
pub fn console() -> String {
    String::from_utf8_lossy(&current().shared.lock().kernel.machine.console).into_owned()
}

/// All messages so far, a line each.
pub fn trace() -> String {
    current().shared.lock().kernel.machine.trace.text(usize::MAX)
}

/// Waits until the console shows `text`, past the first `from` bytes, and returns the position after it.
///
/// Panics if it does not within `patience` of virtual time.
pub fn wait_for(text: &str, from: usize, patience: Duration) -> usize {
    let end = resea::clock().saturating_add(patience.as_nanos() as u64);
    loop {
        let console = console();
        if let Some(place) = console.get(from..).and_then(|rest| rest.find(text)) {
            return from + place + text.len();
        }
        assert!(resea::clock() < end, "the console does not show {text:?}, but:\n{console}");
        resea::sleep(Duration::from_millis(1));
    }
}
