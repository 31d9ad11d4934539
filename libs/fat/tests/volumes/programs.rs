//! The programs that know FAT best: dosfstools and mtools. Installed if they are missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use resea_tool::setup;
use resea_tool::ui::Verbosity;

/// Finds a program, or installs its package after saying so.
pub fn program(name: &str, package: &str) -> PathBuf {
    // Tests run at the same time; one installs.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Where administrators have theirs, which is not in everybody's PATH.
    let found = || {
        let elsewhere = Path::new("/usr/sbin").join(name);
        setup::in_path(name).or_else(|| elsewhere.is_file().then_some(elsewhere))
    };
    found().unwrap_or_else(|| {
        setup::install(&[package], "a program that knows FAT", Verbosity::Quiet)
            .unwrap_or_else(|error| panic!("{error:#}"));
        found().unwrap_or_else(|| panic!("{package} is installed, but {name} is not in PATH"))
    })
}

/// A command of dosfstools.
pub fn dosfstools(name: &str) -> Command {
    Command::new(program(name, "dosfstools"))
}

/// A command of mtools, which takes names in UTF-8 and any image.
pub fn mtools(name: &str) -> Command {
    let mut command = Command::new(program(name, "mtools"));
    command.env("MTOOLS_SKIP_CHECK", "1").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}

/// Runs a command that must succeed; what it prints.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{command:?} failed:\n{}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

/// All that a command has printed.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Fails unless `fsck.fat -n` finds nothing; `what` says whose volume it is.
pub fn check(image: &Path, what: &str) {
    let output = output(dosfstools("fsck.fat").arg("-n").arg("-v").arg(image));
    assert!(output.status.success(), "{what}: fsck.fat finds:\n{}", text(&output));
}

/// Lets `fsck.fat` repair what it finds, until it finds nothing; what it says. What it does to a directory that was still to get
/// its clusters takes three runs.
pub fn repair(image: &Path, what: &str) -> String {
    let mut said = String::new();
    for _ in 0..4 {
        let output = output(dosfstools("fsck.fat").arg("-a").arg(image));
        said += &text(&output);
        match output.status.code() {
            Some(0) => return said,
            Some(1) => {}
            _ => break,
        }
    }
    panic!("{what}: fsck.fat cannot repair:\n{said}");
}
