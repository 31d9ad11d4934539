//! The server: a trait with a method for each message, and the dispatcher that decodes messages and calls them.
//!
//! For each message a small function decodes, calls and encodes; the dispatcher is a match on the number. Every
//! scalar is decoded before the method runs and the reply is encoded after it, as the method may send messages itself.

use super::data::number;
use super::fields;
use super::out::Out;
use crate::model::{Field, Message, MessageKind, Namespace, Type};
use crate::names;

/// The trait, the tokens of deferred calls and the dispatcher, if the server receives messages.
pub fn server(out: &mut Out, namespace: &Namespace) {
    let messages: Vec<&Message> = namespace.to_server().collect();
    if messages.is_empty() {
        return;
    }
    for message in namespace.of_kind(&[MessageKind::DeferredRpc]) {
        token(out, message);
    }
    let about = format!(
        "/// A server of the interface `{}`; `sender` is the task that sent the message.",
        namespace.name
    );
    declare(out, &about, "Server", &messages);
    dispatcher(
        out,
        "/// Decodes a message, has the server handle it, and encodes the reply. `Unknown` if it is not of this interface.",
        ("dispatch", "Server", "server"),
        &messages,
    );
}

/// The trait of those who pull a server's asynchronous messages, if it has any, and the functions that queue them.
pub fn receiver(out: &mut Out, namespace: &Namespace) {
    let messages: Vec<&Message> = namespace.from_server().collect();
    if messages.is_empty() {
        return;
    }
    for message in &messages {
        queue(out, message);
    }
    let about = format!(
        "/// Receives what servers of the interface `{}` queue; `sender` is the server.",
        namespace.name
    );
    declare(out, &about, "Receiver", &messages);
    dispatcher(
        out,
        "/// Decodes a pulled message and has the receiver handle it. `Unknown` if it is not of this interface.",
        ("receive", "Receiver", "receiver"),
        &messages,
    );
}

/// The trait.
fn declare(out: &mut Out, about: &str, name: &str, messages: &[&Message]) {
    out.blank();
    out.line(about);
    out.open(&format!("pub trait {name} {{"));
    for message in messages {
        out.blank();
        out.docs(&message.docs, || format!("Handles `{}`.", message.name));
        let method = names::identifier(&message.name);
        let mut parameters = vec!["&mut self".to_owned()];
        if message.kind == MessageKind::DeferredRpc {
            out.line("///");
            out.line("/// The answer is given through `call`, now or later.");
            out.line(&format!("fn {method}(&mut self, call: {}Call);", names::pascal(&message.name)));
            continue;
        }
        parameters.push(format!("{}: ipc::TaskId", fields::fresh("sender", message)));
        parameters.extend(fields::parameters(&message.arguments, lend_type));
        let buffers = message.replies.iter().filter(|field| field.ty.is_lent());
        parameters
            .extend(buffers.map(|field| format!("{}: ipc::WriteLend<'_>", names::identifier(&field.name))));
        let result = match message.kind {
            MessageKind::Rpc => format!(") -> Result<{}, ipc::Error>;", returned(message)),
            _ => ");".into(),
        };
        out.list(&format!("fn {method}("), &parameters, &result);
    }
    out.close("}");
}

fn lend_type(field: &Field) -> String {
    match field.ty {
        Type::Str => "ipc::StrLend<'_>".into(),
        _ => "ipc::ReadLend<'_>".into(),
    }
}

/// The type that a method of the server returns.
fn returned(message: &Message) -> String {
    match message.replies.as_slice() {
        [] => "()".into(),
        [field] => fields::value(&field.ty),
        _ => format!("{}Reply", names::pascal(&message.name)),
    }
}

/// The function that decodes a message and calls its method, for each message; then the match.
fn dispatcher(
    out: &mut Out,
    about: &str,
    (function, bound, target): (&str, &str, &str),
    messages: &[&Message],
) {
    for message in messages {
        out.blank();
        out.line("#[inline(always)]");
        out.list(
            &format!("fn handle_{}<S: {bound} + ?Sized>(", message.name),
            &[format!("{target}: &mut S"), "incoming: &ipc::Incoming".into()],
            ") -> Result<usize, ipc::Error> {",
        );
        out.open_block();
        handler(out, message, target);
        out.close("}");
    }
    out.blank();
    out.line(about);
    out.line("#[inline]");
    out.list(
        &format!("pub fn {function}<S: {bound} + ?Sized>("),
        &[format!("{target}: &mut S"), "incoming: &ipc::Incoming".into()],
        ") -> ipc::Answer {",
    );
    out.open_block();
    out.open("match incoming.info.kind() {");
    for message in messages {
        let (number, name) = (number(message), &message.name);
        let call = format!("handle_{name}({target}, incoming)");
        match message.kind {
            MessageKind::Rpc => out.arm(&number, &format!("ipc::stub::answer({number}, {call})")),
            MessageKind::DeferredRpc => {
                out.open(&format!("{number} => match {call} {{"));
                out.line("Ok(_) => ipc::Answer::Nothing,");
                out.line("Err(error) => ipc::Answer::error(error),");
                out.close("},");
            }
            MessageKind::Oneway | MessageKind::AsyncOneway => {
                out.open(&format!("{number} => {{"));
                out.line("// Nobody waits for an answer, so one that is malformed is ignored.");
                out.line(&format!("let _ = {call};"));
                out.line("ipc::Answer::Nothing");
                out.close("}");
            }
        }
    }
    out.line("_ => ipc::Answer::Unknown,");
    out.close("}");
    out.close("}");
}

