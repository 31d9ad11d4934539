//! What happened, message by message, in a form that people read.
//!
//! Messages are kept as they are and turned into text only when somebody asks. A line stands where its message was
//! sent; a call's answer is added to its line. Everything in it is the same in every run with the same seed.

use crate::decode::{Decoder, LENDS_SHOWN};
use crate::interfaces::{Interfaces, Payload};
use crate::machine::{Outcome, Place};
use abi::{Error, MessageInfo, Syscall, TaskId, TaskIndex, kind};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// Most lines that are kept; older ones are dropped.
const MAX_LINES: usize = 1 << 15;

/// A message's content.
#[derive(Clone)]
pub(crate) struct Content {
    info: MessageInfo,
    /// As many words as the message has.
    words: Vec<u64>,
    lends: Vec<Vec<u8>>,
}

impl Content {
    fn new(info: usize, payload: &Payload, lends: Vec<Vec<u8>>) -> Self {
        let info = MessageInfo::from_raw(info).unwrap_or(MessageInfo::new(0, 0));
        Self { info, words: payload.get(..info.words()).unwrap_or(payload).to_vec(), lends }
    }

    fn payload(&self) -> Payload {
        std::array::from_fn(|index| self.words.get(index).copied().unwrap_or(0))
    }
}

/// What a line is about.
enum Line {
    Call {
        sender: TaskId,
        to: usize,
        request: Content,
        answer: Option<Result<Content, Error>>,
    },
    Send {
        sender: TaskId,
        to: usize,
        message: Content,
        failed: Option<Error>,
    },
    Notify {
        sender: TaskId,
        to: usize,
        bits: usize,
        failed: Option<Error>,
    },
    /// The kernel tells a task about another.
    Told {
        about: TaskId,
        to: TaskId,
        message: Content,
    },
    Notified {
        to: TaskId,
        bits: usize,
    },
    Event(String),
}

/// The trace of a run.
#[derive(Default)]
pub(crate) struct Trace {
    lines: VecDeque<(u64, Line)>,
    /// How many lines were dropped.
    dropped: usize,
    /// For each task, the number of the line of the system call that it is in.
    open: BTreeMap<TaskIndex, usize>,
    names: BTreeMap<TaskId, String>,
    ids: BTreeMap<TaskIndex, TaskId>,
}

impl Trace {
    /// A task was made.
    pub(crate) fn made(&mut self, task: TaskId, name: &str) {
        self.names.insert(task, name.to_string());
        self.ids.insert(task.index(), task);
    }

    /// Something that is no message.
    pub(crate) fn event(&mut self, now: u64, text: String) {
        self.push(now, Line::Event(text));
    }

    /// The name of a task.
    pub(crate) fn name(&self, task: TaskId) -> String {
        self.names.get(&task).cloned().unwrap_or_else(|| format!("task {task}"))
    }

    /// A task makes a call that sends something; `payload` and its place are as they are then.
    pub(crate) fn called(&mut self, now: u64, sender: TaskId, place: &Place, payload: &Payload) {
        let [to, word, ..] = place.request.arguments;
        let content = || Content::new(word, payload, shown(place));
        let from = sender.index();
        let line = match place.request.number {
            number if number == Syscall::Call as usize => {
                Line::Call { sender, to, request: content(), answer: None }
            }
            number if number == Syscall::Send as usize => {
                Line::Send { sender, to, message: content(), failed: None }
            }
            number if number == Syscall::Notify as usize => {
                Line::Notify { sender, to, bits: word, failed: None }
            }
            _ => return,
        };
        let number = self.push(now, line);
        self.open.insert(from, number);
    }

