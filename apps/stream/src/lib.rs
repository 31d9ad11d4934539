//! `stream [PORT]` sends and receives long streams of bytes, for tests and measurements of the network.
//!
//! Clients connect to the port (7000 if none is named), one after the other, and each sends one line. After `send N` it
//! gets N bytes of the pattern. After `take N` it sends N bytes of the pattern, each is compared, and it gets the line
//! `right N`, or `wrong at OFFSET` with the first byte that is not as it should be or missing.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod pattern;
pub mod request;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use net::{Half, SocketAddr, TcpListener, TcpStream};
use pattern::Pattern;
use request::Request;
use resea::println;

/// The port if none is named.
const PORT: u16 = 7000;
/// Bytes that are sent or received at once.
const PIECE: usize = 32 << 10;

/// Serves until it is killed.
///
/// Errors: a sentence that says what is wrong with the command line, or that there is no network.
pub fn run() -> Result<(), String> {
    let port = match resea::arguments().next() {
        None => PORT,
        Some(word) => {
            word.parse().map_err(|_| format!("`{word}` is not a port: use a number from 1 to 65535"))?
        }
    };
    let failed = |error: net::Error| format!("{error}");
    let listener =
        TcpListener::bind(SocketAddr::new(net::Ipv6Addr::UNSPECIFIED.into(), port)).map_err(failed)?;
    println!("streams at port {port}");
    let pattern = Pattern::new(PIECE);
    let mut buffer = vec![0; PIECE];
    loop {
        let stream = listener.accept().map_err(failed)?;
        // What happened to one client is not the next one's matter.
        if let Err(error) = serve(&stream, &pattern, &mut buffer) {
            println!("{error}");
        }
    }
}

/// Does what a client's line asks for.
fn serve(stream: &TcpStream, pattern: &Pattern, buffer: &mut [u8]) -> net::Result<()> {
    let mut received = Vec::new();
    let request = loop {
        let length = stream.read(buffer)?;
        received.extend_from_slice(buffer.get(..length).unwrap_or_default());
        match Request::parse(&received) {
            Request::Incomplete if length > 0 => {}
            complete => break complete,
        }
    };
    match request {
        Request::Send(total) => send(stream, pattern, total),
        Request::Take { total, rest } => {
            let early = received.get(rest..).unwrap_or_default();
            let answer = match take(stream, pattern, buffer, early, total)? {
                None => format!("right {total}\n"),
                Some(offset) => format!("wrong at {offset}\n"),
            };
            stream.write_all(answer.as_bytes())?;
            stream.shutdown(Half::Send)
        }
        Request::Incomplete | Request::Unknown => stream.write_all(b"expected: send N, or take N\n"),
    }
}

/// Sends so many bytes of the pattern.
fn send(stream: &TcpStream, pattern: &Pattern, total: u64) -> net::Result<()> {
    let mut offset = 0;
    while offset < total {
        let sent = stream.write(pattern.piece(offset, total - offset))?;
        offset += sent as u64;
    }
    stream.shutdown(Half::Send)
}

/// Receives so many bytes, of which some have come with the request; where they are wrong, if they are.
fn take(
    stream: &TcpStream,
    pattern: &Pattern,
    buffer: &mut [u8],
    early: &[u8],
    total: u64,
) -> net::Result<Option<u64>> {
    let (mut offset, mut wrong) = (0, None);
    let mut check = |bytes: &[u8]| {
        wrong = wrong.or_else(|| pattern.difference(offset, bytes));
        offset += bytes.len() as u64;
        offset
    };
    let mut so_far = check(early);
    while so_far < total {
        match stream.read(buffer)? {
            0 => break,
            length => so_far = check(buffer.get(..length).unwrap_or_default()),
        }
    }
    Ok(wrong.or((so_far != total).then_some(so_far.min(total))))
}
