//! `cargo resea test`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::setup;
use crate::toolchain::{self, Toolchain, Way};
use crate::ui::{self, Verbosity};
use crate::workspace::{KERNEL_PACKAGE, Workspace};

/// Checks formatting, lints and documentation, then runs all tests
///
/// The tests are those of `cargo test`: each crate's own on the host, and the whole system's in QEMU. Arguments after --
/// go to `cargo test`; with --release the host's tests are built for speed. --checks and --tests do one part only; --soak
/// is for a night.
#[derive(Clone, Debug, Args)]
pub struct TestCommand {
    #[command(flatten)]
    common: super::Common,
    /// Only check: formatting, lints, documentation
    #[arg(long, conflicts_with = "tests")]
    checks: bool,
    /// Only run the tests
    #[arg(long)]
    tests: bool,
    /// Run nothing but random tests, for about so many minutes: simulated systems and fuzzing
    #[arg(long, value_name = "MINUTES", num_args = 0..=1, default_missing_value = "60", conflicts_with_all = ["checks", "tests"], value_parser = clap::value_parser!(u64).range(1..=10_000))]
    soak: Option<u64>,
    /// Arguments for `cargo test`
    #[arg(last = true, value_name = "CARGO-TEST-ARGS")]
    arguments: Vec<String>,
}

impl TestCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The first check or test that fails.
    pub fn run(&self) -> Result<()> {
        let verbosity = self.common.verbosity();
        let workspace = Workspace::find()?;
        if let Some(minutes) = self.soak {
            return crate::soak::soak(&workspace, minutes, verbosity);
        }
        if !self.tests {
            check(&workspace, verbosity)?;
        }
        if !self.checks {
            setup::qemu(verbosity)?;
            let mut tests = host_cargo(&workspace, &["test"]);
            if self.common.release {
                tests.arg("--release");
            }
            step("tests", tests.args(&self.arguments), verbosity)?;
        }
        Ok(())
    }
}

/// Everything that finds mistakes without running the code.
fn check(workspace: &Workspace, verbosity: Verbosity) -> Result<()> {
    host_component("cargo-fmt", "rustfmt")?;
    host_component("cargo-clippy", "clippy")?;
    step("formatting", &mut host_cargo(workspace, &["fmt", "--all", "--check"]), verbosity)?;
    let lints = ["clippy", "--workspace", "--all-targets", "--all-features"];
    let lints = &mut host_cargo(workspace, &lints);
    step("lints for the host", lints.args(["--exclude", KERNEL_PACKAGE, "--", "-D", "warnings"]), verbosity)?;
    bare_lints(workspace, verbosity)?;
    let documentation =
        &mut host_cargo(workspace, &["doc", "--workspace", "--no-deps", "--document-private-items"]);
    documentation.args(["--exclude", KERNEL_PACKAGE]).env("RUSTDOCFLAGS", "-D warnings");
    step("documentation", documentation, verbosity)
}

/// The lints for everything that runs on the bare machine, seen as it is built there.
fn bare_lints(workspace: &Workspace, verbosity: Verbosity) -> Result<()> {
    let toolchain = toolchain::find(workspace, verbosity)?;
    bare_clippy(&toolchain, verbosity)?;
    let mut command = toolchain.cargo(workspace, "clippy")?;
    command.args(["--package", KERNEL_PACKAGE]);
    for program in &workspace.programs {
        command.args(["--package", &program.id]);
    }
    step("lints for the bare machine", command.args(["--", "-D", "warnings"]), verbosity)?;
    let mut command = toolchain.cargo(workspace, "doc")?;
    command.args(["--package", KERNEL_PACKAGE, "--no-deps", "--document-private-items"]);
    step("documentation of the kernel", command.env("RUSTDOCFLAGS", "-D warnings"), verbosity)
}

/// Makes sure that the bare-metal compiler has its clippy.
fn bare_clippy(toolchain: &Toolchain, verbosity: Verbosity) -> Result<()> {
    let driver = toolchain.cargo.with_file_name("clippy-driver");
    if driver.exists() {
        return Ok(());
    }
    match toolchain.way {
        Way::Debian => setup::install(&["rust-web-clippy"], "lints for the bare machine", verbosity),
        Way::Rustup => add_component("clippy"),
    }
}

/// Makes sure that the host's toolchain has a component.
fn host_component(program: &str, component: &str) -> Result<()> {
    // rustup's stand-in exists even where the component does not: only running it tells.
    let works = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    if works(program) { Ok(()) } else { add_component(component) }
}

fn add_component(component: &str) -> Result<()> {
    ui::announce(&format!("installing {component}: rustup component add {component}"));
    let mut command = Command::new("rustup");
    let status = command.args(["component", "add", component]).status().with_context(|| {
        format!("{component} is missing and there is no rustup to install it: install it by hand")
    })?;
    if !status.success() {
        bail!("{component} is missing and rustup could not install it: see its message above");
    }
    Ok(())
}

/// A cargo command for the host, with the cargo that the person called.
fn host_cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())));
    command.args(arguments).current_dir(&workspace.root);
    command
}

fn step(what: &str, command: &mut Command, verbosity: Verbosity) -> Result<()> {
    verbosity.step(what);
    verbosity.command(command);
    let status = command.status().with_context(|| format!("{what}: cargo cannot be started"))?;
    if !status.success() {
        bail!("{what} failed: see the messages above");
    }
    Ok(())
}
