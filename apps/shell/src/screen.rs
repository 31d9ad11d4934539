//! The row of the terminal that shows the prompt and the line being edited.
//!
//! Remembers what stands there and writes only the difference, so that typing a character costs one byte on the
//! serial line. A line longer than the row scrolls sideways; `<` and `>` mark where it goes on. Relies on a terminal
//! of at least [`COLUMNS`] columns that knows backspace, CSI C, D, J and K.

use crate::line::Line;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use terminal::width;

/// Columns that are used: what every terminal has, since a serial line does not tell.
pub const COLUMNS: usize = 80;

/// What stands in front of the line.
pub const PROMPT: &str = "resea> ";

/// Columns for the text of the line; the last column stays free so that no terminal wraps.
const ROOM: usize = COLUMNS - PROMPT.len() - 1;

/// The row as the terminal shows it.
#[derive(Clone, Default, Debug)]
pub struct Screen {
    shown: Vec<char>,
    /// Column of the terminal's cursor, from the end of the prompt.
    column: usize,
    /// Index of the first character of the line that is shown.
    first: usize,
}

impl Screen {
    /// Writes the prompt, with marks around it for tools that look for prompts, in a row that is empty.
    pub fn prompt(&mut self, out: &mut String) {
        *self = Self::default();
        out.push_str("\x1b]133;A\x07");
        out.push_str(PROMPT);
        out.push_str("\x1b]133;B\x07");
    }

    /// Makes the row show `line`.
    pub fn update(&mut self, line: &Line, out: &mut String) {
        let (row, column) = self.layout(line);
        let mut same = self.shown.iter().zip(&row).take_while(|(old, new)| old == new).count();
        // A combining character is drawn over the one before it: both are written again.
        while same > 0 && [self.shown.get(same), row.get(same)].iter().flatten().any(|&&c| width(c) == 0) {
            same -= 1;
        }
        let (kept, fresh) = row.split_at_checked(same).unwrap_or((&row, &[]));
        if same < self.shown.len() || same < row.len() {
            self.move_to(columns(kept), out);
            out.extend(fresh);
            self.column += columns(fresh);
            if columns(&self.shown) > self.column {
                out.push_str("\x1b[K");
            }
        }
        self.move_to(column, out);
        self.shown = row;
    }

    /// Clears the row for other output, which then starts at its beginning.
    pub fn erase(&mut self, out: &mut String) {
        *self = Self::default();
        out.push_str("\r\x1b[J");
    }

    /// Clears the whole terminal and writes the prompt at its top.
    pub fn clear(&mut self, out: &mut String) {
        out.push_str("\x1b[H\x1b[2J");
        self.prompt(out);
    }

    /// What the row should show, and in which column the cursor belongs.
    fn layout(&mut self, line: &Line) -> (Vec<char>, usize) {
        let text: Vec<char> = line.text().chars().collect();
        let cursor = line.before().chars().count();
        if columns(&text) <= ROOM {
            self.first = 0;
        } else if cursor >= self.end(&text) || cursor < self.first || (cursor == self.first && cursor > 0) {
            self.first = scrolled(&text, cursor);
        }
        let end = self.end(&text);
        let mut row = Vec::new();
        if self.first > 0 {
            row.push('<');
        }
        let visible = text.get(self.first..end.min(text.len())).unwrap_or_default();
        // A combining character at the start has nothing to combine with.
        row.extend(visible.iter().skip_while(|&&character| width(character) == 0));
        let column = usize::from(self.first > 0) + columns(text.get(self.first..cursor).unwrap_or_default());
        if end < text.len() {
            row.push('>');
        }
        (row, column)
    }

    /// The index after the last character shown when `first` is the first one; past the end if all fits.
    fn end(&self, text: &[char]) -> usize {
        let room = ROOM - usize::from(self.first > 0);
        let rest = text.get(self.first..).unwrap_or_default();
        if columns(rest) <= room {
            return text.len() + 1;
        }
        let mut used = 0;
        let fitting = rest.iter().take_while(|&&character| {
            used += width(character);
            used < room
        });
        self.first + fitting.count()
    }

    fn move_to(&mut self, column: usize, out: &mut String) {
        let (left, right) = (self.column.saturating_sub(column), column.saturating_sub(self.column));
        self.column = column;
        match (left, right) {
            (0, 0) => {}
            (1..=3, _) => out.extend(core::iter::repeat_n('\x08', left)),
            // Writing to a String cannot fail.
            (0, _) => drop(write!(out, "\x1b[{right}C")),
            _ => drop(write!(out, "\x1b[{left}D")),
        }
    }
}

/// The first character to show so that the cursor stands in the middle.
fn scrolled(text: &[char], cursor: usize) -> usize {
    let mut used = 0;
    let before = text.get(..cursor).unwrap_or_default().iter().rev();
    let shown = before.take_while(|&&character| {
        used += width(character);
        used <= ROOM / 2
    });
    cursor - shown.count()
}

