//! What was done to a text, so that it can be undone and done again, and whether it is as it was saved.
//!
//! Bounded: the oldest changes are forgotten. Typing is remembered by words. Never touches the text itself.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// Most bytes that are remembered, with [`OVERHEAD`] for each change.
const MAX_HISTORY: usize = 1 << 20;
/// What a change costs besides its text.
const OVERHEAD: usize = 128;

/// A replacement of a part of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where, in bytes.
    pub at: usize,
    /// What was there.
    pub removed: String,
    /// What is there instead.
    pub inserted: String,
}

impl Change {
    fn size(&self) -> usize {
        OVERHEAD + self.removed.len() + self.inserted.len()
    }

    /// Adds a change that was made right after this one, if both are one word typed, or one run of erasing.
    fn extend(&mut self, next: &Change) -> bool {
        let is_space = |character: Option<char>| character.is_some_and(char::is_whitespace);
        if self.removed.is_empty() && next.removed.is_empty() {
            let new_word =
                is_space(self.inserted.chars().next_back()) && !is_space(next.inserted.chars().next());
            let extends = next.at == self.at + self.inserted.len() && !new_word;
            if extends {
                self.inserted.push_str(&next.inserted);
            }
            return extends;
        }
        if !self.inserted.is_empty() || !next.inserted.is_empty() {
            return false;
        }
        let (left, right) = (next.at + next.removed.len() == self.at, next.at == self.at);
        if left {
            self.removed.insert_str(0, &next.removed);
            self.at = next.at;
        } else if right {
            self.removed.push_str(&next.removed);
        }
        left || right
    }
}

/// The changes, in order.
#[derive(Clone, Default, Debug)]
pub struct History {
    /// Each with the number of the state that it led to.
    done: VecDeque<(Change, u64)>,
    undone: Vec<(Change, u64)>,
    /// Bytes of both.
    size: usize,
    /// The state before the first of `done`.
    base: u64,
    /// The number of the last state that was new.
    newest: u64,
    /// The state that was saved.
    saved: u64,
    /// The next change is one of its own.
    sealed: bool,
}

impl History {
    fn state(&self) -> u64 {
        self.done.back().map_or(self.base, |(_, state)| *state)
    }

    /// Whether the text is another than the saved one.
    pub fn is_modified(&self) -> bool {
        self.state() != self.saved
    }

    /// The text was saved as it is.
    pub fn save(&mut self) {
        self.saved = self.state();
        self.sealed = true;
    }

    /// A change was made.
    pub fn add(&mut self, change: Change) {
        self.newest += 1;
        self.size -= self.undone.drain(..).map(|(change, _)| change.size()).sum::<usize>();
        let size = change.size();
        let last = self.done.back_mut().filter(|_| !self.sealed);
        if let Some((last, state)) = last
            && last.extend(&change)
        {
            *state = self.newest;
            self.size += size - OVERHEAD;
        } else {
            self.size += size;
            self.done.push_back((change, self.newest));
        }
        self.sealed = false;
        while self.size > MAX_HISTORY
            && let Some((change, state)) = self.done.pop_front()
        {
            self.size -= change.size();
            self.base = state;
        }
    }

    /// The last change, which is to be undone.
    pub fn undo(&mut self) -> Option<&Change> {
        self.sealed = true;
        self.undone.push(self.done.pop_back()?);
        self.undone.last().map(|(change, _)| change)
    }

    /// The change undone last, which is to be done again.
    pub fn redo(&mut self) -> Option<&Change> {
        self.sealed = true;
        self.done.push_back(self.undone.pop()?);
        self.done.back().map(|(change, _)| change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(history: &mut History, at: usize, text: &str) {
        for (index, character) in text.char_indices() {
            history.add(Change { at: at + index, removed: String::new(), inserted: character.into() });
        }
    }

    fn erased(history: &mut History, at: usize, text: &str) {
        history.add(Change { at, removed: text.into(), inserted: String::new() });
    }

    #[test]
    fn words_are_undone_at_once() {
        let mut history = History::default();
        typed(&mut history, 0, "one  two");
        assert_eq!(history.undo().map(|change| change.inserted.as_str()), Some("two"));
        assert_eq!(history.undo().map(|change| change.inserted.as_str()), Some("one  "));
        assert_eq!(history.undo(), None);
        assert_eq!(history.redo().map(|change| change.at), Some(0));
        typed(&mut history, 0, "x");
        assert_eq!(history.redo(), None, "another change was made");
    }

    #[test]
    fn erasing_is_undone_at_once() {
        let mut history = History::default();
        erased(&mut history, 2, "c");
        erased(&mut history, 1, "b");
        erased(&mut history, 1, "d");
        let all = Change { at: 1, removed: "bcd".into(), inserted: String::new() };
        assert_eq!(history.undo(), Some(&all));
    }

    #[test]
    fn only_the_saved_text_is_not_modified() {
        let mut history = History::default();
        typed(&mut history, 0, "a");
        assert!(history.is_modified());
        history.save();
        typed(&mut history, 1, "b");
        assert!(history.is_modified());
        history.undo();
        assert!(!history.is_modified());
        history.undo();
        assert!(history.is_modified());
        typed(&mut history, 0, "a");
        assert!(history.is_modified(), "the same text, but who knows");
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        for at in 0..100_000 {
            erased(&mut history, at * 2, "x");
            assert!(history.size <= MAX_HISTORY);
        }
        assert!(history.done.len() <= MAX_HISTORY / OVERHEAD);
        while history.undo().is_some() {}
        assert!(history.is_modified(), "what was saved cannot be reached any more");
        erased(&mut history, 0, &"x".repeat(MAX_HISTORY));
        assert!(history.size == 0 && history.undo().is_none() && history.is_modified());
    }
}