    /// A system call of `task` returns, or a message arrives with it.
    pub(crate) fn returned(
        &mut self,
        now: u64,
        task: TaskIndex,
        place: &Place,
        from_kernel: bool,
        outcome: &Outcome,
        payload: &Payload,
    ) {
        let content = |lends| Content::new(outcome.info, payload, lends);
        if let Some(number) = self.open.remove(&task) {
            let line = number.checked_sub(self.dropped).and_then(|index| self.lines.get_mut(index));
            match line.map(|(_, line)| line) {
                Some(Line::Call { answer, .. }) => {
                    *answer = Some(outcome.result.map(|_| content(shown(place))));
                }
                Some(Line::Send { failed, .. } | Line::Notify { failed, .. }) => {
                    *failed = outcome.result.err()
                }
                _ => {}
            }
            return;
        }
        let Some(&to) = self.ids.get(&task).filter(|_| from_kernel) else { return };
        self.push(
            now,
            match outcome.sender {
                Some(about) => Line::Told { about, to, message: content(Vec::new()) },
                None => Line::Notified { to, bits: payload[0] as usize },
            },
        );
    }

    fn push(&mut self, now: u64, line: Line) -> usize {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back((now, line));
        self.dropped + self.lines.len() - 1
    }

    /// The last `count` lines as text.
    pub(crate) fn text(&self, count: usize) -> String {
        let name_of = |task: TaskId| self.name(task);
        let decoder = Decoder::new(Interfaces::of_workspace(), &name_of);
        let mut text = String::new();
        let skipped = self.lines.len().saturating_sub(count);
        // Writing to a `String` cannot fail.
        if self.dropped + skipped > 0 {
            let _ = writeln!(text, "({} earlier lines)", self.dropped + skipped);
        }
        for (now, line) in self.lines.iter().skip(skipped) {
            let (milliseconds, microseconds) = (now / 1_000_000, now / 1000 % 1000);
            let _ = writeln!(text, "{milliseconds:>6}.{microseconds:03}  {}", self.line(&decoder, line));
        }
        text
    }

    fn line(&self, decoder: &Decoder<'_>, line: &Line) -> String {
        let name = |task: TaskId| self.name(task);
        let raw_name = |raw: usize| TaskId::from_raw(raw).map_or_else(|| format!("task {raw:#x}"), name);
        let request = |content: &Content| decoder.request(content.info, &content.payload(), &content.lends);
        let bits = |bits: usize| {
            let payload = std::array::from_fn(|word| if word == 0 { bits as u64 } else { 0 });
            decoder.request(MessageInfo::new(kind::NOTIFICATIONS, 1), &payload, &[])
        };
        match line {
            Line::Call { sender, to, request: asked, answer } => {
                let answered = match answer {
                    None => "(no answer yet)".to_string(),
                    Some(Err(error)) => format!("error: {error}"),
                    Some(Ok(reply)) => {
                        decoder.reply(asked.info.kind(), reply.info, &reply.payload(), &reply.lends)
                    }
                };
                let (server, asked) = (raw_name(*to), request(asked));
                // The interface mostly has the server's name.
                let to = if asked.starts_with(&format!("{server}.")) { String::new() } else { server + ": " };
                format!("{} → {to}{asked} → {answered}", name(*sender))
            }
            Line::Send { sender, to, message, failed } => {
                format!("{} → {}: {}{}", name(*sender), raw_name(*to), request(message), failure(failed))
            }
            Line::Notify { sender, to, bits: set, failed } => {
                format!("{} → {}: {}{}", name(*sender), raw_name(*to), bits(*set), failure(failed))
            }
            Line::Told { about, to, message } => {
                format!("kernel → {}: {} {}", name(*to), name(*about), request(message))
            }
            Line::Notified { to, bits: set } => format!("kernel → {}: {}", name(*to), bits(*set)),
            Line::Event(text) => format!("* {text}"),
        }
    }
}

fn failure(failed: &Option<Error>) -> String {
    failed.as_ref().map_or_else(String::new, |error| format!(" → error: {error}"))
}

/// What a task lends, as much of it as is shown.
fn shown(place: &Place) -> Vec<Vec<u8>> {
    let buffers = place.space.buffers.iter();
    buffers.map(|buffer| buffer.bytes.iter().take(LENDS_SHOWN).copied().collect()).collect()
}
