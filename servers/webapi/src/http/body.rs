//! The body of a request, of a known length or in chunks (RFC 9112, 7.1): finds its end, whatever parts it arrives in.

use super::head::{Framing, MALFORMED, TOO_LARGE};
use super::{BODY_MAX, Failure};

/// Most bytes of chunk extensions and trailer fields, which mean nothing here.
const IGNORED_MAX: usize = 4096;

/// Finds the end of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoder {
    state: State,
    /// Bytes of content so far, of chunks only.
    total: usize,
    /// Bytes that were ignored so far.
    ignored: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// So many bytes of a body of known length are still to come.
    Rest(usize),
    /// In the size of a chunk; whether a digit was there.
    Size { size: usize, started: bool },
    /// In the extension after the size.
    Extension { size: usize },
    /// Before the line feed after size or extension.
    SizeEnd { size: usize },
    /// In a chunk.
    Data(usize),
    /// Before the carriage return after a chunk.
    DataReturn,
    /// Before the line feed after a chunk.
    DataEnd,
    /// In a line of the trailer; whether it is empty so far.
    Trailer { empty: bool },
    /// Before the line feed of such a line.
    TrailerEnd { empty: bool },
    /// After the body.
    Done,
}

impl Decoder {
    /// At the start of a body.
    pub const fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Rest(length),
            Framing::Chunked => State::Size { size: 0, started: false },
        };
        Self { state, total: 0, ignored: 0 }
    }

    /// Whether the body is complete.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Takes bytes until the body is complete; `content` gets what is in it. How many were taken.
    pub fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<usize, Failure> {
        let mut used = 0;
        while let Some(rest @ [first, ..]) = bytes.get(used..) {
            used += match self.state {
                State::Done => break,
                State::Rest(left) | State::Data(left) => {
                    let (part, after) = rest.split_at(left.min(rest.len()));
                    debug_assert!(after.is_empty() || part.len() == left);
                    content(part);
                    self.advance_content(part.len());
                    part.len()
                }
                state => {
                    self.state = self.next(state, *first)?;
                    1
                }
            };
        }
        Ok(used)
    }

    fn advance_content(&mut self, count: usize) {
        self.state = match self.state {
            State::Rest(left) if left > count => State::Rest(left - count),
            State::Data(left) if left > count => State::Data(left - count),
            State::Data(_) => State::DataReturn,
            _ => State::Done,
        };
    }

    /// The state after a byte between chunks.
    fn next(&mut self, state: State, byte: u8) -> Result<State, Failure> {
        let next = match (state, byte) {
            // Zeros without an end.
            (State::Size { size: 0, started: true }, b'0') => {
                self.ignore()?;
                state
            }
            (State::Size { size, .. }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = (byte as char).to_digit(16).unwrap_or(0) as usize;
                // Below 16 times the limit, so the product is small.
                let size = size * 16 + digit;
                if self.total + size > BODY_MAX {
                    return Err(TOO_LARGE);
                }
                State::Size { size, started: true }
            }
            (State::Size { size, started: true } | State::Extension { size }, b'\r') => {
                State::SizeEnd { size }
            }
            (State::Size { size, started: true }, b';' | b' ' | b'\t') => State::Extension { size },
            (State::Extension { size }, b' '..=b'~' | b'\t') => {
                self.ignore()?;
                State::Extension { size }
            }
            (State::SizeEnd { size: 0 }, b'\n') => State::Trailer { empty: true },
            (State::SizeEnd { size }, b'\n') => {
                self.total += size;
                State::Data(size)
            }
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size { size: 0, started: false },
            (State::Trailer { empty }, b'\r') => State::TrailerEnd { empty },
            (State::Trailer { .. }, byte) if byte != b'\n' => {
                self.ignore()?;
                State::Trailer { empty: false }
            }
            (State::TrailerEnd { empty: true }, b'\n') => State::Done,
            (State::TrailerEnd { empty: false }, b'\n') => State::Trailer { empty: true },
            _ => return Err(MALFORMED),
        };
        Ok(next)
    }

    /// Counts a byte that means nothing here.
    const fn ignore(&mut self) -> Result<(), Failure> {
        self.ignored += 1;
        if self.ignored > IGNORED_MAX { Err(TOO_LARGE) } else { Ok(()) }
    }
}
