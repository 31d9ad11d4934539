//! Single values as text.

use super::LENDS_SHOWN;
use abi::{NOTIFY_ASYNC, NOTIFY_CHILD, NOTIFY_CONSOLE, NOTIFY_IRQ, NOTIFY_TIMER, TaskId};
use idl::model::{Builtin, Enum, Wire};

/// Characters of text that are shown.
const TEXT_SHOWN: usize = 32;
/// Bytes that are shown where they are no text.
const BYTES_SHOWN: usize = 16;

/// The member with this value.
pub(super) fn member(definition: &Enum, raw: u64) -> String {
    match definition.members.iter().find(|member| u64::from(member.value) == raw) {
        Some(member) => member.name.clone(),
        None => format!("{raw} (no {})", definition.name),
    }
}

/// A value of a type that the language has.
pub(super) fn builtin(builtin: &Builtin, raw: u64, name_of: &dyn Fn(TaskId) -> String) -> String {
    match (builtin.name, raw) {
        ("bool", 0) => "false".into(),
        ("bool", 1) => "true".into(),
        ("bool", _) => format!("{raw} (no bool)"),
        ("char", _) => match char::from_u32(raw as u32) {
            Some(character) => format!("'{}'", character.escape_debug()),
            None => format!("{raw:#x} (no char)"),
        },
        ("task", _) => match TaskId::from_raw(raw as usize) {
            Some(task) => name_of(task),
            None => format!("{raw:#x} (no task)"),
        },
        ("vaddr" | "paddr", _) => format!("{raw:#x}"),
        ("notifications", _) => notifications(raw),
        _ => match builtin.wire {
            Wire::U8 | Wire::U16 | Wire::U32 | Wire::U64 => raw.to_string(),
            Wire::I8 => (raw as i8).to_string(),
            Wire::I16 => (raw as i16).to_string(),
            Wire::I32 => (raw as i32).to_string(),
            Wire::I64 => (raw as i64).to_string(),
        },
    }
}

/// A set of notification bits by name: `TIMER|CHILD`; `none`.
pub(super) fn notifications(bits: u64) -> String {
    let name = |bit: u32| match 1_usize.checked_shl(bit).unwrap_or(0) {
        NOTIFY_TIMER => "TIMER".into(),
        NOTIFY_CONSOLE => "CONSOLE".into(),
        NOTIFY_CHILD => "CHILD".into(),
        NOTIFY_ASYNC => "ASYNC".into(),
        NOTIFY_IRQ => "IRQ".into(),
        _ => format!("bit {bit}"),
    };
    let names: Vec<String> = (0..u64::BITS).filter(|bit| bits >> bit & 1 != 0).map(name).collect();
    if names.is_empty() { "none".into() } else { names.join("|") }
}

/// Lent memory: `length` bytes as the message says, of which `content` is known.
pub(super) fn lent(content: &[u8], length: usize) -> String {
    let wanted = length.min(LENDS_SHOWN);
    let bytes = &content[..wanted.min(content.len())];
    let (shown, cut) = match readable(bytes, length) {
        _ if bytes.is_empty() && length > 0 => (String::new(), true),
        Some(text) => quoted(text),
        None if length > LENDS_SHOWN => (String::new(), true),
        None => hexadecimal(bytes),
    };
    let unread = if bytes.len() < wanted { format!(", {} readable", bytes.len()) } else { String::new() };
    match (cut, unread.is_empty()) {
        _ if shown.is_empty() => format!("{length} bytes{unread}"),
        (false, true) => shown,
        (true, _) => format!("{shown}… ({length} bytes{unread})"),
        (false, false) => format!("{shown} ({length} bytes{unread})"),
    }
}

/// The bytes, the first of `length`, as text, if they are text that people can read, perhaps with NULs between.
fn readable(bytes: &[u8], length: usize) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The rest of the last character is among the bytes that are not here.
        Err(error) if error.error_len().is_none() && bytes.len() < length => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_layout = |c: char| matches!(c, '\0' | '\n' | '\r' | '\t' | '\u{1b}');
    let strange = text.chars().any(|c| c.is_control() && !is_layout(c));
    let nothing_else = !bytes.is_empty() && text.chars().all(|c| c == '\0');
    (!strange && !nothing_else).then_some(text)
}

/// In quotes, and whether it was cut.
fn quoted(text: &str) -> (String, bool) {
    let mut shown = String::from("\"");
    for character in text.chars().take(TEXT_SHOWN) {
        match character {
            '\'' => shown.push('\''),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown.push('"');
    (shown, text.chars().nth(TEXT_SHOWN).is_some())
}

/// Two digits a byte, and whether it was cut.
fn hexadecimal(bytes: &[u8]) -> (String, bool) {
    let digits: Vec<String> = bytes.iter().take(BYTES_SHOWN).map(|byte| format!("{byte:02x}")).collect();
    (format!("[{}]", digits.join(" ")), bytes.len() > BYTES_SHOWN)
}
