//! The editor: bytes from the keyboard in, what the terminal is to show and what is to be done with the file out.
//!
//! A state machine over the text and the screen that waits for nothing and knows no files: whoever runs it saves when it
//! asks for that, and says how that went.

use alloc::format;
use alloc::string::String;

use terminal::{Decoder, Key};

use crate::cells;
use crate::screen::{Bottom, Screen};
use crate::text::{MAX_TEXT, Text};

/// What is said at first.
pub const KEYS: &str = "Ctrl-S saves, Q quits, F finds, Z undoes, K cuts a line, U puts it back";
/// Longest text to look for, in bytes.
const MAX_SEARCH: usize = 1024;

/// What is to be done with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Save it.
    Save,
    /// Save it, and end if that went well.
    SaveAndQuit,
    /// End.
    Quit,
}

/// What the keys are for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Mode {
    /// The text.
    Text,
    /// What to look for.
    Search(String),
    /// Whether to save before the end.
    Quit,
}

/// An editor of one file.
#[derive(Clone, Debug)]
pub struct Editor {
    name: String,
    text: Text,
    screen: Screen,
    decoder: Decoder,
    mode: Mode,
    message: String,
    /// The size of the terminal was asked for.
    asked: bool,
    /// What was looked for last.
    search: String,
    /// The lines that were cut.
    cut: String,
    /// The last key has cut a line: the next one goes with it.
    cutting: bool,
}

impl Editor {
    /// An editor of this text, which is called `name`, with a message for the start.
    pub fn new(name: &str, text: String, message: String) -> Self {
        Self {
            name: name.into(),
            text: Text::new(text),
            screen: Screen::default(),
            decoder: Decoder::new(),
            mode: Mode::Text,
            message,
            asked: false,
            search: String::new(),
            cut: String::new(),
            cutting: false,
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.text.text()
    }

    /// Asks the terminal for its size.
    pub fn start(&mut self, out: &mut String) {
        self.asked = true;
        self.screen.ask_size(out);
    }

    /// Makes the terminal show what the bytes up to now have done.
    pub fn draw(&mut self, out: &mut String) {
        let question;
        let bottom = match &self.mode {
            Mode::Text => Bottom::Message(&self.message),
            Mode::Search(what) => {
                question = match self.search.as_str() {
                    "" => "find: ".into(),
                    last => format!("find (Enter for `{last}`): "),
                };
                Bottom::Question(&question, what)
            }
            Mode::Quit => {
                Bottom::Question("save the changes before the end? y, n, or Ctrl-C to go on editing: ", "")
            }
        };
        self.screen.draw(&self.text, &self.name, bottom, out);
    }

    /// Gives the terminal up.
    pub fn leave(&mut self, out: &mut String) {
        self.screen.leave(out);
    }

    /// The file was saved, with so many bytes; or it was not, for a reason.
    pub fn saved(&mut self, result: Result<usize, String>) {
        self.message = match result {
            Ok(bytes) => {
                self.text.save();
                format!("saved {bytes} bytes")
            }
            Err(reason) => reason,
        };
    }

    /// Takes one byte. What it changes is shown by the next [`Editor::draw`], so that pasted text is drawn once.
    pub fn push(&mut self, byte: u8, out: &mut String) -> Option<Request> {
        let key = self.decoder.push(byte)?;
        if let Key::Position { row, column } = key {
            if core::mem::take(&mut self.asked) {
                self.screen.resize(row.into(), column.into());
            }
            return None;
        }
        match &mut self.mode {
            Mode::Quit => self.answer(key),
            Mode::Search(what) => {
                match key {
                    Key::Enter => {
                        let what = core::mem::take(what);
                        self.find(what);
                    }
                    Key::Control('c' | 'g' | 'q') => self.mode = Mode::Text,
                    Key::Char(character) if what.len() < MAX_SEARCH => what.push(character),
                    Key::Tab if what.len() < MAX_SEARCH => what.push('\t'),
                    Key::Backspace => {
                        let length = what.len() - cells::last(what).len();
                        what.truncate(length);
                    }
                    _ => out.push('\x07'),
                }
                None
            }
            Mode::Text => self.key(key, out),
        }
    }

    /// Whether to save before the end.
    fn answer(&mut self, key: Key) -> Option<Request> {
        match key {
            Key::Char('y' | 'Y') => {
                self.mode = Mode::Text;
                Some(Request::SaveAndQuit)
            }
            Key::Char('n' | 'N') => Some(Request::Quit),
            Key::Control('c' | 'g') => {
                self.mode = Mode::Text;
                None
            }
            _ => None,
        }
    }

    fn find(&mut self, what: String) {
        self.mode = Mode::Text;
        if !what.is_empty() {
            self.search = what;
        }
        if self.search.is_empty() {
            return;
        }
        match self.text.find(&self.search) {
            Some(false) => {}
            Some(true) => self.message = "found from the start of the text on".into(),
            None => self.message = format!("`{}` is not in the text", self.search),
        }
    }

    /// A key for the text.
    fn key(&mut self, key: Key, out: &mut String) -> Option<Request> {
        self.message.clear();
        let cutting = core::mem::take(&mut self.cutting);
        match key {
            Key::Control('s') => return Some(Request::Save),
            Key::Control('q') if self.text.is_modified() => self.mode = Mode::Quit,
            Key::Control('q') => return Some(Request::Quit),
            Key::Control('f') => self.mode = Mode::Search(String::new()),
            Key::Control('c' | 'g') => self.message = KEYS.into(),
            Key::Control('l') => self.start(out),
            Key::Control('k') => {
                if !cutting {
                    self.cut.clear();
                }
                self.cut.push_str(&self.text.cut_line());
                self.cutting = true;
            }
            Key::Control('z') if !self.text.undo() => self.message = "nothing to undo".into(),
            Key::Control('y') if !self.text.redo() => self.message = "nothing to do again".into(),
            Key::Char(character) => self.insert(character.encode_utf8(&mut [0; 4])),
            Key::Enter => self.insert("\n"),
            Key::Tab => self.insert("\t"),
            Key::Control('u') => {
                let cut = core::mem::take(&mut self.cut);
                self.insert(&cut);
                self.cut = cut;
            }
            key => self.go(key),
        }
        None
    }

    fn insert(&mut self, text: &str) {
        if !self.text.insert(text) {
            self.message = format!("this does not fit: a text has at most {} KiB", MAX_TEXT >> 10);
        }
    }

    /// Keys that move or erase.
    fn go(&mut self, key: Key) {
        let page = self.screen.height().saturating_sub(1);
        let text = &mut self.text;
        match key {
            Key::Left | Key::Control('b') => text.left(),
            Key::Right => text.right(),
            Key::Up | Key::Control('p') => text.up(1),
            Key::Down | Key::Control('n') => text.down(1),
            Key::PageUp => text.up(page),
            Key::PageDown => text.down(page),
            Key::Home | Key::Control('a') => text.home(),
            Key::End | Key::Control('e') => text.end(),
            Key::WordLeft | Key::Alt('b') => text.word_left(),
            Key::WordRight | Key::Alt('f') => text.word_right(),
            Key::ControlHome => text.first(),
            Key::ControlEnd => text.last(),
            Key::Backspace => text.backspace(),
            Key::Delete | Key::Control('d') => text.delete(),
            _ => {}
        }
    }
}
