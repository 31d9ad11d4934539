//! Messages as people read them: `fs.open(path="/a")`, `handle 3`, `error: not found`.
//!
//! Relies on the interfaces for layouts and names. The same message always gives the same text; nothing of the host
//! (addresses, threads) gets into it, and no message, however malformed, makes it panic.

mod kernel;
mod values;

use crate::interfaces::{Interfaces, Payload, get};
use abi::{Error, MessageInfo, TaskId, kind};
use idl::model::{Field, Message, Namespace, Type};

/// Bytes of each lend that are looked at; nobody needs to keep more for a decoder. Of lends that are longer and no
/// text, only the length is shown.
pub const LENDS_SHOWN: usize = 256;
/// Elements of an array that are shown.
const ARRAY_SHOWN: usize = 8;

/// Decodes messages of some interfaces.
#[derive(Clone, Copy)]
pub struct Decoder<'a> {
    interfaces: &'a Interfaces,
    /// What a task is called.
    name_of: &'a dyn Fn(TaskId) -> String,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Request,
    Reply,
}

impl<'a> Decoder<'a> {
    /// A decoder that calls tasks what `name_of` says.
    pub fn new(interfaces: &'a Interfaces, name_of: &'a dyn Fn(TaskId) -> String) -> Self {
        Self { interfaces, name_of }
    }

    /// A message as it was sent. `lends` is the content of each lend, as far as it can be read, or its first
    /// [`LENDS_SHOWN`] bytes; those that the receiver is to write are not looked at.
    pub fn request(&self, info: MessageInfo, payload: &Payload, lends: &[Vec<u8>]) -> String {
        if let Err(error) = info.as_error() {
            return format!("message with an error ({})", error_name(error));
        }
        let Some((namespace, message)) = self.interfaces.message(info.kind()) else {
            return kernel::request(info, payload);
        };
        let inside = match misshapen(info, message) {
            Some(defect) => format!("malformed: {defect}"),
            None => self.fields(namespace, &message.arguments, payload, lends, Side::Request),
        };
        format!("{}.{}({inside})", namespace.name, message.name)
    }

    /// The reply to the message with the number `request`; `lends_after` as in [`Decoder::request`], after the server
    /// has written to it. For what has no reply values it is `ok`.
    pub fn reply(
        &self,
        request: u16,
        info: MessageInfo,
        payload: &Payload,
        lends_after: &[Vec<u8>],
    ) -> String {
        if let Err(error) = info.as_error() {
            return format!("error: {}", error_name(error));
        }
        if request == kind::ASYNC_PULL {
            return self.request(info, payload, &[]);
        }
        let Some((namespace, message)) = self.interfaces.message(request) else {
            return kernel::reply(request, info);
        };
        let words = message.reply.words();
        match (info.kind() == request, info.words() == words) {
            (false, _) => format!("malformed: message {} instead of {request}", info.kind()),
            (_, false) => format!("malformed: {} of {}", count(info.words(), "word"), words),
            _ if message.replies.is_empty() => "ok".into(),
            _ => self.fields(namespace, &message.replies, payload, lends_after, Side::Reply),
        }
    }

    fn fields(
        &self,
        namespace: &Namespace,
        fields: &[Field],
        payload: &Payload,
        lends: &[Vec<u8>],
        side: Side,
    ) -> String {
        let between = if side == Side::Request { '=' } else { ' ' };
        let field = |field: &Field| {
            let value = self.value(namespace, field, payload, lends);
            format!("{}{between}{value}", field.name)
        };
        fields.iter().map(field).collect::<Vec<_>>().join(", ")
    }

    fn value(&self, namespace: &Namespace, field: &Field, payload: &Payload, lends: &[Vec<u8>]) -> String {
        let scalar = |scalar: &idl::model::Scalar, index: usize| {
            let raw = get(payload, field.offset + index * scalar.size(), scalar.size());
            match (self.interfaces.enum_of(namespace, scalar), scalar) {
                (Some(definition), _) => values::member(definition, raw),
                (None, idl::model::Scalar::Builtin(builtin)) => values::builtin(builtin, raw, self.name_of),
                (None, idl::model::Scalar::Enum { .. }) => raw.to_string(),
            }
        };
        match &field.ty {
            Type::Scalar(element) => scalar(element, 0),
            Type::Array(element, length) => {
                let shown = (0..*length.min(&ARRAY_SHOWN)).map(|index| scalar(element, index));
                let shown = shown.collect::<Vec<_>>().join(", ");
                if *length > ARRAY_SHOWN {
                    format!("[{shown}, …] ({length})")
                } else {
                    format!("[{shown}]")
                }
            }
            Type::Str | Type::Bytes => {
                let length = get(payload, field.offset, 4) as usize;
                let content = field.lend.and_then(|lend| lends.get(lend)).map_or(&[][..], Vec::as_slice);
                values::lent(content, length)
            }
        }
    }
}

/// What a request's info word has that its interface does not say.
fn misshapen(info: MessageInfo, message: &Message) -> Option<String> {
    let words = message.request.words();
    if info.words() != words {
        return Some(format!("{} of {words}", count(info.words(), "word")));
    }
    let lends: Vec<bool> = message.lends().map(|(_, writable)| writable).collect();
    if info.lends() != lends.len() {
        return Some(format!("{} of {}", count(info.lends(), "lend"), lends.len()));
    }
    let expected = lends.into_iter().chain(std::iter::repeat(false));
    let wrong =
        (0..abi::MAX_LENDS).zip(expected).find(|&(index, writable)| info.is_writable(index) != writable)?;
    Some(format!("lend {} is {}", wrong.0, if wrong.1 { "read-only" } else { "writable" }))
}

/// `1 word`, `2 words`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The error's name in words: `not found`.
fn error_name(error: Error) -> String {
    let mut name = String::new();
    for letter in format!("{error:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push(' ');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests;
