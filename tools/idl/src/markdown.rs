//! The Markdown backend: the reference of all interfaces, for people.
//!
//! Each message is shown with its declaration, its documentation, and where its values are in the payload.

use crate::model::{Const, Enum, Field, Interfaces, Literal, Message, MessageKind, Namespace, Scalar, Type};
use std::fmt::Write;

/// The reference.
pub fn generate(interfaces: &Interfaces) -> String {
    let mut text = String::from(
        "# Interfaces\n\nGenerated from the `.idl` files by the `idl` command; do not edit. The language is described in \
         [idl.md](idl.md).\n\n| interface | messages | about |\n|---|---|---|\n",
    );
    for namespace in &interfaces.namespaces {
        let name = &namespace.name;
        let about = namespace.docs.first().map_or("", String::as_str).replace('|', "\\|");
        line(&mut text, format_args!("| [`{name}`](#{name}) | {} | {about} |", namespace.messages.len()));
    }
    for namespace in &interfaces.namespaces {
        interface(&mut text, namespace);
    }
    text
}

/// Adds a line. Writing to a string cannot fail.
fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
    text.push('\n');
}

/// Adds documentation, if there is any.
fn docs(text: &mut String, lines: &[String]) {
    if !lines.is_empty() {
        line(text, format_args!("{}\n", lines.join("\n")));
    }
}

fn interface(text: &mut String, namespace: &Namespace) {
    line(text, format_args!("\n## {}\n", namespace.name));
    docs(text, &namespace.docs);
    constants(text, &namespace.consts);
    for item in &namespace.enums {
        enumeration(text, item);
    }
    for item in &namespace.messages {
        message(text, item);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn constants(text: &mut String, consts: &[Const]) {
    if consts.is_empty() {
        return;
    }
    line(text, format_args!("| constant | type | value | about |\n|---|---|---|---|"));
    for Const { docs, name, ty, value } in consts {
        let value = match value {
            Literal::Number(number) => number.to_string(),
            Literal::Bool(value) => value.to_string(),
            Literal::Char(value) => format!("{value:?}"),
            Literal::Text(value) => format!("{value:?}"),
        };
        let ty = ty.map_or("str", |ty| ty.name);
        let cells = [value.as_str(), &docs.join(" ")].map(|cell| cell.replace('|', "\\|"));
        line(text, format_args!("| `{name}` | `{ty}` | `{}` | {} |", cells[0], cells[1]));
    }
    text.push('\n');
}

fn enumeration(text: &mut String, item: &Enum) {
    line(text, format_args!("### enum {}\n", item.name));
    docs(text, &item.docs);
    line(text, format_args!("| member | value | about |\n|---|---|---|"));
    for member in &item.members {
        let about = member.docs.join(" ").replace('|', "\\|");
        line(text, format_args!("| `{}` | {} | {about} |", member.name, member.value));
    }
    text.push('\n');
}

fn message(text: &mut String, message: &Message) {
    line(text, format_args!("### {}\n", message.name));
    let keyword = match message.kind {
        MessageKind::Rpc => "rpc",
        MessageKind::DeferredRpc => "deferred rpc",
        MessageKind::Oneway => "oneway",
        MessageKind::AsyncOneway => "async oneway",
    };
    let arguments = declarations(&message.arguments);
    let replies = match message.replies.is_empty() {
        true => String::new(),
        false => format!(" -> ({})", declarations(&message.replies)),
    };
    line(text, format_args!("```\n{keyword} {}({arguments}){replies};\n```\n", message.name));
    docs(text, &message.docs);
    let waits = match message.kind {
        MessageKind::Rpc => "The caller waits for the reply.",
        MessageKind::DeferredRpc => "The caller waits for the reply; the server serves others meanwhile.",
        MessageKind::Oneway => "The sender waits until the server receives it; there is no reply.",
        MessageKind::AsyncOneway => "The server queues it and notifies the receiver, which pulls it.",
    };
    line(text, format_args!("Number {}. {waits}\n", message.number));
    if message.arguments.is_empty() && message.replies.is_empty() {
        return;
    }
    line(text, format_args!("| value | type | where |\n|---|---|---|"));
    for field in &message.arguments {
        row(text, field, "request");
    }
    for field in &message.replies {
        row(text, field, "reply");
    }
    text.push('\n');
}

fn row(text: &mut String, field: &Field, part: &str) {
    let (name, ty, offset) = (&field.name, type_name(&field.ty), field.offset);
    let place = match (field.lend, field.capacity) {
        (Some(lend), Some(capacity)) => {
            format!("lend {lend}; capacity at request byte {capacity}, length at reply byte {offset}")
        }
        (Some(lend), None) => format!("lend {lend}; length at request byte {offset}"),
        _ => format!("{part} byte {offset}"),
    };
    line(text, format_args!("| `{name}` | `{ty}` | {place} |"));
}

fn declarations(fields: &[Field]) -> String {
    let declaration = |field: &Field| format!("{}: {}", field.name, type_name(&field.ty));
    fields.iter().map(declaration).collect::<Vec<_>>().join(", ")
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar_name(scalar),
        Type::Array(scalar, length) => format!("[{}; {length}]", scalar_name(scalar)),
        Type::Str => "str".into(),
        Type::Bytes => "bytes".into(),
    }
}

fn scalar_name(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Builtin(builtin) => builtin.name.into(),
        Scalar::Enum { namespace: None, name } => name.clone(),
        Scalar::Enum { namespace: Some(namespace), name } => format!("{namespace}::{name}"),
    }
}
