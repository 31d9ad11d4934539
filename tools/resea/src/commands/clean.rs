//! `cargo resea clean`.

use std::io::ErrorKind;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::Workspace;

/// Removes what was built for the bare machine
///
/// That is the folder `bare` in cargo's target folder: the kernel, programs, images, and which toolchain was chosen.
/// What cargo built for the host stays: `cargo clean` removes everything. With --release only release builds go.
#[derive(Clone, Debug, Args)]
pub struct CleanCommand {
    #[command(flatten)]
    common: super::Common,
}

impl CleanCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If a folder cannot be removed.
    pub fn run(&self) -> Result<()> {
        let bare = Workspace::find()?.bare_target();
        let folders = if self.common.release {
            vec![bare.join(crate::toolchain::TARGET).join("release"), bare.join("image/release")]
        } else {
            vec![bare]
        };
        for folder in folders {
            match std::fs::remove_dir_all(&folder) {
                Ok(()) => self.common.verbosity().step(&format!("removed {}", folder.display())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("{} cannot be removed", folder.display()));
                }
            }
        }
        Ok(())
    }
}
