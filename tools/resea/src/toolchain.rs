//! The compiler for the bare machine, and how it gets `core` and `alloc` for a target without an operating system.
//!
//! There are two ways. *rustup*: the host's own toolchain, with the target's precompiled `core` added to it. *Debian*:
//! the packaged compiler, which builds `core` from packaged source; for machines where rustup cannot download. That
//! needs cargo's `-Zbuild-std`, so a wrapper around the compiler holds every crate outside of the standard library to
//! stable features. [`find`] chooses, remembers its choice in the target folder, and checks it at each use.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::setup::{self, in_path};
use crate::ui::{self, Verbosity};
use crate::workspace::Workspace;

/// The target that everything on the bare machine is built for.
pub const TARGET: &str = "x86_64-unknown-none";

/// Set to `rustup` or `debian`, this makes [`find`] use that way only.
pub const CHOICE_VARIABLE: &str = "RESEA_TOOLCHAIN";

/// The oldest packaged compiler that knows all of the language used here.
const OLDEST_PACKAGED: (u32, u32) = (1, 95);
/// What the Debian way installs.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];

/// Arguments for the compiled-from-source `core`.
const BUILD_STD: [&str; 2] =
    ["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"];

/// Where `core` comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Precompiled, as a component of the rustup toolchain.
    Rustup,
    /// Built from the source in Debian's packages by their compiler.
    Debian,
}

/// A compiler that can build for [`TARGET`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Toolchain {
    /// Where `core` comes from.
    pub way: Way,
    /// The cargo that belongs to the compiler.
    pub cargo: PathBuf,
    /// The compiler.
    pub rustc: PathBuf,
    /// A file without which it would not work: says that the choice is still good.
    proof: PathBuf,
    /// The rustup toolchain that was active when it was chosen.
    chosen_for: Option<String>,
}

/// Finds the toolchain, or installs one after saying so.
///
/// # Errors
///
/// If no way works; with what to do by hand.
pub fn find(workspace: &Workspace, verbosity: Verbosity) -> Result<Toolchain> {
    let memory = workspace.bare_target().join("toolchain.json");
    if let Some(known) = recall(&memory) {
        verbosity.detail(&format!("bare-metal toolchain: {}", known.describe()));
        return Ok(known);
    }
    let chosen = choose(verbosity)?;
    verbosity.step(&format!("bare-metal toolchain: {}", chosen.describe()));
    std::fs::create_dir_all(workspace.bare_target())
        .and_then(|()| std::fs::write(&memory, serde_json::to_vec_pretty(&chosen)?))
        .with_context(|| format!("{} cannot be written", memory.display()))?;
    Ok(chosen)
}

/// Finds the toolchain without installing anything.
pub fn find_installed() -> Option<Toolchain> {
    let wanted = wanted().ok()?;
    let rustup = || if wanted.is_none_or(|way| way == Way::Rustup) { installed_rustup() } else { None };
    let debian = || if wanted.is_none_or(|way| way == Way::Debian) { installed_debian() } else { None };
    rustup().or_else(debian)
}

fn choose(verbosity: Verbosity) -> Result<Toolchain> {
    if let Some(installed) = find_installed() {
        return Ok(installed);
    }
    let wanted = wanted()?;
    let mut reasons = Vec::new();
    if wanted.is_none_or(|way| way == Way::Rustup) {
        match add_by_rustup() {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => reasons.push(format!("- by rustup: {reason:#}")),
        }
    }
    if wanted.is_none_or(|way| way == Way::Debian) {
        match add_by_apt(verbosity) {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => reasons.push(format!("- by Debian's packages: {reason:#}")),
        }
    }
    bail!(
        "there is no Rust toolchain for the target {TARGET}:\n{}\nInstall one of the two, for example by \
         `rustup target add {TARGET}` where rustup can download, and try again.",
        reasons.join("\n")
    )
}

/// The way that the environment asks for.
fn wanted() -> Result<Option<Way>> {
    match std::env::var(CHOICE_VARIABLE).as_deref() {
        Ok("rustup") => Ok(Some(Way::Rustup)),
        Ok("debian") => Ok(Some(Way::Debian)),
        Ok("") | Err(_) => Ok(None),
        Ok(other) => bail!("{CHOICE_VARIABLE} is {other:?}, but must be \"rustup\" or \"debian\""),
    }
}

