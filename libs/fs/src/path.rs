//! Paths: texts with `/` between names. Only text: what a path means is asked of nobody here, but `PWD` for relative ones.

use alloc::string::String;

/// A path, for a look at its parts. Absolute or relative, normal or not.
///
/// All functions of this crate take plain texts as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path<'a>(&'a str);

impl<'a> Path<'a> {
    /// The path that is this text.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it begins at `/`.
    pub fn is_absolute(self) -> bool {
        self.0.starts_with('/')
    }

    /// Its names, without empty ones and `.`; `..` is among them.
    pub fn components(self) -> Components<'a> {
        Components(self.0)
    }

    /// The last name: `None` for `/` and for what ends with `..`.
    pub fn file_name(self) -> Option<&'a str> {
        self.components().last().filter(|name| *name != "..")
    }

    /// The last name without its extension.
    pub fn file_stem(self) -> Option<&'a str> {
        Some(split_extension(self.file_name()?).0)
    }

    /// What follows the last dot of the last name, unless the name begins with that.
    pub fn extension(self) -> Option<&'a str> {
        split_extension(self.file_name()?).1
    }

    /// The path without its last name: of `a` it is empty, of `/a` it is `/`. `None` if there is no last name.
    pub fn parent(self) -> Option<Self> {
        let mut text = self.0.trim_end_matches('/');
        while let Some(before) = text.strip_suffix("/.") {
            text = before.trim_end_matches('/');
        }
        let name = text.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | ".."))?;
        let before = text.strip_suffix(name)?;
        let trimmed = before.trim_end_matches('/');
        Some(Self(if trimmed.is_empty() && !before.is_empty() { "/" } else { trimmed }))
    }

    /// The path `other` as seen from this directory: `other` itself if it is absolute.
    pub fn join(self, other: impl AsRef<str>) -> String {
        join(self.0, other.as_ref())
    }

    /// The absolute and normal path: see [`absolute`].
    pub fn absolute(self) -> String {
        absolute(self.0)
    }
}

impl AsRef<str> for Path<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl core::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

/// The names of a path: [`Path::components`].
#[derive(Clone, Debug)]
pub struct Components<'a>(&'a str);

impl<'a> Iterator for Components<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            // Byte by byte: names are short, and every path is walked through.
            let end = self.0.bytes().position(|byte| byte == b'/').unwrap_or(self.0.len());
            let (name, rest) = self.0.split_at(end);
            let rest = rest.get(1..).unwrap_or_default();
            self.0 = rest;
            match name {
                "" | "." if rest.is_empty() => return None,
                "" | "." => {}
                name => return Some(name),
            }
        }
    }
}

/// A name and its extension.
fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, Some(extension)),
        _ => (name, None),
    }
}

/// The path `path` as seen from `directory`: `path` itself if it is absolute.
pub fn join(directory: &str, path: &str) -> String {
    if path.starts_with('/') || directory.is_empty() {
        return path.into();
    }
    let mut joined = String::with_capacity(directory.len() + path.len() + 1);
    joined.push_str(directory);
    if !directory.ends_with('/') {
        joined.push('/');
    }
    joined.push_str(path);
    joined
}

/// The absolute path of `path`, which may be relative to the directory `PWD` of the environment (`/` if that says nothing),
/// in its normal form: `/` alone, or `/` and a name several times. `..` takes the name before it away, at `/` nothing.
pub fn absolute(path: impl AsRef<str>) -> String {
    let path = path.as_ref();
    if path.starts_with('/') {
        return normal("", path);
    }
    normal(resea::environment("PWD").unwrap_or_default(), path)
}

/// The normal form of `path` as seen from `directory`, which is taken as absolute.
pub(crate) fn normal(directory: &str, path: &str) -> String {
    let mut result = String::with_capacity(directory.len() + path.len() + 2);
    for part in [directory, path] {
        for name in Components(part) {
            if name == ".." {
                result.truncate(result.rfind('/').unwrap_or(0));
            } else {
                result.push('/');
                result.push_str(name);
            }
        }
    }
    if result.is_empty() {
        result.push('/');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn paths_become_normal() {
        for (path, expected) in [
            ("/", "/"),
            ("//a///b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../../a/..", "/"),
            ("x", "/home/x"),
            ("", "/home"),
            ("./..//x/.", "/x"),
            ("...", "/home/..."),
        ] {
            let directory = if path.starts_with('/') { "" } else { "/home/" };
            assert_eq!(normal(directory, path), expected, "{path:?}");
        }
        assert_eq!(normal("", "a"), "/a", "without PWD");
    }

    #[test]
    fn paths_have_parts() {
        let parts = |text| {
            let path = Path::new(text);
            (path.parent().map(Path::as_str), path.file_name(), path.extension())
        };
        assert_eq!(parts("/a/b.tar.gz"), (Some("/a"), Some("b.tar.gz"), Some("gz")));
        assert_eq!(parts("/a//b/./"), (Some("/a"), Some("b"), None));
        assert_eq!(parts("/a"), (Some("/"), Some("a"), None));
        assert_eq!(parts("a"), (Some(""), Some("a"), None));
        assert_eq!(parts(".profile"), (Some(""), Some(".profile"), None));
        assert_eq!(parts("/"), (None, None, None));
        assert_eq!(parts(""), (None, None, None));
        assert_eq!(parts("a/.."), (None, None, None));
        assert_eq!(Path::new("x/b.txt").file_stem(), Some("b"));
        assert_eq!(Path::new("/a").join("b"), "/a/b");
        assert_eq!(Path::new("/").join("b"), "/b");
        assert_eq!(Path::new("/a").join("/b"), "/b");
    }

    /// Paths of few names, so that much happens.
    fn path() -> impl Strategy<Value = String> {
        let name = prop_oneof![Just("."), Just(".."), Just(""), Just("a"), Just("b.c"), Just("...")];
        prop::collection::vec(name, 0..12).prop_map(|names| names.join("/"))
    }

    proptest! {
        #[test]
        fn normal_paths_are_those_of_a_walk(directory in path(), path in path()) {
            let mut walk = Vec::new();
            for name in directory.split('/').chain(path.split('/')) {
                match name {
                    "" | "." => {}
                    ".." => drop(walk.pop()),
                    name => walk.push(name),
                }
            }
            let result = normal(&directory, &path);
            prop_assert_eq!(&result, &("/".to_string() + &walk.join("/")));
            prop_assert_eq!(normal("", &result), result, "it stays");
        }

        #[test]
        fn a_parent_and_a_name_are_the_path(path in path()) {
            let path = Path::new(&path);
            match (path.parent(), path.file_name()) {
                (Some(parent), Some(name)) => {
                    prop_assert_eq!(normal("/x/y", &parent.join(name)), normal("/x/y", path.as_str()));
                    prop_assert_eq!(parent.is_absolute(), path.is_absolute());
                }
                parts => prop_assert_eq!(parts, (None, None)),
            }
        }
    }
}
