//! What the texts in a manifest mean, and what to say about those that mean nothing.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::{DeviceId, MAX_SERVICE_NAME, Power, Range};

/// A size as `16KiB`, `1MiB` or `1GiB`, in bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, shift) =
        units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), *shift)))?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A power by its name.
pub(super) fn power(name: String) -> Result<Power, String> {
    if let Some(power) = Power::ALL.into_iter().find(|power| power.name() == name) {
        return Ok(power);
    }
    let names = Power::ALL.map(Power::name);
    let hint = match nearest(&name, names) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the powers are {}", names.join(", ")),
    };
    Err(format!("there is no power {name:?}: {hint}"))
}

/// A message of the TOML reader; if it is about a name that does not exist and lists those that do, with the nearest.
pub(super) fn with_hint(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next().filter(|_| message.starts_with("unknown ")).and_then(|name| nearest(name, names)) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.to_string(),
    }
}

/// The candidate that `name` was most likely meant to be, if one is near: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    let (distance, candidate) = distances.min()?;
    (distance <= name.len().max(candidate.len()).div_ceil(3)).then_some(candidate)
}

/// How many letters must be added, removed or changed to make one text of the other (the Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.bytes().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (place, other) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

/// A name of a service.
pub(super) fn service(name: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > MAX_SERVICE_NAME || !name.bytes().all(allowed) {
        return Err(format!(
            "{name:?} cannot be the name of a service: use 1 to {MAX_SERVICE_NAME} of the characters a-z, 0-9 and _"
        ));
    }
    if name == "vm" {
        return Err("every program may talk to vm: leave it out".to_string());
    }
    Ok(name)
}

/// A range as `0x3f8-0x3ff` or a single number `0x64`; all of it below `limit`.
pub(super) fn range(key: &str, text: &str, limit: u64) -> Result<Range, String> {
    let number = |text: &str| {
        let text = text.trim();
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        }
        .ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last && last < limit => {
            Ok(Range { start: first, end: last + 1 })
        }
        _ => Err(format!(
            "{text:?} in `{key}` is not a range: write the first and the last number, both below {limit:#x}, as \"0x3f8-0x3ff\""
        )),
    }
}

/// A kind of device as `pci:1af4:1000` or `platform:ramdisk`.
pub(super) fn device(text: String) -> Result<DeviceId, String> {
    let number = |text: &str| {
        let hexadecimal = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(text, 16).ok().filter(|_| hexadecimal)
    };
    if text == "platform:ramdisk" {
        return Ok(DeviceId::Ramdisk);
    }
    let ids = text.strip_prefix("pci:").and_then(|ids| ids.split_once(':'));
    ids.and_then(|(vendor, device)| Some(DeviceId::Pci { vendor: number(vendor)?, device: number(device)? }))
        .ok_or_else(|| {
            format!(
                "{text:?} in `devices` is not a device: write its vendor and device IDs, four hexadecimal digits each, as \"pci:1af4:1000\""
            )
        })
}
