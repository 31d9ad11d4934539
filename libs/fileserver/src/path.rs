//! Paths, as far as they are text: names between slashes.

use interfaces::fs::NAME_MAX;
use ipc::Error;

/// The names of a path, in order; none for the root.
///
/// Errors, in place of a name: `BadName` (it is empty, `.`, `..`, or longer than [`NAME_MAX`]).
pub fn names(path: &str) -> Names<'_> {
    let path = path.strip_prefix('/').unwrap_or(path);
    Names((!path.is_empty()).then_some(path))
}

/// What [`names`] gives: the part of the path whose names are still to come.
pub struct Names<'a>(Option<&'a str>);

impl<'a> Iterator for Names<'a> {
    type Item = Result<&'a str, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let path = self.0?;
        // Byte by byte: names are short, and every path is walked through.
        let end = path.bytes().position(|byte| byte == b'/').unwrap_or(path.len());
        let (name, rest) = path.split_at(end);
        self.0 = rest.get(1..);
        Some(checked(name))
    }
}

/// The path of the directory that something is in, and its name there; `None` for the root.
///
/// Errors: as [`names`], for the last name.
pub fn split(path: &str) -> Result<Option<(&str, &str)>, Error> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(None);
    }
    let (directory, name) = match path.rsplit_once('/') {
        // An empty name before the first slash, not the root.
        Some(("", _)) => return Err(Error::BadName),
        Some(parts) => parts,
        None => ("", path),
    };
    checked(name).map(|name| Some((directory, name)))
}

fn checked(name: &str) -> Result<&str, Error> {
    match name {
        "" | "." | ".." => Err(Error::BadName),
        name if name.len() > NAME_MAX => Err(Error::BadName),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_path_is_its_names() {
        let all = |path| names(path).collect::<Result<Vec<_>, _>>();
        assert_eq!(all(""), Ok(Vec::new()));
        assert_eq!(all("/"), Ok(Vec::new()));
        assert_eq!(all("/a/b c/.d"), Ok(["a", "b c", ".d"].to_vec()));
        assert_eq!(all("a/b"), Ok(["a", "b"].to_vec()));
        for path in ["//", "a/", "/a//b", "a/./b", "..", "/a/.."] {
            assert_eq!(all(path), Err(Error::BadName), "{path}");
        }
        let long = "n".repeat(NAME_MAX + 1);
        assert_eq!(all(&long), Err(Error::BadName));
        let long = &long[1..];
        assert_eq!(all(long), Ok([long].to_vec()));
    }

    #[test]
    fn the_last_name_is_split_off() {
        assert_eq!(split(""), Ok(None));
        assert_eq!(split("/"), Ok(None));
        assert_eq!(split("/a"), Ok(Some(("", "a"))));
        assert_eq!(split("a/b/c"), Ok(Some(("a/b", "c"))));
        for path in ["//", "//a", "a/", "/a/.", ".."] {
            assert_eq!(split(path), Err(Error::BadName), "{path}");
        }
    }
}
