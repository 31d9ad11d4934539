//! `call SERVICE.MESSAGE [VALUE]...` sends a message to a service and prints what it answers; `call SERVICE` lists the
//! messages of a service, `call` those of all. So every server can be tried out before it has a client.
//!
//! It may call the services that its manifest lists under `uses`; vm needs no right.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod messages;
mod values;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use ipc::stub::{self, Lend};
use ipc::{Error, MessageInfo, TaskId};
use messages::{Field, MESSAGES, Message};
use resea::{print, println};

/// Size of the payload in bytes.
const PAYLOAD: usize = 240;
/// How much room there is for each text or bytes of an answer.
const ROOM: usize = 4096;

/// Does what the command line says.
///
/// Errors: a sentence that says why not.
pub fn run() -> Result<(), String> {
    let words: Vec<&str> = resea::arguments().collect();
    let [name, values @ ..] = words.as_slice() else {
        println!("call SERVICE.MESSAGE [VALUE]... where SERVICE.MESSAGE is one of");
        return list("");
    };
    let Some((service, _)) = name.split_once('.') else { return list(name) };
    let Some(message) = find(name) else {
        return Err(format!("there is no message `{name}`: `call {service}` lists those of `{service}`"));
    };
    let server = match service {
        "vm" => resea::vm().task(),
        _ => resea::lookup(service).map_err(|error| error.to_string())?,
    };
    print!("{}", request(server, message, values)?);
    Ok(())
}

/// The message that is called `SERVICE.MESSAGE`.
pub fn find(name: &str) -> Option<&'static Message> {
    let (service, name) = name.split_once('.')?;
    MESSAGES.iter().find(|message| message.service == service && message.name == name)
}

/// Lists the messages of a service; of all, if its name is empty.
fn list(service: &str) -> Result<(), String> {
    let mut found = MESSAGES.iter().filter(|it| service.is_empty() || it.service == service).peekable();
    if found.peek().is_none() {
        return Err(format!("there is no interface `{service}`: `call` lists the messages of all"));
    }
    for message in found {
        let mut arrow = " -> ";
        print!("  {message}");
        for field in message.replies {
            print!("{arrow}{field}");
            arrow = ", ";
        }
        println!();
    }
    Ok(())
}

/// Sends a message with these values; what was answered, in a line each.
///
/// Errors: a sentence, if a value is wrong or the server answers with an error.
pub fn request(server: TaskId, message: &Message, values: &[&str]) -> Result<String, String> {
    if values.len() != message.arguments.len() {
        let (wanted, given) = (message.arguments.len(), values.len());
        let plural = if wanted == 1 { "" } else { "s" };
        return Err(format!("it takes {wanted} value{plural}, not {given}; usage: call {message}"));
    }
    let mut payload = [0; PAYLOAD];
    for (field, value) in message.arguments.iter().zip(values) {
        values::encode(field, value, &mut payload)?;
    }
    let mut rooms: Vec<(&Field, Vec<u8>)> = message.replies.iter().map(|field| (field, Vec::new())).collect();
    for (field, room) in rooms.iter_mut().filter(|(field, _)| field.ty.is_lent()) {
        *room = vec![0; ROOM];
        values::store(&mut payload, field.capacity, 4, ROOM as i128);
    }
    let reply = exchange(server, message, values, &payload, &mut rooms)
        .map_err(|error| format!("{}.{}: {error}", message.service, message.name))?;
    let lines = rooms
        .iter()
        .map(|(field, room)| format!("{}: {}\n", field.name, values::decode(field, &reply, room)));
    Ok(lines.collect())
}

/// Sends the payload, lends what is to be lent, and returns the reply's payload.
fn exchange(
    server: TaskId,
    message: &Message,
    values: &[&str],
    payload: &[u8; PAYLOAD],
    rooms: &mut [(&Field, Vec<u8>)],
) -> Result<[u8; PAYLOAD], Error> {
    let texts = message.arguments.iter().zip(values).filter(|(field, _)| field.ty.is_lent());
    let mut lends: Vec<Lend<'_>> = texts.map(|(_, text)| Lend::read(text.as_bytes())).collect();
    let rooms = rooms.iter_mut().filter(|(field, _)| field.ty.is_lent());
    lends.extend(rooms.map(|(_, room)| Lend::write(room)));
    stub::put(0, *payload);
    if !message.answered {
        stub::send(server, message.number, message.words)?;
        return Ok([0; PAYLOAD]);
    }
    match stub::call(server, message.number, message.words, &lends)? {
        reply if reply == MessageInfo::new(message.number, message.reply_words) => Ok(stub::get(0)),
        _ => Err(Error::BadMessage),
    }
}