fn columns(text: &[char]) -> usize {
    text.iter().map(|&character| width(character)).sum()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    /// One row of a terminal that understands what [`Screen`] writes; a cell holds a character and what combines
    /// with it, or nothing if the character to the left is wide.
    struct Terminal {
        cells: Vec<String>,
        column: usize,
    }

    impl Terminal {
        fn new() -> Self {
            Self { cells: std::vec![String::new(); COLUMNS], column: 0 }
        }

        fn write(&mut self, output: &str) {
            let mut characters = output.chars();
            while let Some(character) = characters.next() {
                match character {
                    '\x08' => self.column = self.column.checked_sub(1).expect("left of the row"),
                    '\x1b' => {
                        assert_eq!(characters.next(), Some('['));
                        let sequence: String =
                            characters.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
                        // take_while swallowed the final byte: it is the one before what is left.
                        let taken = output.len() - characters.as_str().len();
                        let count: usize = sequence.parse().unwrap_or(0);
                        match output.as_bytes()[taken - 1] {
                            b'K' => self.cells[self.column..].fill(String::new()),
                            b'C' => self.column += count,
                            b'D' => self.column -= count,
                            other => panic!("unknown sequence {other}"),
                        }
                    }
                    _ => self.put(character),
                }
                assert!(self.column < COLUMNS, "the row would wrap");
            }
        }

        fn put(&mut self, character: char) {
            match width(character) {
                0 => {
                    let mut column = self.column.saturating_sub(1);
                    while column > 0 && self.cells[column].is_empty() {
                        column -= 1;
                    }
                    self.cells[column].push(character);
                }
                width => {
                    self.cells[self.column].clear();
                    self.cells[self.column].push(character);
                    self.cells[self.column + 1..self.column + width].fill(String::new());
                    self.column += width;
                }
            }
        }

        fn text(&self) -> String {
            self.cells.concat()
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(String),
        Left(usize),
        Right(usize),
        Home,
        End,
        Backspace(usize),
        KillToEnd,
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => "[a-z ]{1,30}|[aß語🦀e\u{301}]{1,20}".prop_map(Step::Insert),
            1 => (1usize..60).prop_map(Step::Left),
            1 => (1usize..60).prop_map(Step::Right),
            1 => Just(Step::Home),
            1 => Just(Step::End),
            2 => (1usize..20).prop_map(Step::Backspace),
            1 => Just(Step::KillToEnd),
        ]
    }

    proptest! {
        #[test]
        fn differences_give_what_a_full_redraw_gives(steps in proptest::collection::vec(steps(), 0..40)) {
            let (mut line, mut screen, mut terminal) = (Line::default(), Screen::default(), Terminal::new());
            for step in steps {
                match step {
                    Step::Insert(text) => drop(line.insert(&text)),
                    Step::Left(count) => (0..count).for_each(|_| line.left()),
                    Step::Right(count) => (0..count).for_each(|_| line.right()),
                    Step::Home => line.home(),
                    Step::End => line.end(),
                    Step::Backspace(count) => (0..count).for_each(|_| line.backspace()),
                    Step::KillToEnd => line.kill_to_end(),
                }
                let mut out = String::new();
                screen.update(&line, &mut out);
                terminal.write(&out);

                let mut fresh = Terminal::new();
                let mut redraw = Screen { first: screen.first, ..Screen::default() };
                let mut out = String::new();
                redraw.update(&line, &mut out);
                fresh.write(&out);
                prop_assert_eq!(terminal.text(), fresh.text());
                prop_assert_eq!(terminal.column, fresh.column);
                prop_assert_eq!(terminal.column, screen.column);
            }
        }

        #[test]
        fn the_cursor_stands_on_its_character(text in "[a-z]{0,300}", left in 0usize..300) {
            let (mut line, mut screen, mut terminal) = (Line::default(), Screen::default(), Terminal::new());
            line.insert(&text);
            (0..left).for_each(|_| line.left());
            let mut out = String::new();
            screen.update(&line, &mut out);
            terminal.write(&out);
            let at_cursor = terminal.cells[terminal.column].chars().next();
            prop_assert_eq!(at_cursor, line.after().chars().next());
        }
    }

    #[test]
    fn typing_at_the_end_writes_only_the_character() {
        let (mut line, mut screen, mut out) = (Line::default(), Screen::default(), String::new());
        for expected in ["p", "s", "ü"] {
            line.insert(expected);
            out.clear();
            screen.update(&line, &mut out);
            assert_eq!(out, expected);
        }
        line.left();
        out.clear();
        screen.update(&line, &mut out);
        assert_eq!(out, "\x08");
    }
}