/// The body of a handler.
fn handler(out: &mut Out, message: &Message, target: &str) {
    expect(out, message);
    if message.kind == MessageKind::DeferredRpc {
        return deferred(out, message, target);
    }
    for field in &message.replies {
        if let Some(offset) = field.capacity {
            out.line(&format!("let {}_capacity = {};", field.name, fields::length(offset)));
        }
    }
    let mut values = vec!["incoming.sender".to_owned()];
    values.extend(message.arguments.iter().map(|field| match (&field.ty, field.lend) {
        (Type::Str, Some(lend)) => format!("incoming.str_lend({lend}, {})", fields::length(field.offset)),
        (_, Some(lend)) => format!("incoming.read_lend({lend}, {})", fields::length(field.offset)),
        _ => fields::get(field),
    }));
    values.extend(message.replies.iter().filter_map(|field| {
        field.lend.map(|lend| format!("incoming.write_lend({lend}, {}_capacity)", field.name))
    }));
    let call = format!("{target}.{}(", names::identifier(&message.name));
    match (message.kind, message.replies.is_empty()) {
        (MessageKind::Rpc, false) => out.list(&format!("let reply = {call}"), &values, ")?;"),
        (MessageKind::Rpc, true) => out.list(&call, &values, ")?;"),
        _ => out.list(&call, &values, ");"),
    }
    for field in message.replies.iter().filter(|field| field.ty.is_lent()) {
        out.open(&format!("if {} > {}_capacity as usize {{", reply_value(message, field), field.name));
        out.line("return Err(ipc::Error::TooLarge);");
        out.close("}");
    }
    fields::put_all(out, &message.replies, &message.reply, |field| {
        as_sent(field, reply_value(message, field))
    });
    out.line(&format!("Ok({})", message.reply.words()));
}

fn reply_value(message: &Message, field: &Field) -> String {
    match message.replies.len() {
        1 => "reply".into(),
        _ => format!("reply.{}", names::identifier(&field.name)),
    }
}

/// The reply's value as it is put in the payload. Lengths were compared with a capacity of 32 bits before.
fn as_sent(field: &Field, value: String) -> String {
    if field.ty.is_lent() { format!("{value} as u32") } else { value }
}

fn expect(out: &mut Out, message: &Message) {
    let (number, words) = (number(message), message.request.words());
    let (mut lends, mut mask) = (0, 0_u32);
    for (_, writable) in message.lends() {
        mask |= u32::from(writable) << lends;
        lends += 1;
    }
    out.line(&format!("ipc::stub::expect(incoming, {number}, {words}, {lends}, {mask:#b})?;"));
}

/// The names of the fields of a token that hold lengths of lends.
fn length_name(field: &Field, message: &Message) -> String {
    fields::fresh(&format!("{}_length", field.name), message)
}

/// The body of a deferred message's handler: makes the token.
fn deferred(out: &mut Out, message: &Message, target: &str) {
    let token = format!("{}Call", names::pascal(&message.name));
    let pending = fields::fresh("pending", message);
    let method = names::identifier(&message.name);
    let scalars = message.arguments.iter().filter(|field| !field.ty.is_lent());
    let scalars = scalars.map(|field| format!("{}: {}", names::identifier(&field.name), fields::get(field)));
    let lengths = message.lends().map(|(field, _)| {
        let offset = field.capacity.unwrap_or(field.offset);
        format!("{}: {}", length_name(field, message), fields::length(offset))
    });
    // The token comes last: once it exists, an error would be answered twice.
    let token_field = format!("{pending}: ipc::Pending::new(incoming)");
    let values: Vec<String> = scalars.chain(lengths).chain([token_field]).collect();
    out.list(&format!("let call = {token} {{ "), &values, " };");
    out.line(&format!("{target}.{method}(call);"));
    out.line("Ok(0)");
}

