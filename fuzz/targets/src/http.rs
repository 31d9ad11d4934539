//! The web server: any bytes as those of a client, in whatever parts, and a client that takes as little as it likes.

use abi::{COUNTED_TASKS, Error, TaskId, TaskInfo};
use interfaces::{dm, tcpip, vm};
use webapi::api::Hidden;
use webapi::http::{BODY_MAX, Connection, HEAD_MAX, Output, PIECE, Stage};
use webapi::site::{Site, Token};
use webapi::system::System;

use crate::input::Input;

/// The token's digits, as seeds have them.
const TOKEN: &[u8] = b"42424242424242424242424242424242";

/// A system with nothing but a log and a driver that can be restarted.
#[derive(Default)]
struct Bare {
    restarted: bool,
}

impl System for Bare {
    fn clock(&mut self) -> u64 {
        0
    }

    fn task(&mut self, _: usize) -> Result<TaskInfo, Error> {
        Err(Error::InvalidArgument)
    }

    fn task_name<'a>(&mut self, _: TaskId, _: &'a mut [u8]) -> Result<&'a str, Error> {
        Err(Error::NoTask)
    }

    fn messages(&mut self, _: usize, _: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
        Err(Error::InvalidArgument)
    }

    fn memory(&mut self) -> Result<vm::MemoryReply, Error> {
        Err(Error::Aborted)
    }

    /// 16 KiB of control characters, which are longest in JSON.
    fn log(&mut self, position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
        let start = if position > 16 << 10 { 0 } else { position };
        let count = buffer.len().min((16 << 10) - start);
        buffer.iter_mut().take(count).for_each(|byte| *byte = 1);
        Ok((count, start + count))
    }

    fn device(&mut self, _: u32, _: &mut dyn FnMut(&dm::ListResult<'_>)) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn restart(&mut self, _: &str) -> Result<(), Error> {
        self.restarted = true;
        Ok(())
    }

    fn interface(&mut self, _: u32, _: &mut dyn FnMut(&tcpip::InterfaceResult<'_>)) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    fn address(&mut self, _: u32, _: u32) -> Result<tcpip::AddressReply, Error> {
        Err(Error::NotFound)
    }

    fn socket(&mut self, _: u32) -> Result<tcpip::SocketReply, Error> {
        Err(Error::NotFound)
    }

    fn statistics(&mut self) -> Result<tcpip::StatisticsReply, Error> {
        Err(Error::Aborted)
    }
}

/// The first two bytes say how large the parts are that arrive, and those that can be sent; the rest is what the client says.
pub fn run(data: &[u8]) {
    let input = Input::new(data);
    let (arrives, leaves) = (1 + usize::from(input.byte()), 1 + 16 * usize::from(input.byte()));
    let bytes = data.get(2..).unwrap_or_default();
    let in_parts = replies(bytes, arrives, leaves);
    assert!(in_parts == replies(bytes, usize::MAX, usize::MAX), "the parts make a difference");
    assert!(in_parts.is_empty() || in_parts.starts_with(b"HTTP/1.1 "), "a reply is HTTP");
}

/// What a client gets that sends all of `bytes` in parts, then ends its half, and takes replies in parts.
fn replies(bytes: &[u8], arrives: usize, leaves: usize) -> Vec<u8> {
    let mut site = Site::new(Bare::default(), Some(Token::new([0x42; 16])), Hidden::default());
    let (mut connection, mut out) = (Connection::new(), Output::default());
    let (mut rest, mut received) = (bytes, Vec::new());
    loop {
        connection.proceed(&mut site, &mut out);
        if !out.bytes.is_empty() {
            assert!(out.bytes.len() <= 3 * PIECE, "{} bytes at once", out.bytes.len());
            let sent = leaves.min(out.bytes.len());
            received.extend_from_slice(&out.bytes[..sent]);
            connection.unsent(&out.bytes[sent..]);
            out.bytes.clear();
            assert!(connection.kept() <= 2 * HEAD_MAX + BODY_MAX + 3 * PIECE, "{} bytes", connection.kept());
            continue;
        }
        // Only now: a connection is over when its last reply is made.
        if connection.stage() == Stage::Over {
            break;
        }
        match connection.room().min(arrives).min(rest.len()) {
            0 => connection.ended(),
            count => {
                let (part, after) = rest.split_at(count);
                connection.received(part, &mut site, &mut out);
                rest = after;
            }
        }
    }
    if site.system().restarted {
        let has_token = bytes.windows(TOKEN.len()).any(|window| window == TOKEN);
        assert!(has_token, "a driver is restarted without the token");
    }
    received
}
