//! What is at which address: the page's files, the API's documents, and restarting drivers, which needs the token.

use crate::api::{Api, Document, Hidden, Section};
use crate::failure;
use crate::http::{Answer, Content, Failure, Head, Method, Service, Status};
use crate::json::only_text;
use crate::system::System;
use abi::Error;
use alloc::vec::Vec;

/// Bytes of the token before they are written in hexadecimal digits: nobody guesses 128 bits.
const TOKEN_BYTES: usize = 16;

/// Who knows it may restart drivers.
#[derive(Clone, Copy)]
pub struct Token([u8; 2 * TOKEN_BYTES]);

impl Token {
    /// A token of random bytes.
    pub fn new(random: [u8; TOKEN_BYTES]) -> Self {
        let mut digits = [0; 2 * TOKEN_BYTES];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(random) {
            pair.copy_from_slice(
                &[byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]),
            );
        }
        Self(digits)
    }

    /// Its digits.
    pub fn text(&self) -> &str {
        // Digits are UTF-8.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether a field `Authorization` has it. Takes the same time whatever is wrong, so that nobody finds it digit by digit.
    fn is_in(&self, authorization: &[u8]) -> bool {
        let Some((scheme, given)) = authorization.split_at_checked(b"Bearer ".len()) else { return false };
        let differences = given.iter().zip(self.0).fold(0, |sum, (one, other)| sum | (one ^ other));
        scheme.eq_ignore_ascii_case(b"Bearer ") && given.len() == self.0.len() && differences == 0
    }
}

/// Header fields of the page's files. A browser asks for them again each time: they are as new as the system.
macro_rules! file_fields {
    ($kind:literal, $more:literal) => {
        concat!("Content-Type: ", $kind, "\r\nCache-Control: no-cache\r\n", $more)
    };
}

/// A file of the page.
#[derive(Clone, Copy)]
pub struct File {
    path: &'static str,
    fields: &'static str,
    content: &'static [u8],
}

/// The page. What it may load is what is here: nothing of others, and no script within the text.
const FILES: [File; 4] = [
    File {
        path: "/",
        fields: file_fields!(
            "text/html; charset=utf-8",
            "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
        ),
        content: include_bytes!("../page/index.html"),
    },
    File {
        path: "/style.css",
        fields: file_fields!("text/css; charset=utf-8", ""),
        content: include_bytes!("../page/style.css"),
    },
    File {
        path: "/script.js",
        fields: file_fields!("text/javascript; charset=utf-8", ""),
        content: include_bytes!("../page/script.js"),
    },
    File {
        path: "/icon.svg",
        fields: file_fields!("image/svg+xml", ""),
        content: include_bytes!("../page/icon.svg"),
    },
];

const DOCUMENT_FIELDS: &str = "Content-Type: application/json\r\nCache-Control: no-store\r\n";

/// The documents of the API.
const DOCUMENTS: [(&str, &[Section]); 10] = [
    (
        "/api/live",
        &[
            Section::System,
            Section::Tasks,
            Section::Messages,
            Section::Memory,
            Section::Devices,
            Section::Interfaces,
            Section::Network,
            Section::Log,
        ],
    ),
    ("/api/system", &[Section::System]),
    ("/api/tasks", &[Section::Tasks]),
    ("/api/messages", &[Section::Messages]),
    ("/api/memory", &[Section::Memory]),
    ("/api/devices", &[Section::Devices]),
    ("/api/interfaces", &[Section::Interfaces]),
    ("/api/network", &[Section::Network]),
    ("/api/sockets", &[Section::Sockets]),
    ("/api/log", &[Section::Log]),
];

const RESTART: &str = "/api/restart";

/// What a request is about.
pub enum Target {
    /// A file of the page.
    File(File),
    /// A document of the API.
    Document(Document),
    /// Restarting a driver.
    Restart,
}

/// The site.
pub struct Site<Y> {
    api: Api<Y>,
    token: Option<Token>,
}

impl<Y: System> Site<Y> {
    /// The site of a system. Without a token nobody may restart drivers. What is hidden of the log is what told the token.
    pub const fn new(system: Y, token: Option<Token>, hidden: Hidden) -> Self {
        Self { api: Api::new(system, hidden), token }
    }

    /// The system that it is about.
    pub const fn system(&self) -> &Y {
        &self.api.system
    }

