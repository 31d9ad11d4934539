//! `cargo resea bench fs`: files on a disk, and Linux beside it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::bench::figures;
use crate::build::{Build, Profile, build};
use crate::counter::Counter;
use crate::disk::new::{New, make};
use crate::disks::{Disk, DiskOptions, Interface};
use crate::folder::Folder;
use crate::machine::{Machine, MachineOptions};
use crate::network::{Nic, Unsaid};
use crate::session::Session;
use crate::ui::Verbosity;
use crate::workspace::Workspace;
use crate::{boot, linux, setup};

/// The volume that is measured.
const VOLUME: u64 = 1 << 30;
/// A tenth of a second with fewer instructions is one in which nothing happens.
const IDLE: u64 = 100_000;
/// How long a boot or a command may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// What the system mounts by itself: not the disk.
const FSTAB: &str = "boot /boot tarfs ro\nnone /tmp tarfs\n";
/// What is measured on Linux.
const LINUX_PROGRAM: &str = include_str!("../../linux/files.rs");

/// Measures files: reading, opening, long files, mounting, on a FAT32 volume of 1 GiB
///
/// Instructions are counted: of reading 4 KiB that are cached and of opening and closing a file, inside, where one nanosecond of
/// the machine is an instruction; of mounting, all that the machine executes for it. Bytes in a second of a long file, written
/// and synced, and read after another boot, are of the host's time, so they depend on the host: compare them with --linux,
/// which measures Linux's vfat in the same way on the same machine, right afterwards.
#[derive(Clone, Debug, Args)]
pub struct BenchFsCommand {
    #[command(flatten)]
    common: super::Common,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also measure Linux, from Debian's packages
    #[arg(long)]
    linux: bool,
    /// How many MiB the long file has
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=900))]
    size: u32,
    /// How the disk is attached
    #[arg(long, value_enum, default_value_t)]
    interface: Interface,
}

/// What is measured of every system.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
struct Figures {
    /// Instructions.
    read_4k: u64,
    /// Instructions.
    open_close: u64,
    /// Bytes in a second.
    sequential_read: u64,
    /// Bytes in a second.
    sequential_write: u64,
    /// Instructions.
    mount: u64,
}

/// All that is measured.
#[derive(Debug, Serialize)]
struct Results {
    #[serde(flatten)]
    figures: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    linux: Option<Figures>,
}

/// A system that is measured.
enum Guest {
    Resea(Build),
    Linux(Build),
}

impl Guest {
    /// Its program.
    fn program(&self) -> &'static str {
        match self {
            Self::Resea(_) => "fsbench",
            Self::Linux(_) => "files",
        }
    }

    /// The commands that mount the disk at /mnt/bench (/mnt on Linux), and those that do as much without mounting a disk.
    fn mounting(&self) -> (&'static str, &'static str) {
        match self {
            Self::Resea(_) => ("mount disk0 /mnt/bench", "fsbench nothing /mnt/b"),
            Self::Linux(_) => ("mount -t vfat /dev/vda /mnt", "mount -t tmpfs none /other"),
        }
    }

    /// A file on the disk.
    fn file(&self, name: &str) -> String {
        match self {
            Self::Resea(_) => format!("/mnt/bench/{name}"),
            Self::Linux(_) => format!("/mnt/{name}"),
        }
    }

    /// Waits until commands can be typed.
    fn wait(&self, session: &mut Session) -> Result<()> {
        match self {
            Self::Resea(build) => {
                session.wait_for_prompt(deadline())?;
                boot::wait_for_servers(session, build);
            }
            Self::Linux(_) => drop(session.wait_for_text(linux::READY, 0, deadline())?),
        }
        Ok(())
    }

    /// Has a command done; what it printed.
    fn run(&self, session: &mut Session, command: &str) -> Result<String> {
        let (text, status) = match self {
            Self::Resea(_) => {
                let output = session.run(command, deadline())?;
                (output.text, output.status.to_string())
            }
            Self::Linux(_) => {
                let start = session.transcript().len();
                session.send(format!("{command}\n").as_bytes())?;
                let end = session.wait_for_text(linux::DONE, start, deadline())?;
                let end = session.wait_for_text("\n", end, deadline())?;
                let text = crate::console::plain(session.transcript().get(start..end).unwrap_or_default());
                let (before, status) = text.rsplit_once(linux::DONE).unwrap_or((&text, "unknown"));
                (before.into(), status.trim().into())
            }
        };
        if status != "0" {
            bail!("{command:?} ended with status {status}: {}", text.trim_end());
        }
        Ok(text)
    }
}

