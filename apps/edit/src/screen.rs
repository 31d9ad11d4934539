//! The screen: a window on the text, a row about it, and a row for messages and questions.
//!
//! Remembers the rows that the terminal shows and writes only those that change. The window scrolls in both directions by
//! as much as keeps the cursor in it. Relies on a terminal that knows ANSI's CSI H, J, K and m.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::iter;

use crate::cells;
use crate::text::Text;

/// Size of a terminal that does not tell its own: rows and columns.
pub const DEFAULT: (usize, usize) = (24, 80);
/// Smallest and largest numbers of rows that are believed.
const ROWS: (usize, usize) = (4, 300);
/// Smallest and largest numbers of columns that are believed.
const COLUMNS: (usize, usize) = (20, 500);
/// Rows below the text.
const BELOW: usize = 2;

/// What the last row shows.
#[derive(Clone, Copy, Debug)]
pub enum Bottom<'a> {
    /// A message; the cursor is in the text.
    Message(&'a str),
    /// A question and the answer up to now, where the cursor is.
    Question(&'a str, &'a str),
}

/// What the terminal shows.
#[derive(Clone, Debug)]
pub struct Screen {
    rows: usize,
    columns: usize,
    /// The rows as they were written.
    shown: Vec<String>,
    /// The first line and the first column of the window.
    top: usize,
    left: usize,
}

impl Default for Screen {
    fn default() -> Self {
        let (rows, columns) = DEFAULT;
        Self { rows, columns, shown: Vec::new(), top: 0, left: 0 }
    }
}

impl Screen {
    /// The terminal has so many rows and columns, and what it shows is not known any more.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        self.rows = rows.clamp(ROWS.0, ROWS.1);
        self.columns = columns.clamp(COLUMNS.0, COLUMNS.1);
        self.shown.clear();
    }

    /// Asks the terminal where its last row and column are; the answer is a [`terminal::Key::Position`]. What it shows is
    /// not known any more.
    pub fn ask_size(&mut self, out: &mut String) {
        self.shown.clear();
        out.push_str("\x1b[999;999H\x1b[6n");
    }

    /// Rows of the window.
    pub fn height(&self) -> usize {
        self.rows - BELOW
    }

    /// Makes the terminal show the text, `name` with the cursor's position, and the bottom row.
    pub fn draw(&mut self, text: &Text, name: &str, bottom: Bottom<'_>, out: &mut String) {
        self.scroll(text);
        let lines = text.lines_from(self.top).chain(iter::repeat(""));
        let mut rows: Vec<String> = Vec::new();
        for line in lines.take(self.height()) {
            let mut row = String::new();
            cells::draw(line, self.left, self.columns, &mut row);
            rows.push(row);
        }
        rows.push(self.about(text, name));
        let (row, answer) = self.bottom(bottom);
        rows.push(row);
        if self.shown.len() != rows.len() {
            out.push_str("\x1b[m\x1b[2J");
            self.shown = iter::repeat_n(String::new(), rows.len()).collect();
        }
        for (number, (old, new)) in self.shown.iter_mut().zip(rows).enumerate() {
            if *old != new {
                go(number, 0, out);
                out.push_str("\x1b[K");
                out.push_str(&new);
                *old = new;
            }
        }
        match answer {
            Some(column) => go(self.rows - 1, column, out),
            None => go(text.line() - self.top, text.column() - self.left, out),
        }
    }

    /// Leaves the terminal empty, for the next program.
    pub fn leave(&mut self, out: &mut String) {
        self.shown.clear();
        out.push_str("\x1b[m\x1b[H\x1b[2J");
    }

    /// Moves the window so that the cursor is in it, and not on a mark at its sides.
    fn scroll(&mut self, text: &Text) {
        let height = self.height();
        if text.line() < self.top || text.line() >= self.top + height {
            let near = text.line() + 1 == self.top || text.line() == self.top + height;
            let above = if !near {
                height / 2
            } else if text.line() < self.top {
                0
            } else {
                height - 1
            };
            self.top = text.line().saturating_sub(above);
        }
        let column = text.column();
        let first = self.left + usize::from(self.left > 0);
        if column < first || column + 1 >= self.left + self.columns {
            let fits = column + 1 < self.columns;
            self.left = if fits { 0 } else { column - self.columns / 2 };
        }
    }

    /// The row about the text, in inverse video.
    fn about(&self, text: &Text, name: &str) -> String {
        let modified = if text.is_modified() { " (modified)" } else { "" };
        let place = format!(
            "{modified}  line {} of {}, column {} ",
            text.line() + 1,
            text.lines(),
            text.column() + 1
        );
        let room = self.columns.saturating_sub(place.len() + 1).max(2);
        // What a name ends with says more than what it begins with.
        let (mut shown, mut row) = (String::new(), String::from("\x1b[7m "));
        cells::draw(name, (cells::columns(name) + 1).saturating_sub(room), room, &mut shown);
        row.push_str(&shown);
        let mut used = 1 + cells::columns(&shown);
        for character in place.chars().take(self.columns - used) {
            row.push(character);
            used += 1;
        }
        row.extend(iter::repeat_n(' ', self.columns - used));
        row.push_str("\x1b[m");
        row
    }

    /// The last row, and in which column of it the cursor is, if it is there.
    fn bottom(&self, bottom: Bottom<'_>) -> (String, Option<usize>) {
        let mut row = String::new();
        match bottom {
            Bottom::Message(message) => {
                cells::draw(message, 0, self.columns, &mut row);
                (row, None)
            }
            Bottom::Question(question, answer) => {
                let line = format!("{question}{answer}");
                let columns = cells::columns(&line);
                let left = (columns + 1).saturating_sub(self.columns);
                cells::draw(&line, left, self.columns, &mut row);
                (row, Some(columns - left))
            }
        }
    }
}

/// Moves the cursor.
fn go(row: usize, column: usize, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\x1b[{};{}H", row + 1, column + 1);
}
