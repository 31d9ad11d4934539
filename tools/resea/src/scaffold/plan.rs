//! Changes to the tree that are made together or not at all.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file that is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its path in the tree.
    pub path: String,
    /// What was in it; `None` if it is new.
    pub before: Option<String>,
    /// What will be in it.
    pub after: String,
}

/// What is to be done, in order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Plan {
    /// The files.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Plans a new file.
    pub fn create(&mut self, path: String, content: String) {
        self.changes.push(Change { path, before: None, after: content });
    }

    /// Plans the change of a file that is there.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or the change is not possible.
    pub fn change(
        &mut self,
        root: &Path,
        path: &str,
        change: impl FnOnce(&str) -> Result<String>,
    ) -> Result<()> {
        let before =
            std::fs::read_to_string(root.join(path)).with_context(|| format!("{path} cannot be read"))?;
        let after = change(&before).with_context(|| format!("{path} cannot be changed"))?;
        self.changes.push(Change { path: path.into(), before: Some(before), after });
        Ok(())
    }

    /// Carries it out in the tree at `root`. If something cannot be written, what was done is undone.
    ///
    /// # Errors
    ///
    /// The file that could not be written, and why.
    pub fn write(&self, root: &Path) -> Result<()> {
        let mut folders = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let file = root.join(&change.path);
            let written = make_folders(file.parent().unwrap_or(root), &mut folders)
                .and_then(|()| std::fs::write(&file, &change.after));
            if let Err(error) = written {
                self.undo(root, index, &folders);
                return Err(error)
                    .with_context(|| format!("{} cannot be written; nothing was changed", change.path));
            }
        }
        Ok(())
    }

    /// Puts back the files up to the one at `last`, as far as that is possible, and removes the folders.
    fn undo(&self, root: &Path, last: usize, folders: &[PathBuf]) {
        for change in self.changes.iter().take(last + 1) {
            let file = root.join(&change.path);
            // What fails here failed to be written before, or the disk is gone: the error is reported already.
            let _ = match &change.before {
                Some(before) => std::fs::write(&file, before),
                None => std::fs::remove_file(&file),
            };
        }
        for folder in folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Makes a folder and those above it, and notes which were made.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(parent, made)?;
    }
    std::fs::create_dir(folder)?;
    made.push(folder.to_path_buf());
    Ok(())
}

/// The files of a tree as they will be when a plan is carried out, for the interface compiler.
pub struct Overlay<'a> {
    /// The tree.
    pub root: &'a Path,
    /// The plan.
    pub plan: &'a Plan,
}

impl idl::Loader for Overlay<'_> {
    fn load(&self, path: &Path) -> io::Result<Vec<u8>> {
        let planned = self.plan.changes.iter().find(|change| self.root.join(&change.path) == path);
        planned.map_or_else(|| idl::Disk.load(path), |change| Ok(change.after.clone().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_finished_is_undone() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join("list"), "old").expect("written");
        std::fs::create_dir(root.path().join("blocked")).expect("made");
        let mut plan = Plan::default();
        plan.create("a/b/new".into(), "text".into());
        plan.change(root.path(), "list", |text| Ok(text.to_string() + " and new")).expect("it is there");
        let mut blocked = plan.clone();
        // A folder is where the file should be.
        blocked.create("blocked".into(), "text".into());
        let error = blocked.write(root.path()).expect_err("it cannot be written").to_string();
        assert_eq!(error, "blocked cannot be written; nothing was changed");
        assert!(!root.path().join("a").exists());
        assert_eq!(std::fs::read_to_string(root.path().join("list")).expect("it is there"), "old");

        plan.write(root.path()).expect("it can be written");
        assert_eq!(std::fs::read_to_string(root.path().join("a/b/new")).expect("it is there"), "text");
        assert_eq!(std::fs::read_to_string(root.path().join("list")).expect("it is there"), "old and new");
    }
}
