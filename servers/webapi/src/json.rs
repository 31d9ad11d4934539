//! JSON (RFC 8259), written straight into a reply.

use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

/// Writes values of an object or array, with commas between them.
pub struct Json<'a> {
    out: &'a mut Vec<u8>,
    /// Whether a value stands before the next one at this level.
    comma: bool,
}

impl<'a> Json<'a> {
    /// Goes on in an object or array, at whose start or after a value of it.
    pub const fn new(out: &'a mut Vec<u8>, after_value: bool) -> Self {
        Self { out, comma: after_value }
    }

    fn next(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    /// The next member's name; its value must follow.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.next();
        write_text(name, self.out);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A number.
    pub fn number(&mut self, number: impl Into<u64>) {
        self.next();
        crate::http::decimal(number.into(), self.out);
    }

    /// True or false.
    pub fn boolean(&mut self, value: bool) {
        self.next();
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Nothing.
    pub fn null(&mut self) {
        self.next();
        self.out.extend_from_slice(b"null");
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.next();
        write_text(text, self.out);
    }

    /// A text, as a value displays itself; `None`: null.
    pub fn display(&mut self, value: Option<impl Display>) {
        let Some(value) = value else { return self.null() };
        self.next();
        self.out.push(b'"');
        // Writing to memory cannot fail.
        let _ = write!(Escaped(self.out), "{value}");
        self.out.push(b'"');
    }

    /// An object with the members that `write` gives it.
    pub fn object(&mut self, write: impl FnOnce(&mut Json<'_>)) {
        self.nested(b'{', b'}', write);
    }

    /// An array with the values that `write` gives it.
    pub fn array(&mut self, write: impl FnOnce(&mut Json<'_>)) {
        self.nested(b'[', b']', write);
    }

    fn nested(&mut self, open: u8, close: u8, write: impl FnOnce(&mut Json<'_>)) {
        self.next();
        self.out.push(open);
        write(&mut Json::new(self.out, false));
        self.out.push(close);
    }
}

/// Writes text in quotes.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text.as_bytes(), out);
    out.push(b'"');
}

/// Writes what stands for UTF-8 text between quotes.
pub fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 | 0x7f => {
                let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            }
            _ => out.push(byte),
        }
    }
}

/// Escapes what is displayed.
struct Escaped<'a>(&'a mut Vec<u8>);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text.as_bytes(), self.0);
        Ok(())
    }
}

/// The value of the only member of an object, if that has this name and a text without escapes as its value: as much
/// JSON as requests need here.
pub fn only_text<'a>(document: &'a [u8], name: &str) -> Option<&'a str> {
    let document = core::str::from_utf8(document).ok()?.trim_ascii();
    let member = document.strip_prefix('{')?.strip_suffix('}')?;
    let rest = member.trim_ascii_start().strip_prefix('"')?.strip_prefix(name)?.strip_prefix('"')?;
    let value = rest.trim_ascii_start().strip_prefix(':')?.trim_ascii();
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains(|character: char| matches!(character, '"' | '\\') || character.is_control()))
        .then_some(text)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    fn written(write: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Json::new(&mut out, false));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_with_commas_between_them() {
        let text = written(|json| {
            json.object(|json| {
                json.name("a").number(0_u32);
                json.name("b").array(|json| {
                    json.boolean(true);
                    json.null();
                    json.number(u64::MAX);
                });
                json.name("c").object(|_| ());
            });
            json.display(Some(7));
        });
        assert_eq!(text, r#"{"a":0,"b":[true,null,18446744073709551615],"c":{}},"7""#);
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(written(|json| json.text("\"\\\n\x1b\x7f grün")), r#""\"\\\n\u001b\u007f grün""#);
        assert_eq!(written(|json| json.display(Some("\""))), r#""\"""#);
    }

    #[test]
    fn the_only_member_is_found() {
        assert_eq!(only_text(b" { \"device\" : \"net0\" }\n", "device"), Some("net0"));
        for bad in [
            "",
            "{}",
            "\"net0\"",
            r#"{"device":7}"#,
            r#"{"device":"a","x":"b"}"#,
            r#"{"name":"net0"}"#,
            r#"{"device":"a\"b"}"#,
            r#"{"device":"}"#,
            r#"{"device" "net0"}"#,
        ] {
            assert_eq!(only_text(bad.as_bytes(), "device"), None, "{bad}");
        }
    }
}
