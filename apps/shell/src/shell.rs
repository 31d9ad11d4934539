//! The shell itself: input, tasks that have ended, what they write and read; and what is shown.
//!
//! A state machine over [`System`]: console input, ended tasks and the calls of launched programs go in, console output
//! and answers come out. It never waits, for a program or for a file: while something runs in the foreground, input is kept
//! for later, but for Ctrl-C, which kills it. What is done with a line is in `run`, scripts in
//! [`script`](crate::script).

use crate::editor::{Editor, Event};
use crate::job::{Job, Role};
use crate::pipe::Pipe;
use crate::script::Script;
use crate::system::{Ending, Reading, System, Writing};
use abi::{Error, TaskId};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Most bytes typed ahead while a program runs; more are dropped.
pub const MAX_AHEAD: usize = 4096;

/// Status of a command that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

const CONTROL_C: u8 = 3;

/// A command on this system.
pub(crate) type JobOf<S> = Job<<S as System>::Write, <S as System>::Read>;

/// The shell.
pub struct Shell<S: System> {
    pub(crate) system: S,
    pub(crate) editor: Editor,
    /// Output that is not written yet: one write per event.
    pub(crate) out: String,
    /// Input that is not handled yet.
    ahead: VecDeque<u8>,
    pub(crate) foreground: Option<JobOf<S>>,
    pub(crate) background: Vec<JobOf<S>>,
    /// The scripts that run, each by a line of the one before.
    pub(crate) scripts: Vec<Script<S::Write, S::Read>>,
    /// The current directory.
    pub(crate) directory: String,
    /// Status of the last command.
    pub(crate) status: i32,
    /// Status of a command that has just ended, until [`Shell::go_on`] sees it.
    pub(crate) finished: Option<i32>,
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
            scripts: Vec::new(),
            directory: "/".into(),
            status: 0,
            finished: None,
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
            if let Some(role) = self.foreground.as_ref().and_then(|job| job.role(task)) {
                if let Some(job) = self.foreground.take() {
                    self.ended(job, role, ending);
                }
            } else if let Some(index) = self.background.iter().position(|job| job.role(task).is_some()) {
                let job = self.background.swap_remove(index);
                if let Some(role) = job.role(task) {
                    self.ended(job, role, ending);
                }
            } else {
                self.script_helper_ended(task, ending);
            }
            self.go_on();
        }
        self.handle_input();
        self.settle();
    }

    /// A launched program writes.
    pub fn write(&mut self, sender: TaskId, call: S::Write) {
        match self.output_of(sender) {
            Some(pipe) => pipe.write(call),
            None => call.finish(Err(Error::NotPermitted)),
        }
        self.files_have_opened();
    }

    /// A launched program reads.
    pub fn read(&mut self, sender: TaskId, call: S::Read) {
        match self.input_of(sender) {
            Some(pipe) => pipe.read(call),
            None => call.finish(Err(Error::NotPermitted)),
        }
        self.files_have_opened();
    }

    /// The pipe that `task` writes to.
    fn output_of(&mut self, task: TaskId) -> Option<&mut Pipe<S::Write, S::Read>> {
        let inherits =
            |job: &JobOf<S>| job.main == Some(task) && job.question.is_none() && job.output.is_none();
        if self.foreground.as_ref().is_some_and(inherits) {
            return self
                .scripts
                .iter_mut()
                .rev()
                .find_map(|script| Some(&mut script.job.output.as_mut()?.pipe));
        }
        let (job, role) = self.job_of(task)?;
        match (role, &mut job.question) {
            (Role::Main, Some((_, pipe))) => Some(pipe),
            (Role::Main, None) => Some(&mut job.output.as_mut()?.pipe),
            (Role::Input, _) => job.input.as_mut().map(|input| {
                input.is_open = true;
                &mut input.pipe
            }),
            (Role::Output, _) => None,
        }
    }

    /// The pipe that `task` reads from.
    fn input_of(&mut self, task: TaskId) -> Option<&mut Pipe<S::Write, S::Read>> {
        if self.foreground.as_ref().is_some_and(|job| job.main == Some(task) && job.input.is_none()) {
            return self
                .scripts
                .iter_mut()
                .rev()
                .find_map(|script| Some(&mut script.job.input.as_mut()?.pipe));
        }
        let (job, role) = self.job_of(task)?;
        match role {
            Role::Main => Some(&mut job.input.as_mut()?.pipe),
            Role::Output => job.output.as_mut().map(|output| {
                output.is_open = true;
                &mut output.pipe
            }),
            Role::Input => None,
        }
    }

    /// The command that `task` runs for, and as what.
    fn job_of(&mut self, task: TaskId) -> Option<(&mut JobOf<S>, Role)> {
        let scripts = self.scripts.iter_mut().map(|script| &mut script.job);
        let mut jobs = self.foreground.iter_mut().chain(&mut self.background).chain(scripts);
        jobs.find_map(|job| job.role(task).map(|role| (job, role)))
    }

    /// Goes on with a command whose files have all been opened, or that was told a program.
    fn files_have_opened(&mut self) {
        if let Some(mut job) = self.foreground.take() {
            match job.waits && job.is_open() {
                true => {
                    job.waits = false;
                    self.proceed(job);
                }
                false => self.look_for_program(job),
            }
        }
        self.go_on();
        self.handle_input();
        self.settle();
    }

    /// Handles input until it is used up or a program runs.
    fn handle_input(&mut self) {
        while self.foreground.is_none()
            && let Some(byte) = self.ahead.pop_front()
        {
            match self.editor.push(byte, &mut self.out) {
                Some(Event::Entered(line)) => {
                    self.out.push_str("\x1b]133;C\x07");
                    self.flush();
                    self.execute(&line);
                    self.go_on();
                }
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

    /// After the end of a command: the next line of the script, or the prompt.
    fn go_on(&mut self) {
        while let Some(status) = self.finished.take() {
            self.status = status;
            let Some(script) = self.scripts.last_mut() else {
                self.print(format_args!("\x1b]133;D;{status}\x07"));
                self.editor.prompt(&mut self.out);
                return;
            };
            let line = if status == 0 { script.next_line() } else { None };
            match line {
                Some(line) => self.execute(&line),
                None => self.end_script(status),
            }
        }
    }

    /// Shows the line as it is now, unless a program has the terminal.
    fn settle(&mut self) {
        if self.foreground.as_ref().is_none_or(|job| job.completes()) {
            self.editor.refresh(&mut self.out);
        }
        self.flush();
    }

    pub(crate) fn flush(&mut self) {
        if !self.out.is_empty() {
            self.system.write(&self.out);
            self.out.clear();
        }
    }

    pub(crate) fn print(&mut self, text: core::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }

    /// Ctrl-C: ends the program in the foreground and all scripts, and shows the prompt, whatever they do.
    fn interrupt(&mut self) {
        let Some(mut job) = self.foreground.take() else { return };
        if job.completes() {
            // It ends soon by itself.
            let _ = self.kill_all(&job);
            return self.ahead.push_front(CONTROL_C);
        }
        self.out.push_str("^C\n");
        for script in core::mem::take(&mut self.scripts).into_iter().rev() {
            let _ = self.kill_all(&script.job);
            self.directory = script.directory.unwrap_or(core::mem::take(&mut self.directory));
        }
        if let Err(error) = self.kill_all(&job) {
            let (name, task) = (job.name(), job.main.map_or_else(String::new, |task| format!("{task}")));
            let text =
                format!("{name} cannot be killed: {error}. It goes on in the background as task {task}.\n");
            self.out.push_str(&text);
            job = Job { main: job.main, ..Job::new(job.words, true) };
            self.background.push(job);
        }
        self.finished = Some(INTERRUPTED);
        self.go_on();
    }

    /// Kills the tasks of a command. Errors: those of killing its program.
    pub(crate) fn kill_all(&mut self, job: &JobOf<S>) -> Result<(), Error> {
        for helper in job.helpers() {
            // Whoever has ended in the meantime is as good as killed, and the shell has no better means.
            let _ = self.system.kill(helper);
        }
        match job.main.map_or(Ok(()), |task| self.system.kill(task)) {
            Err(Error::NoTask) => Ok(()),
            result => result,
        }
    }

    /// Says how a command in the background has ended.
    pub(crate) fn report_background(&mut self, task: TaskId, name: &str, ending: Ending) {
        let text = sentence(name, ending).unwrap_or_else(|| format!("{name} has ended."));
        if self.foreground.as_ref().is_some_and(|job| !job.completes()) {
            return self.print(format_args!("[{task}] {text}\n"));
        }
        self.editor.erase(&mut self.out);
        self.print(format_args!("[{task}] {text}\n"));
        self.editor.prompt(&mut self.out);
    }
}

/// How a program ended, unless it simply succeeded.
pub(crate) fn sentence(name: &str, ending: Ending) -> Option<String> {
    match ending {
        Ending::Exited(0) => None,
        Ending::Exited(status) => Some(format!("{name} ended with status {status}.")),
        Ending::Panicked => Some(format!("{name} panicked: the report above says where.")),
        Ending::Crashed => Some(format!("{name} crashed: the report above says where and why.")),
        Ending::Killed => Some(format!("{name} was killed.")),
    }
}
