//! The bytes of replies: heads, chunks, numbers.

use super::{Answer, Status};
use alloc::vec::Vec;

/// Where replies are written: memory that all connections share, one after the other.
#[derive(Default)]
pub struct Output {
    /// What is to be sent now.
    pub bytes: Vec<u8>,
    /// A piece of content before it is framed.
    pub(super) piece: Vec<u8>,
}

impl Output {
    /// Writes the piece as a chunk, unless it is empty.
    pub(super) fn chunk_piece(&mut self) {
        if !self.piece.is_empty() {
            chunk(&self.piece, &mut self.bytes);
        }
    }
}

/// Fields of every reply: what is sent is what it says it is, is not shown within other sites, and tells them nothing.
const FIELDS: &[u8] = b"\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n";

/// The interim reply for whoever waits with the body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What comes after the last chunk.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How the end of the content is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// So many bytes.
    Known(usize),
    /// By chunks.
    Chunks,
    /// By the end of the connection.
    UntilClose,
}

/// Writes the head of a reply.
pub fn head<C>(answer: &Answer<C>, length: Length, keep_alive: bool, out: &mut Vec<u8>) {
    let Answer { status, fields, .. } = answer;
    start(*status, out);
    out.extend_from_slice(fields.as_bytes());
    match length {
        Length::Known(length) => {
            out.extend_from_slice(b"Content-Length: ");
            decimal(length as u64, out);
            out.extend_from_slice(b"\r\n");
        }
        Length::Chunks => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Length::UntilClose => {}
    }
    out.extend_from_slice(match keep_alive {
        true => b"Connection: keep-alive\r\n\r\n",
        false => b"Connection: close\r\n\r\n",
    });
}

fn start(status: Status, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.text().as_bytes());
    out.extend_from_slice(FIELDS);
}

/// Writes a chunk, which must not be empty: that would be the last.
fn chunk(content: &[u8], out: &mut Vec<u8>) {
    // `usize` has 16 digits.
    let significant = (usize::BITS - content.len().leading_zeros()).div_ceil(4);
    for place in (0..significant).rev() {
        let digit = content.len() >> (4 * place) & 0xf;
        out.push(b"0123456789abcdef"[digit]);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal digits.
pub fn decimal(mut number: u64, out: &mut Vec<u8>) {
    // 2^64 has 20 digits.
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}
