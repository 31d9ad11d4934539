//! Questions to name servers and their answers (RFC 1035, RFC 3596): bytes only.
//!
//! Whoever can send us a datagram can write an answer, so nothing in it is believed but what the question asked for.

use smoltcp::wire::{IpAddress, Ipv4Address, Ipv6Address};

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// IPv4 addresses (A).
    V4 = 1,
    /// IPv6 addresses (AAAA).
    V6 = 28,
}

/// What an answer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Addresses; none if there is none of this kind.
    Addresses([Option<IpAddress>; MOST]),
    /// There is no such name.
    NoSuchName,
    /// The server does not want to answer, or cannot.
    Failed,
}

/// The most addresses that are taken from an answer.
pub const MOST: usize = 4;

/// The longest question in bytes: a header, a name, type and class.
pub const QUESTION_MAX: usize = HEADER + 255 + 4;

const HEADER: usize = 12;
const LABEL_MAX: usize = 63;
const NAME_MAX: usize = 253;
/// The type of an alias (CNAME), and the class of the Internet.
const CLASS: u16 = 1;

/// Whether a name can be one of a host: labels of letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
    };
    name.len() <= NAME_MAX && name.split('.').all(is_label)
}

/// Writes a question; its length. `name` must be one by [`is_name`].
pub fn question(buffer: &mut [u8; QUESTION_MAX], identification: u16, name: &str, kind: Kind) -> usize {
    let mut writer = Writer { buffer, length: 0 };
    writer.put(&identification.to_be_bytes());
    // A recursive query, one question, nothing else (RFC 1035, 4.1.1).
    writer.put(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        writer.put(&[label.len() as u8]);
        writer.put(label.as_bytes());
    }
    writer.put(&[0]);
    writer.put(&(kind as u16).to_be_bytes());
    writer.put(&CLASS.to_be_bytes());
    writer.length
}

struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.buffer.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }
}

/// Reads the answer to a question; `None` if it is not one to this question.
pub fn answer(message: &[u8], question: &[u8], kind: Kind) -> Option<Answer> {
    let (header, asked) = (message.get(..HEADER)?, question.get(HEADER..)?);
    let number = |at: usize| u16_at(message, at);
    let is_reply = header.get(..2)? == question.get(..2)? && header.get(2)? & 0xf8 == 0x80 && number(4)? == 1;
    let after = HEADER + asked.len();
    // Letters may come back in the other case.
    if !is_reply || !message.get(HEADER..after)?.eq_ignore_ascii_case(asked) {
        return None;
    }
    match header.get(3)? & 15 {
        0 => {}
        3 => return Some(Answer::NoSuchName),
        _ => return Some(Answer::Failed),
    }
    let (mut at, mut found) = (after, [None; MOST]);
    let mut places = found.iter_mut();
    for _ in 0..number(6)? {
        // A record that is cut off is no reason to forget those before.
        let Some((record, address)) = record(message, at, kind) else { break };
        at = record;
        if let Some(address) = address {
            let Some(place) = places.next() else { break };
            *place = Some(address);
        }
    }
    Some(Answer::Addresses(found))
}

/// The record at `at`: where the next one begins, and its address, if it is one of this kind.
fn record(message: &[u8], at: usize, kind: Kind) -> Option<(usize, Option<IpAddress>)> {
    let at = after_name(message, at)?;
    let length = usize::from(u16_at(message, at + 8)?);
    let data = message.get(at + 10..at + 10 + length)?;
    let is_wanted = u16_at(message, at)? == kind as u16 && u16_at(message, at + 2)? == CLASS;
    let address = match kind {
        _ if !is_wanted => None,
        Kind::V4 => data.try_into().ok().map(|octets: [u8; 4]| Ipv4Address::from_octets(octets).into()),
        Kind::V6 => data.try_into().ok().map(|octets: [u8; 16]| Ipv6Address::from_octets(octets).into()),
    };
    Some((at + 10 + length, address.filter(IpAddress::is_unicast)))
}

/// Where a name ends that begins at `at`. It may end with a reference to another one (RFC 1035, 4.1.4), which is not followed.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn asked(name: &str) -> Vec<u8> {
        let mut buffer = [0; QUESTION_MAX];
        let length = question(&mut buffer, 0x1234, name, Kind::V4);
        buffer[..length].to_vec()
    }

    /// An answer with an alias and an address.
    fn answered(question: &[u8]) -> Vec<u8> {
        let mut message = question.to_vec();
        message[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 2]);
        message.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03www\xc0\x0c");
        message.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\x02\x07");
        message
    }

    #[test]
    fn names() {
        for name in ["a", "example.org", "a-b.c_d.", "10.0.2.3", &"x".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "a..b", "-a", "a b", "ä", &"x".repeat(64), &"abc.".repeat(64)] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(asked("ab.c")[HEADER..], *b"\x02ab\x01c\0\0\x01\0\x01");
        assert_eq!(asked("ab.c"), asked("ab.c."));
    }

    #[test]
    fn answers() {
        let question = asked("example.org");
        let address = Some(IpAddress::v4(10, 0, 2, 7));
        let message = answered(&question);
        let expected = Answer::Addresses([address, None, None, None]);
        assert_eq!(answer(&message, &question, Kind::V4), Some(expected));
        assert_eq!(answer(&message.to_ascii_uppercase(), &question, Kind::V4), Some(expected));
        assert_eq!(answer(&message, &asked("example.com"), Kind::V4), None, "of another question");
        let mut other = message.clone();
        other[1] += 1;
        assert_eq!(answer(&other, &question, Kind::V4), None, "another number");
        let mut none = message.clone();
        none[3] = 0x83;
        assert_eq!(answer(&none, &question, Kind::V4), Some(Answer::NoSuchName));
        none[3] = 0x82;
        assert_eq!(answer(&none, &question, Kind::V4), Some(Answer::Failed));
    }

    #[test]
    fn hostile_answers_end() {
        let question = asked("example.org");
        let message = answered(&question);
        for length in 0..message.len() {
            // Whatever it says, it ends.
            let _ = answer(&message[..length], &question, Kind::V4);
            for byte in [0, 0x3f, 0x40, 0xc0, 0xff] {
                let mut changed = message.clone();
                changed[length] = byte;
                let _ = answer(&changed, &question, Kind::V4);
            }
        }
    }
}
