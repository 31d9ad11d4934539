//! Which addresses the lines of a log have, and whose they are.
//!
//! An address alone does not tell which program it is in: all programs are linked to the same addresses. Addresses in
//! the upper half of the address space are the kernel's. For others, the log tells by what stands before them: `shell:
//! …` is a line of the shell's, `vm: task 2 (crash) …` starts a report about `crash`, and the frames of a backtrace
//! (`vm:   #1 0x2107a4 …`) belong to the last report of the same writer, whatever others print in between. A line that
//! tells nothing has only addresses of the kernel.

use std::collections::HashMap;

use crate::workspace::KERNEL;

/// Addresses from here on belong to the kernel.
const KERNEL_ADDRESSES: u64 = 0xffff_8000_0000_0000;
/// Addresses below this are no code: small numbers in a log are mostly counts and sizes.
const LOWEST_CODE: u64 = 0x1000;
/// A number with fewer digits than this is no address.
const FEWEST_DIGITS: usize = 4;
/// The program that the kernel starts, and about which only the kernel can report.
const FIRST_PROGRAM: &str = "vm";

/// What is remembered from line to line.
#[derive(Default, Debug)]
pub struct Log {
    /// About whom each writer has reported last; without a name: about whom anybody has.
    reports: HashMap<Option<String>, String>,
    /// The last line was a frame of a report of the kernel's about itself.
    in_kernel_frames: bool,
}

/// An address in a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The address as it stands there.
    pub address: u64,
    /// The program that it is in, or the kernel.
    pub program: String,
    /// The address to look up: a return address is past the call that it stands for.
    pub looked_up: u64,
}

impl Log {
    /// The addresses in the next line whose program is known.
    pub fn addresses(&mut self, line: &str, is_program: impl Fn(&str) -> bool) -> Vec<Found> {
        let (writer, text) = split_prefix(line);
        let frame = frame_number(text);
        let subject = match frame {
            Some(_) => self.reports.get(&writer.map(Into::into)).cloned(),
            None => self.subject(writer, text, &is_program),
        };
        // All frames but the innermost are return addresses. In the kernel's reports about itself they are not numbered.
        let is_kernel_frame = writer.is_none() && text.trim_start().starts_with("at 0x");
        let continues = std::mem::replace(&mut self.in_kernel_frames, is_kernel_frame);
        let returns = frame.is_some_and(|number| number > 0) || (is_kernel_frame && continues);
        let whose = |address| if address >= KERNEL_ADDRESSES { Some(KERNEL.into()) } else { subject.clone() };
        let found = addresses(text).into_iter().filter_map(|address| {
            Some(Found { address, program: whose(address)?, looked_up: address - u64::from(returns) })
        });
        found.collect()
    }

    /// Whom a line that is no frame is about.
    fn subject(
        &mut self,
        writer: Option<&str>,
        text: &str,
        is_program: &impl Fn(&str) -> bool,
    ) -> Option<String> {
        let of_first = writer == Some(KERNEL) && text.contains("the first task");
        let Some(name) = reported_task(text).or(of_first.then_some(Some(FIRST_PROGRAM))) else {
            return writer.filter(|writer| *writer != KERNEL && is_program(writer)).map(Into::into);
        };
        for key in [writer.map(String::from), None] {
            match name {
                Some(name) => _ = self.reports.insert(key, name.into()),
                None => _ = self.reports.remove(&key),
            }
        }
        name.map(Into::into)
    }
}

/// The build that a line says the log is of.
pub fn build_id(line: &str) -> Option<u32> {
    let id = line.trim().strip_prefix("vm: build ")?;
    if id.len() == 8 && !id.starts_with('+') { u32::from_str_radix(id, 16).ok() } else { None }
}

/// The name at the start of a line, and what comes after it: `vm: text` or `[vm] text`.
fn split_prefix(line: &str) -> (Option<&str>, &str) {
    let trimmed = line.trim_start();
    let split = match trimmed.strip_prefix('[') {
        Some(rest) => rest.split_once(']'),
        None => trimmed.split_once(':'),
    };
    match split {
        Some((name, text)) if !name.is_empty() && !name.contains(char::is_whitespace) => (Some(name), text),
        _ => (None, line),
    }
}

