//! The log, as text in JSON. What was printed for the eyes of whoever sits at the machine is left out.

use super::{Api, Row};
use crate::http::decimal;
use crate::json::escape;
use crate::system::System;
use abi::MAX_CONSOLE;
use alloc::vec::Vec;
use core::ops::Range;

/// What stands for bytes that are not UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Positions of the log that are not shown.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Hidden(Range<usize>);

impl Hidden {
    /// Does something that prints, and hides what is printed meanwhile.
    pub fn printed<Y: System>(system: &mut Y, print: impl FnOnce(&mut Y)) -> Self {
        let start = end(system);
        print(system);
        Self(start..end(system))
    }
}

/// The position after the last byte of the log.
fn end(system: &mut impl System) -> usize {
    let (mut position, mut buffer) = (0, [0; MAX_CONSOLE]);
    loop {
        match system.log(position, &mut buffer) {
            Ok((count, next)) if count > 0 && next > position => position = next,
            Ok((_, next)) => return next,
            Err(_) => return position,
        }
    }
}

impl<Y: System> Api<Y> {
    /// The next part of the text; after the last one, the position where the next document can go on.
    pub(super) fn log_row(&mut self, position: usize, out: &mut Vec<u8>) -> Row {
        let Hidden(hidden) = &self.hidden;
        let mut buffer = [0; MAX_CONSOLE];
        let (count, next) = self.system.log(position, &mut buffer).unwrap_or((0, position));
        let start = next.saturating_sub(count);
        if count > 0 && hidden.contains(&start) {
            return Row::Next(hidden.end);
        }
        let until_hidden = if start < hidden.start { hidden.start - start } else { count };
        let text = buffer.get(..count.min(until_hidden)).unwrap_or_default();
        // More may be written soon, but not to what stands before hidden text.
        let may_grow = text.len() == count;
        let taken = escape_utf8(text, may_grow, out);
        if taken > 0 {
            return Row::Next(start + taken);
        }
        out.extend_from_slice(b"\",\"next\":");
        decimal(start as u64, out);
        out.push(b'}');
        Row::End
    }
}

/// Writes text for between quotes; how many bytes of it, which is less than all if a character at its end is not
/// complete and `may_grow`.
fn escape_utf8(text: &[u8], may_grow: bool, out: &mut Vec<u8>) -> usize {
    let mut rest = text;
    loop {
        match core::str::from_utf8(rest) {
            Ok(valid) => {
                escape(valid.as_bytes(), out);
                return text.len();
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                escape(valid, out);
                let Some(bad) = error.error_len().or((!may_grow).then_some(after.len())) else {
                    return text.len() - after.len();
                };
                out.extend_from_slice(REPLACEMENT);
                rest = after.get(bad..).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[test]
    fn a_character_that_is_not_complete_waits_for_its_rest() {
        let written = |text: &[u8], may_grow| {
            let mut out = Vec::new();
            let taken = escape_utf8(text, may_grow, &mut out);
            (taken, String::from_utf8(out).unwrap())
        };
        assert_eq!(written("grün".as_bytes(), true), (5, "grün".into()));
        assert_eq!(written(b"gr\xc3", true), (2, "gr".into()));
        assert_eq!(written(b"gr\xc3", false), (3, "gr\u{fffd}".into()));
        assert_eq!(written(b"\xc3n\xff\xff", true), (4, "\u{fffd}n\u{fffd}\u{fffd}".into()));
        assert_eq!(written(b"\xc3", true), (0, "".into()));
    }
}
