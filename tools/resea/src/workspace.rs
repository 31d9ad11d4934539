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

/// The package of the simulator.
const SIMULATOR: &str = "sim";

/// The workspace of Resea.
#[derive(Debug)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds for the host.
    pub target: PathBuf,
    /// The programs, by name.
    pub programs: Vec<ProgramPackage>,
    /// The names of all packages.
    pub packages: Vec<String>,
    /// The packages whose tests run simulated systems.
    pub simulated: Vec<String>,
}

/// A package that is built to a program.
#[derive(Debug)]
pub struct ProgramPackage {
    /// The program's name: that of the package's binary.
    pub name: String,
    /// The package's name.
    pub package: String,
    /// What cargo calls the package: other than the name, nothing that the tree depends on can be called so.
    pub id: String,
    /// The file with the program's manifest, as people are to see it.
    pub file: PathBuf,
    /// The program's manifest.
    pub manifest: Source,
}

impl Workspace {
    /// Asks cargo about the workspace that the tool belongs to.
    ///
    /// # Errors
    ///
    /// If cargo does not run, or programs' manifests have mistakes: all of them.
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
        let simulated = metadata.packages.iter().filter(|package| package.is_simulated());
        let simulated = simulated.map(|package| package.name.clone()).collect();
        let packages = metadata.packages.into_iter().map(|package| package.name).collect();
        let (root, target) = (metadata.workspace_root, metadata.target_directory);
        Ok(Self { root, target, programs, packages, simulated })
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
    id: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

impl Package {
    fn is_simulated(&self) -> bool {
        self.name == SIMULATOR || self.dependencies.iter().any(|dependency| dependency.name == SIMULATOR)
    }
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn programs(packages: &[Package]) -> Result<Vec<ProgramPackage>> {
    let is_program =
        |package: &&Package| package.metadata.as_ref().is_some_and(|tables| tables.contains_key("resea"));
    let (mut programs, mut mistakes) = (Vec::new(), Vec::new());
    for package in packages.iter().filter(is_program) {
        match program(package) {
            Ok(program) => programs.push(program),
            Err(mistake) => mistakes.push(format!("{mistake:#}")),
        }
    }
    if !mistakes.is_empty() {
        bail!("manifests of programs have mistakes:\n{}", mistakes.join("\n"));
    }
    programs.sort_by(|a: &ProgramPackage, b| a.name.cmp(&b.name));
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
    let file = shown(file);
    let Some(manifest) = Source::from_cargo_toml(&file, &text)? else {
        bail!("{} changed while it was read: try again", file.display());
    };
    let (package, id) = (package.name.clone(), package.id.clone());
    Ok(ProgramPackage { name: binary.name.clone(), package, id, file, manifest })
}

/// A file's name for messages: relative to where the person is, if it lies below.
pub fn shown(file: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mistakes_of_all_manifests_are_told() {
        let folder = tempfile::tempdir().expect("there is room");
        let package = |name: &str, keys: &str| {
            let manifest_path = folder.path().join(name);
            let text = format!("[package]\nname = \"x\"\n[package.metadata.resea]\n{keys}");
            std::fs::write(&manifest_path, text).expect("there is room");
            let targets = vec![Target { name: name.into(), kind: vec!["bin".into()] }];
            let metadata = Some(BTreeMap::from([("resea".to_string(), serde_json::Value::Null)]));
            Package {
                name: name.into(),
                id: name.into(),
                manifest_path,
                targets,
                dependencies: Vec::new(),
                metadata,
            }
        };
        let packages = [package("a", "priority = 99"), package("b", ""), package("c", "powers = [\"fly\"]")];
        let error = programs(&packages).expect_err("it was accepted").to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 3, "{error}");
        assert!(lines[1].ends_with("a:4: `priority` is 99, but must be 0 to 31"), "{error}");
        assert!(lines[2].contains("c:4: there is no power \"fly\""), "{error}");
    }

    #[test]
    fn the_workspace_of_the_tool_is_found() {
        let workspace = Workspace::find().expect("it is here");
        assert!(workspace.root.join("tools/resea/Cargo.toml").exists());
    }
}
