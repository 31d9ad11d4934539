//! Tab: completing commands, tasks and paths.

use crate::builtins::Builtin;
use crate::job::{Job, Question};
use crate::names::{Completion, complete};
use crate::shell::Shell;
use crate::system::System;
use crate::words::{escape, last_word, unescape};
use abi::TaskId;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl<S: System> Shell<S> {
    /// Completes the word at the cursor, now or when `files` has answered.
    pub(crate) fn complete(&mut self) {
        let before = String::from(self.editor.before());
        let (earlier, word) = before.split_at(last_word(&before));
        match self.candidates(earlier, word) {
            Some(candidates) => self.completed("", word, &candidates),
            None => self.ask_names(word),
        }
    }

    /// What can stand after `earlier`; `None` for paths.
    fn candidates(&mut self, earlier: &str, word: &str) -> Option<Vec<String>> {
        if earlier.trim_end().ends_with(['<', '>']) {
            return None;
        }
        match earlier.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] if word.contains('/') => None,
            [] | ["help", ..] => Some(self.command_names()),
            ["kill", ..] => {
                let tasks: Vec<TaskId> =
                    self.system.tasks().into_iter().flatten().map(|task| task.id).collect();
                let names = tasks.iter().map(|&task| self.system.task_name(task));
                Some(names.filter(|name| !name.is_empty()).collect())
            }
            _ => None,
        }
    }

    /// The names of all commands.
    pub(crate) fn command_names(&mut self) -> Vec<String> {
        let programs = self.system.programs().into_iter().map(|program| program.name);
        Builtin::ALL.iter().map(|builtin| builtin.name().to_string()).chain(programs).collect()
    }

    fn ask_names(&mut self, word: &str) {
        let (directory, start) = word.split_at(word.rfind('/').map_or(0, |slash| slash + 1));
        let place = if directory.is_empty() { ".".into() } else { unescape(directory) };
        let job = Job::new(Vec::new(), false);
        self.ask(job, Question::Names(directory.into()), "list", &[place, unescape(start)]);
    }

    /// `files` has listed the names that fit, a line each.
    pub(crate) fn names_listed(&mut self, directory: &str, list: &[u8]) {
        let names = core::str::from_utf8(list).unwrap_or_default().lines();
        let candidates: Vec<String> = names.map(|name| String::from(directory) + &escape(name)).collect();
        let before = String::from(self.editor.before());
        let (_, word) = before.split_at(last_word(&before));
        self.completed(directory, word, &candidates);
    }

    fn completed(&mut self, directory: &str, word: &str, candidates: &[String]) {
        match complete(word, candidates.iter().map(String::as_str)) {
            Completion::Nothing => self.out.push('\x07'),
            Completion::Insert(text) => self.editor.insert(&text, &mut self.out),
            Completion::Choices(names) => {
                let short = |name: &String| name.strip_prefix(directory).unwrap_or(name).to_string();
                self.editor.list(&names.iter().map(short).collect::<Vec<_>>(), &mut self.out);
            }
        }
    }
}
