//! The line being edited: text and a cursor, with every edit that keys ask for.
//!
//! Positions are byte offsets at character boundaries and stay so; the length never passes [`MAX_LINE`]. Nothing here
//! knows keys or terminals.

use alloc::string::String;

/// Longest line in bytes.
pub const MAX_LINE: usize = 1024;

/// A line of text with a cursor.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Line {
    text: String,
    cursor: usize,
    killed: String,
}

impl Line {
    /// The text.
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

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Replaces the text by as much of `text` as fits, with the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Takes the text away and leaves the line empty.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        core::mem::take(&mut self.text)
    }

    /// Inserts `text` at the cursor. Returns false, and inserts only the characters that fit, if the line gets full.
    pub fn insert(&mut self, text: &str) -> bool {
        let room = MAX_LINE.saturating_sub(self.text.len());
        let fits = text.get(..floor_char_boundary(text, room)).unwrap_or_default();
        self.text.insert_str(self.cursor, fits);
        self.cursor += fits.len();
        fits.len() == text.len()
    }

    /// Moves the cursor one character to the left.
    pub fn left(&mut self) {
        self.cursor -= self.before().chars().next_back().map_or(0, char::len_utf8);
    }

    /// Moves the cursor one character to the right.
    pub fn right(&mut self) {
        self.cursor += self.after().chars().next().map_or(0, char::len_utf8);
    }

    /// Moves the cursor to the start of the line.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// Moves the cursor to the end of the line.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Moves the cursor to the start of the word, or of the one to the left.
    pub fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    /// Moves the cursor to the end of the word, or of the one to the right.
    pub fn word_right(&mut self) {
        self.cursor = self.word_end();
    }

    /// Removes the character left of the cursor.
    pub fn backspace(&mut self) {
        if !self.before().is_empty() {
            self.left();
            self.delete();
        }
    }

    /// Removes the character at the cursor.
    pub fn delete(&mut self) {
        if !self.after().is_empty() {
            self.text.remove(self.cursor);
        }
    }

    /// Cuts from the cursor to the end of the line; [`Line::yank`] inserts it again.
    pub fn kill_to_end(&mut self) {
        self.kill(self.cursor, self.text.len());
    }

    /// Cuts from the start of the line to the cursor.
    pub fn kill_to_start(&mut self) {
        self.kill(0, self.cursor);
    }

    /// Cuts back to the previous blank: what Ctrl-W does everywhere.
    pub fn kill_blank_word_left(&mut self) {
        let trimmed = self.before().trim_end_matches(' ');
        let start = trimmed.rfind(' ').map_or(0, |blank| blank + 1);
        self.kill(start, self.cursor);
    }

    /// Cuts back to the start of the word.
    pub fn kill_word_left(&mut self) {
        self.kill(self.word_start(), self.cursor);
    }

    /// Cuts to the end of the word.
    pub fn kill_word_right(&mut self) {
        self.kill(self.cursor, self.word_end());
    }

    /// Inserts what was cut last.
    pub fn yank(&mut self) -> bool {
        let killed = core::mem::take(&mut self.killed);
        let complete = self.insert(&killed);
        self.killed = killed;
        complete
    }

    fn kill(&mut self, start: usize, end: usize) {
        if start < end {
            self.killed = self.text.drain(start..end).collect();
            self.cursor = start;
        }
    }

    fn word_start(&self) -> usize {
        let trimmed = self.before().trim_end_matches(|c: char| !c.is_alphanumeric());
        trimmed.trim_end_matches(char::is_alphanumeric).len()
    }

    fn word_end(&self) -> usize {
        let rest = self.after().trim_start_matches(|c: char| !c.is_alphanumeric());
        self.text.len() - rest.trim_start_matches(char::is_alphanumeric).len()
    }
}

