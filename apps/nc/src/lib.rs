//! `nc HOST PORT` connects the console to a TCP port; `nc -l PORT` waits for one connection and does the same with it.
//!
//! Lines are sent when Enter is pressed. Ctrl-D says that no more will be sent, Ctrl-C ends the program, and so does the
//! other side when it has sent all.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use abi::NOTIFY_CONSOLE;
use net::{Half, Interest, Readiness, SocketAddr, TcpListener, TcpStream};
use resea::typing::{Typed, Typing};
use resea::{Arg, ExitStatus, UsageError, print, println};

const USAGE: &str = "nc HOST PORT, or nc -l PORT";
/// Status of a program that Ctrl-C has ended, as the shell has it.
const INTERRUPTED: ExitStatus = ExitStatus(130);
/// Bytes that are received at once.
const PIECE: usize = 4096;
/// Most bytes that wait to be sent.
const MAX_PENDING: usize = 64 << 10;

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line or the network.
pub fn run() -> Result<ExitStatus, String> {
    let failed = |error: net::Error| format!("{error}");
    let (host, port) = arguments()?;
    let mut console = Console::new()?;
    let stream = match host {
        Some(host) => TcpStream::connect(net::resolve_socket(host, port).map_err(failed)?).map_err(failed)?,
        None => match accept(port, &mut console).map_err(failed)? {
            Some(stream) => stream,
            None => return Ok(INTERRUPTED),
        },
    };
    Connection { stream, pending: Vec::new(), ended: false }.run(&mut console).map_err(failed)
}

/// The host, unless a connection is to be waited for, and the port.
fn arguments() -> Result<(Option<&'static str>, u16), String> {
    let mut options = resea::options();
    let (mut listen, mut words) = (false, Vec::new());
    while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {USAGE}"))? {
        match argument {
            Arg::Short('l') | Arg::Long("listen") => listen = true,
            Arg::Positional(word) if words.len() < 2 - usize::from(listen) => words.push(word),
            other => return Err(format!("{}", UsageError::unexpected(other, USAGE))),
        }
    }
    let (host, port) = match words.as_slice() {
        [port] if listen => (None, port),
        [host, port] if !listen => (Some(*host), port),
        [] if !listen => return Err(format!("{}", UsageError::Missing("HOST", USAGE))),
        _ => return Err(format!("{}", UsageError::Missing("PORT", USAGE))),
    };
    match port.parse() {
        Ok(port @ 1..) => Ok((host, port)),
        _ => Err(format!("`{port}` is not a port: use a number from 1 to 65535")),
    }
}

/// The keyboard.
struct Console {
    typing: Typing,
}

impl Console {
    /// From now on the keyboard is this program's; the shell takes it back when it ends.
    fn new() -> Result<Self, String> {
        let mut console = Self { typing: Typing::new() };
        // Whoever reads is notified from then on; what was typed before counts as well.
        match console.read() {
            Ok(_) => Ok(console),
            Err(error) => Err(format!("the console cannot be read: {error}")),
        }
    }

    /// What was typed since the last time.
    fn read(&mut self) -> Result<Vec<Typed>, ipc::Error> {
        let mut buffer = [0; abi::MAX_CONSOLE];
        let mut typed = Vec::new();
        loop {
            let count = ipc::console_read(&mut buffer)?;
            if count == 0 {
                return Ok(typed);
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            typed
                .extend(bytes.iter().filter_map(|&byte| self.typing.key(byte, &mut |text| print!("{text}"))));
        }
    }

    /// As [`Console::read`], if there was a notification of it.
    fn after(&mut self, bits: usize) -> Vec<Typed> {
        if bits & NOTIFY_CONSOLE == 0 {
            return Vec::new();
        }
        // That it can be read was seen at the start.
        self.read().unwrap_or_default()
    }
}

/// Waits for a connection; `None` if Ctrl-C comes first.
fn accept(port: u16, console: &mut Console) -> net::Result<Option<TcpStream>> {
    let any = SocketAddr::new(net::Ipv6Addr::UNSPECIFIED.into(), port);
    let listener = TcpListener::bind_with(any, 1)?;
    let readiness = Readiness::new()?;
    readiness.watch(&listener, Interest::READ)?;
    println!("listening on port {port}");
    loop {
        if let Some(stream) = listener.try_accept()? {
            println!("connection from {}", stream.peer_address());
            return Ok(Some(stream));
        }
        if console.after(resea::wait()).contains(&Typed::Interrupt) {
            return Ok(None);
        }
        while !readiness.ready()?.is_empty() {}
    }
}

/// A connection between the console and a socket.
struct Connection {
    stream: TcpStream,
    /// Typed and not sent yet.
    pending: Vec<u8>,
    /// Nothing more will be typed.
    ended: bool,
}

impl Connection {
    fn run(mut self, console: &mut Console) -> net::Result<ExitStatus> {
        let readiness = Readiness::new()?;
        readiness.watch(&self.stream, Interest::BOTH)?;
        let mut buffer = vec![0; PIECE];
        loop {
            if self.receive(&mut buffer)? {
                return Ok(ExitStatus::SUCCESS);
            }
            self.send()?;
            for typed in console.after(resea::wait()) {
                match typed {
                    Typed::Interrupt => return Ok(INTERRUPTED),
                    Typed::End => self.ended = true,
                    Typed::Text(text) if self.ended || self.pending.len() + text.len() > MAX_PENDING => {
                        print!("\x07");
                    }
                    Typed::Text(text) => self.pending.extend_from_slice(&text),
                }
            }
            while !readiness.ready()?.is_empty() {}
        }
    }

    /// Prints what has come; whether that was all.
    fn receive(&self, buffer: &mut [u8]) -> net::Result<bool> {
        while let Some(length) = self.stream.try_read(buffer)? {
            if length == 0 {
                return Ok(true);
            }
            ipc::console_write(buffer.get(..length).unwrap_or_default());
        }
        Ok(false)
    }

    /// Sends what there is room for.
    fn send(&mut self) -> net::Result<()> {
        while !self.pending.is_empty() {
            match self.stream.try_write(&self.pending)? {
                Some(sent) => drop(self.pending.drain(..sent.min(self.pending.len()))),
                None => return Ok(()),
            }
        }
        if self.ended {
            self.stream.shutdown(Half::Send)?;
            self.ended = false;
        }
        Ok(())
    }
}
