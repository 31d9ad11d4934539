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
        if field.ty.is_lent() { format!("{name}.len()") } else { name }
    });
    for field in &message.replies {
        if let Some(offset) = field.capacity {
            fields::put_length(out, offset, &format!("{}.len()", names::identifier(&field.name)));
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
    let start = format!("ipc::stub::call(self.server, {}, {words}, &[", number(message));
    let [first, rest @ ..] = message.replies.as_slice() else {
        let end = "]).map(|_| ())";
        out.list(&start, &lends, end);
        return;
    };
    let info = fields::fresh("info", message);
    out.list(&format!("let {info} = {start}"), &lends, "])?;");
    out.open(&format!("if {info}.words() != {} {{", message.reply.words()));
    out.line("return Err(ipc::Error::BadMessage);");
    out.close("}");
    if rest.is_empty() {
        match first.ty.is_lent() {
            true => out.line(&result(first)),
            false => out.lines(&format!("Ok({})", result(first))),
        }
        return;
    }
    let suffix = if has_text(message) { "Result" } else { "Reply" };
    out.open(&format!("Ok({}{suffix} {{", names::pascal(&message.name)));
    for field in &message.replies {
        let question = if field.ty.is_lent() { "?" } else { "" };
        out.lines(&format!("{}: {}{question},", names::identifier(&field.name), result(field)));
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

/// The expression for a reply value; for text and bytes it is a `Result`.
fn result(field: &Field) -> String {
    let (name, length) = (names::identifier(&field.name), fields::length(field.offset));
    match field.ty {
        Type::Str => format!(
            "ipc::stub::checked_text({name}.get(..{length} as usize).ok_or(ipc::Error::BadMessage)?)"
        ),
        Type::Bytes => format!("ipc::stub::checked_length({length}, {name}.len())"),
        _ => fields::get(field),
    }
}
