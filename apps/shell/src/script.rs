//! Scripts: files whose lines are run one after the other.

use crate::job::Job;
use crate::system::{Reading, Writing};
use alloc::string::String;
use alloc::vec::Vec;

/// Most scripts that run each other.
pub const MAX_NESTING: usize = 8;

/// A script that runs.
#[derive(Debug)]
pub struct Script<W, R> {
    /// The command that runs it; its output and input are those of all lines that have none.
    pub job: Job<W, R>,
    /// Its path, and its arguments.
    words: Vec<String>,
    lines: Vec<String>,
    /// How many lines were run, or are running.
    count: usize,
    /// The directory to go back to.
    pub directory: Option<String>,
}

impl<W: Writing, R: Reading> Script<W, R> {
    /// A script of this text, with the words that follow the first `skip` of the job's as its name and arguments.
    pub fn new(job: Job<W, R>, skip: usize, text: &str, directory: Option<String>) -> Self {
        let words = job.words.iter().skip(skip).cloned().collect();
        Self { job, words, lines: text.lines().map(String::from).collect(), count: 0, directory }
    }

    /// The next line to run.
    pub fn next_line(&mut self) -> Option<String> {
        let line = self.lines.get_mut(self.count)?;
        self.count += 1;
        Some(core::mem::take(line))
    }

    /// Which line runs, as `path:number`.
    pub fn place(&self) -> String {
        alloc::format!("{}:{}", self.words.first().map_or("", String::as_str), self.count)
    }

    /// The argument with this number, from 1.
    pub fn argument(&self, number: usize) -> String {
        self.words.get(number).cloned().unwrap_or_default()
    }
}
