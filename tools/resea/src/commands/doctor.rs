//! `cargo resea doctor`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use crate::setup::{QEMU, in_path, qemu_hint};
use crate::toolchain::{TARGET, find_installed};
use crate::ui::coloured;
use crate::workspace::Workspace;

/// Shows what is needed to build, run and check Resea, and what of it is missing
///
/// Installs nothing: `cargo run` and `cargo test` install what they need. The exit status is 0 if nothing is missing.
#[derive(Clone, Debug, Args)]
pub struct DoctorCommand {
    #[command(flatten)]
    common: super::Common,
}

/// A thing that is needed.
struct Requirement {
    what: &'static str,
    /// What was found, or what to do.
    found: Result<String, String>,
    /// Whether `cargo run` and `cargo test` work only with it.
    needed: bool,
}

impl DoctorCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If something that is needed is missing.
    pub fn run(&self) -> Result<()> {
        let requirements = requirements();
        for Requirement { what, found, needed } in &requirements {
            let (colour, sign, text) = match found {
                Ok(found) => ("\x1b[32m", "ok", found),
                Err(remedy) if *needed => ("\x1b[31m", "missing", remedy),
                Err(remedy) => ("\x1b[33m", "optional", remedy),
            };
            match coloured(&std::io::stdout()) {
                true => println!("{colour}{sign:<10}\x1b[0m{what}: {text}"),
                false => println!("{sign:<10}{what}: {text}"),
            }
        }
        let missing: Vec<_> =
            requirements.iter().filter(|one| one.needed && one.found.is_err()).map(|one| one.what).collect();
        if missing.is_empty() {
            return Ok(());
        }
        bail!("missing: {}. `cargo run` installs it where it can, or do as said above", missing.join(", "))
    }
}

fn requirements() -> Vec<Requirement> {
    vec![
        Requirement { what: "workspace", found: workspace(), needed: true },
        Requirement {
            what: "host compiler",
            found: version(Path::new("rustc")).ok_or("install Rust from https://rustup.rs".into()),
            needed: true,
        },
        Requirement {
            what: "bare-metal compiler",
            found: find_installed().map(|toolchain| toolchain.describe()).ok_or(format!(
                "rustup target add {TARGET}, or apt-get install rustc-web cargo-web rust-web-src lld"
            )),
            needed: true,
        },
        Requirement {
            what: "emulator",
            found: in_path(QEMU)
                .map(|file| format!("{} ({})", version(&file).unwrap_or_default(), file.display()))
                .ok_or(qemu_hint()),
            needed: true,
        },
        disk_tool("mkfs.fat", "dosfstools"),
        disk_tool("mcopy", "mtools"),
        disk_tool("sfdisk", "fdisk"),
        component("cargo-clippy", "clippy"),
        component("cargo-fmt", "rustfmt"),
    ]
}

/// A program that only tests of disks need; they install it.
fn disk_tool(program: &'static str, package: &str) -> Requirement {
    let found = in_path(program).map(|file| file.display().to_string());
    let remedy = format!("apt-get install {package} (only for `cargo test`, which does it)");
    Requirement { what: program, found: found.ok_or(remedy), needed: false }
}

fn component(program: &'static str, name: &str) -> Requirement {
    let found = in_path(program).and_then(|file| version(&file).map(|version| (file, version)));
    Requirement {
        what: program,
        found: found
            .map(|(file, version)| format!("{version} ({})", file.display()))
            .ok_or(format!("rustup component add {name} (only for `cargo resea test`)")),
        needed: false,
    }
}

fn workspace() -> Result<String, String> {
    let workspace = Workspace::find().map_err(|error| format!("{error:#}"))?;
    Ok(format!("{} with {} programs", workspace.root.display(), workspace.programs.len()))
}

/// The first line that a program prints with `--version`.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).lines().next()?.to_string();
    output.status.success().then_some(text)
}
