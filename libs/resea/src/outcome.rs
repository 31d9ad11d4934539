//! What a program's function returns, and what becomes of it.

use crate::{eprintln, name};
use core::fmt::Display;

/// The exit status of a program: 0 for success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitStatus(pub i32);

impl ExitStatus {
    /// All went well.
    pub const SUCCESS: Self = Self(0);
    /// Something went wrong.
    pub const FAILURE: Self = Self(1);
}

/// Ends the program. Output that is not written yet is; if that fails, the status is 1.
pub fn exit(status: ExitStatus) -> ! {
    crate::flush_output();
    ipc::exit(status.0)
}

/// The value of what does not return: `fn run() -> Result<Never, ServeError>` is a server.
pub type Never = core::convert::Infallible;

/// What a program's function may return.
pub trait Outcome {
    /// The exit status; an error is printed first.
    fn status(self) -> i32;
}

impl Outcome for () {
    fn status(self) -> i32 {
        0
    }
}

impl Outcome for ExitStatus {
    fn status(self) -> i32 {
        self.0
    }
}

impl Outcome for Never {
    fn status(self) -> i32 {
        match self {}
    }
}

/// An error is printed on the console as `NAME: error`, and the status is 1.
impl<T: Outcome, E: Display> Outcome for Result<T, E> {
    fn status(self) -> i32 {
        match self {
            Ok(value) => value.status(),
            Err(error) => {
                eprintln!("{}: {error}", name());
                1
            }
        }
    }
}

#[cfg(not(target_os = "none"))]
impl std::process::Termination for ExitStatus {
    fn report(self) -> std::process::ExitCode {
        // Statuses of processes have 8 bits.
        std::process::ExitCode::from(self.0 as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_outcome() {
        assert_eq!(().status(), 0);
        assert_eq!(ExitStatus(7).status(), 7);
        assert_eq!(Ok::<_, &str>(ExitStatus(7)).status(), 7);
    }

    #[test]
    fn an_error_is_printed_after_the_programs_name() {
        let kernel = ipc::host::Loopback::new();
        let _installed = ipc::host::install(kernel.clone());
        assert_eq!(Err::<(), _>("no such thing").status(), 1);
        assert_eq!(kernel.take_console(), std::format!("{}: no such thing\n", name()));
    }
}
