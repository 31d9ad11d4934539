//! Boots a build: finds QEMU and starts it, with a person or a program at the console.

use anyhow::Result;

use crate::build::Build;
use crate::machine::{Console, MachineOptions, arguments};
use crate::qemu::{Qemu, Streams};
use crate::session::{Session, Sink};
use crate::setup;
use crate::ui::Verbosity;

/// Boots with the console on the terminal.
///
/// # Errors
///
/// If QEMU is missing and cannot be installed, or does not start.
pub fn at_terminal(build: &Build, options: &MachineOptions, verbosity: Verbosity) -> Result<Qemu> {
    let qemu = setup::qemu(verbosity)?;
    let arguments = arguments(options, &build.kernel.elf, &build.image, Console::Person);
    Qemu::start(&qemu, &arguments, Streams::Inherited, verbosity)
}

/// Boots with the caller at the console; `sink` receives all that is printed.
///
/// # Errors
///
/// If QEMU is missing and cannot be installed, or does not start.
pub fn session(build: &Build, options: &MachineOptions, sink: Sink, verbosity: Verbosity) -> Result<Session> {
    let qemu = setup::qemu(verbosity)?;
    let arguments = arguments(options, &build.kernel.elf, &build.image, Console::Pipe);
    let qemu = Qemu::start(&qemu, &arguments, Streams::Piped, verbosity)?;
    Ok(Session::new(qemu, sink)?)
}
