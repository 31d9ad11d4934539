//! HTTP/1.1 and 1.0 (RFC 9110, RFC 9112) as a state machine: the bytes of a client go in, the bytes of the replies come
//! out, and a [`Service`] says what is replied.
//!
//! Knows neither sockets nor time. Whatever the bytes are, it never panics, and a connection never keeps more than
//! [`HEAD_MAX`] bytes that it has not understood yet, [`BODY_MAX`] of a body, and two [`PIECE`]s of replies.

mod body;
mod connection;
mod head;
mod reply;

use alloc::vec::Vec;

pub use connection::{Connection, REQUESTS_MAX, Stage};
pub use head::{Head, Method};
pub use reply::Output;
pub(crate) use reply::decimal;

/// Most bytes of a request's head: request line and header fields.
pub const HEAD_MAX: usize = 8 << 10;

/// Most bytes of a request's body.
pub const BODY_MAX: usize = 16 << 10;

/// About how many bytes of replies are made before they are sent.
pub const PIECE: usize = 8 << 10;

macro_rules! statuses {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal $reason:literal;)+) => {
        /// What became of a request (RFC 9110, 15).
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Status { $($(#[doc = $doc])+ $name = $code,)+ }

        impl Status {
            /// Code and reason, as the first line of a reply has them.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => concat!(stringify!($code), " ", $reason),)+ }
            }
        }
    };
}

statuses! {
    /// It is done, or here it is.
    Ok = 200 "OK";
    /// It is not HTTP, or contradicts itself.
    BadRequest = 400 "Bad Request";
    /// The token is missing or wrong.
    Unauthorized = 401 "Unauthorized";
    /// A page of another site asks for what only ours may.
    Forbidden = 403 "Forbidden";
    /// There is no such thing.
    NotFound = 404 "Not Found";
    /// This cannot be done with it.
    MethodNotAllowed = 405 "Method Not Allowed";
    /// The request did not arrive in time.
    RequestTimeout = 408 "Request Timeout";
    /// The body is longer than [`BODY_MAX`].
    ContentTooLarge = 413 "Content Too Large";
    /// The request line alone is longer than [`HEAD_MAX`].
    UriTooLong = 414 "URI Too Long";
    /// The body is not of the type that is understood.
    UnsupportedMediaType = 415 "Unsupported Media Type";
    /// What the client expects is not known.
    ExpectationFailed = 417 "Expectation Failed";
    /// The head is longer than [`HEAD_MAX`], or has too many fields.
    HeaderFieldsTooLarge = 431 "Request Header Fields Too Large";
    /// The method or the transfer coding is not known.
    NotImplemented = 501 "Not Implemented";
    /// A part of the system that is needed does not answer.
    ServiceUnavailable = 503 "Service Unavailable";
    /// It is another version of HTTP.
    VersionNotSupported = 505 "HTTP Version Not Supported";
}

/// A request that is not done: the status, and a JSON document that says why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The status.
    pub status: Status,
    /// Header fields that belong to it, each with its line end.
    pub fields: &'static str,
    /// The content of the reply.
    pub document: &'static str,
}

/// The [`Failure`] with a status and a sentence.
#[macro_export]
#[doc(hidden)]
macro_rules! failure {
    ($status:ident, $sentence:literal) => {
        $crate::failure!($status, $sentence, "")
    };
    ($status:ident, $sentence:literal, $fields:literal) => {
        $crate::http::Failure {
            status: $crate::http::Status::$status,
            fields: concat!("Content-Type: application/json\r\nCache-Control: no-store\r\n", $fields),
            document: concat!("{\"error\":\"", $sentence, "\"}\n"),
        }
    };
}

/// What a reply consists of.
pub struct Answer<C> {
    /// The status.
    pub status: Status,
    /// The header fields that describe the content, each with its line end.
    pub fields: &'static str,
    /// The content.
    pub content: Content<C>,
}

/// The content of a reply.
pub enum Content<C> {
    /// All of it.
    Static(&'static [u8]),
    /// What [`Service::produce`] makes piece by piece.
    Produced(C),
}

impl<C> From<Failure> for Answer<C> {
    fn from(failure: Failure) -> Self {
        let Failure { status, fields, document } = failure;
        Self { status, fields, content: Content::Static(document.as_bytes()) }
    }
}

/// What the replies are.
pub trait Service {
    /// What a request is about, from its head to its end.
    type Target;
    /// How far the content of a reply has been made.
    type Content;

    /// Decides by the head what a request is about. A body is kept for it only if the method is `POST` and this succeeds.
    fn route(&mut self, head: &Head<'_>) -> Result<Self::Target, Failure>;

    /// Does what a request asks for; `body` is empty for all but `POST`.
    fn answer(&mut self, target: Self::Target, body: &[u8]) -> Result<Answer<Self::Content>, Failure>;

    /// Appends the next piece of a reply's content, at most [`PIECE`] bytes; whether more follows. Called again it must
    /// get nearer to the end.
    fn produce(&mut self, content: &mut Self::Content, piece: &mut Vec<u8>) -> bool;
}
