//! `cargo resea symbolize`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::build::locate;
use crate::symbolize::Symbolizer;
use crate::workspace::Workspace;

/// Turns the addresses in a log into functions, files and lines
///
/// Reads a log from a file or from standard input and prints it with the place of each address under its line. It takes
/// the debug information of the last build (of the last release build with --release): the log must come from that one.
/// Whose address a number is, the task's name in its line or before tells; high addresses are the kernel's.
#[derive(Clone, Debug, Args)]
pub struct SymbolizeCommand {
    #[command(flatten)]
    common: super::Common,
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
        let build = locate(&Workspace::find()?, self.common.profile());
        if !build.kernel.elf.exists() {
            bail!("{} is not there: build it by `cargo resea build`", build.kernel.elf.display());
        }
        let input: Box<dyn BufRead> = match &self.file {
            Some(file) => Box::new(BufReader::new(
                std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?,
            )),
            None => Box::new(std::io::stdin().lock()),
        };
        let mut symbolizer = Symbolizer::new(&build);
        for line in input.split(b'\n') {
            let line = line.context("the log cannot be read")?;
            println!("{}", symbolizer.line(&crate::console::plain(&line)));
        }
        Ok(())
    }
}
