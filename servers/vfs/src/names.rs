//! What paths mean where mount points are. Only text.
//!
//! A normal path is `/`, or `/` and a name, any number of times; no name is empty, `.` or `..`.

use alloc::vec::Vec;

/// Whether the path is normal.
pub fn is_normal(path: &str) -> bool {
    let Some(mut names) = path.strip_prefix('/').map(str::as_bytes) else { return false };
    // Byte by byte, since every path of every program comes by here.
    while let Some(end) = names.iter().position(|byte| matches!(byte, b'/' | 0)) {
        let (name, rest) = names.split_at(end);
        match rest.split_first() {
            Some((b'/', rest)) if !matches!(name, b"" | b"." | b"..") => names = rest,
            _ => return false,
        }
    }
    !matches!(names, b"" | b"." | b"..") || path == "/"
}

/// What follows `directory` in a normal path, without the `/` between: empty for the directory itself. `None` if the path is not
/// in it.
pub fn below<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    let directory = if directory == "/" { "" } else { directory };
    match path.as_bytes().get(directory.len()) {
        None | Some(b'/') => {
            let rest = path.strip_prefix(directory)?;
            Some(rest.strip_prefix('/').unwrap_or(rest))
        }
        Some(_) => None,
    }
}

/// The place of the longest of these mount points that a path is in.
pub fn longest<'a>(points: impl Iterator<Item = &'a str>, path: &str) -> Option<usize> {
    let covering = points.enumerate().filter(|(_, point)| below(point, path).is_some());
    covering.max_by_key(|(_, point)| point.len()).map(|(place, _)| place)
}

/// Whether a path is a directory because a mount point is in it, or because it is `/`.
pub fn is_directory<'a>(mut points: impl Iterator<Item = &'a str>, path: &str) -> bool {
    path == "/" || points.any(|point| below(path, point).is_some_and(|rest| !rest.is_empty()))
}

/// The names in such a directory, sorted: of mount points that are shown, and of directories on the way to any.
pub fn shown<'a>(points: impl Iterator<Item = (&'a str, bool)>, directory: &str) -> Vec<&'a str> {
    let mut names: Vec<&str> = points
        .filter_map(|(point, shown)| {
            let rest = below(directory, point)?;
            match rest.split_once('/') {
                Some((name, _)) => Some(name),
                None => Some(rest).filter(|name| shown && !name.is_empty()),
            }
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
