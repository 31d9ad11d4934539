//! Long names: UTF-16, 13 units in each of up to 20 directory entries in front of the one that they name.

use abi::Error;

use crate::slot::{ATTRIBUTES_AT, LONG, SLOT, Slot};

/// Units in an entry.
const UNITS: usize = 13;
/// Most entries of a name.
const PARTS: usize = 20;
/// Most units of a name.
pub(crate) const LONGEST: usize = 255;
/// Set in the number of the entry with the name's end, which comes first.
const FIRST_PART: u8 = 0x40;
/// Where an entry has its units.
const PLACES: [usize; UNITS] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// Where it has the sum of the short name that it belongs to.
const SUM_AT: usize = 13;

/// A long name while its entries are read, the last part first.
#[derive(Debug)]
pub(crate) struct LongName {
    units: [u16; PARTS * UNITS],
    length: usize,
    /// The number that the next entry must have; 0 if the name is complete.
    wanted: u8,
    sum: u8,
    valid: bool,
}

impl LongName {
    pub const fn new() -> Self {
        Self { units: [0; PARTS * UNITS], length: 0, wanted: 0, sum: 0, valid: false }
    }

    pub fn clear(&mut self) {
        self.valid = false;
    }

    /// Takes an entry. One that is not the next makes the whole name invalid.
    pub fn push(&mut self, slot: &Slot) {
        let (number, sum) = (slot.0[0], slot.0[SUM_AT]);
        let part = number & !FIRST_PART;
        let begins = number & FIRST_PART != 0;
        let follows = self.valid && part == self.wanted && sum == self.sum;
        if !(1..=PARTS as u8).contains(&part) || !(begins || follows) {
            return self.clear();
        }
        let start = (usize::from(part) - 1) * UNITS;
        for (place, unit) in PLACES.iter().zip(self.units.iter_mut().skip(start)) {
            *unit = u16::from_le_bytes([slot.0[*place], slot.0[*place + 1]]);
        }
        if begins {
            let last = self.units.iter().skip(start).take(UNITS);
            self.length = start + last.take_while(|unit| **unit != 0).count();
        }
        (self.wanted, self.sum, self.valid) = (part - 1, sum, true);
    }

    /// The name, if all of it was read and it belongs to the entry with this short name.
    pub fn of(&self, short: &[u8; 11]) -> Option<&[u16]> {
        let whole = self.valid && self.wanted == 0 && self.sum == sum(short);
        let units = self.units.get(..self.length).filter(|_| whole && self.length <= LONGEST)?;
        // What would be another directory is not a name.
        let dot = u16::from(b'.');
        (!units.is_empty() && units != [dot] && units != [dot, dot]).then_some(units)
    }
}

/// The characters of a name. What no name may have becomes U+FFFD, so that each name can be asked for.
pub(crate) fn characters(units: &[u16]) -> impl Iterator<Item = char> {
    char::decode_utf16(units.iter().copied()).map(|character| visible(character.unwrap_or('\u{fffd}')))
}

/// What a stored character is shown as.
pub(crate) fn visible(character: char) -> char {
    if character == '/' || character < ' ' { '\u{fffd}' } else { character }
}

/// Whether two names are the same but for the case.
pub(crate) fn same(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> bool {
    one.map(fold).eq(other.map(fold))
}

/// The upper case letter: one for one, within 16 bits and never from outside of ASCII into it, as FAT has it.
fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_uppercase();
    }
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) if !upper.is_ascii() && (character as u32) < 0x10000 => upper,
        _ => character,
    }
}

/// Checks that a name can be given to a file: 1 to 255 UTF-16 units, none of `"*/:<>?\|` or a control character, no
/// dot or space at the end.
///
/// # Errors
///
/// [`Error::BadName`].
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let bad = |character: char| character < ' ' || "\"*/:<>?\\|".contains(character);
    let length = name.encode_utf16().take(LONGEST + 1).count();
    match length == 0 || length > LONGEST || name.ends_with(['.', ' ']) || name.chars().any(bad) {
        true => Err(Error::BadName),
        false => Ok(()),
    }
}

/// How many entries a long name takes.
pub(crate) fn parts(name: &str) -> usize {
    name.encode_utf16().count().div_ceil(UNITS)
}

/// The entry with the given part of a name, counted from 1.
pub(crate) fn part(name: &str, part: usize, short: &[u8; 11]) -> Slot {
    let mut slot = Slot([0; SLOT]);
    let first = if part == parts(name) { FIRST_PART } else { 0 };
    slot.0[0] = part as u8 | first;
    slot.0[ATTRIBUTES_AT] = LONG;
    slot.0[SUM_AT] = sum(short);
    // A zero ends the name, ones fill the entry.
    let units = name.encode_utf16().chain([0]).chain(core::iter::repeat(0xffff));
    for (place, unit) in PLACES.iter().zip(units.skip((part - 1) * UNITS)) {
        [slot.0[*place], slot.0[*place + 1]] = unit.to_le_bytes();
    }
    slot
}

/// The sum that ties a long name to a short one.
fn sum(short: &[u8; 11]) -> u8 {
    short.iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn read(name: &str, short: &[u8; 11]) -> Option<String> {
        let mut long = LongName::new();
        (1..=parts(name)).rev().for_each(|number| long.push(&part(name, number, short)));
        long.of(short).map(|units| characters(units).collect())
    }

    #[test]
    fn names_are_found_again() {
        let long: String = core::iter::repeat_n('ä', 255).collect();
        for name in
            ["a", "thirteen_long", "fourteen__long", "日本語のファイル名です.txt", "🦀 in a boat.rs", &long]
        {
            assert_eq!(read(name, b"SHORT~1 TXT").as_deref(), Some(name));
        }
    }

    #[test]
    fn parts_that_do_not_belong_together_are_no_name() {
        let (name, short) = ("a name of twenty-nine letters", b"ANAME~1    ");
        let mut long = LongName::new();
        for order in [[3, 1, 2], [3, 3, 1], [2, 1, 1], [3, 2, 2]] {
            long.clear();
            order.iter().for_each(|number| long.push(&part(name, *number, short)));
            assert_eq!(long.of(short), None, "{order:?}");
        }
        long.clear();
        [3, 2, 1].iter().for_each(|number| long.push(&part(name, *number, short)));
        assert!(long.of(short).is_some());
        assert_eq!(long.of(b"OTHER~1    "), None);
    }

    #[test]
    fn dots_and_slashes_do_not_lead_elsewhere() {
        assert_eq!(read("..", b"A          "), None);
        assert_eq!(read("a/../b", b"A          ").as_deref(), Some("a\u{fffd}..\u{fffd}b"));
    }

    #[test]
    fn case_makes_no_difference() {
        let same = |one: &str, other: &str| same(one.chars(), other.chars());
        assert!(same("Straße Ж é", "sTRAßE ж É"));
        assert!(!same("i", "ı") && !same("s", "ſ") && !same("ß", "ss") && !same("a", "ab"));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in ["", ".", "..", "a.", "a ", "a/b", "a\\b", "a:b", "a\n", "\0", "what?", "a|b"] {
            assert_eq!(check(name), Err(Error::BadName), "{name:?}");
        }
        for name in [".profile", " a", "a+b,c;d=e[f]", "ä", "\u{7f}"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        assert_eq!(check(&"🦀".repeat(127)), Ok(()));
        assert_eq!(check(&"🦀".repeat(128)), Err(Error::BadName));
    }
}
