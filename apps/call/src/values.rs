//! Values of messages: from what a person types to bytes in the payload, and back.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use crate::messages::{Field, Type};
use ipc::TaskId;

/// The interface language's type for task IDs.
const TASK: &str = "task";

/// Puts the value that `text` is into the payload; of lent memory, its length.
///
/// Errors: a sentence, if it is not a value of this type.
pub fn encode(field: &Field, text: &str, payload: &mut [u8]) -> Result<(), String> {
    let Type::Scalar { name, size, signed, members } = field.ty else {
        store(payload, field.offset, 4, text.len() as i128);
        return Ok(());
    };
    let parts: Vec<&str> = if field.count == 1 { [text].into() } else { text.split(',').collect() };
    if parts.len() != field.count {
        let Field { name, count, .. } = field;
        return Err(format!("`{name}` is {count} values, separated by commas, not {}", parts.len()));
    }
    for (index, part) in parts.iter().enumerate() {
        let value = if name == TASK { task(part) } else { number(part, size, signed, members) };
        let value = value
            .map_err(|wanted| format!("`{part}` cannot be the value of `{}`: use {wanted}", field.name))?;
        store(payload, field.offset + index * size, size, value);
    }
    Ok(())
}

/// The task ID that `text` is, as `ps` shows it; else what would have been one.
fn task(text: &str) -> Result<i128, String> {
    match text.parse::<TaskId>() {
        Ok(task) => Ok(task.raw() as i128),
        Err(_) => Err("a task ID such as 7 or 7.2".into()),
    }
}

/// The number that `text` is; else what would have been one.
fn number(text: &str, size: usize, signed: bool, members: &[(&str, u32)]) -> Result<i128, String> {
    if !members.is_empty() {
        let found = members.iter().find(|(name, _)| *name == text);
        let names = || members.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return found.map(|(_, value)| i128::from(*value)).ok_or_else(|| format!("one of {}", names()));
    }
    let bits = 8 * size as u32 - u32::from(signed);
    let (least, most) = (if signed { -1_i128 << bits } else { 0 }, (1_i128 << bits) - 1);
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let in_range = parsed.ok().filter(|value| (least..=most).contains(value));
    in_range.ok_or_else(|| format!("a number from {least} to {most}"))
}

/// The value of a reply as text; of lent memory, what the server wrote into `room`.
pub fn decode(field: &Field, payload: &[u8], room: &[u8]) -> String {
    let Type::Scalar { name, size, signed, members } = field.ty else {
        let length = load(payload, field.offset, 4, false) as usize;
        return memory(room.get(..length).unwrap_or(room));
    };
    let values = (0..field.count).map(|index| {
        let value = load(payload, field.offset + index * size, size, signed);
        if let Some(task) = TaskId::from_raw(value as usize).filter(|_| name == TASK) {
            return task.to_string();
        }
        let named = members.iter().find(|(_, member)| i128::from(*member) == value);
        named.map_or_else(|| value.to_string(), |(name, _)| String::from(*name))
    });
    values.collect::<Vec<_>>().join(",")
}

/// Bytes as text in quotes if they are that, else in hexadecimal.
fn memory(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|character: char| character.is_control()) => format!("{text:?}"),
        _ => {
            let mut text = String::with_capacity(bytes.len() * 3);
            for (place, byte) in bytes.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(text, "{}{byte:02x}", if place == 0 { "" } else { " " });
            }
            text
        }
    }
}

/// Writes the low bytes of a number; nothing where there is no room, which the layout excludes.
pub fn store(payload: &mut [u8], offset: usize, size: usize, value: i128) {
    for (place, byte) in payload.iter_mut().skip(offset).take(size).zip(value.to_le_bytes()) {
        *place = byte;
    }
}

fn load(payload: &[u8], offset: usize, size: usize, signed: bool) -> i128 {
    let bytes = payload.iter().skip(offset).take(size);
    let value = bytes.rev().fold(0, |value, byte| value << 8 | i128::from(*byte));
    let negative = signed && value >> (8 * size - 1) != 0;
    if negative { value - (1 << (8 * size)) } else { value }
}
