//! The shell itself: what happens with entered lines, running programs and tasks that have ended.
//!
//! A state machine over [`System`]: console input and ended tasks go in, console output and calls come out. It never
//! waits for a program: while one runs in the foreground, input is kept for later, but for Ctrl-C, which kills it.

use crate::builtins::Builtin;
use crate::editor::{Editor, Event};
use crate::names::{Completion, complete, nearest};
use crate::system::{Ending, System};
use crate::words::{Command, parse};
use abi::{Error, TaskId};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// Most bytes typed ahead while a program runs; more are dropped.
pub const MAX_AHEAD: usize = 4096;

/// Status of a command that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// Status of a command that does not exist.
const UNKNOWN: i32 = 127;
/// Status of a line that is no command.
const MALFORMED: i32 = 2;

const CONTROL_C: u8 = 3;

/// A program that the shell has launched.
#[derive(Clone, Debug)]
struct Job {
    task: TaskId,
    name: String,
}

/// The shell.
pub struct Shell<S> {
    system: S,
    editor: Editor,
    /// Output that is not written yet: one write per event.
    out: String,
    /// Input that is not handled yet.
    ahead: VecDeque<u8>,
    foreground: Option<Job>,
    background: Vec<Job>,
}

impl<S: System> Shell<S> {
    /// A shell on this system; [`Shell::start`] shows it.
    pub fn new(system: S) -> Self {
        Self {
            system,
            editor: Editor::default(),
            out: String::new(),
            ahead: VecDeque::new(),
            foreground: None,
            background: Vec::new(),
        }
    }

    /// Greets and shows the first prompt.
    ///
    /// The first line holds the time at which it was about to be shown, in milliseconds with six decimals: the
    /// benchmark reads it from the kernel log.
    pub fn start(&mut self) {
        let now = self.system.clock();
        let (whole, rest) = (now / 1_000_000, now % 1_000_000);
        let version = env!("CARGO_PKG_VERSION");
        self.print(format_args!(
            "\nResea {version}, ready {whole}.{rest:06} ms after its start.\n\
             `help` lists the commands, `q` halts the machine; in QEMU, Ctrl-A X leaves at once.\n\n"
        ));
        self.editor.prompt(&mut self.out);
        self.flush();
    }