fn recall(memory: &Path) -> Option<Toolchain> {
    let known: Toolchain = serde_json::from_slice(&std::fs::read(memory).ok()?).ok()?;
    let still_good = [&known.cargo, &known.rustc, &known.proof].iter().all(|file| file.exists())
        && known.chosen_for == active_toolchain()
        && wanted().ok()?.is_none_or(|way| way == known.way);
    still_good.then_some(known)
}

fn active_toolchain() -> Option<String> {
    std::env::var("RUSTUP_TOOLCHAIN").ok()
}

/// The host's toolchain, if it has the target.
fn installed_rustup() -> Option<Toolchain> {
    let sysroot = output_of(Command::new("rustc").args(["--print", "sysroot"])).ok()?;
    let sysroot = PathBuf::from(sysroot.trim());
    let core = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let toolchain = Toolchain {
        way: Way::Rustup,
        cargo: sysroot.join("bin/cargo"),
        rustc: sysroot.join("bin/rustc"),
        proof: core,
        chosen_for: active_toolchain(),
    };
    toolchain.proof.exists().then_some(toolchain)
}

/// Debian's packages, if they are all there and new enough.
fn installed_debian() -> Option<Toolchain> {
    let (cargo, rustc) = (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"));
    let version = output_of(clean(&mut Command::new(&rustc)).arg("--version")).ok()?;
    if release(&version)? < OLDEST_PACKAGED || !cargo.exists() {
        return None;
    }
    let sysroot = output_of(clean(&mut Command::new(&rustc)).args(["--print", "sysroot"])).ok()?;
    let proof = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    let complete = proof.exists() && in_path("ld.lld").is_some();
    complete.then(|| Toolchain { way: Way::Debian, cargo, rustc, proof, chosen_for: active_toolchain() })
}

/// The major and minor number in what `rustc --version` prints.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("rustc ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn add_by_rustup() -> Result<Toolchain> {
    let rustup = in_path("rustup").context("rustup is not installed")?;
    ui::announce(&format!("installing the target {TARGET}: rustup target add {TARGET}"));
    let mut command = Command::new(rustup);
    // An answer comes soon or never: there is another way to go.
    command.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
    output_of(&mut command)?;
    installed_rustup().context("`rustup target add` went well, but the compiler does not have the target")
}

fn add_by_apt(verbosity: Verbosity) -> Result<Toolchain> {
    setup::install(&DEBIAN_PACKAGES, "a Rust compiler for the bare machine", verbosity)?;
    installed_debian().with_context(|| {
        let (major, minor) = OLDEST_PACKAGED;
        format!(
            "the packages are installed, but /usr/bin/rustc is older than {major}.{minor} or has no source"
        )
    })
}

impl Toolchain {
    /// The toolchain in one line.
    pub fn describe(&self) -> String {
        match self.way {
            Way::Rustup => {
                format!("rustup's {} with its precompiled core for {TARGET}", self.rustc.display())
            }
            Way::Debian => {
                format!("Debian's {} with core built from source for {TARGET}", self.rustc.display())
            }
        }
    }

    /// A cargo command (`build`, `clippy`, …) for the bare machine.
    ///
    /// # Errors
    ///
    /// If the compiler's wrapper cannot be written.
    pub fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Result<Command> {
        let target = workspace.bare_target();
        let mut command = Command::new(&self.cargo);
        clean(&mut command);
        // `cargo clippy` looks for its driver and its cargo beside this cargo.
        let folder = self.cargo.parent().unwrap_or(Path::new("/usr/bin"));
        command
            .arg(subcommand)
            .args(["--target", TARGET])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&workspace.root)
            .stdin(Stdio::null())
            .env("RUSTC", &self.rustc)
            .env("CARGO", &self.cargo)
            .env("PATH", path_starting_with(folder)?);
        if self.way == Way::Debian {
            command
                .args(BUILD_STD)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC_WRAPPER", write_wrapper(&target)?)
                .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_LINKER", "ld.lld");
        }
        Ok(command)
    }
}

