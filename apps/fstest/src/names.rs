//! Names that files and directories get.

use alloc::string::String;

/// What FAT calls short, long and neither; names that get the same short name; Unicode; a name of the greatest
/// length. No two differ only in case.
const NAMES: [&str; 12] = [
    "a",
    "B.TXT",
    "read.me",
    "Mixed.Case",
    "a long name 1.text",
    "a long name 2.text",
    "a long name.with.points.and more",
    "größe-日本",
    "été.Ωμέγα",
    ".hidden",
    "thirteen-unit",
    "",
];

/// Units of the name that takes the place of the empty one: as many as there can be.
const LONGEST: usize = 255;

/// A name, behind the `/` that separates it from those before.
pub fn push(path: &mut String, random: &mut fastrand::Rng) {
    path.push('/');
    match random.choice(NAMES).unwrap_or_default() {
        "" => path.extend(core::iter::repeat_n('n', LONGEST)),
        name => path.push_str(name),
    }
}
