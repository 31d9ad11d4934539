//! Other tasks: launching programs, learning of their end, ending them.

use crate::service::vm;
use abi::Error;
use core::fmt;
use interfaces::vm::ARGUMENTS_MAX;
use ipc::TaskId;

/// How a task ended.
pub use interfaces::vm::ExitKind;

/// A program could not be launched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaunchError<'a> {
    /// Its name.
    pub program: &'a str,
    /// Why.
    pub error: Error,
}

impl fmt::Display for LaunchError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            Error::NotFound => write!(f, "there is no program `{}`", self.program),
            Error::NotPermitted => write!(
                f,
                "cannot launch `{}`: {}; add \"launch\" to `powers` in the manifest",
                self.program, self.error
            ),
            Error::TooLarge => write!(
                f,
                "cannot launch `{}`: its arguments are longer than {ARGUMENTS_MAX} bytes in all",
                self.program
            ),
            error => write!(f, "cannot launch `{}`: {error}", self.program),
        }
    }
}

impl core::error::Error for LaunchError<'_> {}

/// Starts the program `program` with `arguments` (without its name, which goes first by itself) and an empty environment.
///
/// Errors: those of vm's `launch`; `BadText` (an argument with a NUL), `TooLarge` (more than
/// [`ARGUMENTS_MAX`] bytes).
pub fn launch<'a>(
    program: &'a str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<TaskId, LaunchError<'a>> {
    launch_in(program, arguments, [])
}

/// As [`launch`], with an environment: texts of the form `NAME=value`, for [`environment`](crate::environment).
///
/// Errors: as [`launch`].
pub fn launch_in<'a>(
    program: &'a str,
    arguments: impl IntoIterator<Item = &'a str>,
    environment: impl IntoIterator<Item = &'a str>,
) -> Result<TaskId, LaunchError<'a>> {
    let launch = || {
        let mut buffer = [0; ARGUMENTS_MAX];
        let length = pack(core::iter::once(program).chain(arguments), &mut buffer)?.len();
        let (arguments, rest) = buffer.split_at_mut(length);
        vm().launch(program, arguments, pack(environment, rest)?)
    };
    launch().map_err(|error| LaunchError { program, error })
}

/// Puts texts, with a NUL after each, in the buffer.
fn pack<'b, 'c>(texts: impl IntoIterator<Item = &'b str>, buffer: &'c mut [u8]) -> Result<&'c [u8], Error> {
    let mut length = 0;
    for argument in texts {
        if argument.contains('\0') {
            return Err(Error::BadText);
        }
        let place = buffer.get_mut(length..length + argument.len() + 1).ok_or(Error::TooLarge)?;
        let (nul, text) = place.split_last_mut().ok_or(Error::TooLarge)?;
        text.copy_from_slice(argument.as_bytes());
        *nul = 0;
        length += argument.len() + 1;
    }
    Ok(buffer.get(..length).unwrap_or_default())
}

/// The end of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit {
    /// Which task.
    pub task: TaskId,
    /// Its exit status, if it ended by itself.
    pub status: i32,
    /// How it ended.
    pub kind: ExitKind,
}

/// Has the caller notified with [`abi::NOTIFY_CHILD`] when `task` ends.
///
/// Errors: those of vm's `watch`.
pub fn watch(task: TaskId) -> Result<(), Error> {
    vm().watch(task)
}

/// The next task that the caller watches and that has ended; `None` if there is no other. After a notification, ask
/// until there is none: several may have become one.
///
/// Errors: those of any call to vm.
pub fn next_exit() -> Result<Option<Exit>, Error> {
    match vm().next_exit() {
        Ok(exit) => Ok(Some(Exit { task: exit.task, status: exit.status, kind: exit.kind })),
        Err(Error::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends a task.
///
/// Errors: those of vm's `kill`.
pub fn kill(task: TaskId) -> Result<(), Error> {
    vm().kill(task)
}

/// The name of a task's program; the buffer should have 64 bytes.
///
/// Errors: those of vm's `task_name`.
pub fn task_name(task: TaskId, buffer: &mut [u8]) -> Result<&str, Error> {
    vm().task_name(task, buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn arguments_are_packed_with_a_nul_after_each() {
        let mut buffer = [0xff; 16];
        assert_eq!(pack(["echo", "a b", ""], &mut buffer), Ok(&b"echo\0a b\0\0"[..]));
        assert_eq!(pack(["echo"], &mut buffer), Ok(&b"echo\0"[..]));
        assert_eq!(pack(["echo", "0123456789"], &mut buffer), Ok(&b"echo\x000123456789\0"[..]));
        assert_eq!(pack(["echo", "0123456789a"], &mut buffer), Err(Error::TooLarge));
        assert_eq!(pack(["echo", "\0"], &mut buffer), Err(Error::BadText));
    }

    #[test]
    fn errors_say_what_to_do() {
        let text = |error| LaunchError { program: "fly", error }.to_string();
        assert_eq!(text(Error::NotFound), "there is no program `fly`");
        assert!(text(Error::NotPermitted).ends_with("in the manifest"));
        assert!(text(Error::TooLarge).contains("1024"));
    }
}
