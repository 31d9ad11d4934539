//! The tool as people call it: its help, and what it says when it is called wrongly.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

fn resea(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_resea")).args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_subcommand_has_help_release_and_verbose() {
    for subcommand in ["run", "build", "test", "new", "bench", "size", "doctor", "clean", "symbolize"] {
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
    for option in [
        "--exec",
        "--timeout",
        "--machine",
        "--smp",
        "--mem",
        "--icount",
        "--nic",
        "--port",
        "--pcap",
        "QEMU-ARGS",
    ] {
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
fn a_network_that_cannot_be_is_refused_before_anything_is_built() {
    let refused = |arguments: &[&str]| {
        let output = resea(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        text(&output.stderr)
    };
    let message = refused(&["--machine", "microvm", "--nic", "e1000"]);
    assert_eq!(
        message,
        "error: microvm has no PCI, so it cannot have the network card e1000: leave out --nic, or choose q35 or pc\n"
    );
    assert!(refused(&["--nic", "none", "--port", "8080:80"]).contains("leave out --port"));
    let wrong = resea(&["--port", "http"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("it must be [ADDRESS:]HOST:GUEST[/udp]"));
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

#[test]
fn a_new_crate_with_a_bad_name_is_refused() {
    let rule = "names are small letters and digits, with `_` between words, and begin with a letter";
    for (kind, name, expected) in [
        ("server", "my-server", format!("`my-server` cannot be a name; {rule}: try `my_server`")),
        ("app", "vm", "there is a program called `vm`: choose another name".into()),
        ("server", "abi", "there is a package called `abi`: choose another name".into()),
        ("app", "bench", "there is a service called `bench`: choose another name".into()),
        ("server", "rlsf", "what is new would depend on a package called `rlsf`: choose another name".into()),
        (
            "app",
            "ps",
            "`ps` is a command of the shell, so the program could not be run: choose another name, such as `ps_app`"
                .into(),
        ),
    ] {
        let output = resea(&["new", kind, name]);
        assert_eq!(output.status.code(), Some(1), "{kind} {name}");
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn a_new_crate_is_made_only_inside_of_the_tree() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_resea"))
        .args(["new", "server", "rand"])
        .current_dir(elsewhere.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.starts_with("error: this folder is not in the tree of Resea: go there first"),
        "{message}"
    );
}

#[test]
fn who_stops_reading_ends_what_only_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("hello"), "Hello").expect("it is written");
    assert!(resea(&["disk", "new", &path("disk"), "4M"]).status.success());
    assert!(resea(&["disk", "cp", &path("hello"), &format!("{}:/hello", path("disk"))]).status.success());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut ls = Command::new(env!("CARGO_BIN_EXE_resea"));
    let output =
        ls.args(["disk", "ls", &format!("{}:/", path("disk"))]).stdout(writer).output().expect("it runs");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.signal(), Some(rustix::process::Signal::PIPE.as_raw()));
}