/// The token of a deferred call.
fn token(out: &mut Out, message: &Message) {
    let name = format!("{}Call", names::pascal(&message.name));
    let pending = fields::fresh("pending", message);
    out.blank();
    let link = super::data::link(message);
    out.line(&format!(
        "/// A call of [`{link}`] that waits for its answer. Dropping it fails the call with `Aborted`."
    ));
    out.line("#[derive(Debug)]");
    out.open(&format!("pub struct {name} {{"));
    for field in message.arguments.iter().filter(|field| !field.ty.is_lent()) {
        out.line(&format!("/// The value `{}`.", field.name));
        out.line(&format!("pub {}: {},", names::identifier(&field.name), fields::value(&field.ty)));
    }
    for (field, _) in message.lends() {
        out.line(&format!("{}: u32,", length_name(field, message)));
    }
    out.line(&format!("{pending}: ipc::Pending,"));
    out.close("}");
    out.blank();
    out.open(&format!("impl {name} {{"));
    out.line("/// The task that waits.");
    out.line("#[inline]");
    out.open("pub const fn sender(&self) -> ipc::TaskId {");
    out.line(&format!("self.{pending}.client()"));
    out.close("}");
    for (field, writable) in message.lends() {
        accessor(out, message, field, writable);
    }
    reply(out, message, &pending);
    out.blank();
    out.line("/// Answers with an error.");
    out.line("#[inline]");
    out.open("pub fn fail(self, error: ipc::Error) {");
    out.line(&format!("self.{pending}.fail(error);"));
    out.close("}");
    out.close("}");
}

fn accessor(out: &mut Out, message: &Message, field: &Field, writable: bool) {
    let pending = fields::fresh("pending", message);
    let (ty, function) = match (writable, &field.ty) {
        (true, _) => ("WriteLend", "write_lend"),
        (false, Type::Str) => ("StrLend", "str_lend"),
        (false, _) => ("ReadLend", "read_lend"),
    };
    let (lend, length) = (field.lend.unwrap_or_default(), length_name(field, message));
    out.blank();
    out.line(&format!("/// The memory lent for `{}`.", field.name));
    out.line("#[inline]");
    out.open(&format!("pub const fn {}(&self) -> ipc::{ty}<'_> {{", names::identifier(&field.name)));
    out.line(&format!("self.{pending}.{function}({lend}, self.{length})"));
    out.close("}");
}

/// The method that answers a deferred call.
fn reply(out: &mut Out, message: &Message, pending: &str) {
    let mut parameters = vec!["self".to_owned()];
    parameters.extend(fields::parameters(&message.replies, |_| "usize".into()));
    out.blank();
    out.line("/// Answers the call.");
    let lent: Vec<&Field> = message.replies.iter().filter(|field| field.ty.is_lent()).collect();
    for field in &lent {
        let name = &field.name;
        out.line(&format!(
            "/// `{name}` is how many bytes of it were written; the call fails with `TooLarge` if that is"
        ));
        out.line("/// more than there is room for.");
    }
    out.line("#[inline]");
    out.list("pub fn reply(", &parameters, ") {");
    out.open_block();
    for field in lent {
        out.open(&format!(
            "if {} > self.{} as usize {{",
            names::identifier(&field.name),
            length_name(field, message)
        ));
        out.line("return self.fail(ipc::Error::TooLarge);");
        out.close("}");
    }
    fields::put_all(out, &message.replies, &message.reply, |field| {
        as_sent(field, names::identifier(&field.name))
    });
    let (number, words) = (number(message), message.reply.words());
    out.line(&format!("self.{pending}.reply(ipc::MessageInfo::new({number}, {words}));"));
    out.close("}");
}

/// The function that queues an asynchronous message.
fn queue(out: &mut Out, message: &Message) {
    let (outbox, to) = (fields::fresh("outbox", message), fields::fresh("to", message));
    let mut parameters = vec![format!("{outbox}: &mut ipc::Outbox"), format!("{to}: ipc::TaskId")];
    parameters.extend(fields::parameters(&message.arguments, |_| "()".into()));
    out.blank();
    out.docs(&message.docs, || format!("Queues `{}`.", message.name));
    out.line("///");
    out.line(&format!("/// Queued in `{outbox}` for `{to}`, which is notified. Errors: `QueueFull`, `NoTask`, `NotPermitted`."));
    out.list(
        &format!("pub fn {}(", names::identifier(&message.name)),
        &parameters,
        ") -> Result<(), ipc::Error> {",
    );
    out.open_block();
    fields::put_all(out, &message.arguments, &message.request, |field| names::identifier(&field.name));
    out.line(&format!("{outbox}.send({to}, {}, {})", number(message), message.request.words()));
    out.close("}");
}
