//! The bytes that are streamed: every one tells its place, so that lost, doubled, moved and changed ones are noticed.

use alloc::vec::Vec;

/// After so many bytes the pattern begins again: a prime number, so that no loss of whole packets or buffers goes unnoticed.
pub const PERIOD: usize = 65_521;

/// The byte at an offset in the stream.
pub const fn byte(offset: u64) -> u8 {
    let place = offset % PERIOD as u64;
    (place ^ place >> 8) as u8
}

/// A period of the pattern, and so much more that a piece can begin anywhere in it.
#[derive(Debug)]
pub struct Pattern {
    bytes: Vec<u8>,
}

impl Pattern {
    /// The pattern, in pieces of at most `piece` bytes.
    pub fn new(piece: usize) -> Self {
        Self { bytes: (0..(PERIOD + piece) as u64).map(byte).collect() }
    }

    /// The bytes from `offset` in the stream on: as many as a piece has, but no more than `most`.
    pub fn piece(&self, offset: u64, most: u64) -> &[u8] {
        let start = (offset % PERIOD as u64) as usize;
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.bytes.len() - PERIOD);
        self.bytes.get(start..start + length).unwrap_or_default()
    }

    /// The offset of the first of these bytes, which are at `offset` in the stream, that is not as it should be.
    pub fn difference(&self, mut offset: u64, mut bytes: &[u8]) -> Option<u64> {
        while !bytes.is_empty() {
            let expected = self.piece(offset, bytes.len() as u64);
            let (these, rest) = bytes.split_at_checked(expected.len())?;
            if these != expected {
                let same = these.iter().zip(expected).take_while(|(byte, expected)| byte == expected).count();
                return Some(offset + same as u64);
            }
            offset += these.len() as u64;
            bytes = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_pattern_wherever_they_begin() {
        let pattern = Pattern::new(100);
        for offset in [0, 1, 65_500, 65_520, 65_521, 1 << 40] {
            let expected: Vec<u8> = (offset..offset + 100).map(byte).collect();
            assert_eq!(pattern.piece(offset, 1000), expected, "at {offset}");
        }
        assert_eq!(pattern.piece(5, 3), [5, 6, 7]);
        assert!(pattern.piece(5, 0).is_empty());
    }

    #[test]
    fn whatever_is_wrong_is_found_where_it_is() {
        let pattern = Pattern::new(64);
        let mut bytes: Vec<u8> = (1000..3000).map(byte).collect();
        assert_eq!(pattern.difference(1000, &bytes), None);
        assert_eq!(pattern.difference(1001, &bytes), Some(1001), "a byte is lost");
        assert_eq!(pattern.difference(1000 + 1460, &bytes), Some(2460), "a packet is lost");
        bytes[777] ^= 0x10;
        assert_eq!(pattern.difference(1000, &bytes), Some(1777), "a bit has changed");
    }
}
