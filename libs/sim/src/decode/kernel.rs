//! The kernel's own messages and those that no interface has.

use super::{count, values};
use crate::interfaces::Payload;
use abi::{Access, Exception, MessageInfo, kind};

/// Words of the kernel's messages about a task.
const ABOUT_A_TASK: usize = 5;

/// A message of the kernel, or one that nobody knows.
pub(super) fn request(info: MessageInfo, payload: &Payload) -> String {
    let [first, second, instruction, ..] = *payload;
    let at = if instruction == 0 { String::new() } else { format!(" at {instruction:#x}") };
    let expected = match info.kind() {
        kind::NOTIFICATIONS => 1,
        kind::ASYNC_PULL => 0,
        _ => ABOUT_A_TASK,
    };
    if info.words() != expected || info.lends() != 0 {
        return unknown(info);
    }
    match info.kind() {
        kind::NOTIFICATIONS => format!("notifications {}", values::notifications(first)),
        kind::PAGE_FAULT => {
            let access = Access(second);
            let why = if access.contains(Access::PRESENT) { ", which is forbidden" } else { "" };
            format!("page fault: {} of {first:#x}{at}{why}", access.name())
        }
        kind::EXCEPTION => {
            format!("exception: {}{at} (detail {second:#x})", Exception::from_code(first).text())
        }
        kind::EXIT => {
            let panicked = if second != 0 { "panicked, " } else { "" };
            format!("exit: {panicked}status {}", first as i32)
        }
        kind::QUANTUM => "quantum used up".into(),
        kind::ASYNC_PULL => "pull of an asynchronous message".into(),
        _ => unknown(info),
    }
}

/// The reply to such a message.
pub(super) fn reply(request: u16, info: MessageInfo) -> String {
    match (request, info.words()) {
        (kind::PAGE_FAULT..=kind::ABI_HOOK, _) => "resumed".into(),
        (_, 0) => "ok".into(),
        _ => unknown(info),
    }
}

fn unknown(info: MessageInfo) -> String {
    let lends = if info.lends() > 0 { format!(", {}", count(info.lends(), "lend")) } else { String::new() };
    format!("message {} ({}{lends})", info.kind(), count(info.words(), "word"))
}
