//! The line by which a client says what it wants.

/// Longest line, in bytes.
const LONGEST: usize = 32;

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// So many bytes.
    Send(u64),
    /// To send so many bytes; those that came with the line begin at `rest`.
    Take {
        /// How many bytes.
        total: u64,
        /// Where they begin, in what was received.
        rest: usize,
    },
    /// Not told yet.
    Incomplete,
    /// Nothing that there is.
    Unknown,
}

impl Request {
    /// The request in what was received so far.
    pub fn parse(received: &[u8]) -> Self {
        let Some(end) = received.iter().take(LONGEST).position(|byte| *byte == b'\n') else {
            return if received.len() < LONGEST { Self::Incomplete } else { Self::Unknown };
        };
        let line = received.get(..end).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or_default();
        match line.split_once(' ').map(|(word, number)| (word, number.parse())) {
            Some(("send", Ok(total))) => Self::Send(total),
            Some(("take", Ok(total))) => Self::Take { total, rest: end + 1 },
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_wanted() {
        assert_eq!(Request::parse(b"send 4096\n"), Request::Send(4096));
        assert_eq!(Request::parse(b"take 7\nabc"), Request::Take { total: 7, rest: 7 });
        assert_eq!(Request::parse(b""), Request::Incomplete);
        assert_eq!(Request::parse(b"send 40"), Request::Incomplete);
        for wrong in [&b"\n"[..], b"send\n", b"send x\n", b"send -1\n", b"fly 1\n", b"\xff 1\n", &[b'1'; 32]]
        {
            assert_eq!(Request::parse(wrong), Request::Unknown, "{wrong:?}");
        }
    }
}
