//! Short names: eight characters and three, in upper case, in code page 437.
//!
//! A name that is a short one in upper case, or with a lower case body or extension, which two bits can say, needs no more. Every
//! other name gets a long one, and a short one made of it that nothing else in the directory has.

use crate::long_name::visible;
use crate::slot::{CASE_AT, Slot};

/// Bits of a directory entry's byte 12: the body, and the extension, are shown in lower case.
const LOWER_BODY: u8 = 0x08;
const LOWER_EXTENSION: u8 = 0x10;

/// Stands for 0xe5 at the beginning of a name, where that says that the entry is free.
const KANJI: u8 = 0x05;

/// Tails that are told apart while a directory is read: `~1` to this.
pub(crate) const TAILS: u32 = 63;

/// Most characters of a short name, with the dot.
pub(crate) const LONGEST: usize = 12;

/// The upper half of code page 437.
const UPPER_HALF: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// How a name is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// As a short name alone, with these bits for lower case.
    Short([u8; 11], u8),
    /// As a long name, with this short one if it is free.
    Exact([u8; 11]),
    /// As a long name, with a short one that is made of this by a tail.
    Tail([u8; 11]),
}

/// The characters of an entry's short name, in the case in which they are shown.
pub(crate) fn characters(slot: &Slot) -> impl Iterator<Item = char> {
    let (name, case) = (slot.name(), slot.0[CASE_AT]);
    let length = |range: &[u8]| range.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let (body, extension) = name.split_at(8);
    let (body, extension) = (length(body), length(extension));
    let dot = (extension > 0).then_some('.');
    // The specification has no names that begin with a space. They would be empty, or `..`.
    let nothing = (body == 0).then_some('\u{fffd}');
    let part = move |range: core::ops::Range<usize>, lower: u8| {
        range.map(move |index| {
            let byte = match name[index] {
                KANJI if index == 0 => 0xe5,
                byte => byte,
            };
            let shown = character(byte);
            visible(match case & lower {
                0 => shown,
                _ if shown.is_ascii() => shown.to_ascii_lowercase(),
                // Each letter beyond ASCII has one in lower case.
                _ => shown.to_lowercase().next().unwrap_or(shown),
            })
        })
    };
    nothing
        .into_iter()
        .chain(part(0..body, LOWER_BODY))
        .chain(dot)
        .chain(part(8..8 + extension, LOWER_EXTENSION))
}

/// The characters of a volume's name: eleven, without a dot.
pub(crate) fn label(name: &[u8; 11]) -> impl Iterator<Item = char> {
    name.iter().map(|byte| visible(character(*byte)))
}

/// A byte of code page 437.
fn character(byte: u8) -> char {
    match byte.checked_sub(128) {
        None => byte.into(),
        Some(index) => UPPER_HALF.chars().nth(index.into()).unwrap_or('\u{fffd}'),
    }
}

/// How a name is to be stored.
pub(crate) fn shape(name: &str) -> Shape {
    let dots = name.trim_start_matches('.');
    let (body, extension) = match dots.rsplit_once('.') {
        Some((body, extension)) => (body, extension),
        None => (dots, ""),
    };
    let mut short = [b' '; 11];
    let (body_fits, body_case) = squeeze(body, &mut short[..8]);
    let (extension_fits, extension_case) = squeeze(extension, &mut short[8..]);
    if !body_fits || !extension_fits || dots.len() != name.len() || short[0] == b' ' {
        if short[0] == b' ' {
            short[0] = b'_';
        }
        return Shape::Tail(short);
    }
    match (body_case, extension_case) {
        (Case::Mixed, _) | (_, Case::Mixed) => Shape::Exact(short),
        (body, extension) => {
            let body = if body == Case::Lower { LOWER_BODY } else { 0 };
            Shape::Short(short, body | if extension == Case::Lower { LOWER_EXTENSION } else { 0 })
        }
    }
}

/// The short name that is the same as this one but for the case, if there can be one.
pub(crate) fn exactly(name: &str) -> Option<[u8; 11]> {
    match shape(name) {
        Shape::Short(short, _) | Shape::Exact(short) => Some(short),
        Shape::Tail(_) => None,
    }
}

/// The case of the letters of a body or extension.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    /// No lower case letters.
    Upper,
    /// No upper case letters.
    Lower,
    Mixed,
}

/// Puts what can be in a short name into its place; whether that was all, and the case.
fn squeeze(text: &str, place: &mut [u8]) -> (bool, Case) {
    let mut fits = true;
    let mut bytes = text.chars().filter_map(|character| {
        let possible = character.is_ascii_alphanumeric() || "!#$%&'()-@^_`{}~".contains(character);
        fits &= possible;
        match character {
            ' ' | '.' => None,
            _ if possible => Some(character.to_ascii_uppercase() as u8),
            _ => Some(b'_'),
        }
    });
    for (place, byte) in place.iter_mut().zip(bytes.by_ref()) {
        *place = byte;
    }
    let rest = bytes.next().is_some();
    let lower = text.contains(|character: char| character.is_ascii_lowercase());
    let upper = text.contains(|character: char| character.is_ascii_uppercase());
    let case = match (lower, upper) {
        (true, true) => Case::Mixed,
        (true, false) => Case::Lower,
        _ => Case::Upper,
    };
    (fits && !rest, case)
}

