//! Services: servers offer them by name, clients find them by name.

use crate::Never;
use abi::Error;
use core::fmt;
use interfaces::vm::Client;
use ipc::server::{self, Events};
use ipc::{Answer, Incoming, TaskId};

/// vm, the task that launches programs and knows the services. In vm itself, and without a kernel: the own task.
pub fn vm() -> Client {
    let raw = crate::start::startup().map_or(0, |startup| startup.vm as usize);
    Client::new(TaskId::from_raw(raw).unwrap_or_else(ipc::own_id))
}

/// A service could not be offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServeError {
    /// Its name.
    pub service: &'static str,
    /// What vm said.
    pub error: Error,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot serve `{}`: {}", self.service, self.error)?;
        match self.error {
            Error::NotPermitted => write!(f, "; add it to `provides` in the program's manifest"),
            Error::AlreadyExists => write!(f, "; end the task that serves it first"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for ServeError {}

/// Offers the service `name` and serves it forever: the one line of a server's main function.
///
/// Errors: those of vm's `serve`.
pub fn serve<S: Events>(
    name: &'static str,
    dispatch: impl Fn(&mut S, &Incoming) -> Answer,
    mut server: S,
) -> Result<Never, ServeError> {
    vm().serve(name).map_err(|error| ServeError { service: name, error })?;
    server::run(&mut server, dispatch)
}

/// A service could not be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LookupError<'a> {
    /// Its name.
    pub service: &'a str,
    /// What vm said.
    pub error: Error,
}

impl fmt::Display for LookupError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use `{}`: {}", self.service, self.error)?;
        match self.error {
            Error::NotPermitted => write!(f, "; add it to `uses` in the program's manifest"),
            Error::NotFound => write!(f, "; no program in the image provides it"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for LookupError<'_> {}

/// The task that serves `name`; waits until there is one, and starts it if it is started on demand.
///
/// Errors: those of vm's `lookup`.
pub fn lookup(name: &str) -> Result<TaskId, LookupError<'_>> {
    vm().lookup(name).map_err(|error| LookupError { service: name, error })
}