fn floor_char_boundary(text: &str, limit: usize) -> usize {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[derive(Clone, Debug)]
    enum Edit {
        Insert(String),
        Left,
        Right,
        Home,
        End,
        WordLeft,
        WordRight,
        Backspace,
        Delete,
        KillToEnd,
        KillToStart,
        KillBlankWordLeft,
        KillWordLeft,
        KillWordRight,
        Yank,
    }

    fn edits() -> impl Strategy<Value = Edit> {
        use Edit::*;
        prop_oneof![
            3 => "[a-z .-]{1,6}|[äß語🦀 ]{1,3}".prop_map(Insert),
            3 => proptest::sample::select(std::vec![
                Left, Right, Home, End, WordLeft, WordRight, Backspace, Delete, KillToEnd, KillToStart,
                KillBlankWordLeft, KillWordLeft, KillWordRight, Yank,
            ]),
        ]
    }

    /// The same line as two lists of characters, left and right of the cursor: slow and obvious.
    #[derive(Default)]
    struct Model {
        left: Vec<char>,
        right: Vec<char>,
        killed: Vec<char>,
    }

    impl Model {
        fn apply(&mut self, edit: &Edit) {
            match edit {
                Edit::Insert(text) => self.left.extend(text.chars()),
                Edit::Left => self.right.splice(0..0, self.left.pop()).for_each(drop),
                Edit::Right => self.left.extend(self.right.drain(..self.right.len().min(1))),
                Edit::Home => self.right.splice(0..0, self.left.drain(..)).for_each(drop),
                Edit::End => self.left.append(&mut self.right),
                Edit::WordLeft => {
                    let tail = self.left.split_off(self.word_start());
                    self.right.splice(0..0, tail);
                }
                Edit::WordRight => {
                    let end = self.word_end();
                    self.left.extend(self.right.drain(..end));
                }
                Edit::Backspace => drop(self.left.pop()),
                Edit::Delete => drop(self.right.drain(..self.right.len().min(1))),
                Edit::KillToEnd => {
                    let cut = self.right.split_off(0);
                    self.keep(cut);
                }
                Edit::KillToStart => {
                    let cut = self.left.split_off(0);
                    self.keep(cut);
                }
                Edit::KillBlankWordLeft => {
                    let mut start = self.left.len();
                    while start > 0 && self.left[start - 1] == ' ' {
                        start -= 1;
                    }
                    while start > 0 && self.left[start - 1] != ' ' {
                        start -= 1;
                    }
                    let cut = self.left.split_off(start);
                    self.keep(cut);
                }
                Edit::KillWordLeft => {
                    let cut = self.left.split_off(self.word_start());
                    self.keep(cut);
                }
                Edit::KillWordRight => {
                    let end = self.word_end();
                    let cut = self.right.drain(..end).collect();
                    self.keep(cut);
                }
                Edit::Yank => self.left.extend(&self.killed),
            }
        }

        fn keep(&mut self, cut: Vec<char>) {
            if !cut.is_empty() {
                self.killed = cut;
            }
        }

        fn word_start(&self) -> usize {
            let mut start = self.left.len();
            while start > 0 && !self.left[start - 1].is_alphanumeric() {
                start -= 1;
            }
            while start > 0 && self.left[start - 1].is_alphanumeric() {
                start -= 1;
            }
            start
        }

        fn word_end(&self) -> usize {
            let mut end = 0;
            while end < self.right.len() && !self.right[end].is_alphanumeric() {
                end += 1;
            }
            while end < self.right.len() && self.right[end].is_alphanumeric() {
                end += 1;
            }
            end
        }
    }

    fn apply(line: &mut Line, edit: &Edit) {
        match edit {
            Edit::Insert(text) => drop(line.insert(text)),
            Edit::Left => line.left(),
            Edit::Right => line.right(),
            Edit::Home => line.home(),
            Edit::End => line.end(),
            Edit::WordLeft => line.word_left(),
            Edit::WordRight => line.word_right(),
            Edit::Backspace => line.backspace(),
            Edit::Delete => line.delete(),
            Edit::KillToEnd => line.kill_to_end(),
            Edit::KillToStart => line.kill_to_start(),
            Edit::KillBlankWordLeft => line.kill_blank_word_left(),
            Edit::KillWordLeft => line.kill_word_left(),
            Edit::KillWordRight => line.kill_word_right(),
            Edit::Yank => drop(line.yank()),
        }
    }

    proptest! {
        #[test]
        fn every_edit_does_what_the_model_does(edits in proptest::collection::vec(edits(), 0..60)) {
            let (mut line, mut model) = (Line::default(), Model::default());
            for edit in &edits {
                apply(&mut line, edit);
                model.apply(edit);
                // The model has no limit, and yanks double the text: stop before it matters.
                prop_assume!(model.left.len() + model.right.len() < MAX_LINE / 4);
                prop_assert_eq!(line.before(), model.left.iter().collect::<String>());
                prop_assert_eq!(line.after(), model.right.iter().collect::<String>());
            }
        }
    }

    #[test]
    fn a_full_line_takes_what_fits_and_says_so() {
        let mut line = Line::default();
        assert!(line.insert(&"x".repeat(MAX_LINE - 1)));
        assert!(!line.insert("ü"), "half a character does not fit");
        assert_eq!(line.text().len(), MAX_LINE - 1);
        assert!(line.insert("y") && !line.insert("z"));
        line.set(&"ü".repeat(MAX_LINE));
        assert_eq!(line.text().len(), MAX_LINE);
    }
}