/// How long it is waited between two keys: a QEMU that records loses those that come faster.
const BETWEEN_KEYS: Duration = Duration::from_millis(20);

impl Guest {
    /// Has a command done where keys must not come fast.
    fn type_slowly(&self, session: &mut Session, command: &str) -> Result<()> {
        let start = session.transcript().len();
        let (end, failed) = match self {
            Self::Resea(_) => ("\r", "cannot"),
            Self::Linux(_) => ("\n", "mount:"),
        };
        for key in command.chars().map(String::from).chain([end.into()]) {
            session.send(key.as_bytes())?;
            if key != end {
                session.watch(Instant::now() + BETWEEN_KEYS)?;
            }
        }
        match self {
            Self::Resea(_) => session.wait_for_prompt(deadline())?,
            Self::Linux(_) => drop(session.wait_for_text(linux::DONE, start, deadline())?),
        }
        let text = crate::console::plain(session.transcript().get(start..).unwrap_or_default());
        if text.contains(failed) || !text.contains(command) {
            bail!("{command:?} has not done what it should: {}", text.trim());
        }
        Ok(())
    }
}

impl BenchFsCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If a system does not build or boot, or what is read is not what was written.
    pub fn run(&self) -> Result<()> {
        let verbosity = self.common.verbosity();
        setup::qemu(verbosity)?;
        let workspace = Workspace::find()?;
        let resea = Guest::Resea(build(&workspace, Profile::Release, verbosity)?);
        verbosity.step("measuring Resea");
        let figures = self.figures(&resea)?;
        let linux = match self.linux {
            false => None,
            true => {
                let folder = workspace.target.join("linux");
                let program = linux::program(&folder, LINUX_PROGRAM, verbosity)?;
                let (name, build) = linux::prepare(&folder, &linux::Purpose::files(program), verbosity)?;
                verbosity.step(&format!("measuring Linux {name}"));
                Some(self.figures(&Guest::Linux(build))?)
            }
        };
        let results = Results { figures, linux };
        print!("{}", table(&results));
        self.json.as_ref().map_or(Ok(()), |file| super::write_json(file, &results))
    }

    /// What is measured of every system, on a new volume.
    fn figures(&self, guest: &Guest) -> Result<Figures> {
        let folder = Folder::new()?;
        let volume = folder.path().join("disk.img");
        let label = String::from("BENCH");
        let new =
            New { size: VOLUME, kind: Some(fat::FatKind::Fat32), cluster: None, label, partition: false };
        make(&volume, &new)?;
        let mount = self.mount(guest, folder.path())?;
        let mut found = self.measured(guest, folder.path(), &["calls"], true)?;
        let size = self.size.to_string();
        found.extend(self.measured(guest, folder.path(), &["write", &size], false)?);
        // After another boot nothing is cached inside.
        found.extend(self.measured(guest, folder.path(), &["read", &size], false)?);
        let figure = |name: &str| {
            let found = found.iter().find(|(found, _)| found == name);
            found.map(|(_, median)| *median).with_context(|| format!("the figure {name} was not told"))
        };
        Ok(Figures {
            read_4k: figure("read_4k")?,
            open_close: figure("open_close")?,
            sequential_read: figure("sequential_read")?,
            sequential_write: figure("sequential_write")?,
            mount,
        })
    }

    /// Boots with the volume in `folder`, up to where commands can be typed.
    fn boot(&self, guest: &Guest, folder: &Path, icount: bool, counter: Option<&Counter>) -> Result<Session> {
        let fstab = folder.join("fstab");
        std::fs::write(&fstab, FSTAB).with_context(|| format!("{} cannot be written", fstab.display()))?;
        let disks = vec![Disk::new(folder.join("disk.img"), self.interface)];
        let mut options = MachineOptions {
            machine: Machine::default(),
            icount,
            disks: DiskOptions { disks, fstab: None },
            ..MachineOptions::default()
        };
        options.network.nic = Some(Nic::None);
        options.settle(Unsaid::Nothing)?;
        options.qemu_args.extend(counter.map(|counter| counter.arguments(false)).unwrap_or_default());
        let build = match guest {
            Guest::Resea(build) => {
                options.disks.fstab = Some(fstab);
                build
            }
            Guest::Linux(build) => {
                options.qemu_args.extend(["-append".into(), linux::COMMAND_LINE.into()]);
                build
            }
        };
        let verbosity = self.common.verbosity();
        let mut session = boot::session(build, &options, super::bench::sink(verbosity), Verbosity::Quiet)?;
        guest.wait(&mut session)?;
        Ok(session)
    }

    /// The figures that the program tells, with the volume mounted: their names and medians.
    fn measured(
        &self,
        guest: &Guest,
        folder: &Path,
        words: &[&str],
        icount: bool,
    ) -> Result<Vec<(String, u64)>> {
        let mut session = self.boot(guest, folder, icount, None)?;
        guest.run(&mut session, guest.mounting().0)?;
        let name = if words[0] == "calls" { "small" } else { "long" };
        let mut command = format!("{} {} {}", guest.program(), words[0], guest.file(name));
        words.iter().skip(1).for_each(|word| command += &format!(" {word}"));
        let text = guest.run(&mut session, &command)?;
        if text.contains("not as it was written") {
            bail!("what was read is not what was written: {}", text.trim_end());
        }
        // What was written is there when it is mounted again.
        let unmount = match guest {
            Guest::Resea(_) => "umount /mnt/bench",
            Guest::Linux(_) => "umount /mnt",
        };
        guest.run(&mut session, unmount)?;
        Ok(figures(&text)?.into_iter().map(|(name, figure)| (name, figure.median)).collect())
    }

    /// The instructions of mounting: all that the machine executes for the command, without those of a command that does
    /// everything else.
    fn mount(&self, guest: &Guest, folder: &Path) -> Result<u64> {
        let counter = Counter::new(folder);
        let mut session = self.boot(guest, folder, false, Some(&counter))?;
        let (mounting, other) = guest.mounting();
        let mut count = |command: &str| -> Result<u64> {
            let before = counter.settled(IDLE)?;
            guest.type_slowly(&mut session, command)?;
            Ok(counter.settled(IDLE)? - before)
        };
        // What is done for the first time costs more.
        count(other)?;
        let other = count(other)?;
        Ok(count(mounting)?.saturating_sub(other))
    }
}

fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

/// The figures for people.
fn table(results: &Results) -> String {
    let (ours, linux) = (&results.figures, results.linux.as_ref());
    let mut table = format!("{:<34}{:>14}{:>14}\n", "", "Resea", if linux.is_some() { "Linux" } else { "" });
    let mut row = |name: &str, show: &dyn Fn(&Figures) -> String| {
        let theirs = linux.map(show).unwrap_or_default();
        table.push_str(&format!("{name:<34}{:>14}{theirs:>14}\n", show(ours)));
    };
    row("instructions to read 4 KiB", &|figures| figures.read_4k.to_string());
    row("instructions to open and close", &|figures| figures.open_close.to_string());
    row("read, MB in a second", &|figures| format!("{:.1}", figures.sequential_read as f64 / 1e6));
    row("written, MB in a second", &|figures| format!("{:.1}", figures.sequential_write as f64 / 1e6));
    row("instructions to mount", &|figures| figures.mount.to_string());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_written_flat_with_their_keys() {
        let results = Results { figures: Figures::default(), linux: Some(Figures::default()) };
        let json = serde_json::to_value(&results).expect("it can be written");
        for key in ["read_4k", "open_close", "sequential_read", "sequential_write", "mount"] {
            assert!(json.get(key).is_some() && json["linux"].get(key).is_some(), "{key}: {json}");
        }
    }
}
