//! `cargo resea graph`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use system::graph::{Graph, svg, text};

use crate::checks;
use crate::machine::MachineOptions;
use crate::ui::Verbosity;
use crate::workspace::Workspace;

/// How the graph is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// A picture for a browser.
    Svg,
    /// For other tools.
    Json,
}

/// Draws the system: its programs, their services, rights and calls
///
/// Reads manifests and interfaces only; nothing is compiled. A system that the build refuses is drawn too, with the calls
/// that can deadlock marked, and what is wrong is said afterwards.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "Example: cargo resea graph --format svg --output system.svg")]
pub struct GraphCommand {
    /// How to draw it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl GraphCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If manifests or interfaces cannot be read, or the file not written; after drawing, if the system cannot work.
    pub fn run(&self) -> Result<()> {
        let system = checks::described(&Workspace::find()?, &MachineOptions::default())?;
        let graph = Graph::new(&system);
        let drawn = match self.format {
            Format::Text => text(&graph),
            Format::Svg => svg(&graph),
            Format::Json => graph.json(),
        };
        match &self.output {
            Some(file) => std::fs::write(file, drawn)
                .with_context(|| format!("{} cannot be written", file.display()))?,
            // Whoever closed standard output does not want to read more.
            None => _ = std::io::stdout().write_all(drawn.as_bytes()),
        }
        checks::refuse_broken(&system, "it would not be built", Verbosity::Normal)
    }
}
