//! A command that runs: its program, the helpers that have its files open, and the pipes between them.
//!
//! The shell opens no file, so that no file server can make it wait: for each file it launches the program `files`
//! (apps/files), which opens it, and reads from or writes to the shell.

use crate::pipe::Pipe;
use crate::system::{Reading, Writing};
use abi::TaskId;
use alloc::string::String;
use alloc::vec::Vec;

/// What `files` is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Whether this path, absolute and normal, is a directory: to be the current one.
    Directory(String),
    /// The names that the last word of the line may go on with; the part of it that is their directory.
    Names(String),
    /// A program or script to run.
    Program,
    /// A script whose lines are as if typed here.
    Source,
    /// A script to run.
    Script,
    /// To store what is not stored yet, before the machine is halted with this status.
    Halt(usize),
}

/// A file that a command reads or writes.
#[derive(Debug)]
pub struct Redirection<W, R> {
    /// Who has it open; nobody any more.
    pub helper: Option<TaskId>,
    /// It is open.
    pub is_open: bool,
    /// Between the helper and the command.
    pub pipe: Pipe<W, R>,
}

impl<W: Writing, R: Reading> Redirection<W, R> {
    /// That of a helper which has just been launched.
    pub const fn new(helper: TaskId) -> Self {
        Self { helper: Some(helper), is_open: false, pipe: Pipe::new() }
    }
}

/// What a task is for a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The program itself, or `files` if something is asked.
    Main,
    /// It reads the input's file.
    Input,
    /// It writes the output's file.
    Output,
}

/// A command that runs.
#[derive(Debug)]
pub struct Job<W, R> {
    /// Its name and arguments.
    pub words: Vec<String>,
    /// It ends in `&`.
    pub background: bool,
    /// Its files are being opened; nothing else has happened yet.
    pub waits: bool,
    /// The task that runs.
    pub main: Option<TaskId>,
    /// What that task was asked, and its answer.
    pub question: Option<(Question, Pipe<W, R>)>,
    /// Where its input comes from, if not from the console.
    pub input: Option<Redirection<W, R>>,
    /// Where its output goes, if not to the console.
    pub output: Option<Redirection<W, R>>,
    /// How it ended.
    pub status: i32,
}

impl<W: Writing, R: Reading> Job<W, R> {
    /// A command of which nothing runs yet.
    pub const fn new(words: Vec<String>, background: bool) -> Self {
        Self {
            words,
            background,
            waits: false,
            main: None,
            question: None,
            input: None,
            output: None,
            status: 0,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// What `task` is for it.
    pub fn role(&self, task: TaskId) -> Option<Role> {
        let has = |redirection: &Option<Redirection<W, R>>| {
            redirection.as_ref().is_some_and(|redirection| redirection.helper == Some(task))
        };
        match self.main == Some(task) {
            true => Some(Role::Main),
            false if has(&self.input) => Some(Role::Input),
            false => has(&self.output).then_some(Role::Output),
        }
    }

    /// Whether all its files are open.
    pub fn is_open(&self) -> bool {
        self.input.iter().chain(&self.output).all(|redirection| redirection.is_open)
    }

    /// The helpers that run.
    pub fn helpers(&self) -> impl Iterator<Item = TaskId> {
        self.input.iter().chain(&self.output).filter_map(|redirection| redirection.helper)
    }

    /// Whether it completes the line that is being typed: no command, for the person at the terminal.
    pub const fn completes(&self) -> bool {
        matches!(self.question, Some((Question::Names(_), _)))
    }
}
