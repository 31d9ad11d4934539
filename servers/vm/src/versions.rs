//! Whether a program that is no file of the boot image understands the system.
//!
//! The build compares the interfaces of all programs of an image (docs/checks.md), so vm's own are those of the system. Other programs
//! carry theirs in a section that is not loaded, in the same form. What counts are those by which the program may talk at all:
//! vm's, and those of services that it may send to. One that it does not know is none that it can misunderstand.

use interfaces::FINGERPRINTS;

/// The section, which libs/resea's `main!` makes.
pub(crate) const SECTION: &str = ".resea.interfaces";

/// Most bytes of it that are looked at.
pub(crate) const MAX_LENGTH: usize = 4096;
const _: () = assert!(FINGERPRINTS.len() <= MAX_LENGTH, "vm reads a section as long as its own");

/// The first interface for which `theirs`, a line for each with its name and its fingerprint, has another fingerprint than this system.
/// `counts` says by which ones the program may talk.
pub(crate) fn outdated(theirs: &[u8], counts: impl Fn(&str) -> bool) -> Option<&'static str> {
    let ours = core::str::from_utf8(&FINGERPRINTS).unwrap_or_default();
    ours.lines().filter_map(|line| Some((line, line.split_once(' ')?.0))).find_map(|(line, name)| {
        let is_of_it = |other: &[u8]| {
            other.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
        };
        let mut others = theirs.split(|&byte| byte == b'\n').filter(|other| is_of_it(other));
        (counts(name) && others.any(|other| other != line.as_bytes())).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    /// The lines of this system, with another fingerprint for these.
    fn with_other(names: &[&str]) -> String {
        let lines = core::str::from_utf8(&FINGERPRINTS).unwrap().lines();
        let lines = lines.map(|line| {
            let (name, _) = line.split_once(' ').unwrap();
            if names.contains(&name) {
                std::format!("{name} 0123456789abcdef\n")
            } else {
                std::format!("{line}\n")
            }
        });
        lines.collect()
    }

    #[test]
    fn only_interfaces_that_count_are_compared() {
        let check =
            |theirs: &str, counting: &[&str]| outdated(theirs.as_bytes(), |name| counting.contains(&name));
        assert_eq!(check(&with_other(&[]), &["vm", "fs", "vfs"]), None);
        assert_eq!(check(&with_other(&["fs"]), &["vm", "fs", "vfs"]), Some("fs"));
        assert_eq!(check(&with_other(&["fs"]), &["vm", "vfs"]), None);
        assert_eq!(check("new 0123456789abcdef\nvm", &["vm", "new"]), None, "unknown here or there");
        let twice = std::format!("{}vm 1\n", with_other(&[]));
        assert_eq!(check(&twice, &["vm"]), Some("vm"), "every line must be right");
    }

    #[test]
    fn any_bytes_can_be_compared() {
        let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
        assert_eq!(outdated(&bytes, |_| true), None);
    }
}
