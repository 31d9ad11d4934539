//! The other end of the network in tests and measurements: HTTP requests and long streams, over the host's loopback.
//!
//! A request is what `ab` makes by default: a connection, HTTP/1.0, the answer up to the connection's end.

use std::io::{self, Error, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one connection may stand still before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the first of many tries to get a page may take.
const SHORTEST: Duration = Duration::from_millis(50);

/// The ports that clients at once come from: below those that systems give to others.
const OWN_PORTS: Range<u16> = 10_000..32_000;

/// Bytes that are read or written at once.
const PIECE: usize = 256 << 10;

/// After so many bytes the pattern of apps/stream begins again.
const PERIOD: usize = 65_521;

/// The port where apps/stream listens.
pub const STREAM: u16 = 7000;

/// What became of many requests.
#[derive(Clone, PartialEq, Debug)]
pub struct Load {
    /// How many there were.
    pub requests: usize,
    /// How many had no right answer.
    pub failures: usize,
    /// What was wrong with one of them.
    pub reason: Option<String>,
    /// How long all took.
    pub time: Duration,
}

impl Load {
    /// Requests in a second.
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

fn connect(port: u16, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience)?;
    prepare(&stream, patience)?;
    Ok(stream)
}

fn prepare(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)
}

/// As [`connect`], from the next of its own ports that is free.
fn connect_from(own: &mut impl Iterator<Item = u16>, port: u16, patience: Duration) -> io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt::set_socket_reuseaddr};
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    set_socket_reuseaddr(&socket, true)?;
    if !own.any(|own| bind(&socket, &local(own)).is_ok()) {
        return Err(Error::other("no port is left to connect from"));
    }
    let stream = TcpStream::from(socket);
    prepare(&stream, patience)?;
    connect(&stream, &local(port))?;
    Ok(stream)
}

/// Gets a page: its body.
///
/// # Errors
///
/// If there is no answer in time, or another one than 200 with a whole body.
pub fn get(port: u16, path: &str, patience: Duration) -> io::Result<Vec<u8>> {
    get_by(connect(port, patience)?, path)
}

/// As [`get`], on a connection that has been made.
fn get_by(mut stream: TcpStream, path: &str) -> io::Result<Vec<u8>> {
    // In one piece, so that it travels in one packet.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    body(&answer).map_err(Error::other)
}

/// The body of an answer, if it is a good one.
fn body(answer: &[u8]) -> Result<Vec<u8>, String> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| format!("an answer of {} bytes has no end of its head", answer.len()))?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), &answer[end + 4..]);
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("the answer is {status:?}"));
    }
    let field = |line: &str| {
        line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_string()))
    };
    let length = lines.filter_map(field).find(|(name, _)| name == "content-length");
    match length.map(|(_, value)| value.parse::<usize>()) {
        Some(Ok(length)) if length != body.len() => {
            Err(format!("the answer has {} bytes instead of {length}", body.len()))
        }
        _ => Ok(body.to_vec()),
    }
}

/// Gets a page so many times, one after the other.
pub fn requests(port: u16, path: &str, count: usize) -> Load {
    measured(count, 1, |_, next| {
        while next() {
            get(port, path, PATIENCE)?;
        }
        Ok(())
    })
}

/// Gets a page so many times, by as many clients at once as there are ports of the host that lead to it; each makes one request
/// after the other.
///
/// Each has a port of its own to go to, since QEMU lets only one connection wait at a port (its `listen` says 1), and the host's
/// kernel drops more, whose clients try again after seconds or give up. Each has ports of its own to come from, since that is all
/// that the guest sees of a client.
pub fn requests_at_once(ports: &[u16], path: &str, count: usize) -> Load {
    measured(count, ports.len(), |client, next| {
        let first = OWN_PORTS.start + client as u16 * (OWN_PORTS.len() / ports.len()) as u16;
        let mut own = first..first + (OWN_PORTS.len() / ports.len()) as u16;
        while next() {
            get_by(connect_from(&mut own, ports[client], PATIENCE)?, path)?;
        }
        Ok(())
    })
}

/// Gets a page by two connections for each of these ports, all of which are made before the first one asks: as many at once as
/// [`requests_at_once`] may ever need.
///
/// # Errors
///
/// If one of them does not get it.
pub fn together(ports: &[u16], path: &str) -> io::Result<()> {
    let mut own = OWN_PORTS.rev();
    let twice = ports.iter().chain(ports);
    let streams: Vec<_> =
        twice.map(|port| connect_from(&mut own, *port, PATIENCE)).collect::<io::Result<_>>()?;
    streams.into_iter().try_for_each(|stream| get_by(stream, path).map(|_| ()))
}

/// Has so many clients at once make so many requests; each is done by `client`, which goes on as long as the function that it gets
/// says so, or until a request fails; it is then called again.
fn measured(
    count: usize,
    clients: usize,
    client: impl Fn(usize, &mut dyn FnMut() -> bool) -> io::Result<()> + Sync,
) -> Load {
    let (begun, failures, reason) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(None));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for index in 0..clients {
            let (client, begun, failures, reason) = (&client, &begun, &failures, &reason);
            scope.spawn(move || {
                while let Err(error) = client(index, &mut || begun.fetch_add(1, Ordering::Relaxed) < count) {
                    failures.fetch_add(1, Ordering::Relaxed);
                    // A client that panicked has left nothing half-written.
                    *reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
            });
        }
    });
    let reason = reason.into_inner().unwrap_or_else(PoisonError::into_inner);
    Load { requests: count, failures: failures.into_inner(), reason, time: start.elapsed() }
}

