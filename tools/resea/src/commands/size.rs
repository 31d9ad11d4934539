//! `cargo resea size`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::build::{Profile, build};
use crate::workspace::Workspace;

/// Shows how large the kernel and the programs are, in bytes
///
/// Measures release builds, whether --release is given or not; --debug measures debug builds. The kernel is shown by
/// its parts; of a program, the size is what its code and data take in the boot image.
#[derive(Clone, Debug, Args)]
pub struct SizeCommand {
    #[command(flatten)]
    common: super::Common,
    /// Measure debug builds
    #[arg(long, conflicts_with = "release")]
    debug: bool,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl SizeCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If something does not build, or the file cannot be written.
    pub fn run(&self) -> Result<()> {
        let profile = if self.debug { Profile::Debug } else { Profile::Release };
        let build = build(&Workspace::find()?, profile, self.common.verbosity())?;
        let mut figures = BTreeMap::new();
        let mut rows = Vec::new();
        for built in build.all() {
            let file = std::fs::read(&built.elf)
                .with_context(|| format!("{} cannot be read", built.elf.display()))?;
            let sizes =
                image::sizes(&file).with_context(|| format!("{} cannot be used", built.elf.display()))?;
            if built == &build.kernel {
                let parts = [
                    ("kernel_text", sizes.text),
                    ("kernel_rodata", sizes.rodata),
                    ("kernel_data", sizes.data),
                    ("kernel_bss", sizes.bss),
                ];
                rows.extend(parts.map(|(part, size)| (part.to_string(), size)));
            } else {
                rows.push((built.name.clone(), sizes.stored()));
            }
        }
        for (name, size) in rows {
            println!("{name:<20}{size:>10}");
            figures.insert(name, size);
        }
        match &self.json {
            Some(file) => super::write_json(file, &figures),
            None => Ok(()),
        }
    }
}
