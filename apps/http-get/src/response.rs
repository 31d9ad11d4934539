//! The answer of a server (RFC 9112), read as it comes in.
//!
//! Never holds more than [`MAX_HEAD`] bytes: what belongs to the body is handed on at once.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Most bytes of status line and headers; also of a line between chunks.
pub const MAX_HEAD: usize = 16 << 10;
/// Most headers.
const MAX_HEADERS: usize = 100;

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseError {
    /// The first bytes are not those of an HTTP answer.
    NotHttp,
    /// The headers are longer than [`MAX_HEAD`] or more than 100.
    TooLong,
    /// The length of the body is not a number, or there are several.
    Length,
    /// A chunk does not begin with its length, or not end as it should.
    Chunk,
    /// The connection ended before the answer did.
    Truncated,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttp => "the server does not answer in HTTP",
            Self::TooLong => "the headers of the answer are longer than 16 KiB",
            Self::Length => "the answer's Content-Length makes no sense",
            Self::Chunk => "a chunk of the answer has no proper length",
            Self::Truncated => "the connection ended in the middle of the answer",
        })
    }
}

/// Status and headers of an answer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Head {
    /// The status, as 200.
    pub status: u16,
    /// What the server calls it, as `OK`.
    pub reason: String,
    /// The address that a redirection leads to.
    pub location: Option<String>,
    /// Status line and headers as they came.
    pub text: String,
}

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Head,
    /// So many bytes of the body are still to come.
    Counted(u64),
    /// The body ends with the connection.
    Open,
    /// The line with a chunk's length.
    ChunkLength,
    /// So many bytes of a chunk are still to come.
    Chunk(u64),
    /// The end of line after a chunk.
    ChunkEnd,
    /// The lines after the last chunk.
    Trailer,
    Done,
}

/// An answer that is being read.
#[derive(Debug)]
pub struct Response {
    place: Place,
    /// What has come in of a head or a line and is not complete.
    held: Vec<u8>,
    without_body: bool,
    head: Option<Head>,
}

impl Response {
    /// The beginning of an answer; `without_body` if the request was HEAD.
    pub fn new(without_body: bool) -> Self {
        Self { place: Place::Head, held: Vec::new(), without_body, head: None }
    }

    /// Status and headers, once they have come in.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether all of it has come in.
    pub fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// Takes what has come in, and hands what belongs to the body to `body`.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]; nothing more can be read then.
    pub fn take(&mut self, mut data: &[u8], body: &mut dyn FnMut(&[u8])) -> Result<(), ResponseError> {
        while !data.is_empty() && !self.is_done() {
            data = match self.place {
                Place::Head => self.take_head(data)?,
                Place::Counted(left) => self.pass_on(data, left, body, Place::Counted, Place::Done),
                Place::Chunk(left) => self.pass_on(data, left, body, Place::Chunk, Place::ChunkEnd),
                Place::Open => {
                    body(data);
                    &[]
                }
                Place::ChunkLength | Place::ChunkEnd | Place::Trailer => self.take_line(data)?,
                Place::Done => &[],
            };
        }
        Ok(())
    }

    /// The connection has ended.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Truncated`] if the answer is not complete.
    pub fn end(&mut self) -> Result<(), ResponseError> {
        match self.place {
            Place::Done => Ok(()),
            Place::Open => {
                self.place = Place::Done;
                Ok(())
            }
            _ => Err(ResponseError::Truncated),
        }
    }

    /// Hands at most `left` bytes on; the rest of `data`.
    fn pass_on<'a>(
        &mut self,
        data: &'a [u8],
        left: u64,
        body: &mut dyn FnMut(&[u8]),
        more: fn(u64) -> Place,
        after: Place,
    ) -> &'a [u8] {
        let count = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (part, rest) = data.split_at(count);
        body(part);
        let left = left - count as u64;
        self.place = if left == 0 { after } else { more(left) };
        rest
    }

    fn take_head<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], ResponseError> {
        let before = self.held.len();
        let room = MAX_HEAD - before.min(MAX_HEAD);
        self.held.extend_from_slice(data.get(..room).unwrap_or(data));
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let length = match answer.parse(&self.held) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if data.len() > room => return Err(ResponseError::TooLong),
            Ok(httparse::Status::Partial) => return Ok(&[]),
            Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::TooLong),
            Err(_) => return Err(ResponseError::NotHttp),
        };
        let head = head_of(&answer, self.held.get(..length).unwrap_or_default());
        let place = place_of_body(&answer, head.status, self.without_body)?;
        self.held.clear();
        // 1xx: the answer proper follows (RFC 9110, 15.2).
        if (100..200).contains(&head.status) {
            return Ok(data.get(length - before..).unwrap_or_default());
        }
        self.place = place;
        self.head = Some(head);
        Ok(data.get(length - before..).unwrap_or_default())
    }

    /// Takes a line, up to its end.
    fn take_line<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], ResponseError> {
        let end = data.iter().position(|&byte| byte == b'\n');
        let count = end.map_or(data.len(), |end| end + 1);
        let (part, rest) = data.split_at(count);
        self.held.extend_from_slice(part);
        if self.held.len() > MAX_HEAD {
            return Err(ResponseError::Chunk);
        }
        if end.is_none() {
            return Ok(rest);
        }
        let line = core::str::from_utf8(self.held.trim_ascii()).map_err(|_| ResponseError::Chunk)?;
        self.place = match self.place {
            Place::ChunkEnd if line.is_empty() => Place::ChunkLength,
            Place::ChunkEnd => return Err(ResponseError::Chunk),
            Place::Trailer if line.is_empty() => Place::Done,
            Place::Trailer => Place::Trailer,
            _ => match chunk_length(line) {
                Some(0) => Place::Trailer,
                Some(length) => Place::Chunk(length),
                None => return Err(ResponseError::Chunk),
            },
        };
        self.held.clear();
        Ok(rest)
    }
}