    /// Whether the request may restart drivers.
    fn check(&self, head: &Head<'_>) -> Result<(), Failure> {
        // A page of another site cannot send the token. Should it get hold of it, its requests still say whose they are.
        let is_own = |origin: &[u8]| origin.strip_prefix(b"http://").is_some_and(|name| name == head.host);
        if !head.origin.is_none_or(is_own) {
            return Err(OTHER_SITE);
        }
        match (self.token, head.authorization) {
            (Some(token), Some(authorization)) if token.is_in(authorization) => {}
            _ => return Err(NO_TOKEN),
        }
        let kind = head.content_type.and_then(|kind| kind.split(|&byte| byte == b';').next());
        match kind {
            Some(kind) if kind.trim_ascii().eq_ignore_ascii_case(b"application/json") => Ok(()),
            _ => Err(NOT_JSON),
        }
    }

    fn restart(&mut self, body: &[u8]) -> Result<Answer<Document>, Failure> {
        let device = only_text(body, "device").ok_or(NO_DEVICE)?;
        match self.api.system.restart(device) {
            Ok(()) => Ok(document(Content::Static(b"{\"restarted\":true}\n"))),
            Err(Error::NotFound | Error::BadText | Error::TooLarge) => Err(UNKNOWN_DEVICE),
            Err(_) => Err(NO_MANAGER),
        }
    }
}

impl<Y: System> Service for Site<Y> {
    type Target = Target;
    type Content = Document;

    fn route(&mut self, head: &Head<'_>) -> Result<Target, Failure> {
        if head.path == RESTART {
            return match head.method {
                Method::Post => self.check(head).map(|()| Target::Restart),
                _ => Err(ONLY_POST),
            };
        }
        let target = if let Some(file) = FILES.iter().find(|file| file.path == head.path) {
            Target::File(*file)
        } else if let Some((_, sections)) = DOCUMENTS.iter().find(|(path, _)| *path == head.path) {
            Target::Document(Document::new(sections, log_position(head.query)?))
        } else {
            return Err(NOT_FOUND);
        };
        match head.method {
            Method::Get | Method::Head => Ok(target),
            _ => Err(ONLY_GET),
        }
    }

    fn answer(&mut self, target: Target, body: &[u8]) -> Result<Answer<Document>, Failure> {
        match target {
            Target::File(File { fields, content, .. }) => {
                Ok(Answer { status: Status::Ok, fields, content: Content::Static(content) })
            }
            Target::Document(place) => Ok(document(Content::Produced(place))),
            Target::Restart => self.restart(body),
        }
    }

    fn produce(&mut self, content: &mut Document, piece: &mut Vec<u8>) -> bool {
        self.api.produce(content, piece)
    }
}

const fn document(content: Content<Document>) -> Answer<Document> {
    Answer { status: Status::Ok, fields: DOCUMENT_FIELDS, content }
}

/// The position of the log in a query: the value of `from`, 0 if there is none.
fn log_position(query: &str) -> Result<usize, Failure> {
    match query.split('&').find_map(|part| part.strip_prefix("from=")) {
        Some(digits) => digits.parse().map_err(|_| BAD_POSITION),
        None => Ok(0),
    }
}

const NOT_FOUND: Failure =
    failure!(NotFound, "There is nothing at this address: the page is at /, the API under /api.");
const ONLY_GET: Failure =
    failure!(MethodNotAllowed, "This can only be read: use GET or HEAD.", "Allow: GET, HEAD\r\n");
const ONLY_POST: Failure = failure!(MethodNotAllowed, "This changes something: use POST.", "Allow: POST\r\n");
const NO_TOKEN: Failure = failure!(
    Unauthorized,
    "Restarting a driver needs the token that was printed when the system started: send it as `Authorization: Bearer TOKEN`.",
    "WWW-Authenticate: Bearer\r\n"
);
const OTHER_SITE: Failure =
    failure!(Forbidden, "A page of another site asks for this: open the system's own page.");
const NOT_JSON: Failure =
    failure!(UnsupportedMediaType, "The body is not JSON: send it as `Content-Type: application/json`.");
const NO_DEVICE: Failure =
    failure!(BadRequest, "The body does not name a device: send {\\\"device\\\": \\\"NAME\\\"}.");
const UNKNOWN_DEVICE: Failure =
    failure!(NotFound, "No device or driver with this name has a driver: /api/devices lists them.");
const NO_MANAGER: Failure = failure!(ServiceUnavailable, "The device manager does not answer: try again.");
const BAD_POSITION: Failure = failure!(
    BadRequest,
    "The value of `from` is not a position: use the value of `next` of an earlier reply."
);
