//! From syntax trees to the [`model`](crate::model): resolves names, numbers the messages, lays out the payloads, and
//! refuses what cannot work.
//!
//! Reports every error it finds. If files could not be parsed whole (`partial`), names that are not found are not
//! reported: they may be in the part that is missing.

mod fields;
mod scope;

use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::model::{
    Builtin, Const, Enum, Field, Interfaces, Layout, Literal, Member, Message, MessageKind, Namespace,
    Scalar, Type,
};
use crate::names;
use crate::source::{Span, Spanned};
use crate::syntax::{self, Item};
use scope::{Globals, RustNames};

/// Checks all namespaces; the result is of use only if no error was added.
pub fn check(loaded: &[Loaded], partial: bool, errors: &mut Vec<Diagnostic>) -> Interfaces {
    let globals = Globals::collect(loaded, partial, errors);
    let mut check = Check { globals, errors, number: usize::from(abi::kind::FIRST_INTERFACE) };
    let namespaces = loaded.iter().map(|loaded| check.namespace(loaded)).collect();
    Interfaces { namespaces }
}

struct Check<'a> {
    globals: Globals<'a>,
    errors: &'a mut Vec<Diagnostic>,
    number: usize,
}

impl Check<'_> {
    fn error(&mut self, message: impl Into<String>, span: Span, label: &str, hint: impl Into<String>) {
        self.errors.push(Diagnostic::new(message, span, label).hint(hint));
    }

    fn namespace(&mut self, loaded: &Loaded) -> Namespace {
        let syntax::Namespace { docs, name, items } = &loaded.namespace;
        self.namespace_name(name);
        if items.is_empty() && !self.globals.partial {
            let message = format!("the namespace `{}` is empty", name.value);
            self.error(message, name.span, "", "add a message, an enum or a constant, or remove it");
        }
        let mut result = Namespace {
            docs: docs.clone(),
            name: name.value.clone(),
            path: loaded.path.clone(),
            messages: Vec::new(),
            enums: Vec::new(),
            consts: Vec::new(),
        };
        let mut rust = RustNames::new();
        for item in items {
            match item {
                Item::Message(message) => {
                    let message = self.message(&name.value, message, &mut rust);
                    result.messages.push(message);
                }
                Item::Enum(item) => result.enums.push(self.enumeration(item, &mut rust)),
                Item::Const(item) => result.consts.extend(self.constant(&name.value, item)),
            }
        }
        result
    }

    fn namespace_name(&mut self, name: &Spanned<String>) {
        self.snake(name, "namespace");
        if ["core", "std", "alloc", "ipc", "abi"].contains(&name.value.as_str()) {
            let message = format!("a namespace cannot be called `{}`", name.value);
            self.error(message, name.span, "a crate has this name", "choose another name");
        }
    }

    /// Reports a name that is not spelled `like_this`, or that Rust cannot use.
    fn snake(&mut self, name: &Spanned<String>, what: &str) {
        if names::is_impossible(&name.value) {
            let message = format!("the {what} cannot be called `{}`", name.value);
            self.error(message, name.span, "reserved in Rust", "choose another name");
        } else if !names::is_snake(&name.value) {
            let message = format!("the name of the {what} `{}` is not in lower case", name.value);
            self.error(message, name.span, "", format!("write `{}`", names::snake(&name.value)));
        }
    }

    /// Reports a name that is not spelled `LIKE_THIS`.
    fn upper(&mut self, name: &Spanned<String>, what: &str) {
        if !names::is_upper(&name.value) {
            let message = format!("the name of the {what} `{}` is not in upper case", name.value);
            self.error(
                message,
                name.span,
                "",
                format!("write `{}`", names::snake(&name.value).to_uppercase()),
            );
        }
    }

    fn message(&mut self, namespace: &str, item: &syntax::Message, rust: &mut RustNames) -> Message {
        self.snake(&item.name, "message");
        let number = self.next_number(&item.name);
        let oneway = matches!(item.kind, MessageKind::Oneway | MessageKind::AsyncOneway);
        if let (true, Some(span)) = (oneway, item.reply_span) {
            let message = format!("the oneway message `{}` has replies", item.name.value);
            self.error(message, span, "nobody waits for them", "remove them, or make it an `rpc`");
        }
        let mut arguments = self.fields(namespace, &item.arguments, "argument");
        let mut replies = self.fields(namespace, &item.replies, "reply");
        self.field_names(item);
        if oneway {
            self.refuse_lends(item, &arguments);
        }
        let (request, reply) = self.lay_out(item, &mut arguments, &mut replies);
        let message = Message {
            docs: item.docs.clone(),
            kind: item.kind,
            name: item.name.value.clone(),
            number,
            arguments,
            replies,
            request,
            reply,
        };
        rust.message(&message, item.name.span, self.errors);
        message
    }

    fn next_number(&mut self, name: &Spanned<String>) -> u16 {
        let number = u16::try_from(self.number).unwrap_or_else(|_| {
            if self.number == usize::from(u16::MAX) + 1 {
                self.error("there are too many messages", name.span, "", "65504 in all are possible");
            }
            u16::MAX
        });
        self.number += 1;
        number
    }

    fn enumeration(&mut self, item: &syntax::Enum, rust: &mut RustNames) -> Enum {
        self.snake(&item.name, "enum");
        if self.globals.is_type(&item.name.value) {
            let message = format!("an enum cannot be called `{}`", item.name.value);
            self.error(message, item.name.span, "a type of the language", "choose another name");
        }
        rust.enumeration(&item.name, self.errors);
        if item.members.is_empty() && !self.globals.partial {
            let message = format!("the enum `{}` has no members", item.name.value);
            self.error(message, item.name.span, "", "add a member: `FILE = 1`");
        }
        let mut members: Vec<Member> = Vec::new();
        for (index, member) in item.members.iter().enumerate() {
            self.upper(&member.name, "member");
            let earlier = item.members.get(..index).unwrap_or_default();
            if let Some(value) = self.member(item, member, earlier) {
                members.push(Member { docs: member.docs.clone(), name: member.name.value.clone(), value });
            }
        }
        Enum { docs: item.docs.clone(), name: item.name.value.clone(), members }
    }

    fn member(
        &mut self,
        item: &syntax::Enum,
        member: &syntax::Member,
        earlier: &[syntax::Member],
    ) -> Option<u32> {
        let rust_name = names::pascal(&member.name.value);
        if let Some(first) = earlier.iter().find(|other| names::pascal(&other.name.value) == rust_name) {
            let message = match first.name.value == member.name.value {
                true => format!("the member `{}` is defined twice", member.name.value),
                false => format!(
                    "the members `{}` and `{}` are both `{rust_name}` in Rust",
                    first.name.value, member.name.value
                ),
            };
            let error = Diagnostic::new(message, member.name.span, "the second time");
            self.errors.push(error.also(first.name.span, "the first time").hint("choose another name"));
        }
        if names::is_impossible(&rust_name) {
            let message = format!("a member cannot be called `{}`", member.name.value);
            self.error(message, member.name.span, "reserved in Rust", "choose another name");
        }
        if let Some(first) = earlier.iter().find(|other| other.value.value == member.value.value) {
            let message =
                format!("two members of `{}` have the value {}", item.name.value, member.value.value);
            let error = Diagnostic::new(message, member.value.span, "the second time");
            self.errors.push(error.also(first.value.span, "the first time").hint("give each its own value"));
        }
        let value = u32::try_from(member.value.value).ok();
        if value.is_none() {
            let message = format!("the value {} is out of range", member.value.value);
            self.error(message, member.value.span, "", "members have values from 0 to 4294967295");
        }
        value
    }

    fn constant(&mut self, namespace: &str, item: &syntax::Const) -> Option<Const> {
        self.upper(&item.name, "constant");
        if item.name.value == "NAME" {
            let hint = "`NAME` is generated: the name of the namespace; choose another name";
            self.error("a constant cannot be called `NAME`", item.name.span, "", hint);
        }
        let ty = self.constant_type(namespace, item)?;
        let wanted = match (ty.map(|ty| (ty, ty.name)), &item.value.value) {
            (None, Literal::Text(_)) => None,
            (None, _) => Some("text, like \"name\"".to_owned()),
            (Some((_, "bool")), Literal::Bool(_)) | (Some((_, "char")), Literal::Char(_)) => None,
            (Some((_, "bool")), _) => Some("`true` or `false`".to_owned()),
            (Some((_, "char")), _) => Some("a character, like 'a'".to_owned()),
            (Some((ty, _)), Literal::Number(number)) => {
                let (least, greatest) = ty.wire.range();
                let fits = (least..=greatest).contains(number);
                (!fits).then(|| format!("a number from {least} to {greatest}"))
            }
            (Some(_), _) => Some("a number".to_owned()),
        };
        if let Some(wanted) = wanted {
            let name = ty.map_or("str", |ty| ty.name);
            let message = format!("the value of `{}` does not fit its type `{name}`", item.name.value);
            self.error(message, item.value.span, "", format!("`{name}` holds {wanted}"));
            return None;
        }
        let (docs, value) = (item.docs.clone(), item.value.value.clone());
        Some(Const { docs, name: item.name.value.clone(), ty, value })
    }

    /// The type of a constant; inner `None` for text, outer `None` if it is none that constants can have.
    fn constant_type(&mut self, namespace: &str, item: &syntax::Const) -> Option<Option<&'static Builtin>> {
        let span = match &item.ty {
            syntax::Type::Named(path) if path.namespace.is_none() && path.name.value == "str" => {
                return Some(None);
            }
            syntax::Type::Named(path) if path.namespace.is_none() && path.name.value == "bytes" => {
                path.span()
            }
            syntax::Type::Named(path) => match self.scalar(namespace, path)? {
                Scalar::Builtin(builtin) if !["task", "handle"].contains(&builtin.name) => {
                    return Some(Some(builtin));
                }
                _ => path.span(),
            },
            syntax::Type::Array { span, .. } => *span,
        };
        let message = format!("a constant cannot have this type: `{}`", item.name.value);
        self.error(message, span, "", "constants are numbers, `bool`, `char` or `str`");
        None
    }
}

/// What a field's type takes in the payload: size and number of elements.
fn footprint(ty: &Type) -> (usize, usize) {
    match ty {
        Type::Scalar(scalar) => (scalar.size(), 1),
        Type::Array(scalar, length) => (scalar.size(), *length),
        Type::Str | Type::Bytes => (4, 1),
    }
}

/// Places all fields, and returns the layouts of request and reply.
fn place(arguments: &mut [Field], replies: &mut [Field]) -> (Layout, Layout) {
    let (mut request, mut reply) = (Layout::default(), Layout::default());
    let mut lends = 0..;
    for field in arguments.iter_mut() {
        let (size, count) = footprint(&field.ty);
        field.offset = request.place(size, count);
        field.lend = field.ty.is_lent().then(|| lends.next()).flatten();
    }
    for field in replies.iter_mut() {
        let (size, count) = footprint(&field.ty);
        field.offset = reply.place(size, count);
        field.lend = field.ty.is_lent().then(|| lends.next()).flatten();
        field.capacity = field.ty.is_lent().then(|| request.place(4, 1));
    }
    request.finish();
    reply.finish();
    (request, reply)
}
