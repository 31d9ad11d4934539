//! The text being edited: a string and a cursor in it, with every edit and movement that keys ask for.
//!
//! The cursor stands between characters, and the text never passes [`MAX_TEXT`]. Lines are found from the cursor, so that most
//! keys cost what the lines nearby are long. Nothing here knows keys, terminals or files.

use alloc::string::String;
use core::ops::Range;

use crate::cells;
use crate::history::{Change, History};

/// Longest text in bytes.
pub const MAX_TEXT: usize = 1 << 20;

/// A text with a cursor.
#[derive(Clone, Default, Debug)]
pub struct Text {
    text: String,
    cursor: usize,
    /// Lines before the cursor's.
    line: usize,
    /// Ends of lines in the text.
    ends: usize,
    /// The column that up and down keep to.
    goal: Option<usize>,
    history: History,
}

impl Text {
    /// A text as it is stored, with the cursor at its start.
    pub fn new(text: String) -> Self {
        Self { ends: ends(&text), text, ..Self::default() }
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text left of the cursor.
    pub fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// The text from the cursor on.
    pub fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// The cursor's line, from 0.
    pub fn line(&self) -> usize {
        self.line
    }

    /// How many lines there are; at least 1.
    pub fn lines(&self) -> usize {
        self.ends + 1
    }

    /// The cursor's column on the terminal, from 0.
    pub fn column(&self) -> usize {
        cells::columns(self.text.get(self.line_start()..self.cursor).unwrap_or_default())
    }

    /// The lines from number `line` on.
    pub fn lines_from(&self, line: usize) -> impl Iterator<Item = &str> {
        let (mut start, mut at) = (self.line_start(), self.line);
        while at > line {
            start = line_start(self.text.get(..start.saturating_sub(1)).unwrap_or_default());
            at -= 1;
        }
        let mut lines = self.text.get(start..).unwrap_or_default().split('\n');
        for _ in at..line {
            lines.next();
        }
        lines
    }

    /// Whether it is another text than when it was saved.
    pub fn is_modified(&self) -> bool {
        self.history.is_modified()
    }

    /// It was saved as it is.
    pub fn save(&mut self) {
        self.history.save();
    }

    /// Inserts text at the cursor; false, and nothing is changed, if there would be too much.
    pub fn insert(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() <= MAX_TEXT;
        if fits && !text.is_empty() {
            self.replace(self.cursor..self.cursor, text);
        }
        fits
    }

    /// Erases the cell left of the cursor.
    pub fn backspace(&mut self) {
        let length = cells::last(self.before()).len();
        self.erase(self.cursor - length..self.cursor);
    }

    /// Erases the cell under the cursor.
    pub fn delete(&mut self) {
        let length = cells::first(self.after()).len();
        self.erase(self.cursor..self.cursor + length);
    }

    /// Takes the cursor's line away, with its end.
    pub fn cut_line(&mut self) -> String {
        let end = self.line_end();
        let range = self.line_start()..self.text.len().min(end + 1);
        let cut = self.text.get(range.clone()).unwrap_or_default().into();
        self.erase(range);
        cut
    }

    /// Takes the last change back; false if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(Change { at, removed, inserted }) = self.history.undo().cloned() else { return false };
        self.put(at..at + inserted.len(), &removed);
        true
    }

    /// Makes the change again that was taken back last; false if there is none.
    pub fn redo(&mut self) -> bool {
        let Some(Change { at, removed, inserted }) = self.history.redo().cloned() else { return false };
        self.put(at..at + removed.len(), &inserted);
        true
    }

    fn erase(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.replace(range, "");
        }
    }

    fn replace(&mut self, range: Range<usize>, with: &str) {
        let removed = self.text.get(range.clone()).unwrap_or_default().into();
        self.history.add(Change { at: range.start, removed, inserted: with.into() });
        self.put(range, with);
    }

    /// Puts `with` in the place of a range; the cursor is behind it.
    fn put(&mut self, range: Range<usize>, with: &str) {
        self.move_to(range.start);
        let removed = self.text.get(range.clone()).unwrap_or_default();
        self.ends = self.ends + ends(with) - ends(removed);
        self.text.replace_range(range, with);
        self.move_to(self.cursor + with.len());
    }

    /// Moves the cursor to the start of a character.
    fn move_to(&mut self, at: usize) {
        let passed = |range| ends(self.text.get(range).unwrap_or_default());
        if at < self.cursor {
            self.line -= passed(at..self.cursor);
        } else {
            self.line += passed(self.cursor..at);
        }
        self.cursor = at;
        self.goal = None;
    }

    fn line_start(&self) -> usize {
        line_start(self.before())
    }

    fn line_end(&self) -> usize {
        self.cursor + self.after().find('\n').unwrap_or(self.after().len())
    }

    /// Moves one cell to the left.
    pub fn left(&mut self) {
        self.move_to(self.cursor - cells::last(self.before()).len());
    }

    /// Moves one cell to the right.
    pub fn right(&mut self) {
        self.move_to(self.cursor + cells::first(self.after()).len());
    }

    /// Moves to the start of the word, or of the one before.
    pub fn word_left(&mut self) {
        let before = self.before().trim_end_matches(|character: char| !character.is_alphanumeric());
        self.move_to(before.trim_end_matches(char::is_alphanumeric).len());
    }

    /// Moves to the end of the word, or of the next one.
    pub fn word_right(&mut self) {
        let after = self.after().trim_start_matches(|character: char| !character.is_alphanumeric());
        self.move_to(self.text.len() - after.trim_start_matches(char::is_alphanumeric).len());
    }

    /// Moves to the start of the line.
    pub fn home(&mut self) {
        self.move_to(self.line_start());
    }

    /// Moves to the end of the line.
    pub fn end(&mut self) {
        self.move_to(self.line_end());
    }

    /// Moves to the start of the text.
    pub fn first(&mut self) {
        self.move_to(0);
    }

    /// Moves to the end of the text.
    pub fn last(&mut self) {
        self.move_to(self.text.len());
    }

    /// Moves up by lines, or to the first one.
    pub fn up(&mut self, lines: usize) {
        let goal = self.goal.unwrap_or_else(|| self.column());
        for _ in 0..lines.min(self.line) {
            self.move_to(self.line_start().saturating_sub(1));
        }
        self.go_to_column(goal);
    }

    /// Moves down by lines, or to the last one.
    pub fn down(&mut self, lines: usize) {
        let goal = self.goal.unwrap_or_else(|| self.column());
        for _ in 0..lines.min(self.ends - self.line) {
            self.move_to(self.line_end() + 1);
        }
        self.go_to_column(goal);
    }

    /// Moves to a column of the line, or to its end; later ups and downs keep to this column.
    fn go_to_column(&mut self, column: usize) {
        let start = self.line_start();
        let line = self.text.get(start..self.line_end()).unwrap_or_default();
        self.move_to(start + cells::offset(line, column));
        self.goal = Some(column);
    }

    /// Moves to where `what` is found next behind the cursor, or else from the start on: whether it went on there. `None`
    /// if it is nowhere.
    pub fn find(&mut self, what: &str) -> Option<bool> {
        let next = self.cursor + cells::first(self.after()).len();
        let behind = self.text.get(next..).unwrap_or_default().find(what).map(|at| (next + at, false));
        let (at, wrapped) = behind.or_else(|| self.text.find(what).map(|at| (at, true)))?;
        self.move_to(at);
        Some(wrapped)
    }
}

fn ends(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// Where the last line of a text begins.
fn line_start(text: &str) -> usize {
    text.rfind('\n').map_or(0, |end| end + 1)
}
