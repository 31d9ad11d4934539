//! The lines entered before, and the walk through them with Up and Down.
//!
//! Bounded, without empty lines and without two equal lines in a row. The line that was being typed when the walk began
//! is kept and comes back at its end.

use alloc::collections::VecDeque;
use alloc::string::String;

/// How many lines are kept; the oldest goes first.
pub const MAX_HISTORY: usize = 100;

/// Lines entered before, oldest first.
#[derive(Clone, Default, Debug)]
pub struct History {
    lines: VecDeque<String>,
    /// Where the walk is; `None`: at the line being typed.
    position: Option<usize>,
    draft: String,
}

impl History {
    /// Adds a line that was entered and ends the walk.
    pub fn add(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MAX_HISTORY {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// Ends the walk and forgets the line that was being typed.
    pub fn leave(&mut self) {
        self.position = None;
        self.draft.clear();
    }

    /// The line before the one shown. `current` is what stands there now; it comes back with [`History::next`] if it
    /// is the line being typed. `None` if there is none before.
    pub fn previous(&mut self, current: &str) -> Option<&str> {
        let position = match self.position {
            Some(position) => position.checked_sub(1)?,
            None => {
                let last = self.lines.len().checked_sub(1)?;
                self.draft = current.into();
                last
            }
        };
        self.position = Some(position);
        self.lines.get(position).map(String::as_str)
    }

    /// The line after the one shown; after the last, the line that was being typed. `None` if that one is shown.
    #[expect(
        clippy::should_implement_trait,
        reason = "it walks towards the present, not through an iterator"
    )]
    pub fn next(&mut self) -> Option<&str> {
        let position = self.position? + 1;
        if position < self.lines.len() {
            self.position = Some(position);
            return self.lines.get(position).map(String::as_str);
        }
        self.position = None;
        Some(&self.draft)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn up_and_down_walk_and_the_draft_comes_back() {
        let mut history = History::default();
        assert_eq!(history.previous("x"), None);
        for line in ["ps", "ps", "", "  ", "log", "ps"] {
            history.add(line);
        }
        assert_eq!(history.next(), None);
        assert_eq!(history.previous("dra"), Some("ps"));
        assert_eq!(history.previous("ps"), Some("log"));
        assert_eq!(history.previous("log"), Some("ps"));
        assert_eq!(history.previous("ps"), None, "equal lines in a row are one");
        assert_eq!(history.next(), Some("log"));
        assert_eq!(history.next(), Some("ps"));
        assert_eq!(history.next(), Some("dra"));
        assert_eq!(history.next(), None);
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        for number in 0..3 * MAX_HISTORY {
            history.add(&format!("echo {number}"));
        }
        let mut count = 0;
        while history.previous("").is_some() {
            count += 1;
        }
        assert_eq!(count, MAX_HISTORY);
    }
}
