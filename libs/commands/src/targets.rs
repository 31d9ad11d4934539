//! Where things are copied or moved to: `FROM TO`, or `FROM... DIRECTORY`; and what must not be taken away.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use fs::Path;

use crate::CommandLine;

/// The absolute paths of what is to be copied or moved, each with the one that it is to have: in the directory that the last
/// argument names, by its own name, or else that argument itself.
///
/// Errors: a sentence that says why there is no such place.
pub fn targets(line: &CommandLine) -> Result<Vec<(String, String)>, String> {
    let (&to, from) = match line.paths.as_slice() {
        [] => return Err(line.missing("FROM")),
        [_] => return Err(line.missing("TO")),
        [from @ .., to] => (to, from),
    };
    let is_directory = |path: &str| match fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind == ipc::Error::NotFound => Ok(false),
        Err(error) => Err(format!("{error}")),
    };
    if is_directory(to)? {
        return Ok(from.iter().map(|from| (fs::absolute(from), below(to, from))).collect());
    }
    match from {
        // `to/` must be a directory, or become one.
        [from] if !to.ends_with('/') || is_directory(from)? => {
            Ok([(fs::absolute(from), fs::absolute(to))].into())
        }
        _ => Err(format!("{} is not a directory: make it first", fs::absolute(to))),
    }
}

/// The path of `from` in the directory `to`.
fn below(to: &str, from: &str) -> String {
    let from = fs::absolute(from);
    fs::absolute(fs::join(to, Path::new(&from).file_name().unwrap_or_default()))
}

/// Checks that a path can be moved or removed with everything in it, without another file system's losing its place or its files.
///
/// Errors: a sentence that says what is mounted there or below.
pub fn nothing_mounted(path: &str) -> Result<(), String> {
    let path = fs::absolute(path);
    let mounts = fs::mounts().map_err(|error| format!("{error}"))?;
    match mounts.iter().find(|mount| mount.point == path || is_below(&mount.point, &path)) {
        Some(mount) => Err(format!(
            "{path} stays, because {} is mounted at {}: unmount it, or name what is in it",
            mount.source, mount.point
        )),
        None => Ok(()),
    }
}

/// Whether a path is in a directory, at any depth; both are absolute.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a path is in a directory that it spells otherwise: FAT takes `A` for `a`. Both are absolute.
///
/// Errors: a directory on the way cannot be read.
pub(crate) fn is_in_same(path: &str, directory: &str) -> fs::Result<bool> {
    let (mut names, mut parent) = (Path::new(path).components(), String::from("/"));
    for name in Path::new(directory).components() {
        let Some(other) = names.next().filter(|other| other.to_lowercase() == name.to_lowercase()) else {
            return Ok(false);
        };
        // Where both names are, they are two things.
        if other != name && names_in(&parent, name)? == names_in(&parent, other)? {
            return Ok(false);
        }
        parent = fs::join(&parent, name);
    }
    Ok(names.next().is_some())
}

/// Whether a directory lists this very name.
fn names_in(directory: &str, name: &str) -> fs::Result<bool> {
    for entry in fs::read_dir(directory)? {
        if entry?.name() == name {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_is_known() {
        assert!(is_below("/a/b", "/a") && is_below("/a", "/") && is_below("/a/b/c", "/a/b"));
        assert!(!is_below("/ab", "/a") && !is_below("/a", "/a") && !is_below("/b/a", "/a"));
    }
}
