//! `cargo resea build`.

use anyhow::Result;
use clap::Args;

use crate::build::build;
use crate::workspace::Workspace;

/// Builds the kernel, all programs and the boot image
///
/// Installs what is missing for that, after saying so. Prints where the kernel and the image are.
#[derive(Clone, Debug, Args)]
pub struct BuildCommand {
    #[command(flatten)]
    common: super::Common,
}

impl BuildCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If something does not build.
    pub fn run(&self) -> Result<()> {
        let workspace = Workspace::find()?;
        let build = build(&workspace, self.common.profile(), self.common.verbosity())?;
        println!("{}\n{}", build.kernel.elf.display(), build.image.display());
        Ok(())
    }
}
