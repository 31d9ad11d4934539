//! A connection: takes what the client sends, makes what it gets.
//!
//! Requests are answered one after the other; the next one is not looked at before there is room for its reply, and
//! whoever moves the bytes receives no more meanwhile, so a client that does not read cannot fill the memory.

use super::body::Decoder;
use super::head::{self, Follows, Framing};
use super::reply::{self, Length, Output};
use super::{Answer, BODY_MAX, Content, Failure, HEAD_MAX, Method, PIECE, Service};
use crate::failure;
use alloc::vec::Vec;

/// Requests after which a connection is closed.
pub const REQUESTS_MAX: u32 = 1000;

/// Bytes that are thrown away before a connection is given up whose client does not notice that all is said.
const DISCARDED_MAX: usize = 256 << 10;

/// Bytes taken at once while everything is thrown away.
const DISCARDED_AT_ONCE: usize = 4096;

const TOO_SLOW: Failure = failure!(RequestTimeout, "The request did not arrive in time: send it faster.");

/// What a connection is doing: what its time limit depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Waits for a request to begin.
    Idle,
    /// Has a part of a request.
    Receiving,
    /// Has replies that the client has not taken.
    Sending,
    /// All is said; waits for the client to close, so that it surely gets the last reply.
    Lingering,
    /// To be closed now.
    Over,
}

/// A connection's state.
pub struct Connection<S: Service> {
    phase: Phase<S>,
    /// What arrived of requests that are not complete or not answered yet.
    input: Vec<u8>,
    /// How many bytes of the input are known not to contain the end of a head.
    searched: usize,
    /// What could not be sent yet.
    pending: Vec<u8>,
    /// The client sends no more.
    ended: bool,
    requests: u32,
}

enum Phase<S: Service> {
    Head,
    Body { outcome: Result<S::Target, Failure>, reply: Reply, decoder: Decoder, body: Option<Vec<u8>> },
    Reply { content: Content<S::Content>, reply: Reply, chunks: bool },
    Lingering { discarded: usize },
    Over,
}

/// What the request says about its reply.
#[derive(Clone, Copy)]
struct Reply {
    chunks: bool,
    keep_alive: bool,
    without_content: bool,
}

impl<S: Service> Default for Connection<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Service> Connection<S> {
    /// A connection on which nothing has arrived.
    pub const fn new() -> Self {
        Self {
            phase: Phase::Head,
            input: Vec::new(),
            searched: 0,
            pending: Vec::new(),
            ended: false,
            requests: 0,
        }
    }

    /// What it is doing.
    pub const fn stage(&self) -> Stage {
        match self.phase {
            Phase::Over if self.pending.is_empty() => Stage::Over,
            Phase::Over | Phase::Reply { .. } => Stage::Sending,
            _ if !self.pending.is_empty() => Stage::Sending,
            Phase::Lingering { .. } => Stage::Lingering,
            Phase::Body { .. } => Stage::Receiving,
            Phase::Head if self.input.is_empty() => Stage::Idle,
            Phase::Head => Stage::Receiving,
        }
    }

    /// How many requests have begun to be answered.
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// How many more bytes it takes now; 0: what it has to say must be sent first, or it is over.
    pub const fn room(&self) -> usize {
        match self.phase {
            _ if self.ended || !self.pending.is_empty() => 0,
            Phase::Head => HEAD_MAX.saturating_sub(self.input.len()),
            Phase::Body { .. } => HEAD_MAX,
            Phase::Lingering { .. } => DISCARDED_AT_ONCE,
            Phase::Reply { .. } | Phase::Over => 0,
        }
    }

    /// How many bytes it keeps: of requests, and of replies.
    pub fn kept(&self) -> usize {
        let body = match &self.phase {
            Phase::Body { body: Some(body), .. } => body.capacity(),
            _ => 0,
        };
        self.input.capacity() + self.pending.capacity() + body
    }

    /// Takes bytes of the client, at most as many as there is [`Connection::room`] for; replies go to `out`.
    pub fn received(&mut self, bytes: &[u8], service: &mut S, out: &mut Output) {
        if self.input.is_empty() {
            // As a rule whole requests arrive, and nothing is left to be kept.
            let used = self.advance(bytes, service, out);
            self.input.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            self.input.extend_from_slice(bytes);
            self.advance_input(service, out);
        }
    }

