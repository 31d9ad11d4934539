//! Keys to lines: echo, erasing, and the keys that end things. For programs that read the console themselves;
//! others call [`read_input`](crate::read_input).

use alloc::vec::Vec;

/// Longest line in bytes.
const MAX_LINE: usize = 1024;

/// What typing has made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typed {
    /// Text to send: a line with its end, or what was typed of one before Ctrl-D.
    Text(Vec<u8>),
    /// Ctrl-D at the start of a line: no more will be sent.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// The line being typed.
#[derive(Clone, Default, Debug)]
pub struct Typing {
    line: Vec<u8>,
}

impl Typing {
    /// An empty line.
    pub const fn new() -> Self {
        Self { line: Vec::new() }
    }

    /// A byte has come from the keyboard; `echo` shows text on the terminal.
    pub fn key(&mut self, byte: u8, echo: &mut dyn FnMut(&str)) -> Option<Typed> {
        match byte {
            b'\r' | b'\n' => {
                echo("\n");
                self.line.push(b'\n');
                Some(Typed::Text(core::mem::take(&mut self.line)))
            }
            3 => Some(Typed::Interrupt),
            4 if self.line.is_empty() => Some(Typed::End),
            4 => Some(Typed::Text(core::mem::take(&mut self.line))),
            8 | 0x7f => {
                self.erase(echo);
                None
            }
            _ if self.line.len() >= MAX_LINE || (byte < b' ' && byte != b'\t') => {
                echo("\x07");
                None
            }
            _ => {
                self.line.push(byte);
                self.show_last(echo);
                None
            }
        }
    }

    /// Shows the last character once all of its bytes are there.
    fn show_last(&self, echo: &mut dyn FnMut(&str)) {
        let start = self.line.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        if let Some(Ok(text)) = self.line.get(start..).map(core::str::from_utf8) {
            echo(text);
        }
    }

    fn erase(&mut self, echo: &mut dyn FnMut(&str)) {
        let mut erased = false;
        while let Some(byte) = self.line.pop() {
            erased = true;
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
        echo(if erased { "\x08 \x08" } else { "\x07" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    /// What is sent and what is shown.
    fn typed(keys: &[u8]) -> (Vec<Typed>, String) {
        let (mut typing, mut shown) = (Typing::new(), String::new());
        let typed =
            keys.iter().filter_map(|&key| typing.key(key, &mut |text| shown.push_str(text))).collect();
        (typed, shown)
    }

    fn text(text: &str) -> Typed {
        Typed::Text(text.into())
    }

    #[test]
    fn a_line_is_sent_when_it_ends() {
        assert_eq!(typed(b"hi\rx"), ([text("hi\n")].into(), "hi\nx".into()));
        assert_eq!(typed("äb\u{8}\u{8}\u{8}ü\r".as_bytes()).0, [text("ü\n")]);
        assert_eq!(typed(b"a\x7f\x7f"), (Vec::new(), "a\x08 \x08\x07".into()));
    }

    #[test]
    fn control_keys_end_things() {
        assert_eq!(typed(b"a\x04\x04\x03").0, [text("a"), Typed::End, Typed::Interrupt]);
    }

    #[test]
    fn lines_are_bounded() {
        let (sent, _) = typed(&[[b'x'; 2000].as_slice(), b"\r"].concat());
        assert_eq!(sent, [Typed::Text([[b'x'; MAX_LINE].as_slice(), b"\n"].concat())]);
    }
}
