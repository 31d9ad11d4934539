//! Numbers, constants, enums and reply structures.

use super::fields;
use super::out::Out;
use crate::model::{Const, Enum, Literal, Message, MessageKind, Namespace, Type};
use crate::names;

/// The link to what a message is in Rust, as seen from the module.
pub fn link(message: &Message) -> String {
    let name = names::identifier(&message.name);
    match message.kind {
        MessageKind::AsyncOneway => name,
        _ => format!("Client::{name}"),
    }
}

/// The name of a message's number.
pub fn number(message: &Message) -> String {
    format!("message::{}", message.name.to_uppercase())
}

/// The module of message numbers.
pub fn numbers(out: &mut Out, namespace: &Namespace) {
    if namespace.messages.is_empty() {
        return;
    }
    out.blank();
    out.line("/// The numbers of the messages.");
    out.open("pub mod message {");
    for message in &namespace.messages {
        let (link, name) = (link(message), message.name.to_uppercase());
        out.line(&format!("/// [`{link}`](super::{link})"));
        out.line(&format!("pub const {name}: u16 = {};", message.number));
    }
    out.close("}");
}

/// The constants.
pub fn constants(out: &mut Out, namespace: &Namespace) {
    for Const { docs, name, ty, value } in &namespace.consts {
        out.blank();
        out.docs(docs, || format!("The constant `{name}`."));
        let value = match value {
            Literal::Number(number) => number.to_string(),
            Literal::Bool(value) => value.to_string(),
            Literal::Char(value) => format!("{value:?}"),
            Literal::Text(value) => format!("{value:?}"),
        };
        let ty = ty.map_or("&str", |ty| ty.rust);
        out.line(&format!("pub const {name}: {ty} = {value};"));
    }
}

/// The enums, with conversions from and to their numbers.
pub fn enums(out: &mut Out, namespace: &Namespace) {
    for Enum { docs, name, members } in &namespace.enums {
        let rust = names::pascal(name);
        out.blank();
        out.docs(docs, || format!("The enum `{name}`."));
        out.line("#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]");
        out.line("#[repr(u32)]");
        out.open(&format!("pub enum {rust} {{"));
        for member in members {
            out.docs(&member.docs, || format!("`{}`", member.name));
            out.line(&format!("{} = {},", names::pascal(&member.name), member.value));
        }
        out.close("}");
        out.blank();
        out.open(&format!("impl From<{rust}> for u32 {{"));
        out.line("#[inline]");
        out.open(&format!("fn from(value: {rust}) -> u32 {{"));
        out.line("value as u32");
        out.close("}");
        out.close("}");
        out.blank();
        out.open(&format!("impl TryFrom<u32> for {rust} {{"));
        out.line("type Error = ipc::Error;");
        out.blank();
        out.line("/// The member with this value; `BadMessage` if there is none.");
        out.line("#[inline]");
        out.open("fn try_from(value: u32) -> Result<Self, ipc::Error> {");
        out.open("match value {");
        for member in members {
            out.line(&format!("{} => Ok(Self::{}),", member.value, names::pascal(&member.name)));
        }
        out.line("_ => Err(ipc::Error::BadMessage),");
        out.close("}");
        out.close("}");
        out.close("}");
    }
}

/// The structures of several reply values: what servers return, and what clients get if that is different.
pub fn replies(out: &mut Out, namespace: &Namespace) {
    for message in namespace.messages.iter().filter(|message| message.replies.len() > 1) {
        structure(out, message, &format!("{}Reply", names::pascal(&message.name)), false);
        if has_text(message) {
            structure(out, message, &format!("{}Result<'a>", names::pascal(&message.name)), true);
        }
    }
}

/// Whether clients get text of this message.
pub fn has_text(message: &Message) -> bool {
    message.replies.iter().any(|field| field.ty == Type::Str)
}

fn structure(out: &mut Out, message: &Message, rust: &str, with_text: bool) {
    let link = link(message);
    out.blank();
    out.line(&match with_text {
        true => format!("/// What [`{link}`] returns."),
        false => format!("/// What `{}` is answered with.", message.name),
    });
    out.line("#[derive(Clone, Copy, PartialEq, Eq, Debug)]");
    out.open(&format!("pub struct {rust} {{"));
    for field in &message.replies {
        let text = with_text && field.ty == Type::Str;
        out.line(&match (&field.ty, text) {
            (Type::Str | Type::Bytes, false) => format!("/// How many bytes of `{}` there are.", field.name),
            _ => format!("/// The value `{}`.", field.name),
        });
        let ty = if text { "&'a str".into() } else { fields::value(&field.ty) };
        out.line(&format!("pub {}: {ty},", names::identifier(&field.name)));
    }
    out.close("}");
}