    /// The client sends no more. What it has sent is still answered.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// What is to be sent goes to `out`; nothing if there is nothing for now. Call it until then.
    pub fn proceed(&mut self, service: &mut S, out: &mut Output) {
        out.bytes.append(&mut self.pending);
        // The memory goes back: it is not often that a client does not take all at once.
        self.pending = Vec::new();
        if out.bytes.is_empty() {
            self.advance_input(service, out);
        }
        let waits = matches!(self.phase, Phase::Head | Phase::Body { .. } | Phase::Lingering { .. });
        if self.ended && waits && out.bytes.is_empty() {
            self.phase = Phase::Over;
        }
    }

    /// Keeps what could not be sent, for the next [`Connection::proceed`].
    pub fn unsent(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The time for its [`Stage`] is up: what to say to that goes to `out`.
    pub fn time_out(&mut self, out: &mut Output) {
        match self.stage() {
            Stage::Receiving => self.fail(TOO_SLOW, out),
            _ => {
                self.pending = Vec::new();
                self.phase = Phase::Over;
            }
        }
    }

    /// Goes on with what has arrived.
    fn advance_input(&mut self, service: &mut S, out: &mut Output) {
        let mut input = core::mem::take(&mut self.input);
        let used = self.advance(&input, service, out);
        if used < input.len() {
            input.drain(..used);
            self.input = input;
        }
    }

    /// Goes on until more bytes are needed or there is enough to send; how many bytes were used.
    fn advance(&mut self, bytes: &[u8], service: &mut S, out: &mut Output) -> usize {
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let has_enough = out.bytes.len() >= PIECE;
            used += match &mut self.phase {
                Phase::Head if has_enough => return used,
                Phase::Head => {
                    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    // Empty lines before a request are nothing (RFC 9112, 2.2).
                    match self.begin(rest.get(empty..).unwrap_or_default(), service, out) {
                        Some(length) => empty + length,
                        None => return used + empty,
                    }
                }
                Phase::Body { body, decoder, .. } => {
                    let keep = |part: &[u8]| body.iter_mut().for_each(|body| body.extend_from_slice(part));
                    match decoder.take(rest, keep) {
                        Ok(taken) if decoder.is_done() => {
                            self.answer(service, out);
                            taken
                        }
                        Ok(taken) => return used + taken,
                        Err(failure) => {
                            self.fail(failure, out);
                            0
                        }
                    }
                }
                Phase::Reply { .. } if has_enough => return used,
                Phase::Reply { .. } => {
                    self.produce(rest.is_empty(), service, out);
                    0
                }
                Phase::Lingering { discarded } => {
                    *discarded += rest.len();
                    if *discarded > DISCARDED_MAX {
                        self.phase = Phase::Over;
                    }
                    return bytes.len();
                }
                Phase::Over => return bytes.len(),
            };
        }
    }

