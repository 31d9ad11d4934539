//! Reading ahead: a file that is read from one place on will be read on.

/// How far is read ahead at first, and at most, in bytes.
const FIRST: u64 = 32 << 10;
const MOST: u64 = 256 << 10;

/// What is expected of an open file.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ahead {
    /// Where it was read to.
    next: u64,
    /// How far is read ahead; 0 if it is read here and there.
    window: u64,
    /// Where was read ahead to.
    asked: u64,
}

impl Ahead {
    /// How much to ask for, if anything, before `wanted` bytes are read from `at` on.
    #[inline]
    pub fn more(&mut self, at: u64, wanted: u64) -> Option<u64> {
        let end = at + wanted;
        if at < self.next || at > self.asked.max(self.next) {
            // It goes on elsewhere.
            *self = Self { next: at, window: 0, asked: at };
        }
        // Half of what was asked for may be used up before more is: few large requests are better than many small ones.
        if end + self.window / 2 <= self.asked || self.window == 0 && wanted <= blocks::PAGE as u64 {
            return None;
        }
        self.asked = end + self.window;
        Some(wanted + self.window)
    }

    /// `length` bytes were read from `offset` on.
    #[inline]
    pub fn read(&mut self, offset: u64, length: u64) {
        let goes_on = offset == self.next && length > 0;
        self.window = if goes_on { (self.window * 2).clamp(FIRST, MOST) } else { 0 };
        self.next = offset + length;
        self.asked = self.asked.max(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_read_on_is_read_ahead_more_and_more() {
        let mut ahead = Ahead::default();
        let mut asked = std::vec::Vec::new();
        for part in 0..200 {
            asked.extend(ahead.more(part * 4096, 4096));
            ahead.read(part * 4096, 4096);
        }
        assert_eq!(asked[..2], [4096 + FIRST, 4096 + 2 * FIRST]);
        assert_eq!(asked.last(), Some(&(4096 + MOST)));
        assert!(asked.len() < 12, "{asked:?}");
    }

    #[test]
    fn one_that_is_read_here_and_there_is_not() {
        let mut ahead = Ahead::default();
        for offset in [4096, 80_000, 8192, 0, 400_000] {
            assert_eq!(ahead.more(offset, 4096), None, "{offset}");
            ahead.read(offset, 4096);
        }
        assert_eq!(ahead.more(1 << 20, 65536), Some(65536), "but what is wanted is asked for at once");
    }
}
