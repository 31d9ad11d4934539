//! `http-get [-q] [-i] URL` fetches a page over HTTP/1.1, follows redirections, and prints the page, then what it was, how
//! large, and how long it took. `-i` also prints the headers, `-q` neither page nor headers.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod response;
pub mod url;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::fmt::Write;

use resea::{Arg, UsageError, print, println};
use response::{Head, Response};
use url::Url;

const USAGE: &str = "http-get [-q] [-i] URL";
/// Redirections that are followed.
const MAX_REDIRECTIONS: usize = 10;
/// Bytes that are received at once.
const PIECE: usize = 16 << 10;

/// What the command line says.
struct Request {
    url: Url,
    quiet: bool,
    headers: bool,
}

/// Does what the command line says. The status is 1 if the server's answer is an error (4xx, 5xx).
///
/// Errors: a sentence that says why there is no page.
pub fn run() -> Result<resea::ExitStatus, String> {
    let request = arguments()?;
    let start = resea::clock();
    let mut url = request.url.clone();
    for _ in 0..=MAX_REDIRECTIONS {
        let (head, size) = fetch(&url, &request)?;
        let milliseconds = (resea::clock() - start) / 1_000_000;
        if let (300..400, Some(location)) = (head.status, &head.location) {
            let next = url.join(location).map_err(|error| format!("{url} leads to `{location}`: {error}"))?;
            println!("{} {}: {url} leads to {next}", head.status, plain(&head.reason));
            url = next;
            continue;
        }
        println!("{} {}: {size} bytes of {url} in {milliseconds} ms", head.status, plain(&head.reason));
        return Ok(if head.status < 400 { resea::ExitStatus::SUCCESS } else { resea::ExitStatus::FAILURE });
    }
    Err(format!("{MAX_REDIRECTIONS} redirections and still no page; the last leads to {url}"))
}

fn arguments() -> Result<Request, String> {
    let usage = |error: UsageError| format!("{error}");
    let (mut url, mut quiet, mut headers) = (None, false, false);
    let mut options = resea::options();
    while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {USAGE}"))? {
        match argument {
            Arg::Short('q') | Arg::Long("quiet") => quiet = true,
            Arg::Short('i') | Arg::Long("include") => headers = true,
            Arg::Positional(text) if url.is_none() => {
                url = Some(Url::parse(text).map_err(|error| format!("{error}"))?);
            }
            other => return Err(usage(UsageError::unexpected(other, USAGE))),
        }
    }
    let url = url.ok_or_else(|| usage(UsageError::Missing("URL", USAGE)))?;
    Ok(Request { url, quiet, headers })
}

/// Fetches one page and prints it, unless it is a redirection; its head, and its size.
fn fetch(url: &Url, request: &Request) -> Result<(Head, u64), String> {
    let failed = |error: net::Error| format!("{url}: {error}");
    let address = net::resolve_socket(&url.host, url.port).map_err(failed)?;
    let stream = net::TcpStream::connect(address).map_err(failed)?;
    let question = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: http-get (Resea)\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        url.path,
        url.authority()
    );
    stream.write_all(question.as_bytes()).map_err(failed)?;
    let mut response = Response::new(false);
    let mut page = Page { size: 0, last: b'\n', shown: false };
    let mut buffer = vec![0; PIECE];
    while !response.is_done() {
        let length = stream.read(&mut buffer).map_err(failed)?;
        let wrong = |error| format!("{url}: {error}");
        if length == 0 {
            response.end().map_err(wrong)?;
            break;
        }
        let before = response.head().is_none();
        let mut body = vec::Vec::new();
        let data = buffer.get(..length).unwrap_or_default();
        response.take(data, &mut |part| body.extend_from_slice(part)).map_err(wrong)?;
        if let Some(head) = response.head() {
            if before {
                page.begin(head, request);
            }
            page.print(&body);
        }
    }
    page.end();
    let head = response.head().cloned().unwrap_or_default();
    Ok((head, page.size))
}

/// What is shown of a page.
struct Page {
    size: u64,
    last: u8,
    shown: bool,
}

impl Page {
    fn begin(&mut self, head: &Head, request: &Request) {
        self.shown = !request.quiet && !(300..400).contains(&head.status);
        if request.headers && !request.quiet {
            println!("{}\n", plain(&head.text));
        }
    }

    fn print(&mut self, body: &[u8]) {
        self.size += body.len() as u64;
        if let (true, Some(&last)) = (self.shown, body.last()) {
            self.last = last;
            print!("{}", plain(&String::from_utf8_lossy(body)));
        }
    }

    fn end(&self) {
        if self.last != b'\n' {
            println!();
        }
    }
}

/// Text that cannot move the cursor or change the terminal.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars().filter(|&character| character != '\r') {
        match character {
            '\n' | '\t' => shown.push(character),
            // Writing to a String cannot fail.
            _ if character.is_control() => drop(write!(shown, "{}", character.escape_default())),
            _ => shown.push(character),
        }
    }
    shown
}
