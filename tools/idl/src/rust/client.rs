//! The client: a function for each message that a server receives.

use super::data::{has_text, number};
use super::fields;
use super::out::Out;
use crate::model::{Field, Message, MessageKind, Namespace, Type};
use crate::names;

/// The client of a namespace, if its server receives messages.
pub fn client(out: &mut Out, namespace: &Namespace) {
    if namespace.to_server().next().is_none() {
        return;
    }
    out.blank();
    out.line(&format!("/// Calls a server of the interface `{}`.", namespace.name));
    out.line("#[derive(Clone, Copy, PartialEq, Eq, Debug)]");
    out.open("pub struct Client {");
    out.line("server: ipc::TaskId,");
    out.close("}");
    out.blank();
    out.open("impl Client {");
    out.line("/// A client of the task `server`.");
    out.line("#[inline]");
    out.open("pub const fn new(server: ipc::TaskId) -> Self {");
    out.line("Self { server }");
    out.close("}");
    out.blank();
    out.line("/// The task that is called.");
    out.line("#[inline]");
    out.open("pub const fn task(&self) -> ipc::TaskId {");
    out.line("self.server");
    out.close("}");
    for message in namespace.to_server() {
        out.blank();
        function(out, message);
    }
    out.close("}");
}

fn function(out: &mut Out, message: &Message) {
    docs(out, message);
    let lifetime = if has_text(message) { "<'a>" } else { "" };
    let mut parameters = vec!["&self".to_owned()];
    parameters.extend(fields::parameters(&message.arguments, |field| match field.ty {
        Type::Str => "&str".into(),
        _ => "&[u8]".into(),
    }));
    let buffers = message.replies.iter().filter(|field| field.ty.is_lent());
    parameters.extend(buffers.map(|field| match field.ty {
        Type::Str => format!("{}: &'a mut [u8]", names::identifier(&field.name)),
        _ => format!("{}: &mut [u8]", names::identifier(&field.name)),
    }));
    out.line("#[inline]");
    let name = names::identifier(&message.name);
    out.list(
        &format!("pub fn {name}{lifetime}("),
        &parameters,
        &format!(") -> Result<{}, ipc::Error> {{", returned(message)),
    );
    out.open_block();
    fields::put_all(out, &message.arguments, &message.request, |field| {
        let name = names::identifier(&field.name);
        if field.ty.is_lent() { fields::length_of(&name) } else { name }
    });
    for field in &message.replies {
        if let Some(offset) = field.capacity {
            fields::put_length(out, offset, &fields::length_of(&names::identifier(&field.name)));
        }
    }
    let words = message.request.words();
    if message.kind == MessageKind::Oneway {
        out.line(&format!("ipc::stub::send(self.server, {}, {words})", number(message)));
    } else {
        call(out, message, words);
    }
    out.close("}");
}

fn docs(out: &mut Out, message: &Message) {
    out.docs(&message.docs, || match message.kind {
        MessageKind::Oneway => format!("Sends `{}`.", message.name),
        _ => format!("Calls `{}`.", message.name),
    });
    let mut buffers = message.replies.iter().filter(|field| field.ty.is_lent()).peekable();
    if buffers.peek().is_some() {
        out.line("///");
    }
    for field in buffers {
        let result = match (&field.ty, message.replies.len()) {
            (Type::Str, _) => "the text in it is returned",
            _ => "how many of its bytes were filled is returned",
        };
        out.line(&format!("/// `{}` is the buffer for the reply; {result}.", field.name));
    }
}

/// The type that the client's function returns.
fn returned(message: &Message) -> String {
    match message.replies.as_slice() {
        [] => "()".into(),
        [Field { ty: Type::Str, .. }] => "&'a str".into(),
        [field] => fields::value(&field.ty),
        _ if has_text(message) => format!("{}Result<'a>", names::pascal(&message.name)),
        _ => format!("{}Reply", names::pascal(&message.name)),
    }
}

/// The call and what becomes of its reply.
fn call(out: &mut Out, message: &Message, words: usize) {
    let lends: Vec<String> = message.lends().map(|(field, writable)| lend(field, writable)).collect();
    let mut lent = "&[]".to_owned();
    if !lends.is_empty() {
        let local = fields::fresh("lends", message);
        out.list(&format!("let {local} = ["), &lends, "];");
        lent = format!("&{local}");
    }
    let call = format!("ipc::stub::call(self.server, {}, {words}, {lent})", number(message));
    if message.replies.is_empty() {
        return out.line(&format!("{call}.map(|_| ())"));
    }
    let info = fields::fresh("info", message);
    out.line(&format!("let {info} = {call}?;"));
    out.open(&format!("if {info}.words() != {} {{", message.reply.words()));
    out.line("return Err(ipc::Error::BadMessage);");
    out.close("}");
    match message.replies.as_slice() {
        [field] if field.ty == Type::Str => out.list("ipc::stub::checked_text(", &[text(field)], ")"),
        [field] if field.ty == Type::Bytes => out.line(&length(field)),
        [field] => {
            let value = fields::get(field);
            out.lines(&value.strip_suffix('?').map_or(format!("Ok({value})"), str::to_owned));
        }
        _ => several(out, message),
    }
}

/// The structure of several reply values.
fn several(out: &mut Out, message: &Message) {
    let suffix = if has_text(message) { "Result" } else { "Reply" };
    out.open(&format!("Ok({}{suffix} {{", names::pascal(&message.name)));
    for field in &message.replies {
        let name = names::identifier(&field.name);
        match field.ty {
            Type::Str => out.list(&format!("{name}: ipc::stub::checked_text("), &[text(field)], ")?,"),
            Type::Bytes => out.line(&format!("{name}: {}?,", length(field))),
            _ => out.lines(&format!("{name}: {},", fields::get(field))),
        }
    }
    out.close("})");
}

fn lend(field: &Field, writable: bool) -> String {
    let name = names::identifier(&field.name);
    match (writable, &field.ty) {
        (true, _) => format!("ipc::stub::Lend::write({name})"),
        (false, Type::Str) => format!("ipc::stub::Lend::read({name}.as_bytes())"),
        (false, _) => format!("ipc::stub::Lend::read({name})"),
    }
}

/// The filled part of the buffer for a reply's text.
fn text(field: &Field) -> String {
    let (name, length) = (names::identifier(&field.name), fields::length(field.offset));
    format!("{name}.get(..{length} as usize).ok_or(ipc::Error::BadMessage)?")
}

/// The checked length of a reply's bytes, a `Result`.
fn length(field: &Field) -> String {
    let (name, length) = (names::identifier(&field.name), fields::length(field.offset));
    format!("ipc::stub::checked_length({length}, {name}.len())")
}
