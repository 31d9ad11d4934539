//! Turns the addresses in a log into functions, files and lines, by the debug information of the last build.
//!
//! An address alone does not tell which program it is in: all programs are linked to the same addresses. Addresses in
//! the upper half of the address space are the kernel's. For others, the log tells by what stands before them:
//! `shell: …` is a line of the shell's, `vm: task 2 (crash) …` starts a report about `crash`, and the frames of a
//! backtrace (`vm:   #1 0x2107a4 …`) belong to the report that they follow.

use std::collections::BTreeMap;

use addr2line::Loader;

use crate::build::Build;
use crate::workspace::KERNEL;

/// Addresses from here on belong to the kernel.
const KERNEL_ADDRESSES: u64 = 0xffff_8000_0000_0000;
/// Addresses below this are no code: small numbers in a log are mostly counts and sizes.
const LOWEST_CODE: u64 = 0x1000;
/// A number with fewer digits than this is no address.
const FEWEST_DIGITS: usize = 4;

/// Finds addresses in logs of one build.
pub struct Symbolizer {
    programs: BTreeMap<String, Loader>,
    current: Option<String>,
}

impl Symbolizer {
    /// Reads the debug information of a build; programs without any are left out.
    pub fn new(build: &Build) -> Self {
        let load = |elf: &std::path::PathBuf| Loader::new(elf).ok();
        let programs =
            build.all().filter_map(|built| Some((built.name.clone(), load(&built.elf)?))).collect();
        Self { programs, current: None }
    }

    /// The line with the place of each address added under it, indented.
    pub fn line(&mut self, line: &str) -> String {
        let frame = frame_number(line);
        if frame.is_none()
            && let Some(named) =
                named_program(line, |name| name != KERNEL && self.programs.contains_key(name))
        {
            self.current = Some(named.to_string());
        }
        let mut output = line.to_string();
        for address in addresses(line) {
            // All frames but the innermost are return addresses: the call is before them.
            let call = address - u64::from(frame.is_some_and(|number| number > 0));
            for place in self.places(call) {
                output.push_str(&format!("\n        {address:#x} = {place}"));
            }
        }
        output
    }

    /// Where an address is: the function with its file and line, then the ones it was inlined into.
    fn places(&self, address: u64) -> Vec<String> {
        let name = if address >= KERNEL_ADDRESSES { Some(KERNEL) } else { self.current.as_deref() };
        let Some(loader) = name.and_then(|name| self.programs.get(name)) else { return Vec::new() };
        let mut places = Vec::new();
        if let Ok(mut frames) = loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let function =
                    frame.function.as_ref().and_then(|function| Some(function.demangle().ok()?.into_owned()));
                let place =
                    frame.location.as_ref().and_then(|location| Some((location.file?, location.line?)));
                places.extend(match (function, place) {
                    (Some(function), Some((file, line))) => Some(format!("{function} at {file}:{line}")),
                    (Some(function), None) => Some(function),
                    (None, Some((file, line))) => Some(format!("{file}:{line}")),
                    (None, None) => None,
                });
            }
        }
        if places.is_empty() {
            places.extend(
                loader
                    .find_symbol(address)
                    .map(|name| format!("{:#}", addr2line::demangle_auto(name.into(), None))),
            );
        }
        places
    }
}

/// What comes after the name at the start of a line, with the name: `vm: text` or `[vm] text`.
fn split_prefix(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']'),
        None => line.split_once(':').filter(|(name, _)| !name.contains(char::is_whitespace)),
    }
}

/// The number of the frame of a backtrace that a line shows.
fn frame_number(line: &str) -> Option<u32> {
    let rest = split_prefix(line).map_or(line, |(_, rest)| rest).trim_start();
    rest.strip_prefix('#')?.split_whitespace().next()?.parse().ok()
}

/// The program that a line is about: the task in a report, else whoever wrote it.
fn named_program(line: &str, is_program: impl Fn(&str) -> bool) -> Option<&str> {
    let (writer, text) = split_prefix(line)?;
    let reported = text.split_once('(').and_then(|(before, rest)| {
        let (name, _) = rest.split_once(')')?;
        (before.contains("task ") && is_program(name)).then_some(name)
    });
    reported.or_else(|| is_program(writer).then_some(writer))
}

/// The numbers in a line that may be addresses: hexadecimal ones after `0x`.
fn addresses(line: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for (place, _) in line.match_indices("0x") {
        let digits = &line[place + 2..];
        let end = digits
            .find(|character: char| !(character.is_ascii_hexdigit() || character == '_'))
            .unwrap_or(digits.len());
        let digits = digits[..end].replace('_', "");
        if let Ok(address) = u64::from_str_radix(&digits, 16)
            && digits.len() >= FEWEST_DIGITS
            && address >= LOWEST_CODE
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_text() {
        let line = "[crash] at 0x21034f (rip=0xffff_ffff_8010_0000, code 0x4, again 0x21034f)";
        assert_eq!(addresses(line), [0x21034f, 0xffff_ffff_8010_0000]);
        assert!(addresses("0x 0xzz 12345").is_empty());
    }

    #[test]
    fn a_prefix_or_a_report_names_the_program() {
        let known = |name: &str| ["vm", "shell", "crash"].contains(&name);
        assert_eq!(named_program("shell: hello", known), Some("shell"));
        assert_eq!(named_program("[shell] hello", known), Some("shell"));
        assert_eq!(
            named_program("vm: task 2.2 (crash) was ended: read of address 0x0", known),
            Some("crash")
        );
        assert_eq!(named_program("vm: 3 programs (shell)", known), Some("vm"));
        assert_eq!(named_program("the shell: hello", known), None);
    }

    #[test]
    fn frames_of_backtraces_are_recognised() {
        assert_eq!(frame_number("vm:   #3 0x2107a4 crash::run+0x474"), Some(3));
        assert_eq!(frame_number("  #0 0x2107a4"), Some(0));
        assert_eq!(frame_number("vm: task 2 (crash) was ended"), None);
    }
}
