//! Finds the programs that the tool needs and installs those that are missing.
//!
//! Nothing is installed without saying so first. Where the system's packages are not known, or root's rights cannot be
//! had, the exact commands are printed instead.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::ui::{self, Verbosity};

/// The emulator's program.
pub const QEMU: &str = "qemu-system-x86_64";

/// The emulator's package in Debian and its kin.
const QEMU_PACKAGE: &str = "qemu-system-x86";

/// What to type to get the emulator, by the `ID` or `ID_LIKE` in `/etc/os-release`.
const OTHER_SYSTEMS: [(&str, &str); 6] = [
    ("fedora", "sudo dnf install qemu-system-x86-core"),
    ("rhel", "sudo dnf install qemu-kvm"),
    ("arch", "sudo pacman -S qemu-system-x86"),
    ("suse", "sudo zypper install qemu-x86"),
    ("alpine", "sudo apk add qemu-system-x86_64"),
    ("nixos", "nix-shell -p qemu"),
];

/// Finds a program in `PATH`.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// Finds QEMU, or installs it after saying so.
///
/// # Errors
///
/// If it is not there and cannot be installed; with what to do by hand.
pub fn qemu(verbosity: Verbosity) -> Result<PathBuf> {
    if let Some(found) = in_path(QEMU) {
        return Ok(found);
    }
    install(&[QEMU_PACKAGE], "the emulator QEMU", verbosity)?;
    in_path(QEMU).with_context(|| format!("{QEMU_PACKAGE} is installed, but {QEMU} is not in PATH"))
}

/// What to type to install QEMU here, for people.
pub fn qemu_hint() -> String {
    if in_path("apt-get").is_some() {
        return format!("apt-get install {QEMU_PACKAGE}");
    }
    other_system_hint().unwrap_or_else(|| format!("install the package of your system that has {QEMU}"))
}

/// Installs Debian packages after saying so: as root, or through sudo.
///
/// # Errors
///
/// If this is not Debian or one of its kin, if root's rights cannot be had, or if apt fails.
pub fn install(packages: &[&str], purpose: &str, verbosity: Verbosity) -> Result<()> {
    let list = packages.join(" ");
    if in_path("apt-get").is_none() {
        match other_system_hint() {
            Some(hint) if packages == [QEMU_PACKAGE] => bail!("{purpose} is missing. Type:\n    {hint}"),
            _ if packages == [QEMU_PACKAGE] => bail!(
                "{purpose} is missing, and this system's packages are not known: install what has the program {QEMU}"
            ),
            _ => bail!("this system does not have Debian's packages ({list})"),
        }
    }
    let Some(prefix) = root_prefix() else {
        bail!(
            "{purpose} is missing, and installing it needs root's rights. Type:\n    \
             sudo apt-get update\n    sudo apt-get install --no-install-recommends {list}"
        )
    };
    ui::announce(&format!("installing {purpose}: apt-get install {list}"));
    apt(&prefix, &["update"], verbosity)?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
    arguments.extend(packages);
    apt(&prefix, &arguments, verbosity)
}

/// The words that make a command run as root: none for root itself. `None` if there is no way.
fn root_prefix() -> Option<Vec<&'static str>> {
    if rustix::process::geteuid().is_root() {
        return Some(Vec::new());
    }
    in_path("sudo")?;
    let silent =
        Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    if silent.is_ok_and(|status| status.success()) {
        return Some(vec!["sudo", "-n"]);
    }
    // A person is there to type a password.
    std::io::stdin().is_terminal().then(|| vec!["sudo"])
}

fn apt(prefix: &[&str], arguments: &[&str], verbosity: Verbosity) -> Result<()> {
    let words: Vec<&str> =
        prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(arguments);
    if verbosity != Verbosity::Verbose {
        command.arg("-qq");
    }
    // What apt says is for people, not for whoever reads the tool's output.
    command.stdout(std::io::stderr());
    verbosity.command(&command);
    let status = command.status().context("apt-get cannot be started")?;
    if !status.success() {
        let words: Vec<_> = words.iter().chain(arguments).map(|word| ui::quote(word)).collect();
        bail!("apt-get failed ({status}). Try it by hand to see why:\n    {}", words.join(" "));
    }
    Ok(())
}

/// What to type on a system that is not Debian.
fn other_system_hint() -> Option<String> {
    if cfg!(target_os = "macos") {
        return Some("brew install qemu".into());
    }
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    hint_in(&release).map(Into::into)
}

fn hint_in(os_release: &str) -> Option<&'static str> {
    let value = |key: &str| {
        os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    let names = format!("{} {}", value("ID"), value("ID_LIKE")).replace(['"', '\''], "");
    let mut words = names.split_whitespace();
    words.find_map(|word| OTHER_SYSTEMS.iter().find(|(id, _)| word == *id).map(|(_, hint)| *hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_path_only_if_they_can_run() {
        assert!(in_path("sh").is_some());
        assert_eq!(in_path("no-program-has-this-name"), None);
    }

    #[test]
    fn systems_are_recognised_by_name_or_kin() {
        assert_eq!(hint_in("ID=arch\n"), Some("sudo pacman -S qemu-system-x86"));
        assert_eq!(hint_in("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n"), Some("sudo dnf install qemu-kvm"));
        assert_eq!(hint_in("ID=plan9\n"), None);
    }
}
