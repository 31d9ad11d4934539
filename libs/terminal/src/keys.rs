//! From bytes to keys: UTF-8 text, control characters and the escape sequences of terminals.
//!
//! A [`Decoder`] takes one byte at a time and never waits for time to pass. It relies on nothing and never breaks on
//! garbage: what is not a key is dropped, control characters such as Enter and Ctrl-C come through in the middle of
//! every unfinished sequence, and nothing is kept beyond a few bytes.

/// A key, or a combination of keys; or the terminal's answer to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A character of text; never a control character.
    Char(char),
    /// Ctrl and a letter, which is lower case here.
    Control(char),
    /// Alt (or Escape first) and a character.
    Alt(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Erases to the left.
    Backspace,
    /// Alt and backspace.
    AltBackspace,
    /// Erases under the cursor.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Ctrl or Alt and arrow left.
    WordLeft,
    /// Ctrl or Alt and arrow right.
    WordRight,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Ctrl and Home.
    ControlHome,
    /// Ctrl and End.
    ControlEnd,
    /// Where the cursor is, from 1: the terminal's answer to `CSI 6 n`. Anybody can type one: do not trust it.
    Position {
        /// Its row.
        row: u16,
        /// Its column.
        column: u16,
    },
}

/// Most bytes of a string sequence (a title, a clipboard answer) that are dropped while its end does not come: after
/// them the rest counts as typed, so that garbage cannot make the keyboard dead.
const MAX_STRING: u16 = 256;

/// How far the decoder is in a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Between keys.
    Ground,
    /// In a UTF-8 sequence: `length` of its bytes are in `bytes`, `total` are needed.
    Utf8 { bytes: [u8; 4], length: usize, total: usize },
    /// After ESC.
    Escape,
    /// After ESC `[`: the parameters up to now.
    Csi(Parameters),
    /// After ESC `O`.
    Ss3,
    /// In a string sequence that is dropped; `escape` tells whether its last byte was ESC.
    Text { dropped: u16, escape: bool },
}

/// The numbers of a control sequence; those after the second are dropped, large ones saturate.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Parameters {
    values: [u16; 2],
    index: usize,
}

impl Parameters {
    fn push(&mut self, byte: u8) {
        match (byte, self.values.get_mut(self.index)) {
            (b'0'..=b'9', Some(value)) => {
                *value = value.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
            }
            (b';', _) => self.index = self.index.saturating_add(1),
            _ => {}
        }
    }

    /// Whether Alt or Ctrl is held: the second parameter is one more than a bit mask of Shift, Alt and Ctrl.
    fn by_words(self) -> bool {
        self.values[1].saturating_sub(1) & 0b110 != 0
    }
}

