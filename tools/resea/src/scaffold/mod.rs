//! New crates: `cargo resea new`.
//!
//! First everything is checked and every file is made in memory: a [`Plan`]. Then it is written, all of it or nothing.
//! Relies on cargo for what there is, on the interface compiler to check the new interface and write the reference, and
//! on toml_edit to leave the rest of the `Cargo.toml` files as people wrote them.

mod edit;
mod names;
mod plan;
mod template;

pub use names::{Taken, complaint};
pub use plan::{Change, Plan};
pub use template::Kind;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The file that lists the packages.
const WORKSPACE: &str = "Cargo.toml";
/// The file that includes all interfaces.
const INTERFACES: &str = "interfaces/all.idl";
/// The reference that is made of the interfaces.
const REFERENCE: &str = "docs/interfaces.md";
/// The program that can call every service, if its manifest says so.
const CALL: &str = "apps/call/Cargo.toml";

/// Checks everything and makes the files of a new crate, without writing any.
///
/// # Errors
///
/// If the name is bad or taken, or the tree is not as expected; with what to do.
pub fn plan(workspace: &Workspace, kind: Kind, name: &str) -> Result<Plan> {
    let root = &workspace.root;
    let interfaces = compile(root, &Plan::default())?;
    // A bad name is refused before cargo is asked about it.
    let mut taken = taken(workspace, interfaces.namespaces.iter().map(|it| it.name.clone()).collect());
    if let Some(complaint) = complaint(kind, name, &taken) {
        bail!("{complaint}");
    }
    taken.dependencies = dependencies(workspace, kind.template())?;
    if let Some(complaint) = complaint(kind, name, &taken) {
        bail!("{complaint}");
    }
    let folder = format!("{}/{name}", kind.folder());
    if root.join(&folder).exists() {
        bail!("there is a folder {folder}: move it away, or choose another name");
    }
    let mut plan = Plan::default();
    for (path, content) in kind.instantiate(name) {
        if root.join(&path).exists() {
            bail!("there is a file {path}: move it away, or choose another name");
        }
        plan.create(path, content);
    }
    plan.change(root, WORKSPACE, |text| edit::add_member(text, &folder))?;
    if kind == Kind::Server {
        plan.change(root, CALL, |text| edit::add_use(text, name))?;
        plan.change(root, INTERFACES, |text| Ok(format!("{}\ninclude \"{name}.idl\";\n", text.trim_end())))?;
        let reference = idl::markdown::generate(&compile(root, &plan)?);
        plan.change(root, REFERENCE, |_| Ok(reference))?;
    }
    Ok(plan)
}

/// What the tree has already.
fn taken(workspace: &Workspace, interfaces: Vec<String>) -> Taken {
    let programs = &workspace.programs;
    let provided = programs.iter().flat_map(|program| {
        program.manifest.manifest().provides.iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    Taken {
        packages: workspace.packages.clone(),
        programs: programs.iter().map(|program| program.name.clone()).collect(),
        services: provided.collect(),
        interfaces,
        dependencies: Vec::new(),
    }
}

/// The packages that the package of the template needs: one with the same name could not be named to cargo.
fn dependencies(workspace: &Workspace, template: &str) -> Result<Vec<String>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--quiet", "--package", template, "--prefix", "none", "--format", "{p}"]);
    let output = cargo.current_dir(&workspace.root).output().context("cargo cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_string();
        bail!("cargo cannot tell what {template} depends on:\n{said}");
    }
    let packages = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(packages.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_string())).collect())
}

/// The interfaces, as they are when the plan is carried out.
fn compile(root: &Path, plan: &Plan) -> Result<idl::model::Interfaces> {
    let compilation = idl::compile(&root.join(INTERFACES), &plan::Overlay { root, plan });
    let errors = compilation.errors(false);
    compilation
        .result
        .map_err(|_| anyhow::anyhow!("the interfaces have mistakes; mend them first:\n{errors}"))
}
