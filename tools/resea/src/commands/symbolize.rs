//! `cargo resea symbolize`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

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
    /// A program that was launched from a file, with its symbols, if it is not of this build: `target/…/NAME`, or `NAME=FILE` if the
    /// log calls it by another name than its file
    #[arg(long = "program", value_name = "[NAME=]ELF")]
    programs: Vec<String>,
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
        for program in &self.programs {
            let (name, elf) = name_and_file(program)?;
            builds.iter_mut().try_for_each(|build| build.add(name, Path::new(elf)))?;
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

/// What the log calls a program, and its ELF file.
fn name_and_file(program: &str) -> Result<(&str, &str)> {
    if let Some(named) = program.split_once('=') {
        return Ok(named);
    }
    let name = Path::new(program).file_name().and_then(|name| name.to_str());
    Ok((name.with_context(|| format!("{program} has no name: write NAME={program}"))?, program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_by_its_file_or_by_what_is_said() {
        assert_eq!(name_and_file("target/x/mine").unwrap(), ("mine", "target/x/mine"));
        assert_eq!(name_and_file("other=target/x/mine").unwrap(), ("other", "target/x/mine"));
        assert!(name_and_file("..").is_err());
    }
}
