//! `cargo resea new`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::scaffold::{self, Kind, Plan};
use crate::workspace::Workspace;

/// Makes a new server or app that builds, runs and passes its test
///
/// A server is a copy of servers/example with another name, an app one of apps/hello: a package with its manifest, a test
/// that runs on the host, documentation, and for a server its interface. It is added to the tree, so that the next
/// `cargo run` has it. docs/write-a-server.md goes on from there.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "Example: cargo resea new server rand")]
pub struct NewCommand {
    #[command(flatten)]
    common: super::Common,
    /// What to make
    kind: KindArgument,
    /// Its name: small letters and digits, with `_` between words
    name: String,
}

/// What can be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum KindArgument {
    /// A program that provides a service
    Server,
    /// A program that a person runs in the shell
    App,
}

impl NewCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If the name is bad or taken, or something cannot be written; then nothing is.
    pub fn run(&self) -> Result<()> {
        let workspace = Workspace::find()?;
        let here = std::env::current_dir().context("the current folder cannot be found")?;
        if !here.starts_with(&workspace.root) {
            let root = workspace.root.display();
            bail!("this folder is not in the tree of Resea: go there first, for example by `cd {root}`");
        }
        let kind = match self.kind {
            KindArgument::Server => Kind::Server,
            KindArgument::App => Kind::App,
        };
        let plan = scaffold::plan(&workspace, kind, &self.name)?;
        plan.write(&workspace.root)?;
        // A long name makes long lines. Where there is no formatter, they stay.
        let mut format = Command::new("cargo");
        format.args(["fmt", "--package", &self.name]).current_dir(&workspace.root).stderr(Stdio::null());
        let _ = format.status();
        print!("{}", report(kind, &self.name, &plan));
        Ok(())
    }
}

/// What was done, and what to do next.
fn report(kind: Kind, name: &str, plan: &Plan) -> String {
    let files = |new: bool| plan.changes.iter().filter(move |change| change.before.is_none() == new);
    let mut text = format!("The {} `{name}` is made. New:\n", kind.noun());
    files(true).for_each(|change| text += &format!("  {}\n", change.path));
    text += "Changed:\n";
    files(false).for_each(|change| text += &format!("  {}\n", change.path));
    let run = match kind {
        Kind::Server => format!("call {name}.put colour blue"),
        Kind::App => name.into(),
    };
    let folder = kind.folder();
    text += &format!(
        "Next:\n  cargo test -p {name}    runs its tests\n  cargo run    boots the system: type `{run}`\n"
    );
    text + &format!("  {folder}/{name}/README.md    says which file is what; make of them what you want\n")
}
