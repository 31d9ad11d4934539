//! `cargo resea run`: boots the system, with a person or a list of commands at its shell.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::build::{Build, build_for};
use crate::console::plain;
use crate::machine::{HALTED_WITH_SUCCESS, MachineOptions, halt_status};
use crate::network::Unsaid;
use crate::session::{Session, Sink};
use crate::ui::Verbosity;
use crate::workspace::Workspace;
use crate::{boot, setup, terminal};

/// The command that halts the system.
const HALT: &str = "q";

/// Builds the system and boots it in QEMU, with the shell on this terminal
///
/// To leave, type `q` at the prompt, or press Ctrl-A and then X at any time (QEMU's own keys: Ctrl-A C opens its
/// monitor, Ctrl-A twice sends one Ctrl-A). Ctrl-C goes to the shell, as every other key does.
///
/// A browser on this machine finds the running system at http://localhost:8080, or at the port that is told if that one is
/// taken. The system is in a network of its own (QEMU's user mode): it reaches out, but nobody reaches it except through
/// the ports that --port names.
///
/// With --disk the system has disks, which are files of this machine: `cargo resea disk new` makes one, and `cargo resea disk cp`
/// moves files in and out. The system mounts what config/fstab says: the first disk as /mnt/disk0.
///
/// With --exec the commands are typed into the shell, and the system halts after the last one. The exit status is then 0
/// only if the status of every command was 0 and the system halted well.
#[derive(Clone, Default, Debug, Args)]
#[command(after_long_help = "Example: cargo resea run --exec ps --exec 'echo hello' --timeout 60")]
pub struct RunCommand {
    #[command(flatten)]
    common: super::Common,
    /// Type this command into the shell; may be given several times
    #[arg(long, value_name = "COMMAND")]
    pub exec: Vec<String>,
    /// Give up after this many seconds, counted from the start of QEMU
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// What to boot it on
    #[command(flatten)]
    pub machine: MachineOptions,
}

impl RunCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If the system does not build or boot, dies, or takes too long; if a command of `--exec` fails.
    pub fn run(&self) -> Result<()> {
        let verbosity = self.common.verbosity();
        self.machine.check()?;
        setup::qemu(verbosity)?;
        let build = build_for(&Workspace::find()?, self.common.profile(), &self.machine, verbosity)?;
        let mut machine = self.machine.clone();
        let unsaid = if self.exec.is_empty() { Unsaid::Page } else { Unsaid::Nothing };
        machine.settle(unsaid)?.iter().for_each(|change| verbosity.step(change));
        if self.exec.is_empty() {
            self.at_terminal(&build, &machine, verbosity)
        } else {
            self.typed(&build, &machine, verbosity)
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds))
    }

    fn at_terminal(&self, build: &Build, machine: &MachineOptions, verbosity: Verbosity) -> Result<()> {
        verbosity.step(&format!(
            "booting in QEMU ({}, {} CPU{}, {}, network card: {}); to leave, type q at the prompt, or press Ctrl-A X",
            machine.machine.name(),
            machine.smp,
            if machine.smp == 1 { "" } else { "s" },
            machine.mem,
            machine.network.card(machine.machine).name()
        ));
        for (number, disk) in machine.disks.disks.iter().enumerate() {
            verbosity.step(&format!("disk {}: {disk}", number + 1));
        }
        if let Some(url) = machine.network.url() {
            verbosity.step(&format!("the running system shows itself at {url}"));
        }
        let _restore = terminal::Restore::new();
        let mut qemu = boot::at_terminal(build, machine, verbosity)?;
        let Some(status) = qemu.wait(self.deadline())? else {
            bail!("the time of {} s is over: QEMU was ended", self.timeout.unwrap_or_default());
        };
        match status.code() {
            Some(HALTED_WITH_SUCCESS) => Ok(()),
            Some(0) => {
                verbosity.step("QEMU was closed by Ctrl-A X; if not, the machine has reset itself");
                Ok(())
            }
            Some(code) => match halt_status(code) {
                Some(status) => {
                    bail!("the system halted with failure status {status}: see its last lines above")
                }
                None => match machine.network.lost() {
                    Some(port) => bail!("another program has just taken port {port}: try again"),
                    None => bail!("QEMU failed with exit status {code}: see its message above"),
                },
            },
            None => bail!("QEMU was ended by a signal ({status})"),
        }
    }

    fn typed(&self, build: &Build, machine: &MachineOptions, verbosity: Verbosity) -> Result<()> {
        let deadline = self.deadline();
        let mut session = boot::session(build, machine, to_stdout(), verbosity)?;
        let result = session.wait_for_prompt(deadline).map_err(Into::into).and_then(|()| {
            boot::wait_for_servers(&mut session, build);
            type_commands(&mut session, &self.exec, deadline)
        });
        // The reason starts on a line of its own.
        println!();
        result
    }
}

/// Types commands, then `q` unless it was the last one.
///
/// # Errors
///
/// If the system fails; if it halted well but a command's status was not 0.
pub fn type_commands(session: &mut Session, commands: &[String], deadline: Option<Instant>) -> Result<()> {
    let mut failed = Vec::new();
    let commands = match commands {
        [before @ .., last] if last.trim() == HALT => before,
        all => all,
    };
    for command in commands {
        let output = session.run(command, deadline)?;
        if output.status != 0 {
            failed.push(format!("the command {command:?} exited with status {}", output.status));
        }
    }
    session.halt(deadline)?;
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("; ")) }
}

/// Prints on standard output; without escape sequences if that is no terminal.
fn to_stdout() -> Sink {
    let terminal = std::io::stdout().is_terminal();
    Box::new(move |bytes| {
        let mut output = std::io::stdout().lock();
        // Whoever closed standard output does not want to read more; the status still counts.
        let _ = if terminal { output.write_all(bytes) } else { output.write_all(plain(bytes).as_bytes()) };
        let _ = output.flush();
    })
}
