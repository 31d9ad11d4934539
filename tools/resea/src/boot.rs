//! Boots a build: finds QEMU and starts it, with a person or a program at the console.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::build::Build;
use crate::folder::Folder;
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
    let image = Image::new(build, options)?;
    let arguments = arguments(options, &build.kernel.elf, &image.path, Console::Person);
    Ok(Qemu::start(&qemu, &arguments, Streams::Inherited, verbosity)?.keeping(image.folder))
}

/// Boots with the caller at the console; `sink` receives all that is printed.
///
/// # Errors
///
/// If QEMU is missing and cannot be installed, or does not start.
pub fn session(build: &Build, options: &MachineOptions, sink: Sink, verbosity: Verbosity) -> Result<Session> {
    let qemu = setup::qemu(verbosity)?;
    let image = Image::new(build, options)?;
    let arguments = arguments(options, &build.kernel.elf, &image.path, Console::Pipe);
    let qemu = Qemu::start(&qemu, &arguments, Streams::Piped, verbosity)?.keeping(image.folder);
    Ok(Session::new(qemu, sink)?)
}

/// The boot image that a machine gets.
struct Image {
    path: PathBuf,
    /// Where it is, if it is this machine's own.
    folder: Option<Folder>,
}

impl Image {
    /// The image of the build, or one with the machine's own files.
    fn new(build: &Build, options: &MachineOptions) -> Result<Self> {
        let files = options.disks.boot_files()?;
        if files.is_empty() {
            return Ok(Self { path: build.image.clone(), folder: None });
        }
        let image = std::fs::read(&build.image)
            .with_context(|| format!("{} cannot be read", build.image.display()))?;
        let image = image::with_files(&image, &files)?;
        let folder = Folder::new()?;
        let path = folder.path().join("boot.img");
        std::fs::write(&path, image).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { path, folder: Some(folder) })
    }
}
