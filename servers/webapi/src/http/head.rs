//! A request's head: what it asks for, and how the connection goes on after it. The grammar is httparse's; the rules
//! are here.

use super::{BODY_MAX, Failure, HEAD_MAX};
use crate::failure;
use core::mem::MaybeUninit;

/// Most header fields of a request.
const FIELDS_MAX: usize = 64;

/// The methods that are known, but that nothing here allows.
const OTHER_METHODS: [&str; 6] = ["PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// What a request wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// To see something.
    Get,
    /// As `Get`, without the content.
    Head,
    /// To have something done.
    Post,
    /// Another method that HTTP knows.
    Other,
}

/// What a request is about. What is not checked here may be any bytes without control characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head<'a> {
    /// What it wants to do.
    pub method: Method,
    /// The path, as `/page`; or `*`, or empty for `CONNECT`.
    pub path: &'a str,
    /// What stands after the path's question mark.
    pub query: &'a str,
    /// The server's name as the client knows it; empty if it does not say.
    pub host: &'a [u8],
    /// The site whose page asks.
    pub origin: Option<&'a [u8]>,
    /// What proves that the client may do it.
    pub authorization: Option<&'a [u8]>,
    /// What the body is.
    pub content_type: Option<&'a [u8]>,
}

/// How the connection goes on after a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Follows {
    /// The client speaks HTTP/1.1, so it understands chunks.
    pub chunks: bool,
    /// More requests may come.
    pub keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The body.
    pub body: Framing,
}

/// How long a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    /// So many bytes.
    Length(usize),
    /// As its chunks say.
    Chunked,
}

/// Length of the head with which `bytes` begin, if it is complete. It does not end before `searched`.
pub fn find_end(bytes: &[u8], searched: usize) -> Option<usize> {
    let mut at = searched;
    loop {
        // A line end, and then an empty line; the carriage returns may be missing.
        at += bytes.get(at..)?.iter().position(|&byte| byte == b'\n')? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// Reads a complete head.
pub fn parse(bytes: &[u8]) -> Result<(Head<'_>, Follows), Failure> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut fields) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(MALFORMED),
        Err(httparse::Error::TooManyHeaders) => return Err(TOO_MANY_FIELDS),
        Err(httparse::Error::Version) if names_version(bytes) => return Err(OTHER_VERSION),
        Err(_) => return Err(MALFORMED),
    }
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Err(MALFORMED);
    };
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        other if OTHER_METHODS.contains(&other) => Method::Other,
        _ => return Err(UNKNOWN_METHOD),
    };
    let (path, query) = split_target(target, method)?;
    let mut fields = Fields::default();
    for field in request.headers.iter() {
        fields.take(field.name, field.value)?;
    }
    let head = Head {
        method,
        path,
        query,
        host: fields.host.unwrap_or_default(),
        origin: fields.origin,
        authorization: fields.authorization,
        content_type: fields.content_type,
    };
    Ok((head, fields.follows(version == 1)?))
}

/// Whether the first line ends in a version of HTTP, if not one of ours.
fn names_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let word = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    matches!(word, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// Path and query of a request's target (RFC 9112, 3.2).
fn split_target(target: &str, method: Method) -> Result<(&str, &str), Failure> {
    let origin_form = match target.split_once("://") {
        _ if target.starts_with('/') => target,
        // What a proxy is asked for: the name counts as that in the field `Host`.
        Some(("http", rest)) => match rest.find(['/', '?']) {
            Some(at) => rest.get(at..).unwrap_or_default(),
            None => "/",
        },
        _ if target == "*" => "*",
        // The name and port of another server, for a tunnel.
        _ if method == Method::Other => "",
        _ => return Err(MALFORMED),
    };
    Ok(origin_form.split_once('?').unwrap_or((origin_form, "")))
}

/// The header fields that mean something here.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    authorization: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    length: Option<usize>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), Failure> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            4 if is("host") => return once(&mut self.host, value),
            6 if is("origin") => return once(&mut self.origin, value),
            13 if is("authorization") => return once(&mut self.authorization, value),
            12 if is("content-type") => return once(&mut self.content_type, value),
            6 if is("expect") => match value.eq_ignore_ascii_case(b"100-continue") {
                true => self.expects_continue = true,
                false => return Err(UNKNOWN_EXPECTATION),
            },
            10 if is("connection") => {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if is("content-length") => return once(&mut self.length, length(value)?),
            17 if is("transfer-encoding") => match value.eq_ignore_ascii_case(b"chunked") {
                _ if self.chunked => return Err(MALFORMED),
                true => self.chunked = true,
                false => return Err(UNKNOWN_CODING),
            },
            _ => {}
        }
        Ok(())
    }

    /// What these fields say about the rest of the connection.
    fn follows(&self, is_1_1: bool) -> Result<Follows, Failure> {
        if is_1_1 && self.host.is_none() {
            return Err(NO_HOST);
        }
        let body = match (self.chunked, self.length) {
            (false, length) => Framing::Length(length.unwrap_or(0)),
            (true, None) if is_1_1 => Framing::Chunked,
            // Someone in between could see another end of the request than we do.
            (true, _) => return Err(MALFORMED),
        };
        let keep_alive = !self.close && (is_1_1 || self.keep_alive);
        Ok(Follows { chunks: is_1_1, keep_alive, expects_continue: is_1_1 && self.expects_continue, body })
    }
}

/// A field that must not be repeated: two could be understood in two ways.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Failure> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(MALFORMED),
    }
}

/// The value of `Content-Length`.
fn length(value: &[u8]) -> Result<usize, Failure> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(MALFORMED);
    }
    let add = |sum: usize, digit: &u8| sum.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
    match value.iter().fold(0, add) {
        length @ 0..=BODY_MAX => Ok(length),
        _ => Err(TOO_LARGE),
    }
}

const _: () = assert!(HEAD_MAX == 8192 && BODY_MAX == 16384, "the sentences below say so");

pub const MALFORMED: Failure = failure!(BadRequest, "The request is not well-formed HTTP/1.1: see RFC 9112.");
pub const LONG_LINE: Failure =
    failure!(UriTooLong, "The request line is longer than 8192 bytes: ask for a shorter address.");
pub const LONG_HEAD: Failure =
    failure!(HeaderFieldsTooLarge, "The request's head is longer than 8192 bytes: send fewer header fields.");
pub const TOO_LARGE: Failure =
    failure!(ContentTooLarge, "The request's body is longer than 16384 bytes: send less.");
const TOO_MANY_FIELDS: Failure =
    failure!(HeaderFieldsTooLarge, "The request has more than 64 header fields: send fewer.");
const OTHER_VERSION: Failure =
    failure!(VersionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0: use one of these.");
const UNKNOWN_METHOD: Failure =
    failure!(NotImplemented, "The request's method is not known here: use GET, HEAD or POST.");
const UNKNOWN_CODING: Failure = failure!(
    NotImplemented,
    "The only transfer coding that is known here is `chunked`: use that, or Content-Length."
);
const UNKNOWN_EXPECTATION: Failure = failure!(
    ExpectationFailed,
    "The only expectation that is known here is `100-continue`: use that, or none."
);
const NO_HOST: Failure = failure!(BadRequest, "A request of HTTP/1.1 needs the field `Host`: add it.");
