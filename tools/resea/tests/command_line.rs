//! The tool as people call it: its help, and what it says when it is called wrongly.

use std::process::{Command, Output};

fn resea(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_resea")).args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_subcommand_has_help_release_and_verbose() {
    for subcommand in ["run", "build", "test", "bench", "size", "doctor", "clean", "symbolize"] {
        let output = resea(&[subcommand, "--help"]);
        assert!(output.status.success(), "{subcommand}");
        let help = text(&output.stdout);
        for option in ["--help", "--release", "-v, --verbose"] {
            assert!(help.contains(option), "{option} is not in the help of {subcommand}:\n{help}");
        }
    }
}

#[test]
fn without_a_subcommand_it_takes_the_options_of_run() {
    let help = text(&resea(&["--help"]).stdout);
    for option in ["--exec", "--timeout", "--machine", "--smp", "--mem", "--icount", "QEMU-ARGS"] {
        assert!(help.contains(option), "{option} is not in:\n{help}");
    }
}

#[test]
fn wrong_options_are_explained() {
    for arguments in [&["--machine", "pdp11"][..], &["--smp", "0"], &["fly"], &["--timeout", "soon"]] {
        let output = resea(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("error:"), "{arguments:?}");
    }
    assert!(text(&resea(&["--machine", "pdp11"]).stderr).contains("q35, pc, microvm"));
}

#[test]
fn the_doctor_looks_at_everything() {
    let output = resea(&["doctor"]);
    let report = text(&output.stdout);
    for what in ["workspace", "host compiler", "bare-metal compiler", "emulator"] {
        assert!(report.contains(what), "{what} is not in:\n{report}");
    }
}

#[test]
fn the_doctor_says_what_to_do_where_everything_is_missing() {
    let empty = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_resea"))
        .arg("doctor")
        .env("PATH", empty.path())
        .env("RESEA_TOOLCHAIN", "rustup")
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    let report = text(&output.stdout);
    assert!(report.contains("missing   host compiler: install Rust from https://rustup.rs"), "{report}");
    assert!(report.contains("missing   bare-metal compiler: rustup target add"), "{report}");
    assert!(report.contains("missing   emulator: "), "{report}");
    assert!(text(&output.stderr).contains("error: missing: "));
}

#[test]
fn a_wrong_choice_of_toolchain_is_refused() {
    let target = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_resea"))
        .arg("build")
        .env("CARGO_TARGET_DIR", target.path())
        .env("RESEA_TOOLCHAIN", "gcc")
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(
        message.contains("RESEA_TOOLCHAIN is \"gcc\", but must be \"rustup\" or \"debian\""),
        "{message}"
    );
}

/// Runs `resea` where the only programs are `env` and an `apt-get` that fails.
#[cfg(target_os = "linux")]
#[test]
fn what_is_missing_is_named_before_it_is_installed() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().expect("a folder");
    let apt = folder.path().join("apt-get");
    std::fs::write(&apt, "#!/bin/sh\nexit 100\n").expect("written");
    std::fs::set_permissions(&apt, std::fs::Permissions::from_mode(0o755)).expect("executable");
    symlink("/usr/bin/env", folder.path().join("env")).expect("linked");
    let output =
        Command::new(env!("CARGO_BIN_EXE_resea")).env("PATH", folder.path()).output().expect("it runs");
    assert!(!output.status.success());
    let message = text(&output.stderr);
    if is_root() {
        assert!(
            message.contains("installing the emulator QEMU: apt-get install qemu-system-x86"),
            "{message}"
        );
        assert!(message.contains("apt-get failed"), "{message}");
    } else {
        assert!(
            message.contains("sudo apt-get install --no-install-recommends qemu-system-x86"),
            "{message}"
        );
    }
}

/// Whether the tests run as root, who may install.
#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