    /// Begins with the request at the start of `bytes`: the length of its head. `None`: it is not complete.
    fn begin(&mut self, bytes: &[u8], service: &mut S, out: &mut Output) -> Option<usize> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !is_name(*bytes.first()?) {
            // Not HTTP, TLS perhaps: no need to wait for the end.
            self.fail(head::MALFORMED, out);
            return Some(0);
        }
        let length = match head::find_end(bytes, self.searched) {
            Some(length) if length <= HEAD_MAX => length,
            None if bytes.len() < HEAD_MAX => {
                // An end may have begun with the last three bytes.
                self.searched = bytes.len().saturating_sub(3);
                return None;
            }
            _ => {
                let first = bytes.get(..HEAD_MAX).unwrap_or(bytes);
                self.fail(if first.contains(&b'\n') { head::LONG_HEAD } else { head::LONG_LINE }, out);
                return Some(0);
            }
        };
        self.searched = 0;
        self.requests += 1;
        match head::parse(bytes.get(..length).unwrap_or_default()) {
            Err(failure) => self.fail(failure, out),
            Ok((head, follows)) => {
                let outcome = service.route(&head);
                self.head_done(head.method, follows, outcome, out);
            }
        }
        Some(length)
    }

    /// The head is understood: the body is next.
    fn head_done(
        &mut self,
        method: Method,
        follows: Follows,
        outcome: Result<S::Target, Failure>,
        out: &mut Output,
    ) {
        let keep_alive = follows.keep_alive && self.requests < REQUESTS_MAX;
        let reply = Reply { chunks: follows.chunks, keep_alive, without_content: method == Method::Head };
        if follows.expects_continue && follows.body != Framing::Length(0) {
            match outcome {
                Ok(_) => out.bytes.extend_from_slice(reply::CONTINUE),
                // It may send the body or not: only the end of the connection makes that certain.
                Err(failure) => return self.fail(failure, out),
            }
        }
        let body = (method == Method::Post && outcome.is_ok()).then(Vec::new);
        self.phase = Phase::Body { outcome, reply, decoder: Decoder::new(follows.body), body };
    }

    /// The request is complete: begins with the reply.
    fn answer(&mut self, service: &mut S, out: &mut Output) {
        let Phase::Body { outcome, reply, body, .. } = core::mem::replace(&mut self.phase, Phase::Head)
        else {
            return;
        };
        let body = body.unwrap_or_default();
        debug_assert!(body.len() <= BODY_MAX);
        let answer = outcome.and_then(|target| service.answer(target, &body));
        self.start_reply(answer.unwrap_or_else(Answer::from), reply, service, out);
    }

    /// Writes a reply's head and, if it is produced, the first piece of its content.
    fn start_reply(
        &mut self,
        mut answer: Answer<S::Content>,
        reply: Reply,
        service: &mut S,
        out: &mut Output,
    ) {
        let mut keep_alive = reply.keep_alive;
        let mut chunks = false;
        out.piece.clear();
        let length = match &mut answer.content {
            Content::Static(content) => Length::Known(content.len()),
            Content::Produced(content) => match service.produce(content, &mut out.piece) {
                // That was all.
                false => Length::Known(out.piece.len()),
                true if reply.chunks => Length::Chunks,
                true => {
                    keep_alive = false;
                    Length::UntilClose
                }
            },
        };
        reply::head(&answer, length, keep_alive, &mut out.bytes);
        let is_complete =
            matches!(length, Length::Known(_)) && matches!(answer.content, Content::Produced(_));
        if !reply.without_content {
            match length {
                Length::Chunks => {
                    chunks = true;
                    out.chunk_piece();
                }
                _ => out.bytes.extend_from_slice(&out.piece),
            }
        }
        let content = match answer.content {
            _ if reply.without_content || is_complete => Content::Static(&[]),
            content => content,
        };
        self.phase = Phase::Reply { content, reply: Reply { keep_alive, ..reply }, chunks };
    }

    /// Writes the next piece of the content, if there is any. `all_used`: nothing has arrived after the request.
    fn produce(&mut self, all_used: bool, service: &mut S, out: &mut Output) {
        let Phase::Reply { content, reply, chunks } = &mut self.phase else { return };
        let (reply, chunks) = (*reply, *chunks);
        let more = match content {
            Content::Static(rest) => {
                let (piece, after) = rest.split_at(PIECE.min(rest.len()));
                out.bytes.extend_from_slice(piece);
                *rest = after;
                !after.is_empty()
            }
            Content::Produced(content) => {
                out.piece.clear();
                let more = service.produce(content, &mut out.piece);
                match chunks {
                    true => out.chunk_piece(),
                    false => out.bytes.extend_from_slice(&out.piece),
                }
                if chunks && !more {
                    out.bytes.extend_from_slice(reply::LAST_CHUNK);
                }
                more
            }
        };
        if !more {
            self.replied(reply, all_used);
        }
    }

    /// The reply is complete.
    fn replied(&mut self, reply: Reply, all_used: bool) {
        self.phase = match reply.keep_alive {
            true => Phase::Head,
            // Closing with something unread would reset the connection, and the client might lose the reply.
            false if all_used => Phase::Over,
            false => Phase::Lingering { discarded: 0 },
        };
    }

    /// Says what is wrong with the request, and that this was the last.
    fn fail(&mut self, failure: Failure, out: &mut Output) {
        let answer = Answer::<S::Content>::from(failure);
        reply::head(&answer, Length::Known(failure.document.len()), false, &mut out.bytes);
        out.bytes.extend_from_slice(failure.document.as_bytes());
        self.input = Vec::new();
        self.phase = Phase::Lingering { discarded: 0 };
    }
}