/// The length in a chunk's first line; extensions are ignored (RFC 9112, 7.1).
fn chunk_length(line: &str) -> Option<u64> {
    let digits = line.split(';').next()?.trim();
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

fn head_of(answer: &httparse::Response<'_, '_>, text: &[u8]) -> Head {
    Head {
        status: answer.code.unwrap_or(0),
        reason: answer.reason.unwrap_or_default().into(),
        location: header(answer, "location").next().map(|value| String::from_utf8_lossy(value).into_owned()),
        text: String::from_utf8_lossy(text.trim_ascii_end()).into_owned(),
    }
}

fn header<'a>(answer: &'a httparse::Response<'_, '_>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    answer
        .headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// How long the body is (RFC 9112, 6.3).
fn place_of_body(
    answer: &httparse::Response<'_, '_>,
    status: u16,
    without_body: bool,
) -> Result<Place, ResponseError> {
    if without_body || status == 204 || status == 304 {
        return Ok(Place::Done);
    }
    if let Some(encoding) = header(answer, "transfer-encoding").last() {
        let last = encoding.rsplit(|&byte| byte == b',').next().unwrap_or_default();
        let chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return Ok(if chunked { Place::ChunkLength } else { Place::Open });
    }
    let mut lengths = header(answer, "content-length").map(|value| {
        let digits = core::str::from_utf8(value.trim_ascii()).ok()?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()).flatten()
    });
    match lengths.next() {
        None => Ok(Place::Open),
        Some(Some(length)) if lengths.all(|other| other == Some(length)) => {
            Ok(if length == 0 { Place::Done } else { Place::Counted(length) })
        }
        Some(_) => Err(ResponseError::Length),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    /// Status and body of an answer that comes in pieces of this size, with the connection ending after it.
    fn read(answer: &[u8], piece: usize) -> Result<(u16, Vec<u8>), ResponseError> {
        let (mut response, mut body) = (Response::new(false), Vec::new());
        for part in answer.chunks(piece) {
            response.take(part, &mut |data| body.extend_from_slice(data))?;
        }
        response.end()?;
        Ok((response.head().map_or(0, |head| head.status), body))
    }

    #[test]
    fn bodies_end_as_the_headers_say() {
        for piece in [1, 2, 7, 1000] {
            let body = |answer: &str| read(answer.as_bytes(), piece);
            let ok = |text: &str| Ok((200, text.as_bytes().to_vec()));
            assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, more"), ok("hello"));
            assert_eq!(body("HTTP/1.0 200 OK\r\n\r\nto the end"), ok("to the end"));
            assert_eq!(
                body(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n"
                ),
                ok("hello!")
            );
            assert_eq!(
                body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                ok("")
            );
            assert_eq!(body("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), Ok((304, Vec::new())));
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let error = |answer: &str| read(answer.as_bytes(), 64).unwrap_err();
        assert_eq!(error("SSH-2.0-x\r\n"), ResponseError::NotHttp);
        assert_eq!(error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), ResponseError::Truncated);
        assert_eq!(error("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"), ResponseError::Length);
        let twice = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
        assert_eq!(error(twice), ResponseError::Length);
        assert_eq!(error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), ResponseError::Chunk);
        let long = std::format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        assert_eq!(error(&long), ResponseError::TooLong);
    }

    #[test]
    fn redirections_have_a_location() {
        let mut response = Response::new(true);
        let answer = b"HTTP/1.1 301 Moved Permanently\r\nLocation: /new\r\nContent-Length: 10\r\n\r\n";
        response.take(answer, &mut |_| {}).unwrap();
        let head = response.head().unwrap();
        assert_eq!((head.status, head.location.as_deref()), (301, Some("/new")));
        assert!(response.is_done(), "HEAD has no body");
    }

    proptest! {
        /// Bytes from anywhere: no panic, bounded memory, and the same result however they are cut.
        #[test]
        fn any_bytes(tail: Vec<u8>, http: bool, piece in 1..50usize) {
            let head: &[u8] = if http { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" } else { b"" };
            let answer = [head, &tail].concat();
            prop_assert_eq!(read(&answer, piece), read(&answer, answer.len().max(1)));
        }
    }
}