/// Turns bytes into keys.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// The last byte was CR: an LF that follows belongs to it.
    after_return: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder between keys.
    pub const fn new() -> Self {
        Self { state: State::Ground, after_return: false }
    }

    /// Takes the next byte. Returns the key that it completes, if it does.
    pub fn push(&mut self, byte: u8) -> Option<Key> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        if after_return && byte == b'\n' {
            return None;
        }
        match self.state {
            State::Ground => self.ground(byte),
            State::Utf8 { bytes, length, total } => self.utf8(byte, bytes, length, total),
            State::Escape => self.escape(byte),
            State::Csi(parameters) => self.csi(byte, parameters),
            State::Ss3 => self.ss3(byte),
            State::Text { dropped, escape } => self.text(byte, dropped, escape),
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        self.state = State::Ground;
        match byte {
            b'\r' | b'\n' => Some(Key::Enter),
            b'\t' => Some(Key::Tab),
            0x08 | 0x7f => Some(Key::Backspace),
            0x1b => self.enter(State::Escape),
            1..=26 => Some(Key::Control((byte - 1 + b'a') as char)),
            0 | 0x1c..=0x1f => None,
            0x20..=0x7e => Some(Key::Char(byte as char)),
            0xc2..=0xdf => self.enter(State::Utf8 { bytes: [byte, 0, 0, 0], length: 1, total: 2 }),
            0xe0..=0xef => self.enter(State::Utf8 { bytes: [byte, 0, 0, 0], length: 1, total: 3 }),
            0xf0..=0xf4 => self.enter(State::Utf8 { bytes: [byte, 0, 0, 0], length: 1, total: 4 }),
            0x80..=0xc1 | 0xf5..=0xff => None,
        }
    }

    fn enter(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }

    fn utf8(&mut self, byte: u8, mut bytes: [u8; 4], length: usize, total: usize) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            // The sequence is broken off: what came of it is dropped, and this byte starts anew.
            return self.ground(byte);
        }
        if let Some(place) = bytes.get_mut(length) {
            *place = byte;
        }
        let length = length + 1;
        if length < total {
            return self.enter(State::Utf8 { bytes, length, total });
        }
        self.state = State::Ground;
        let text = core::str::from_utf8(bytes.get(..total)?).ok()?;
        text.chars().next().filter(|character| !character.is_control()).map(Key::Char)
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        self.state = State::Ground;
        match byte {
            b'[' => self.enter(State::Csi(Parameters::default())),
            b'O' => self.enter(State::Ss3),
            b']' | b'P' | b'X' | b'^' | b'_' => self.enter(State::Text { dropped: 0, escape: false }),
            0x7f | 0x08 => Some(Key::AltBackspace),
            0x20..=0x7e => Some(Key::Alt(byte as char)),
            _ => self.ground(byte),
        }
    }

    fn csi(&mut self, byte: u8, mut parameters: Parameters) -> Option<Key> {
        match byte {
            0x20..=0x3f => {
                parameters.push(byte);
                return self.enter(State::Csi(parameters));
            }
            0x40..=0x7e => self.state = State::Ground,
            _ => return self.ground(byte),
        }
        match byte {
            b'A' => Some(Key::Up),
            b'B' => Some(Key::Down),
            b'C' if parameters.by_words() => Some(Key::WordRight),
            b'C' => Some(Key::Right),
            b'D' if parameters.by_words() => Some(Key::WordLeft),
            b'D' => Some(Key::Left),
            b'H' if parameters.by_words() => Some(Key::ControlHome),
            b'H' => Some(Key::Home),
            b'F' if parameters.by_words() => Some(Key::ControlEnd),
            b'F' => Some(Key::End),
            b'R' => {
                let [row, column] = parameters.values;
                Some(Key::Position { row, column })
            }
            b'~' => match parameters.values[0] {
                1 | 7 => Some(Key::Home),
                4 | 8 => Some(Key::End),
                3 => Some(Key::Delete),
                5 => Some(Key::PageUp),
                6 => Some(Key::PageDown),
                _ => None,
            },
            _ => None,
        }
    }

    fn ss3(&mut self, byte: u8) -> Option<Key> {
        self.state = State::Ground;
        match byte {
            b'A' => Some(Key::Up),
            b'B' => Some(Key::Down),
            b'C' => Some(Key::Right),
            b'D' => Some(Key::Left),
            b'H' => Some(Key::Home),
            b'F' => Some(Key::End),
            b'M' => Some(Key::Enter),
            0x20..=0x7e => None,
            _ => self.ground(byte),
        }
    }

    fn text(&mut self, byte: u8, dropped: u16, escape: bool) -> Option<Key> {
        self.state = State::Ground;
        match byte {
            0x07 => None,
            b'\\' if escape => None,
            // ESC starts the end of the string; ESC and anything else is a new sequence.
            _ if escape => self.escape(byte),
            0x1b => self.enter(State::Text { dropped, escape: true }),
            0..=0x1f => self.ground(byte),
            _ if dropped >= MAX_STRING => self.ground(byte),
            _ => self.enter(State::Text { dropped: dropped + 1, escape: false }),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::new();
        bytes.iter().filter_map(|&byte| decoder.push(byte)).collect()
    }

    #[test]
    fn each_spelling_of_a_key_is_known() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;2C", Key::Right),
            (b"\x1b[1;5C", Key::WordRight),
            (b"\x1b[1;3D", Key::WordLeft),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[7~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1b[4~", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[1;5H", Key::ControlHome),
            (b"\x1b[1;5F", Key::ControlEnd),
            (b"\x1b[24;80R", Key::Position { row: 24, column: 80 }),
            (b"\x1b[99999;R", Key::Position { row: 65535, column: 0 }),
            (b"\x7f", Key::Backspace),
            (b"\x08", Key::Backspace),
            (b"\x1b\x7f", Key::AltBackspace),
            (b"\x1bb", Key::Alt('b')),
            (b"\x01", Key::Control('a')),
            (b"\r", Key::Enter),
            (b"\n", Key::Enter),
            (b"\r\n", Key::Enter),
            ("ü".as_bytes(), Key::Char('ü')),
            ("語".as_bytes(), Key::Char('語')),
            ("🦀".as_bytes(), Key::Char('🦀')),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn broken_sequences_do_not_swallow_what_follows() {
        for start in [&b"\x1b["[..], b"\x1b[1;", b"\x1bO", b"\x1b", b"\xe3\x81", b"\xf0", b"\x1b]0;title"] {
            let bytes = [start, b"\x03\r"].concat();
            assert_eq!(keys(&bytes), [Key::Control('c'), Key::Enter], "{start:?}");
        }
        assert_eq!(keys(b"\xc3x\xff\x80y"), [Key::Char('x'), Key::Char('y')]);
        assert_eq!(keys(b"\xed\xa0\x80"), [], "a surrogate is no character");
        assert_eq!(keys(b"\x1b[200~\x1b[?25h\x1b[9999999999999;1r!"), [Key::Char('!')]);
        assert_eq!(keys(b"\x1b]133;A\x07a\x1b]x\x1b\\b"), [Key::Char('a'), Key::Char('b')]);
    }

    #[test]
    fn a_string_without_an_end_gives_the_keyboard_back() {
        let mut bytes = std::vec![b'x'; MAX_STRING as usize];
        bytes.splice(0..0, *b"\x1b]");
        bytes.extend_from_slice(b"ls");
        assert_eq!(keys(&bytes), [Key::Char('l'), Key::Char('s')]);
    }

    proptest! {
        #[test]
        fn text_arrives_as_typed(text in "\\PC*") {
            let expected: Vec<Key> = text.chars().map(Key::Char).collect();
            prop_assert_eq!(keys(text.as_bytes()), expected);
        }

        #[test]
        fn enter_ends_every_garbage(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut decoder = Decoder::new();
            for &byte in &bytes {
                let key = decoder.push(byte);
                prop_assert!(!matches!(key, Some(Key::Char(c)) if c.is_control()));
            }
            decoder.push(b'x');
            prop_assert_eq!(decoder.push(b'\r'), Some(Key::Enter));
        }
    }
}