/// Waits until a page is there; for at most so long.
///
/// # Errors
///
/// Why it was not there the last time.
pub fn wait_for_page(port: u16, path: &str, most: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + most;
    // A connection that began too early is answered late, if ever: a new one is tried soon, but not too soon for a slow machine.
    let mut patience = SHORTEST;
    loop {
        match get(port, path, patience) {
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            result => return result,
        }
        patience = (patience * 5 / 4).min(PATIENCE);
    }
}

/// The byte of the pattern at an offset, as apps/stream has it.
pub fn pattern(offset: u64) -> u8 {
    let place = offset % PERIOD as u64;
    (place ^ place >> 8) as u8
}

/// The pattern in a form that any piece can be cut from.
fn patterns() -> Vec<u8> {
    (0..(PERIOD + PIECE) as u64).map(pattern).collect()
}

/// Asks for `total` bytes by the line `request` (none if it is empty), and takes them; `seen` learns how many there are after
/// each piece. With `compare`, each byte must be that of the pattern.
///
/// # Errors
///
/// If the connection breaks, or a byte is wrong or missing.
pub fn receive(
    port: u16,
    request: &str,
    total: u64,
    compare: bool,
    mut seen: impl FnMut(u64),
) -> io::Result<Duration> {
    let (pattern, mut buffer) = (patterns(), vec![0; PIECE]);
    let start = Instant::now();
    let mut stream = connect(port, PATIENCE)?;
    stream.write_all(request.as_bytes())?;
    let mut offset = 0;
    loop {
        let length = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) => return Err(Error::other(format!("after {offset} bytes: {error}"))),
        };
        let place = (offset % PERIOD as u64) as usize;
        if compare && buffer[..length] != pattern[place..place + length] {
            return Err(Error::other(format!("a byte among the {length} from {offset} on is wrong")));
        }
        offset += length as u64;
        seen(offset);
    }
    if offset == total {
        Ok(start.elapsed())
    } else {
        Err(Error::other(format!("{offset} bytes came instead of {total}")))
    }
}

/// Says by the line `request` (none if it is empty) that `total` bytes come, sends so much of the pattern, and waits for the answer.
///
/// # Errors
///
/// If the connection breaks, or the answer is not `answer`.
pub fn send(port: u16, request: &str, total: u64, answer: &str) -> io::Result<Duration> {
    let pattern = patterns();
    let start = Instant::now();
    let mut stream = connect(port, PATIENCE)?;
    stream.write_all(request.as_bytes())?;
    let mut offset = 0;
    while offset < total {
        let place = (offset % PERIOD as u64) as usize;
        let length = (PIECE as u64).min(total - offset) as usize;
        offset += stream.write(&pattern[place..place + length])? as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    if text == answer {
        Ok(start.elapsed())
    } else {
        Err(Error::other(format!("the answer is {text:?} instead of {answer:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that answers one client after the other with these bytes; its port.
    fn serve(answers: Vec<Vec<u8>>) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                let _ = stream.read(&mut [0; 1000]).expect("its request");
                stream.write_all(&answer).expect("it listens");
            }
        });
        port
    }

    #[test]
    fn the_pattern_is_that_of_the_guest() {
        for offset in [0, 1, 255, 256, 65_520, 65_521, 1 << 33] {
            assert_eq!(pattern(offset), stream::pattern::byte(offset), "at {offset}");
        }
    }

    #[test]
    fn only_whole_good_answers_count() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\n\r\nabc"), Ok(b"abc".to_vec()));
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"), Ok(b"abc".to_vec()));
        for bad in [
            &b""[..],
            b"HTTP/1.0 200 OK\r\n",
            b"HTTP/1.0 404 Not Found\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabc",
        ] {
            assert!(body(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn failures_are_counted_and_one_is_explained() {
        let good = b"HTTP/1.0 200 OK\r\n\r\nabc".to_vec();
        let port = serve(vec![good.clone(), b"HTTP/1.0 503 Busy\r\n\r\n".to_vec(), good]);
        let load = requests(port, "/", 3);
        assert_eq!((load.requests, load.failures), (3, 1));
        assert_eq!(load.reason.as_deref(), Some("the answer is \"HTTP/1.0 503 Busy\""));
    }

    #[test]
    fn a_stream_with_a_wrong_or_missing_byte_is_refused() {
        let good: Vec<u8> = (0..200_000).map(pattern).collect();
        let mut wrong = good.clone();
        wrong[123_456] ^= 1;
        let port = serve(vec![good.clone(), wrong, good[..100].to_vec()]);
        let total = good.len() as u64;
        assert!(receive(port, "send\n", total, true, |_| ()).is_ok());
        let message = receive(port, "send\n", total, true, |_| ()).expect_err("a bit is wrong").to_string();
        assert!(message.contains("is wrong"), "{message}");
        let message = receive(port, "send\n", total, true, |_| ()).expect_err("it ends").to_string();
        assert_eq!(message, "100 bytes came instead of 200000");
    }
}