/// Takes out of a command's environment what rustup and an outer cargo put there for their own compiler.
pub fn clean(command: &mut Command) -> &mut Command {
    const KEPT: [&str; 7] = ["HOME", "HTTP_", "HTTPS_", "NET_", "REGISTR", "TERM_", "BUILD_JOBS"];
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let cargos = name.strip_prefix("CARGO").is_some_and(|rest| {
            !KEPT.iter().any(|kept| rest.strip_prefix('_').is_some_and(|rest| rest.starts_with(kept)))
        });
        let rustups = matches!(
            name,
            "RUSTUP_TOOLCHAIN" | "RUST_RECURSION_COUNT" | "LD_LIBRARY_PATH" | "DYLD_FALLBACK_LIBRARY_PATH"
        );
        if cargos
            || rustups
            || name.starts_with("RUSTC")
            || name.starts_with("RUSTDOC")
            || name == "RUSTFLAGS"
        {
            command.env_remove(name);
        }
    }
    command
}

/// The wrapper around Debian's compiler: allows unstable features to the standard library only, which cargo marks.
fn write_wrapper(target: &Path) -> Result<PathBuf> {
    const WRAPPER: &str = r#"#!/bin/sh
# Written by `cargo resea`. Building core from source makes the compiler accept unstable features; this takes them away
# again from every crate that is not part of the standard library.
case " $* " in
    *" force-unstable-if-unmarked "* | *" -Zforce-unstable-if-unmarked "* | *" -vV "*) exec "$@" ;;
    *) exec "$@" -Zallow-features= ;;
esac
"#;
    let file = target.join("rustc-wrapper");
    if std::fs::read_to_string(&file).is_ok_and(|text| text == WRAPPER) {
        return Ok(file);
    }
    write_executable(&file, WRAPPER).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

/// Writes a script in one step, so that another process sees all of it or nothing.
fn write_executable(file: &Path, text: &str) -> std::io::Result<()> {
    let temporary = file.with_extension(std::process::id().to_string());
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&temporary, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::rename(&temporary, file)
}

/// The search path with `folder` in front.
fn path_starting_with(folder: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).with_context(|| format!("{} cannot be put into PATH", folder.display()))
}

/// Runs a command to its end and returns what it printed.
fn output_of(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{name} failed ({}): {}",
            output.status,
            said.trim().lines().last().unwrap_or("it said nothing")
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        assert_eq!(release("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some((1, 96)));
        assert!(release("rustc 1.63.0").is_some_and(|found| found < OLDEST_PACKAGED));
        assert_eq!(release("gcc 12"), None);
    }

    #[test]
    fn the_wrapper_takes_features_from_all_but_the_standard_library() {
        let folder = tempfile::tempdir().expect("a folder");
        let wrapper = write_wrapper(folder.path()).expect("it can be written");
        let run = |arguments: &[&str]| {
            output_of(Command::new("sh").arg(&wrapper).args(arguments)).expect("it runs")
        };
        assert_eq!(run(&["echo", "--crate-name", "shell"]), "--crate-name shell -Zallow-features=\n");
        let core = ["echo", "--crate-name", "core", "-Z", "force-unstable-if-unmarked"];
        assert_eq!(run(&core), "--crate-name core -Z force-unstable-if-unmarked\n");
    }

    #[test]
    fn a_choice_that_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = folder.path().join("toolchain.json");
        let mut toolchain = Toolchain {
            way: Way::Debian,
            cargo: memory.clone(),
            rustc: memory.clone(),
            proof: memory.clone(),
            chosen_for: active_toolchain(),
        };
        std::fs::write(&memory, serde_json::to_vec(&toolchain).expect("JSON")).expect("written");
        if wanted().is_ok_and(|way| way.is_none()) {
            assert_eq!(recall(&memory), Some(toolchain.clone()));
        }
        toolchain.proof = folder.path().join("nothing");
        std::fs::write(&memory, serde_json::to_vec(&toolchain).expect("JSON")).expect("written");
        assert_eq!(recall(&memory), None);
    }
}
