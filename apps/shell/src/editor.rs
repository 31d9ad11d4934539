//! The line editor: bytes in; edits, output and events out.
//!
//! A pure state machine over the decoder, the line, the history and the screen. It knows no commands: completion and
//! what to do with an entered line are the caller's.

use crate::history::History;
use crate::line::Line;
use crate::screen::{COLUMNS, Screen};
use alloc::string::String;
use terminal::{Decoder, Key};

/// What the keys asked for that the editor does not do itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A line was entered. The terminal stands at the start of the next row.
    Entered(String),
    /// Ctrl-C: the line was dropped. The terminal stands at the start of the next row.
    Interrupted,
    /// Tab: [`Editor::before`] is to be completed.
    Complete,
    /// Ctrl-D in an empty line. The terminal stands at the start of the next row.
    Leave,
}

/// A line editor.
#[derive(Clone, Default, Debug)]
pub struct Editor {
    decoder: Decoder,
    line: Line,
    history: History,
    screen: Screen,
}

impl Editor {
    /// Writes the prompt in an empty row, and the line as far as it is typed.
    pub fn prompt(&mut self, out: &mut String) {
        self.screen.prompt(out);
        self.refresh(out);
    }

    /// Clears the row, so that something else can be written; [`Editor::prompt`] brings the line back.
    pub fn erase(&mut self, out: &mut String) {
        self.screen.erase(out);
    }

    /// Makes the terminal show what the bytes up to now have done. Cheap if that is nothing.
    pub fn refresh(&mut self, out: &mut String) {
        self.screen.update(&self.line, out);
    }

    /// The text left of the cursor.
    pub fn before(&self) -> &str {
        self.line.before()
    }

    /// Inserts text at the cursor; rings the bell if the line is full.
    pub fn insert(&mut self, text: &str, out: &mut String) {
        if !self.line.insert(text) {
            out.push('\x07');
        }
    }

    /// Shows `names` in columns under the line, and the prompt and the line again below them.
    pub fn list(&mut self, names: &[String], out: &mut String) {
        self.line_break(out);
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) + 2;
        let per_row = (COLUMNS / width).max(1);
        for row in names.chunks(per_row) {
            for (index, name) in row.iter().enumerate() {
                out.push_str(name);
                if index + 1 < row.len() {
                    out.extend(core::iter::repeat_n(' ', width - name.chars().count()));
                }
            }
            out.push_str("\r\n");
        }
        self.prompt(out);
    }

    /// Takes one byte. What it changes in the line is shown by the next [`Editor::refresh`], so that pasted text is
    /// drawn once.
    pub fn push(&mut self, byte: u8, out: &mut String) -> Option<Event> {
        match self.decoder.push(byte)? {
            Key::Enter => {
                self.line_break(out);
                let line = self.line.take();
                self.history.add(&line);
                Some(Event::Entered(line))
            }
            Key::Control('c') => {
                self.line.end();
                self.refresh(out);
                out.push_str("^C\r\n");
                self.line.take();
                self.history.leave();
                Some(Event::Interrupted)
            }
            Key::Control('d') if self.line.is_empty() => {
                out.push_str("\r\n");
                Some(Event::Leave)
            }
            Key::Tab => Some(Event::Complete),
            Key::Control('l') => {
                self.screen.clear(out);
                None
            }
            key => {
                self.edit(key, out);
                None
            }
        }
    }

    fn edit(&mut self, key: Key, out: &mut String) {
        let line = &mut self.line;
        match key {
            Key::Char(character) => self.insert(character.encode_utf8(&mut [0; 4]), out),
            Key::Left | Key::Control('b') => line.left(),
            Key::Right | Key::Control('f') => line.right(),
            Key::Home | Key::Control('a') => line.home(),
            Key::End | Key::Control('e') => line.end(),
            Key::WordLeft | Key::Alt('b') => line.word_left(),
            Key::WordRight | Key::Alt('f') => line.word_right(),
            Key::Backspace => line.backspace(),
            Key::Delete | Key::Control('d') => line.delete(),
            Key::Control('k') => line.kill_to_end(),
            Key::Control('u') => line.kill_to_start(),
            Key::Control('w') => line.kill_blank_word_left(),
            Key::AltBackspace => line.kill_word_left(),
            Key::Alt('d') => line.kill_word_right(),
            Key::Control('y') => {
                if !line.yank() {
                    out.push('\x07');
                }
            }
            Key::Up | Key::Control('p') => {
                if let Some(text) = self.history.previous(line.text()) {
                    line.set(text);
                }
            }
            Key::Down | Key::Control('n') => {
                if let Some(text) = self.history.next() {
                    line.set(text);
                }
            }
            Key::Control(_) | Key::Alt(_) | Key::Enter | Key::Tab => {}
            Key::PageUp | Key::PageDown | Key::ControlHome | Key::ControlEnd | Key::Position { .. } => {}
        }
    }

    fn line_break(&mut self, out: &mut String) {
        // The whole line is shown, cursor at its end, before the terminal leaves the row.
        let cursor = self.line.after().chars().count();
        self.line.end();
        self.refresh(out);
        for _ in 0..cursor {
            self.line.left();
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::line::MAX_LINE;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn entered(bytes: &[u8]) -> Vec<Event> {
        let (mut editor, mut out) = (Editor::default(), String::new());
        bytes.iter().filter_map(|&byte| editor.push(byte, &mut out)).collect()
    }

    fn line(text: &str) -> Event {
        Event::Entered(text.into())
    }

    #[test]
    fn keys_edit_the_line() {
        assert_eq!(entered(b"helo\x1b[Dl\r"), [line("hello")]);
        assert_eq!(entered(b"x\x01a\x05b\x1b[H\x1b[3~\r"), [line("xb")]);
        assert_eq!(entered(b"one two\x17three\x15\x19\r"), [line("one three")]);
        assert_eq!(entered(b"abc\x02\x02\x0b\r"), [line("a")]);
        assert_eq!(entered("grün\x7f\x7f\x7fau\r".as_bytes()), [line("gau")]);
        assert_eq!(entered(b"ps\rlog\r\x1b[A\x1b[A\x1b[B\x1b[A!\r"), [line("ps"), line("log"), line("ps!")]);
    }

    #[test]
    fn control_keys_give_events() {
        assert_eq!(entered(b"gone\x03\r"), [Event::Interrupted, line("")]);
        assert_eq!(entered(b"\x04"), [Event::Leave]);
        assert_eq!(entered(b"ab\x01\x04\t\r"), [Event::Complete, line("b")]);
    }

    #[test]
    fn a_line_entered_from_its_middle_is_shown_whole() {
        let (mut editor, mut out) = (Editor::default(), String::new());
        for byte in *b"abc\x01\r" {
            editor.push(byte, &mut out);
        }
        assert_eq!(out, "abc\r\n");
    }

    proptest! {
        #[test]
        fn no_input_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let (mut editor, mut out) = (Editor::default(), String::new());
            for byte in bytes {
                if let Some(Event::Entered(text)) = editor.push(byte, &mut out) {
                    prop_assert!(text.len() <= MAX_LINE && !text.contains(char::is_control));
                }
                editor.refresh(&mut out);
            }
        }

        #[test]
        fn what_is_typed_is_entered(text in "[^\\p{C}]{0,100}") {
            let typed = [text.as_bytes(), b"\r"].concat();
            prop_assert_eq!(entered(&typed), [line(&text)]);
        }
    }
}
