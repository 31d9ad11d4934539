//! A running QEMU that never outlives its owner.
//!
//! Dropping it kills it by SIGKILL, since under instruction counting it may ignore gentler signals. On Linux it is started
//! through `setpriv`, which makes the kernel kill it also when the tool itself dies without a chance to drop anything.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::folder::Folder;
use crate::setup::in_path;
use crate::ui::Verbosity;

/// How often the tool looks whether QEMU has ended.
const POLL: Duration = Duration::from_millis(10);

/// A running emulator.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    /// Goes with it.
    folder: Option<Folder>,
}

/// What QEMU's standard input and output are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Streams {
    /// Those of the tool: a person's terminal.
    Inherited,
    /// Pipes.
    Piped,
}

impl Qemu {
    /// Starts the program `qemu`.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(
        qemu: &Path,
        arguments: &[OsString],
        streams: Streams,
        verbosity: Verbosity,
    ) -> Result<Self> {
        let mut command = match in_path("setpriv").filter(|_| cfg!(target_os = "linux")) {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(qemu);
                command
            }
            None => Command::new(qemu),
        };
        command.args(arguments);
        if streams == Streams::Piped {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        }
        verbosity.command(&command);
        let child = command.spawn().with_context(|| format!("{} cannot be started", qemu.display()))?;
        Ok(Self::from(child))
    }

    /// The same, with a folder of files that it reads: it goes when QEMU does.
    pub fn keeping(mut self, folder: Option<Folder>) -> Self {
        self.folder = folder;
        self
    }

    /// The process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end until `deadline`; `None` if it is still running then.
    ///
    /// # Errors
    ///
    /// If the operating system does not tell.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<Option<ExitStatus>> {
        let Some(deadline) = deadline else {
            return Ok(Some(self.child.wait().context("QEMU cannot be waited for")?));
        };
        loop {
            if let Some(status) = self.child.try_wait().context("QEMU cannot be waited for")? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Takes over a process that was started elsewhere and is QEMU, or becomes it.
impl From<Child> for Qemu {
    fn from(child: Child) -> Self {
        Self { child, folder: None }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
