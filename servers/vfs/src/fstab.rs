//! What is mounted at the start: the boot file `fstab`. Only its format.
//!
//! A line is a source, a mount point, a file server, and options, with spaces between; from `#` on it is a comment.

use crate::names::is_normal;
use core::fmt;

/// The path of the file in the boot image.
pub const PATH: &str = "fstab";
/// More of the file is not read.
pub const MOST_BYTES: usize = 16 << 10;

/// A line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// What the file system is on.
    pub source: &'a str,
    /// The directory that it is to be.
    pub point: &'a str,
    /// The program that serves it.
    pub kind: &'a str,
    /// Nothing can be changed.
    pub read_only: bool,
    /// The source may be missing.
    pub optional: bool,
}

/// What is wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake<'a> {
    /// Something is missing.
    Short,
    /// The mount point is not an absolute path without `.` and `..`, or it is `/`.
    Point(&'a str),
    /// There is no such option.
    Option(&'a str),
}

impl fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("a line has a source, a mount point and a file server"),
            Self::Point(point) => {
                write!(f, "`{point}` is no mount point: write an absolute path without `.` and `..`, not `/`")
            }
            Self::Option(option) => write!(f, "there is no option `{option}`; write `ro` or `optional`"),
        }
    }
}

/// All lines that are not empty, with their numbers, from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, Result<Line<'_>, Mistake<'_>>)> {
    let content = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    (1..).zip(content).filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| (number, parse(line)))
}

fn parse(line: &str) -> Result<Line<'_>, Mistake<'_>> {
    let mut words = line.split_whitespace();
    let (Some(source), Some(point), Some(kind)) = (words.next(), words.next(), words.next()) else {
        return Err(Mistake::Short);
    };
    if !is_normal(point) || point == "/" {
        return Err(Mistake::Point(point));
    }
    let mut line = Line { source, point, kind, read_only: false, optional: false };
    for option in words {
        match option {
            "ro" => line.read_only = true,
            "optional" => line.optional = true,
            other => return Err(Mistake::Option(other)),
        }
    }
    Ok(line)
}
