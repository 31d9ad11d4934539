//! Ends a task after a time: `watchdog TASK MILLISECONDS`.
//!
//! For a server that has to wait for another task and cannot do so for ever: a call has no end of its own. It starts a watchdog,
//! calls, and ends the watchdog; if that comes first, the call fails. Waits for nobody itself.
#![no_std]
#![forbid(unsafe_code)]

use core::time::Duration;
use ipc::TaskId;
use resea::{Arg, UsageError};

const USAGE: &str = "watchdog TASK MILLISECONDS";

/// Waits, and ends the task; that it has ended already is as good.
///
/// Errors: the command line is wrong.
pub fn run() -> Result<(), UsageError> {
    let mut arguments = resea::arguments();
    let task = arguments.next().ok_or(UsageError::Missing("TASK", USAGE))?;
    let time = arguments.next().ok_or(UsageError::Missing("MILLISECONDS", USAGE))?;
    let number = task.parse().ok().and_then(TaskId::from_raw);
    let number = number.ok_or(UsageError::unexpected(Arg::Positional(task), USAGE))?;
    let milliseconds = time.parse().map_err(|_| UsageError::unexpected(Arg::Positional(time), USAGE))?;
    resea::sleep(Duration::from_millis(milliseconds));
    let _ = resea::kill(number);
    Ok(())
}
