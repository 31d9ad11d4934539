//! What there is to build: the workspace and the programs in it, as cargo knows them.
//!
//! A package is a program if its `Cargo.toml` has a `[package.metadata.resea]` table; there is no other list.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use manifest::host::Source;
use serde::Deserialize;

/// The package of the kernel; its binary is named [`KERNEL`].
pub const KERNEL_PACKAGE: &str = "kernel-x64";
/// The kernel's binary.
pub const KERNEL: &str = "kernel";

/// The workspace of Resea.
#[derive(Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds for the host.
    pub target: PathBuf,
    /// The programs, by name.
    pub programs: Vec<ProgramPackage>,
}

/// A package that is built to a program.
#[derive(Debug)]
pub struct ProgramPackage {
    /// The program's name: that of the package's binary.
    pub name: String,
    /// The package's name.
    pub package: String,
    /// The program's manifest.
    pub manifest: Source,
}

impl Workspace {
    /// Asks cargo about the workspace that the tool belongs to.
    ///
    /// # Errors
    ///
    /// If cargo does not run, or a program's manifest has a mistake.
    pub fn find() -> Result<Self> {
        let start = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["metadata", "--no-deps", "--format-version=1"])
            .current_dir(&start)
            .stdin(Stdio::null());
        let output = command.output().context("cargo cannot be started: is it in PATH?")?;
        if !output.status.success() {
            bail!("cargo cannot read the workspace:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("cargo metadata printed something unexpected")?;
        let programs = programs(&metadata.packages)?;
        check_services(&programs)?;
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory, programs })
    }

    /// Where everything that is built for the bare machine goes, and what the tool remembers.
    pub fn bare_target(&self) -> PathBuf {
        self.target.join("bare")
    }
}

/// What `cargo metadata` prints, as far as it matters.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn programs(packages: &[Package]) -> Result<Vec<ProgramPackage>> {
    let mut programs = Vec::new();
    for package in packages {
        if !package.metadata.as_ref().is_some_and(|tables| tables.contains_key("resea")) {
            continue;
        }
        programs.push(program(package)?);
    }
    programs.sort_by(|a: &ProgramPackage, b| a.name.cmp(&b.name));
    if let Some([first, second]) = programs.array_windows().find(|[a, b]| a.name == b.name) {
        bail!(
            "the packages {:?} and {:?} both build a program named {:?}: rename the [[bin]] of one",
            first.package,
            second.package,
            first.name
        );
    }
    Ok(programs)
}

fn program(package: &Package) -> Result<ProgramPackage> {
    let file = &package.manifest_path;
    let binaries: Vec<_> =
        package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin")).collect();
    let [binary] = binaries.as_slice() else {
        bail!(
            "{}: a program's package must have exactly one binary, but this one has {}",
            file.display(),
            binaries.len()
        );
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let shown = shown(file);
    let Some(manifest) = Source::from_cargo_toml(&shown, &text)? else {
        bail!("{} changed while it was read: try again", shown.display());
    };
    Ok(ProgramPackage { name: binary.name.clone(), package: package.name.clone(), manifest })
}

/// A file's name for messages: relative to where the person is, if it lies below.
fn shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).to_path_buf()
}

/// A service that nobody provides would block its users forever, and two providers could not both have the name.
fn check_services(programs: &[ProgramPackage]) -> Result<()> {
    let mut providers: BTreeMap<&str, &str> = BTreeMap::new();
    let manifests: Vec<_> =
        programs.iter().map(|program| (&program.name, program.manifest.manifest())).collect();
    for (name, manifest) in &manifests {
        for service in &manifest.provides {
            if let Some(other) = providers.insert(service, name) {
                bail!(
                    "both {other:?} and {name:?} provide the service {service:?}: remove it from one manifest"
                );
            }
        }
    }
    for (name, manifest) in &manifests {
        if let Some(service) = manifest.uses.iter().find(|service| !providers.contains_key(*service)) {
            bail!(
                "{name:?} uses the service {service:?}, which no program provides: add it to the `provides` of one, or \
                 remove it from the `uses` of {name:?}"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, keys: &str) -> ProgramPackage {
        let text = format!("[package]\nname = \"x\"\n[package.metadata.resea]\n{keys}");
        let manifest =
            Source::from_cargo_toml(Path::new("Cargo.toml"), &text).expect("valid").expect("a program");
        ProgramPackage { name: name.into(), package: name.into(), manifest }
    }

    #[test]
    fn a_service_that_nobody_provides_is_an_error() {
        let programs = [program("client", "uses = [\"fs\"]"), program("server", "provides = [\"net\"]")];
        let error = check_services(&programs).expect_err("it was accepted").to_string();
        assert!(
            error.starts_with("\"client\" uses the service \"fs\", which no program provides"),
            "{error}"
        );
    }

    #[test]
    fn two_providers_of_one_service_are_an_error() {
        let programs = [program("a", "provides = [\"fs\"]"), program("b", "provides = [\"fs\"]")];
        let error = check_services(&programs).expect_err("it was accepted").to_string();
        assert!(error.starts_with("both \"a\" and \"b\" provide the service \"fs\""), "{error}");
    }

    #[test]
    fn the_workspace_of_the_tool_is_found() {
        let workspace = Workspace::find().expect("it is here");
        assert!(workspace.root.join("tools/resea/Cargo.toml").exists());
    }
}
