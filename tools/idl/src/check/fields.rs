//! The fields of messages: their types, names and places.

use super::{Check, place, scope};
use crate::diagnostic::Diagnostic;
use crate::model::{Field, Layout, Literal, Type};
use crate::source::Span;
use crate::syntax::{self, Length, Path};

/// Names of types that are lent.
fn lent(path: &Path) -> Option<Type> {
    match (path.namespace.is_none(), path.name.value.as_str()) {
        (true, "str") => Some(Type::Str),
        (true, "bytes") => Some(Type::Bytes),
        _ => None,
    }
}

impl Type {
    /// Whether values are lent instead of copied into the message.
    pub fn is_lent(&self) -> bool {
        matches!(self, Type::Str | Type::Bytes)
    }
}

impl Check<'_> {
    /// The fields with their types, not yet placed; those with a type that does not exist are left out.
    pub(super) fn fields(&mut self, namespace: &str, fields: &[syntax::Field], what: &str) -> Vec<Field> {
        let mut result = Vec::new();
        for field in fields {
            self.snake(&field.name, what);
            if let Some(ty) = self.field_type(namespace, &field.ty) {
                result.push(Field {
                    name: field.name.value.clone(),
                    ty,
                    offset: 0,
                    lend: None,
                    capacity: None,
                });
            }
        }
        result
    }

    /// Reports names that are used twice in a message.
    pub(super) fn field_names(&mut self, item: &syntax::Message) {
        let all: Vec<&syntax::Field> = item.arguments.iter().chain(&item.replies).collect();
        for (index, field) in all.iter().enumerate() {
            let earlier = all.get(..index).unwrap_or_default();
            let Some(first) = earlier.iter().find(|other| other.name.value == field.name.value) else {
                continue;
            };
            let both_lent = index >= item.arguments.len() && !self.is_buffer(field) && !self.is_buffer(first);
            let across = index >= item.arguments.len()
                && item.arguments.iter().any(|argument| argument.name.value == field.name.value);
            if across && both_lent {
                continue; // an argument and a returned value may share a name
            }
            let message = format!("`{}` has two values called `{}`", item.name.value, field.name.value);
            let hint = match across {
                true => "the buffer for the reply is an argument in Rust: choose another name",
                false => "choose another name",
            };
            let error = Diagnostic::new(message, field.name.span, "the second one");
            self.errors.push(error.also(first.name.span, "the first one").hint(hint));
        }
    }

    fn is_buffer(&self, field: &syntax::Field) -> bool {
        matches!(&field.ty, syntax::Type::Named(path) if lent(path).is_some())
    }

    fn field_type(&mut self, namespace: &str, ty: &syntax::Type) -> Option<Type> {
        match ty {
            syntax::Type::Named(path) => match lent(path) {
                Some(ty) => Some(ty),
                None => self.scalar(namespace, path).map(Type::Scalar),
            },
            syntax::Type::Array { element, length, span } => {
                if let Some(ty) = lent(element) {
                    let name = &element.name.value;
                    let hint = match ty {
                        Type::Str => "pass one `str` with separators in it, or several arguments",
                        _ => "`bytes` alone is any number of bytes; `[uint8; N]` is a fixed number",
                    };
                    self.error(format!("an array of `{name}` cannot be sent"), element.span(), "", hint);
                    return None;
                }
                let length = self.length(namespace, length, *span);
                let element = self.scalar(namespace, element);
                Some(Type::Array(element?, length?))
            }
        }
    }

    /// The type of fixed size that a path means; reports if there is none.
    pub(super) fn scalar(&mut self, namespace: &str, path: &Path) -> Option<crate::model::Scalar> {
        match self.globals.scalar(namespace, path) {
            Ok(scalar) => Some(scalar),
            Err(error) => {
                match path.namespace.is_none() && scope::is_foreign(&path.name.value) {
                    true => self.errors.push(*error),
                    false => self.unless_partial(*error),
                }
                None
            }
        }
    }

    /// Reports a name that is not found, unless it may be in a part of the sources that is missing.
    pub(super) fn unless_partial(&mut self, error: Diagnostic) {
        if !self.globals.partial {
            self.errors.push(error);
        }
    }

    fn length(&mut self, namespace: &str, length: &Length, array: Span) -> Option<usize> {
        let (value, span) = match length {
            Length::Number(number) => (number.value, number.span),
            Length::Constant(path) => match self.globals.constant(namespace, path) {
                Ok(constant) => match constant.value.value {
                    Literal::Number(number) => (number, path.span()),
                    _ => {
                        let message = format!("the constant `{}` is not a number", path.name.value);
                        self.error(message, path.span(), "a length", "the length of an array is a number");
                        return None;
                    }
                },
                Err(error) => {
                    self.unless_partial(*error);
                    return None;
                }
            },
        };
        match usize::try_from(value) {
            Ok(length @ 1..=abi::PAYLOAD_BYTES) => Some(length),
            _ => {
                let message = format!("an array cannot have {value} elements");
                let hint = match value > 0 {
                    true => format!("a message has {} bytes; pass more as `bytes`", abi::PAYLOAD_BYTES),
                    false => "leave it out if there is nothing to send".into(),
                };
                self.errors.push(Diagnostic::new(message, span, "").also(array, "this array").hint(hint));
                None
            }
        }
    }

    /// Refuses text and bytes in messages that nobody waits for.
    pub(super) fn refuse_lends(&mut self, item: &syntax::Message, arguments: &[Field]) {
        for field in &item.arguments {
            let is_lent = |argument: &&Field| argument.name == field.name.value && argument.ty.is_lent();
            if arguments.iter().any(|argument| is_lent(&argument)) {
                let message = format!("the oneway message `{}` cannot lend memory", item.name.value);
                let hint = "the sender does not wait, so it could not keep the memory unchanged; \
                            make it an `rpc`, or let the receiver ask for the data";
                self.error(message, field.name.span, "text and bytes are lent", hint);
            }
        }
    }

    /// Places all fields and reports what does not fit.
    pub(super) fn lay_out(
        &mut self,
        item: &syntax::Message,
        arguments: &mut [Field],
        replies: &mut [Field],
    ) -> (Layout, Layout) {
        let (request, reply) = place(arguments, replies);
        let lends = arguments.iter().chain(replies.iter()).filter(|field| field.ty.is_lent()).count();
        let name = &item.name;
        if lends > abi::MAX_LENDS {
            let message = format!("`{}` lends {lends} regions of memory", name.value);
            let hint =
                format!("{} values of type `str` or `bytes` are possible in a message", abi::MAX_LENDS);
            self.error(message, name.span, "", hint);
        }
        for (layout, what) in [(&request, "request"), (&reply, "reply")] {
            if layout.bytes > abi::PAYLOAD_BYTES {
                let message = format!("the {what} of `{}` takes {} bytes", name.value, layout.bytes);
                let hint = format!("a message has {} bytes; pass more as `bytes`", abi::PAYLOAD_BYTES);
                self.error(message, name.span, "", hint);
            }
        }
        (request, reply)
    }
}
