//! The block before each member.

use super::text;
use alloc::format;
use alloc::string::String;

/// Bytes of a block: headers are one, contents fill whole ones.
pub const BLOCK: u64 = 512;

/// What a header says.
pub struct Header {
    /// What the member is.
    pub flag: u8,
    /// Its path, as far as it fits.
    pub path: String,
    /// The path of what a link leads to, as far as it fits.
    pub target: String,
    /// Bytes of its content; `None`: no number that could be one.
    pub size: Option<u64>,
    /// When it was modified, in milliseconds.
    pub modified: i64,
    /// Of a GNU sparse file: another block of its map follows.
    pub is_extended: bool,
}

impl Header {
    /// Reads a header. `None`: it is none, by its sum.
    pub fn parse(block: &[u8; BLOCK as usize]) -> Option<Self> {
        let field = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
        let stated = number(field(148, 8))?;
        // The sum's own field counts as spaces. Old programs added up signed bytes.
        let summed =
            |index| if (148..156).contains(&index) { b' ' } else { block.get(index).copied().unwrap_or(0) };
        let unsigned: i64 = (0..block.len()).map(|index| i64::from(summed(index))).sum();
        let signed: i64 = (0..block.len()).map(|index| i64::from(summed(index) as i8)).sum();
        if stated != unsigned && stated != signed {
            return None;
        }
        let name = text(field(0, 100));
        let prefix = if field(257, 6) == b"ustar\0" { text(field(345, 155)) } else { String::new() };
        Some(Self {
            flag: block[156],
            path: if prefix.is_empty() { name } else { format!("{prefix}/{name}") },
            target: text(field(157, 100)),
            size: number(field(124, 12)).and_then(|size| u64::try_from(size).ok()),
            modified: number(field(136, 12)).unwrap_or(0).saturating_mul(1000),
            is_extended: block[482] != 0,
        })
    }
}

/// A number: octal digits between spaces and NULs, or with the first bit set binary, most significant byte first. An empty
/// field is 0. `None`: neither, or too large.
fn number(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        // The second bit is the sign.
        let start = i64::from((*first << 1) as i8 >> 1);
        return rest
            .iter()
            .try_fold(start, |value, byte| value.checked_mul(256).map(|value| value + i64::from(*byte)));
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_space(byte)).unwrap_or(field.len());
    let digits = field.get(start..)?;
    let end = digits.iter().position(is_space).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(is_space) {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value + i64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"  17 \0"), Some(0o17));
        assert_eq!(number(b"77777777777"), Some(0o77777777777), "the field is full");
        assert_eq!(number(b"\0\0\0"), Some(0));
        assert_eq!(number(b"12x\0"), None);
        assert_eq!(number(b"1 2\0"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b"\x80\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\xff\xff\xff\xfe"), Some(-2));
        assert_eq!(number(b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff"), Some(i64::MAX));
        assert_eq!(number(b"\x80\x80\0\0\0\0\0\0\0"), None, "too large");
    }
}
