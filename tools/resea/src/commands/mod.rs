//! The subcommands, one file each: their options, whose help texts are the manual, and what they do.

pub mod bench;
pub mod bench_fs;
pub mod bench_net;
pub mod build;
pub mod clean;
pub mod disk;
pub mod doctor;
pub mod fuzz;
pub mod graph;
pub mod new;
pub mod run;
pub mod size;
pub mod symbolize;
pub mod test;

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::build::Profile;
use crate::ui::Verbosity;

/// The options that every subcommand has.
#[derive(Clone, PartialEq, Eq, Default, Debug, Args)]
pub struct Common {
    /// Build for speed and size, without the checks of debug builds
    #[arg(long)]
    pub release: bool,
    /// Show each command that is run
    #[arg(short, long)]
    pub verbose: bool,
}

impl Common {
    /// The profile asked for.
    pub fn profile(&self) -> Profile {
        if self.release { Profile::Release } else { Profile::Debug }
    }

    /// How much to say.
    pub fn verbosity(&self) -> Verbosity {
        if self.verbose { Verbosity::Verbose } else { Verbosity::Normal }
    }
}

/// Writes figures to a file for machines.
fn write_json(file: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("the figures cannot be written as JSON")?;
    text.push('\n');
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}
