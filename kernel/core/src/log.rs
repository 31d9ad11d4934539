//! The kernel log: the last 16 KiB of what was written to the console, but for what the debugger says, for those who
//! look later.

const CAPACITY: usize = 16 * 1024;

const _: () = assert!(CAPACITY.is_power_of_two());

/// A ring of text. Positions count all bytes ever written, so that a reader sees what it has missed.
#[cfg_attr(test, derive(Clone))]
pub struct Log {
    bytes: [u8; CAPACITY],
    written: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// An empty log.
    pub const fn new() -> Self {
        Self { bytes: [0; CAPACITY], written: 0 }
    }

    /// Adds a byte; the oldest is lost when the ring is full.
    pub fn push(&mut self, byte: u8) {
        // The mask keeps the index inside the ring, so the compiler drops the check.
        self.bytes[self.written & (CAPACITY - 1)] = byte;
        self.written = self.written.wrapping_add(1);
    }

    /// The position after the last byte.
    #[cfg(debug_assertions)]
    pub(crate) const fn end(&self) -> usize {
        self.written
    }

    /// Copies text from `position` on into `buffer`. Returns how many bytes, and the position after them; starts at
    /// the oldest byte if those at `position` are gone or not written yet.
    pub fn read(&self, position: usize, buffer: &mut [u8]) -> (usize, usize) {
        let oldest = self.written.saturating_sub(CAPACITY);
        let start = if position < oldest || position > self.written { oldest } else { position };
        let mut count = 0;
        for (place, position) in buffer.iter_mut().zip(start..self.written) {
            *place = self.bytes[position & (CAPACITY - 1)];
            count += 1;
        }
        (count, start + count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_everything_once() {
        let mut log = Log::new();
        let mut buffer = [0; 4];
        assert_eq!(log.read(0, &mut buffer), (0, 0));
        b"abcdef".iter().for_each(|&byte| log.push(byte));
        assert_eq!(log.read(0, &mut buffer), (4, 4));
        assert_eq!(&buffer, b"abcd");
        assert_eq!(log.read(4, &mut buffer), (2, 6));
        assert_eq!(log.read(6, &mut buffer), (0, 6));
    }

    #[test]
    fn a_late_reader_starts_at_the_oldest_byte() {
        let mut log = Log::new();
        (0..CAPACITY + 10).for_each(|n| log.push(n as u8));
        let mut buffer = [0; 1];
        assert_eq!(log.read(3, &mut buffer), (1, 11));
        assert_eq!(buffer, [10]);
        assert_eq!(log.read(usize::MAX, &mut buffer), (1, 11));
    }
}
