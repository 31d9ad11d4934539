//! `cargo resea symbolize`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::build::{Profile, locate};
use crate::symbolize::{DebugInfo, Symbolizer};
use crate::workspace::Workspace;

/// Turns the addresses in a log into functions, files and lines
///
/// Reads a log from a file or from standard input and prints it with the place of each address under its line, the
/// functions that it was inlined into included. It takes the debug information of the last debug or release build,
/// whichever the log says it is of (by its line `vm: build …`); if it does not say, that of the debug build, or with
/// --release that of the release build. Whose address a number is, the task's name in its line or before tells; high
/// addresses are the kernel's; numbers that are nowhere in a program are left alone.
#[derive(Clone, Debug, Args)]
pub struct SymbolizeCommand {
    #[command(flatten)]
    common: super::Common,
    /// Print one JSON object for each line: the line, its addresses with their places, a warning
    #[arg(long)]
    json: bool,
    /// The log; standard input if none is given
    file: Option<PathBuf>,
}

impl SymbolizeCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If nothing was built yet, or the log cannot be read.
    pub fn run(&self) -> Result<()> {
        let workspace = Workspace::find()?;
        let mut builds = Vec::new();
        let first = self.common.profile();
        for profile in [first].into_iter().chain(Profile::ALL.into_iter().filter(|other| *other != first)) {
            let build = locate(&workspace, profile);
            // A build that has not all of its files was never finished.
            if build.all().all(|built| built.elf.exists()) {
                builds.push(DebugInfo::of(&build, profile.folder(), &workspace.root)?);
            }
        }
        if builds.is_empty() {
            let kernel = locate(&workspace, first).kernel.elf;
            bail!("{} is not there: build it by `cargo resea build`", kernel.display());
        }
        let input: Box<dyn BufRead> = match &self.file {
            Some(file) => Box::new(BufReader::new(
                std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?,
            )),
            None => Box::new(std::io::stdin().lock()),
        };
        let mut symbolizer = Symbolizer::new(builds);
        match symbolizer.log(input, std::io::stdout().lock(), self.json) {
            // Who reads the output, as `head` does, may stop.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result.context("the log cannot be turned into lines with places"),
        }
    }
}