    /// Takes console input.
    pub fn input(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == CONTROL_C && self.foreground.is_some() {
                self.ahead.clear();
                self.interrupt();
            } else if self.ahead.len() < MAX_AHEAD {
                self.ahead.push_back(byte);
            }
            if self.foreground.is_none() {
                self.handle_input();
            }
        }
        self.settle();
    }

    /// Takes note of the launched tasks that have ended.
    pub fn children_ended(&mut self) {
        while let Some((task, ending)) = self.system.next_ended() {
            if self.foreground.as_ref().is_some_and(|job| job.task == task) {
                if let Some(job) = self.foreground.take() {
                    self.finish(&job, ending);
                }
            } else if let Some(index) = self.background.iter().position(|job| job.task == task) {
                let job = self.background.swap_remove(index);
                self.report_background(&job, ending);
            }
        }
        self.handle_input();
        self.settle();
    }

    /// Handles input until it is used up or a program runs.
    fn handle_input(&mut self) {
        while self.foreground.is_none()
            && let Some(byte) = self.ahead.pop_front()
        {
            match self.editor.push(byte, &mut self.out) {
                Some(Event::Entered(line)) => self.entered(&line),
                Some(Event::Complete) => self.complete(),
                Some(Event::Interrupted) => self.editor.prompt(&mut self.out),
                Some(Event::Leave) => {
                    self.print(format_args!("`q` halts the machine; in QEMU, Ctrl-A X leaves at once.\n"));
                    self.editor.prompt(&mut self.out);
                }
                None => {}
            }
        }
    }

    /// Shows the line as it is now, unless a program has the terminal.
    fn settle(&mut self) {
        if self.foreground.is_none() {
            self.editor.refresh(&mut self.out);
        }
        self.flush();
    }

    fn flush(&mut self) {
        if !self.out.is_empty() {
            self.system.write(&self.out);
            self.out.clear();
        }
    }

    fn print(&mut self, text: core::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }

    fn entered(&mut self, line: &str) {
        self.out.push_str("\x1b]133;C\x07");
        self.flush();
        match parse(line) {
            Ok(command) => match command.words.first().map(|name| Builtin::find(name)) {
                None => self.done(0),
                Some(Some(builtin)) => self.run_builtin(builtin, &command),
                Some(None) => self.run_program(command),
            },
            Err(error) => {
                self.print(format_args!("{error}.\n"));
                self.done(MALFORMED);
            }
        }
    }

    /// Marks the end of a command and shows the next prompt.
    fn done(&mut self, status: i32) {
        self.print(format_args!("\x1b]133;D;{status}\x07"));
        self.editor.prompt(&mut self.out);
    }

    fn run_builtin(&mut self, builtin: Builtin, command: &Command) {
        let result = match command.background {
            false => builtin.run(command.words.get(1..).unwrap_or_default(), &mut self.system),
            true => Err(format!(
                "{}: built-in commands do not run in the background: leave out &",
                builtin.name()
            )),
        };
        match result {
            Ok(text) => {
                self.out.push_str(&text);
                self.done(0);
            }
            Err(text) => {
                self.print(format_args!("{text}.\n"));
                self.done(1);
            }
        }
    }

    fn run_program(&mut self, command: Command) {
        let Command { words, background } = command;
        let task = match self.system.launch(&words) {
            Ok(task) => task,
            Err(error) => return self.not_launched(words.first().map_or("", String::as_str), error),
        };
        let job = Job { task, name: words.into_iter().next().unwrap_or_default() };
        if background {
            self.print(format_args!("{} runs in the background as task {task}.\n", job.name));
            self.background.push(job);
            self.done(0);
        } else {
            self.foreground = Some(job);
        }
    }

    fn not_launched(&mut self, name: &str, error: Error) {
        match error {
            Error::NotFound => {
                let programs = self.system.programs();
                let names = command_names(&programs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>());
                match nearest(name, names.iter().map(String::as_str)) {
                    Some(near) => {
                        self.print(format_args!("There is no command `{name}`: did you mean `{near}`?\n"));
                    }
                    None => self.print(format_args!("There is no command `{name}`: `help` lists them.\n")),
                }
                self.done(UNKNOWN);
            }
            error => {
                let hint = match error {
                    Error::OutOfMemory => "; `mem` shows what is left, `kill` frees some",
                    Error::TableFull => "; `ps` lists the tasks, `kill` ends one",
                    Error::TooLarge => "; use fewer or shorter arguments",
                    _ => "",
                };
                self.print(format_args!("`{name}` cannot be started: {error}{hint}.\n"));
                self.done(1);
            }
        }
    }

    /// Ctrl-C: ends the program in the foreground and shows the prompt, whatever the program does.
    fn interrupt(&mut self) {
        let Some(job) = self.foreground.take() else { return };
        self.out.push_str("^C\n");
        match self.system.kill(job.task) {
            // Whoever has ended in the meantime is as good as killed.
            Ok(()) | Err(Error::NoTask) => {}
            Err(error) => {
                self.print(format_args!(
                    "{} cannot be killed: {error}. It goes on in the background as task {}.\n",
                    job.name, job.task
                ));
                self.background.push(job);
            }
        }
        self.done(INTERRUPTED);
    }

    fn finish(&mut self, job: &Job, ending: Ending) {
        if let Some(text) = sentence(&job.name, ending) {
            self.print(format_args!("{text}\n"));
        }
        self.done(ending.status());
    }

    fn report_background(&mut self, job: &Job, ending: Ending) {
        let text = sentence(&job.name, ending).unwrap_or_else(|| format!("{} has ended.", job.name));
        if self.foreground.is_some() {
            return self.print(format_args!("[{}] {text}\n", job.task));
        }
        self.editor.erase(&mut self.out);
        self.print(format_args!("[{}] {text}\n", job.task));
        self.editor.prompt(&mut self.out);
    }

    /// Tab: completes the word at the cursor.
    fn complete(&mut self) {
        let before = String::from(self.editor.before());
        let (earlier, word) = before.split_at(before.rfind(' ').map_or(0, |blank| blank + 1));
        let candidates = self.candidates(&earlier.split_whitespace().collect::<Vec<_>>());
        match complete(word, candidates.iter().map(String::as_str)) {
            Completion::Nothing => self.out.push('\x07'),
            Completion::Insert(text) => self.editor.insert(&text, &mut self.out),
            Completion::Choices(names) => self.editor.list(&names, &mut self.out),
        }
    }

    /// What can stand after `words`.
    fn candidates(&mut self, words: &[&str]) -> Vec<String> {
        match words {
            [] | ["help"] => {
                let programs = self.system.programs();
                command_names(&programs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>())
            }
            ["kill"] => {
                let tasks: Vec<TaskId> =
                    self.system.tasks().into_iter().flatten().map(|task| task.id).collect();
                let names = tasks.iter().map(|&task| self.system.task_name(task));
                names.filter(|name| !name.is_empty()).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn command_names(programs: &[&str]) -> Vec<String> {
    let builtins = Builtin::ALL.iter().map(|builtin| builtin.name());
    builtins.chain(programs.iter().copied()).map(ToString::to_string).collect()
}

/// How a program ended, unless it simply succeeded.
fn sentence(name: &str, ending: Ending) -> Option<String> {
    match ending {
        Ending::Exited(0) => None,
        Ending::Exited(status) => Some(format!("{name} ended with status {status}.")),
        Ending::Panicked => Some(format!("{name} panicked: the report above says where.")),
        Ending::Crashed => Some(format!("{name} crashed: the report above says where and why.")),
        Ending::Killed => Some(format!("{name} was killed.")),
    }
}
