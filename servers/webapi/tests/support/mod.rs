//! A service to test HTTP with, and a client that takes replies apart.
#![allow(dead_code, reason = "not every test uses all of it")]

use webapi::failure;
use webapi::http::{
    Answer, Connection, Content, Failure, Head, Method, Output, PIECE, Service, Stage, Status,
};

pub const STATIC: &[u8] = &[b's'; 20_000];

/// The content of `/long`.
pub fn long() -> Vec<u8> {
    (0..30_000_u32).map(|number| b'a' + (number % 26) as u8).collect()
}

const NOT_FOUND: Failure = failure!(NotFound, "not here");
const ONLY_GET: Failure = failure!(MethodNotAllowed, "only GET", "Allow: GET, HEAD\r\n");
const ONLY_POST: Failure = failure!(MethodNotAllowed, "only POST", "Allow: POST\r\n");

/// Answers with small, long and static content, and with the body of the request.
#[derive(Default)]
pub struct Sample {
    echoed: Vec<u8>,
}

pub enum Target {
    Static,
    Produced(usize),
    Echo,
}

pub enum Made {
    Letters { from: usize, to: usize },
    Echo,
}

impl Service for Sample {
    type Target = Target;
    type Content = Made;

    fn route(&mut self, head: &Head<'_>) -> Result<Target, Failure> {
        let target = match head.path {
            "/static" => Target::Static,
            "/small" => Target::Produced(5),
            "/long" => Target::Produced(long().len()),
            "/echo" if head.method == Method::Post => return Ok(Target::Echo),
            "/echo" => return Err(ONLY_POST),
            _ => return Err(NOT_FOUND),
        };
        if matches!(head.method, Method::Get | Method::Head) { Ok(target) } else { Err(ONLY_GET) }
    }

    fn answer(&mut self, target: Target, body: &[u8]) -> Result<Answer<Made>, Failure> {
        let content = match target {
            Target::Static => Content::Static(STATIC),
            Target::Produced(to) => Content::Produced(Made::Letters { from: 0, to }),
            Target::Echo => {
                self.echoed = body.to_vec();
                Content::Produced(Made::Echo)
            }
        };
        Ok(Answer { status: Status::Ok, fields: "Content-Type: text/plain\r\n", content })
    }

    fn produce(&mut self, content: &mut Made, piece: &mut Vec<u8>) -> bool {
        match content {
            Made::Echo => {
                let rest = self.echoed.split_off(self.echoed.len().min(PIECE));
                piece.extend(core::mem::replace(&mut self.echoed, rest));
                !self.echoed.is_empty()
            }
            Made::Letters { from, to } => {
                let end = (*from + 7000).min(*to);
                piece.extend_from_slice(&long()[*from..end]);
                *from = end;
                end < *to
            }
        }
    }
}

/// A client, and the loop that moves bytes between it and the connection.
pub struct Client {
    connection: Connection<Sample>,
    service: Sample,
    out: Output,
    waiting: Vec<u8>,
    /// All that was received.
    pub received: Vec<u8>,
    /// How much is received at once; 0: nothing, until it is more.
    pub limit: usize,
    ended: bool,
}

impl Client {
    pub fn new() -> Self {
        Self {
            connection: Connection::new(),
            service: Sample::default(),
            out: Output::default(),
            waiting: Vec::new(),
            received: Vec::new(),
            limit: usize::MAX,
            ended: false,
        }
    }

    pub fn stage(&self) -> Stage {
        self.connection.stage()
    }

    pub fn room(&self) -> usize {
        self.connection.room()
    }

    /// How many bytes the connection keeps.
    pub fn kept(&self) -> usize {
        self.connection.kept()
    }

    /// Sends bytes; they may wait on the way.
    pub fn send(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.go_on();
    }

    /// Sends no more.
    pub fn end(&mut self) {
        self.ended = true;
        self.go_on();
    }

    pub fn time_out(&mut self) {
        self.out.bytes.clear();
        self.connection.time_out(&mut self.out);
        self.connection.unsent(&self.out.bytes);
        self.go_on();
    }

    fn go_on(&mut self) {
        self.out.bytes.clear();
        loop {
            self.connection.proceed(&mut self.service, &mut self.out);
            if !self.out.bytes.is_empty() {
                let sent = self.limit.min(self.out.bytes.len());
                self.received.extend_from_slice(&self.out.bytes[..sent]);
                self.connection.unsent(&self.out.bytes[sent..]);
                self.out.bytes.clear();
                if sent == 0 {
                    return;
                }
                continue;
            }
            let count = self.connection.room().min(self.waiting.len());
            if count > 0 {
                let bytes: Vec<u8> = self.waiting.drain(..count).collect();
                self.connection.received(&bytes, &mut self.service, &mut self.out);
            } else if self.ended && self.waiting.is_empty() && self.connection.room() > 0 {
                self.connection.ended();
            } else {
                return;
            }
        }
    }
}

/// All that comes back for bytes that arrive as fast as they can.
pub fn sent_at_once(bytes: &[u8]) -> Vec<u8> {
    let mut client = Client::new();
    client.send(bytes);
    client.end();
    client.received
}

/// A reply, taken apart.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub content: Vec<u8>,
}

impl Reply {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The replies in a stream, but for interim ones. Panics unless they are HTTP; those to `HEAD` are not understood.
pub fn answers(mut bytes: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends") + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("heads are text");
        bytes = &bytes[end..];
        let (line, fields) = head.split_once("\r\n").expect("a line");
        let status = line.strip_prefix("HTTP/1.1 ").expect("a version")[..3].parse().expect("a status");
        if status == 100 {
            continue;
        }
        let fields = fields.trim_end().split("\r\n").map(|field| {
            let (name, value) = field.split_once(": ").expect("a field");
            (name.to_lowercase(), value.to_string())
        });
        let mut reply = Reply { status, fields: fields.collect(), content: Vec::new() };
        if reply.field("transfer-encoding").is_some() {
            loop {
                let line = bytes.windows(2).position(|window| window == b"\r\n").expect("a size");
                let size = std::str::from_utf8(&bytes[..line]).expect("digits");
                let size = usize::from_str_radix(size, 16).expect("digits");
                reply.content.extend_from_slice(&bytes[line + 2..line + 2 + size]);
                assert_eq!(&bytes[line + 2 + size..][..2], b"\r\n");
                bytes = &bytes[line + 4 + size..];
                if size == 0 {
                    break;
                }
            }
        } else {
            let length =
                reply.field("content-length").map_or(bytes.len(), |text| text.parse().expect("a number"));
            reply.content = bytes[..length].to_vec();
            bytes = &bytes[length..];
        }
        replies.push(reply);
    }
    replies
}