/// The number of the frame of a backtrace that a line shows.
fn frame_number(text: &str) -> Option<u32> {
    text.trim_start().strip_prefix('#')?.split_whitespace().next()?.parse().ok()
}

/// The program of the task that a line is about: `task 2 (crash) …`; nothing in it if the task has no name.
fn reported_task(text: &str) -> Option<Option<&str>> {
    let (_, rest) = text.split_once("task ")?;
    let (id, rest) = rest.split_once(' ')?;
    let is_id = id.starts_with(|first: char| first.is_ascii_digit())
        && id.chars().all(|character| character.is_ascii_digit() || character == '.');
    let name = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    is_id.then_some(name.map(|(name, _)| name))
}

/// The numbers in a line that may be addresses: hexadecimal ones after `0x`, each once.
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

    /// The addresses of each line of a log with their programs, as `program:address` or `program:address-1`.
    fn found(lines: &str) -> Vec<String> {
        let known = |name: &str| ["vm", "shell", "crash"].contains(&name);
        let mut log = Log::default();
        let mut found = Vec::new();
        for line in lines.lines() {
            found.extend(log.addresses(line, known).into_iter().map(
                |Found { address, program, looked_up }| {
                    format!("{program}:{address:x}{}", if looked_up < address { "-1" } else { "" })
                },
            ));
        }
        found
    }

    #[test]
    fn numbers_that_may_be_addresses_are_found_once() {
        let line = "at 0x21034f (rip=0xffff_ffff_8010_0000, code 0x4, again 0x21034f)";
        assert_eq!(addresses(line), [0x21034f, 0xffff_ffff_8010_0000]);
        assert!(addresses("0x 0xzz 12345 0x10000000000000000000 \u{fffd}0xé").is_empty());
    }

    #[test]
    fn the_writer_or_the_report_says_whose_an_address_is() {
        assert_eq!(found("shell: lost 0x210000"), ["shell:210000"]);
        assert_eq!(found("[shell] lost 0x210000"), ["shell:210000"]);
        assert_eq!(found("vm: task 2.2 (crash) was ended: at 0x210000"), ["crash:210000"]);
        assert_eq!(found("vm: 3 programs (shell) at 0x210000"), ["vm:210000"]);
        assert_eq!(found("kernel: the first task has failed: it panicked, at 0x210000"), ["vm:210000"]);
        assert!(found("the shell: 0x210000\nkernel: out of 0x210000\nsize 0x210000").is_empty());
    }

    #[test]
    fn frames_belong_to_the_report_of_their_writer_whatever_comes_between() {
        let log = "vm: task 2 (crash) was ended: at 0x210000\nvm:   #0 0x210000\nshell: 0x220000\nHello\nvm:   #1 0x210001";
        assert_eq!(found(log), ["crash:210000", "crash:210000", "shell:220000", "crash:210001-1"]);
        let log = "vm: task 2 (crash) was ended\nkernel: task 1 (shell) is ready\nvm:   #0 0x210000\nkernel:   #0 0x220000";
        assert_eq!(found(log), ["crash:210000", "shell:220000"]);
        assert!(found("vm:   #1 0x210000").is_empty(), "the report's first line is not there");
        let log = "kernel: task 2 (crash) is ready\nkernel: task 3 is ready\nkernel:   #0 0x210000";
        assert!(found(log).is_empty(), "the task has no name");
    }

    #[test]
    fn the_kernels_frames_after_the_first_are_return_addresses() {
        let log = "kernel: fatal exception 14\n  rip 0xffffffff80100010\n  at 0xffffffff80100010\n  at 0xffffffff80100020 f+0x1";
        let kernel = ["kernel:ffffffff80100010", "kernel:ffffffff80100010", "kernel:ffffffff80100020-1"];
        assert_eq!(found(log), kernel);
    }

    #[test]
    fn the_build_is_what_vm_says_it_is() {
        assert_eq!(build_id("vm: build 1a2b3c4d"), Some(0x1a2b_3c4d));
        for line in
            ["vm: build 1a2b3c4", "vm: build 1a2b3c4dd", "vm: build +a2b3c4d", "shell: build 1a2b3c4d"]
        {
            assert_eq!(build_id(line), None, "{line}");
        }
    }
}
