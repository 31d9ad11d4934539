//! Boots a build: finds QEMU and starts it, with a person or a program at the console.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::build::Build;
use crate::machine::{Console, MachineOptions, arguments};
use crate::qemu::{Qemu, Streams};
use crate::session::{Session, Sink};
use crate::setup;
use crate::ui::Verbosity;

/// The program that is the last to start, since its priority is the lowest of those that start by themselves, and the end of the
/// last line that it prints then.
const LAST_TO_START: (&str, &str) = ("webapi", " to its address");
/// How long it is waited for.
const STARTING: Duration = Duration::from_secs(10);

/// Waits at the first prompt until servers have said what they say while they start, so that it does not come between the
/// lines of commands; but no longer than they should need.
pub fn wait_for_servers(session: &mut Session, build: &Build) {
    let (program, words) = LAST_TO_START;
    if build.programs.iter().any(|built| built.name == program) {
        // Who does not say it is not waited for, and how the session fails, if it does, the next command tells.
        let _ = session.wait_for_text(words, 0, Some(Instant::now() + STARTING));
    }
}

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