/// The short name with tail `~number`.
pub(crate) fn with_tail(short: &[u8; 11], number: u32) -> [u8; 11] {
    let mut digits = [0; 10];
    let (mut rest, mut count) = (number, 0);
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    let mut name = *short;
    let body = short[..8].iter().take_while(|byte| **byte != b' ').count();
    let places = name[..8].iter_mut().skip(body.min(7usize.saturating_sub(count)));
    let tail = core::iter::once(b'~').chain(digits[..count].iter().rev().copied());
    places.zip(tail).for_each(|(place, byte)| *place = byte);
    name
}

/// Another short name to put tails on: two characters of the one given and four digits that depend on the name.
pub(crate) fn hashed(short: &[u8; 11], name: &str, attempt: u32) -> [u8; 11] {
    let start = 0x811c_9dc5 ^ attempt;
    let hash = name.bytes().fold(start, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let hash = hash ^ hash >> 16;
    let mut hashed = *short;
    if hashed[1] == b' ' {
        hashed[1] = b'_';
    }
    for (index, place) in hashed[2..6].iter_mut().enumerate() {
        *place = b"0123456789ABCDEF"[(hash >> (4 * index) & 15) as usize];
    }
    hashed[6..8].fill(b' ');
    hashed
}

/// The tail's number, up to [`TAILS`], if `name` is `short` with a tail.
pub(crate) fn tail_of(short: &[u8; 11], name: &[u8; 11]) -> Option<u32> {
    let tilde = name[..8].iter().rposition(|byte| *byte == b'~')?;
    let digits = name[tilde + 1..8].iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.take(3).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    ((1..=TAILS).contains(&number) && with_tail(short, number) == *name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn shown(name: &[u8; 11], case: u8) -> String {
        characters(&Slot::new(name, case, 0, 0)).collect()
    }

    #[test]
    fn short_names_are_stored_alone() {
        assert_eq!(shape("README.TXT"), Shape::Short(*b"README  TXT", 0));
        assert_eq!(shape("readme.txt"), Shape::Short(*b"README  TXT", 0x18));
        assert_eq!(shape("readme.TXT"), Shape::Short(*b"README  TXT", 0x08));
        assert_eq!(shape("A~1.C"), Shape::Short(*b"A~1     C  ", 0));
        assert_eq!(shape("12345678"), Shape::Short(*b"12345678   ", 0));
        for name in ["README.TXT", "readme.txt", "readme.TXT", "a", "12345678", "x.y"] {
            let Shape::Short(short, case) = shape(name) else { panic!("{name} is a short name") };
            assert_eq!(shown(&short, case), name);
        }
    }

    #[test]
    fn other_names_get_short_ones() {
        assert_eq!(shape("ReadMe.txt"), Shape::Exact(*b"README  TXT"));
        assert_eq!(shape("a long name.text"), Shape::Tail(*b"ALONGNAMTEX"));
        assert_eq!(shape(".profile"), Shape::Tail(*b"PROFILE    "));
        assert_eq!(shape("a.b.c"), Shape::Tail(*b"AB      C  "));
        assert_eq!(shape("äöü.ß"), Shape::Tail(*b"___     _  "));
        assert_eq!(shape("x+y"), Shape::Tail(*b"X_Y        "));
        assert_eq!(shape("a.b "), Shape::Tail(*b"A       B  "));
        assert_eq!(shape(" .txt"), Shape::Tail(*b"_       TXT"));
        assert_eq!(shape("longextension.html"), Shape::Tail(*b"LONGEXTEHTM"));
    }

    #[test]
    fn tails_take_the_place_of_the_end() {
        assert_eq!(with_tail(b"ALONGNAMTEX", 1), *b"ALONGN~1TEX");
        assert_eq!(with_tail(b"ALONGNAMTEX", 63), *b"ALONG~63TEX");
        assert_eq!(with_tail(b"AB         ", 2), *b"AB~2       ");
        for number in [1, 9, 10, 63] {
            assert_eq!(tail_of(b"ALONGNAMTEX", &with_tail(b"ALONGNAMTEX", number)), Some(number));
        }
        assert_eq!(tail_of(b"ALONGNAMTEX", b"ALONGN~0TEX"), None);
        assert_eq!(tail_of(b"ALONGNAMTEX", b"ALONG~64TEX"), None);
        assert_eq!(tail_of(b"ALONGNAMTEX", b"ALONGM~1TEX"), None);
    }

    #[test]
    fn hashed_names_differ() {
        let (one, other) = (hashed(b"A       TEX", "one", 0), hashed(b"A       TEX", "other", 0));
        assert!(one != other && one != hashed(b"A       TEX", "one", 1));
        assert_eq!((&one[..2], &one[6..]), (&b"A_"[..], &b"  TEX"[..]));
    }

    #[test]
    fn code_page_437_has_128_characters_in_its_upper_half() {
        assert_eq!(UPPER_HALF.chars().count(), 128);
        assert_eq!(shown(b"\x05\x81\xe1     \x9b  ", 0), "σüß.¢");
        assert_eq!(shown(b"A/B     \0  ", 0), "A\u{fffd}B.\u{fffd}");
    }

    #[test]
    fn names_without_a_body_are_neither_empty_nor_a_directory() {
        assert_eq!(shown(b"           ", 0), "\u{fffd}");
        assert_eq!(shown(b"        .  ", 0), "\u{fffd}..");
        assert_eq!(shown(b"        TXT", 0), "\u{fffd}.TXT");
    }
}
