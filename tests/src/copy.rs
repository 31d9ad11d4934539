//! A copy of the tree to work in, with a target folder of its own.
//!
//! It is always at the same place, outside of the tree, and only what differs is copied: so what cargo has built for it
//! stays good until the next time. (Inside of the tree cargo would read the tree's configuration too.)

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace;

/// What is copied neither to nor from.
const SKIPPED: [&str; 2] = [".git", "target"];

/// A copy of the tree. No other test or process has it meanwhile.
pub struct Copy {
    /// Its root.
    pub root: PathBuf,
    /// Where cargo puts what it builds for it.
    pub target: PathBuf,
    _lock: File,
}

impl Copy {
    /// The tree as it is now.
    pub fn new() -> Self {
        let workspace = workspace();
        let mut hasher = DefaultHasher::new();
        workspace.root.hash(&mut hasher);
        let root = std::env::temp_dir().join(format!("resea-copy-{:016x}", hasher.finish()));
        // Beside the copy, since tests with other target folders use the same one.
        let lock = root.with_extension("lock");
        let lock = File::create(&lock).unwrap_or_else(|error| panic!("{}: {error}", lock.display()));
        lock.lock().expect("it can be locked");
        let target = workspace.target.join("copy");
        synchronize(&workspace.root, &root);
        Self { root, target, _lock: lock }
    }

    /// What a shell does with `line` in the copy, with standard error where standard output is.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        // Tests are run by a cargo, and what that has set is for them.
        resea_tool::toolchain::clean(&mut command);
        if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        for variable in ["RESEA_SIM_SEED", "RESEA_SIM_SOAK", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        command.env("CARGO_TARGET_DIR", &self.target).current_dir(&self.root);
        command.args(["-c", &format!("exec 2>&1\n{line}")]);
        command
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes `to` the same as `from`; files that are the same already are not touched.
fn synchronize(from: &Path, to: &Path) {
    let done = |result: std::io::Result<()>, path: &Path| {
        result.unwrap_or_else(|error| panic!("{} cannot be copied: {error}", path.display()));
    };
    done(fs::create_dir_all(to), to);
    let (wanted, found) = (names(from), names(to));
    for name in found.difference(&wanted) {
        let path = to.join(name);
        done(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }, &path);
    }
    for name in &wanted {
        let (source, copy) = (from.join(name), to.join(name));
        if source.is_dir() {
            synchronize(&source, &copy);
        } else if fs::read(&source).ok() != fs::read(&copy).ok() {
            done(fs::copy(&source, &copy).map(drop), &source);
        }
    }
}

/// What is in a folder, but for what is skipped.
fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
    names.filter(|name| !SKIPPED.iter().any(|skipped| name == Path::new(skipped))).collect()
}
