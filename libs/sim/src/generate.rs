//! Random messages for a server: well-formed calls of its interfaces, and messages with a known defect.
//!
//! Relies on the interfaces for what is well-formed. The same seed gives the same messages. It makes plain data and
//! sends nothing: whoever sends it puts the lends into memory, and looks at what [`Generated::expected`] says.

mod defect;
mod malform;
mod values;

pub use defect::{Defect, Expected};

use crate::interfaces::{Interfaces, Payload, get, put};
use abi::{MessageInfo, PAYLOAD_WORDS, TaskId};
use idl::model::{Field, Message, MessageKind, Namespace, Scalar, Type};
use std::collections::BTreeSet;

/// A message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generated {
    /// Its info word; says how many words and lends count.
    pub info: MessageInfo,
    /// Its payload.
    pub payload: Payload,
    /// The memory that it lends.
    pub lends: Vec<Lending>,
    /// What is wrong with it; `None` if it is well-formed.
    pub defect: Option<Defect>,
    /// What a correct server does with it, if that is determined. A well-formed message has no expectation.
    pub expected: Option<Expected>,
    /// Whether to call with it and wait for a reply, or else to send it.
    pub is_call: bool,
}

/// Memory that a message lends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lending {
    /// What is in the memory; for memory to write to, what is there before.
    pub bytes: Vec<u8>,
    /// The length in the lend record.
    pub claimed: usize,
    /// How many of `bytes` are really there: behind them, and at the start if there are none, no memory is mapped.
    pub readable: usize,
    /// Whether the info word lets the server write to it.
    pub writable: bool,
}

impl Lending {
    fn new(bytes: Vec<u8>, writable: bool) -> Self {
        Self { claimed: bytes.len(), readable: bytes.len(), writable, bytes }
    }
}

/// Makes messages for a server of some interfaces.
pub struct Generator<'a> {
    interfaces: &'a Interfaces,
    served: Vec<&'a Namespace>,
    left_out: Vec<Defect>,
    random: fastrand::Rng,
    /// Handles that replies have given, to this client and to others.
    own: BTreeSet<u32>,
    foreign: BTreeSet<u32>,
}

impl<'a> Generator<'a> {
    /// A generator for a server that serves exactly the interfaces `served`, of those in `interfaces`.
    pub fn new(interfaces: &'a Interfaces, served: &[&'a Namespace], seed: u64) -> Self {
        Self {
            interfaces,
            served: served.to_vec(),
            left_out: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            own: BTreeSet::new(),
            foreign: BTreeSet::new(),
        }
    }

    /// The same without these defects. For the sender's pager leave out [`Defect::ForgedFault`] and
    /// [`Defect::ForgedExit`]: it cannot tell them from the kernel's messages, and ends the sender.
    pub fn without(mut self, defects: &[Defect]) -> Self {
        self.left_out.extend_from_slice(defects);
        self
    }

    /// The next message, every second one malformed; tasks in it are `tasks`, or any if there are none.
    #[allow(clippy::should_implement_trait, reason = "it needs the tasks of the moment")]
    pub fn next(&mut self, tasks: &[TaskId]) -> Generated {
        if self.random.bool() { self.malformed(tasks) } else { self.well_formed(tasks) }
    }

    /// A well-formed message of one of the interfaces. (If they have none: a malformed one.)
    pub fn well_formed(&mut self, tasks: &[TaskId]) -> Generated {
        match self.pick(|_| true) {
            Some((namespace, message)) => self.message(namespace, message, tasks),
            None => self.malformed(tasks),
        }
    }

    /// A well-formed message of this kind.
    pub fn message(&mut self, namespace: &'a Namespace, message: &Message, tasks: &[TaskId]) -> Generated {
        let mut payload = [0; PAYLOAD_WORDS];
        for field in &message.arguments {
            let (scalar, count) = match &field.ty {
                Type::Scalar(scalar) => (scalar, 1),
                Type::Array(scalar, count) => (scalar, *count),
                Type::Str | Type::Bytes => continue,
            };
            for index in 0..count {
                let value = self.scalar(namespace, scalar, tasks);
                put(&mut payload, field.offset + index * scalar.size(), scalar.size(), value);
            }
        }
        let mut lends = Vec::new();
        for (field, writable) in message.lends() {
            let bytes = self.memory(namespace, field, writable);
            put(&mut payload, length_offset(field), 4, bytes.len() as u64);
            lends.push(Lending::new(bytes, writable));
        }
        Generated {
            info: info(message.number, message.request.words(), &lends),
            payload,
            lends,
            defect: None,
            expected: None,
            is_call: message.kind != MessageKind::Oneway,
        }
    }

    /// Learns the handles in `reply`, a successful reply to the message `request` of this client.
    pub fn learn(&mut self, request: u16, reply: &Payload) {
        let handles = self.handles(request, reply);
        self.own.extend(handles);
    }

    /// Learns the handles in a reply to another client, as foreign ones.
    pub fn learn_foreign(&mut self, request: u16, reply: &Payload) {
        let handles = self.handles(request, reply);
        self.foreign.extend(handles);
    }

    fn handles(&self, request: u16, reply: &Payload) -> Vec<u32> {
        let Some((_, message)) = self.interfaces.message(request) else { return Vec::new() };
        let places = message.replies.iter().flat_map(|field| scalars(field, is_handle));
        places.map(|(offset, size)| get(reply, offset, size) as u32).collect()
    }

    /// One of the messages that the server receives and `accept` accepts.
    fn pick(&mut self, accept: impl Fn(&Message) -> bool) -> Option<(&'a Namespace, &'a Message)> {
        let messages = self.served.iter().flat_map(|namespace| {
            let messages = namespace.to_server().filter(|message| accept(message));
            messages.map(|message| (*namespace, message))
        });
        let messages: Vec<_> = messages.collect();
        self.random.choice(messages)
    }
}

/// The info word of a message that lends `lends`.
fn info(number: u16, words: usize, lends: &[Lending]) -> MessageInfo {
    let writable = lends.iter().enumerate().map(|(index, lend)| u32::from(lend.writable) << index).sum();
    MessageInfo::new(number, words).with_lends(lends.len(), writable)
}

/// Where in the request the length of a lent field is, or the capacity for it.
fn length_offset(field: &Field) -> usize {
    field.capacity.unwrap_or(field.offset)
}

/// Offsets and sizes of the values of a field, if their type is one that `accept` accepts.
fn scalars(field: &Field, accept: impl Fn(&Scalar) -> bool) -> Vec<(usize, usize)> {
    let (scalar, count) = match &field.ty {
        Type::Scalar(scalar) => (scalar, 1),
        Type::Array(scalar, count) => (scalar, *count),
        Type::Str | Type::Bytes => return Vec::new(),
    };
    let count = if accept(scalar) { count } else { 0 };
    (0..count).map(|index| (field.offset + index * scalar.size(), scalar.size())).collect()
}

fn is_handle(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Builtin(builtin) if builtin.name == "handle")
}

#[cfg(test)]
mod tests;
