//! What becomes of a line: its files are opened, then its program runs or its built-in command, then its files are closed.

use crate::builtins::{Builtin, halt_status};
use crate::files::{absolute, helper_ended};
use crate::job::{Job, Question, Role};
use crate::names::nearest;
use crate::shell::{JobOf, Shell, sentence};
use crate::system::{Ending, System};
use crate::words::{Command, parse};
use abi::{Error, TaskId};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ipc::Handle;

/// Status of a command that does not exist.
pub(crate) const UNKNOWN: i32 = 127;
/// Status of a line that is no command.
const MALFORMED: i32 = 2;
/// Status of what has failed otherwise.
pub(crate) const FAILED: i32 = 1;

impl<S: System> Shell<S> {
    /// Runs a line: sets [`Shell::foreground`] or [`Shell::finished`].
    pub(crate) fn execute(&mut self, line: &str) {
        let (status, script) = (self.status, self.scripts.last());
        let command = parse(line, |name| match name.to_digit(10) {
            Some(number) => script.map(|script| script.argument(number as usize)).unwrap_or_default(),
            None => status.to_string(),
        });
        match command {
            Ok(command) => self.open_files(command),
            Err(error) => {
                self.print(format_args!("{error}.\n"));
                self.finished = Some(MALFORMED);
            }
        }
    }

    fn open_files(&mut self, command: Command) {
        let mut job = Job::new(command.words, command.background);
        let input = command.input.map(|path| self.open("from", path)).transpose();
        let output = command.output.map(|output| {
            let how = if output.append { "onto" } else { "to" };
            self.open(how, output.path)
        });
        match (input, output.transpose()) {
            (Ok(input), Ok(output)) => (job.input, job.output) = (input, output),
            (input, output) => {
                for helper in [input, output].into_iter().flatten().flatten().filter_map(|file| file.helper) {
                    let _ = self.system.kill(helper);
                }
                self.finished = Some(FAILED);
                return;
            }
        }
        if job.is_open() {
            return self.proceed(job);
        }
        job.waits = true;
        self.foreground = Some(job);
    }

    /// What a program is told: the current directory, and who reads or writes what is redirected.
    pub(crate) fn environment(&mut self, redirected: &[&str]) -> Vec<String> {
        let own = self.system.own_id();
        let variables = redirected.iter().map(|variable| format!("{variable}={own}"));
        variables.chain([format!("PWD={}", self.directory)]).collect()
    }

    /// Runs a command whose files are open.
    pub(crate) fn proceed(&mut self, job: JobOf<S>) {
        let arguments = job.words.get(1..).unwrap_or_default().to_vec();
        let builtin = Builtin::find(job.name());
        if let Some(builtin) = builtin
            && job.background
        {
            let name = builtin.name();
            let text = format!("{name}: built-in commands do not run in the background: leave out &");
            return self.refuse(job, &text);
        }
        match (builtin, arguments.as_slice()) {
            (Some(Builtin::Cd), [] | [_]) => {
                let path = absolute(&self.directory, arguments.first().map_or("/", String::as_str));
                self.ask(job, Question::Directory(path.clone()), "directory", &[path]);
            }
            (Some(Builtin::Source), [path, ..]) => {
                self.ask(job, Question::Source, "program", core::slice::from_ref(path))
            }
            (Some(builtin @ (Builtin::Cd | Builtin::Source)), _) => self.refuse(job, &builtin.wrong_number()),
            (Some(Builtin::Quit), arguments) => match halt_status(arguments) {
                Ok(status) => self.ask(job, Question::Halt(status), "sync", &[]),
                Err(text) => self.refuse(job, &text),
            },
            (Some(builtin), _) => match builtin.run(&arguments, &self.directory, &mut self.system) {
                Ok(text) => self.end_with(job, &text),
                Err(text) => self.refuse(job, &text),
            },
            (None, [path, ..]) if job.name() == "shell" => {
                self.ask(job, Question::Script, "program", core::slice::from_ref(path));
            }
            (None, _) if job.words.is_empty() => self.main_ended(job, 0),
            (None, _) if job.name().contains('/') => {
                let path = job.name().to_string();
                self.ask(job, Question::Program, "program", &[path]);
            }
            (None, _) => self.launch(job, None),
        }
    }

    /// The end of a built-in command that has something to say.
    fn end_with(&mut self, mut job: JobOf<S>, text: &str) {
        let scripts = self.scripts.iter_mut().rev().map(|script| &mut script.job);
        let output = core::iter::once(&mut job).chain(scripts).find_map(|job| job.output.as_mut());
        match output {
            Some(output) => output.pipe.put(text.as_bytes()),
            None => self.out.push_str(text),
        }
        self.main_ended(job, 0);
    }

    /// The end of a command that cannot be done.
    pub(crate) fn refuse(&mut self, job: JobOf<S>, text: &str) {
        self.print(format_args!("{text}.\n"));
        self.not_run(job, FAILED);
    }

    /// The end of a command whose program has never run: in the background neither.
    pub(crate) fn not_run(&mut self, mut job: JobOf<S>, status: i32) {
        job.background = false;
        self.main_ended(job, status);
    }

    pub(crate) fn launch(&mut self, mut job: JobOf<S>, image: Option<Handle>) {
        let scripts = || self.scripts.iter().map(|script| &script.job).filter(|_| !job.background);
        let has_output = job.output.is_some() || scripts().any(|job| job.output.is_some());
        let has_input = job.input.is_some() || scripts().any(|job| job.input.is_some());
        let redirected = [(has_output, "OUTPUT"), (has_input, "INPUT")];
        let redirected: Vec<&str> =
            redirected.into_iter().filter_map(|(is, variable)| is.then_some(variable)).collect();
        let environment = self.environment(&redirected);
        let launched = match image {
            Some(image) => self.system.launch_image(image, &job.words, &environment),
            None => self.system.launch(&job.words, &environment),
        };
        match launched {
            Ok(task) if job.background => {
                job.main = Some(task);
                self.print(format_args!("{} runs in the background as task {task}.\n", job.name()));
                self.background.push(job);
                self.finished = Some(0);
            }
            Ok(task) => {
                job.main = Some(task);
                self.foreground = Some(job);
            }
            Err(error) => self.not_launched(job, error),
        }
    }

    fn not_launched(&mut self, job: JobOf<S>, error: Error) {
        let name = job.name();
        if error == Error::NotFound {
            let names = self.command_names();
            let text = match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("There is no command `{name}`: did you mean `{near}`?\n"),
                None => format!("There is no command `{name}`: `help` lists them.\n"),
            };
            self.out.push_str(&text);
            return self.not_run(job, UNKNOWN);
        }
        let hint = match error {
            Error::OutOfMemory => "; `mem` shows what is left, `kill` frees some",
            Error::TableFull => "; `ps` lists the tasks, `kill` ends one",
            Error::TooLarge => "; use fewer or shorter arguments",
            _ => "",
        };
        let text = format!("`{name}` cannot be started: {error}{hint}");
        self.refuse(job, &text);
    }

    /// A task of a command that was taken from its place has ended.
    pub(crate) fn ended(&mut self, mut job: JobOf<S>, role: Role, ending: Ending) {
        match role {
            Role::Main => {
                let task = job.main.take();
                match (job.question.take(), task) {
                    (Some((question, pipe)), _) => self.answered(job, question, pipe.text(), ending),
                    (None, Some(task)) if job.background => {
                        self.report_background(task, job.name(), ending);
                        self.main_ended(job, ending.status());
                    }
                    _ => {
                        if let Some(text) = sentence(job.name(), ending) {
                            self.print(format_args!("{text}\n"));
                        }
                        self.main_ended(job, ending.status());
                    }
                }
            }
            Role::Input | Role::Output => {
                let file = if role == Role::Input { &mut job.input } else { &mut job.output };
                let result = helper_ended(file, role, ending);
                match (result, job.waits) {
                    (Err(_), true) => {
                        let _ = self.kill_all(&job);
                        self.finished = Some(FAILED);
                    }
                    // An empty file may have been read before anybody asked for it.
                    (Ok(()), true) if job.is_open() => {
                        job.waits = false;
                        self.proceed(job);
                    }
                    (_, true) => self.foreground = Some(job),
                    (_, false) if job.main.is_none() => self.completed_job(job),
                    (_, false) => self.put_back(job),
                }
            }
        }
    }

    /// As [`Shell::ended`], for the helpers of scripts.
    pub(crate) fn script_helper_ended(&mut self, task: TaskId, ending: Ending) {
        for job in self.scripts.iter_mut().map(|script| &mut script.job) {
            match job.role(task) {
                Some(Role::Output) => drop(helper_ended(&mut job.output, Role::Output, ending)),
                Some(Role::Input) => drop(helper_ended(&mut job.input, Role::Input, ending)),
                _ => {}
            }
        }
    }

    fn put_back(&mut self, job: JobOf<S>) {
        if job.background {
            self.background.push(job);
        } else {
            self.foreground = Some(job);
        }
    }

    /// The program of a command has ended, or its script, or its built-in command: its files are closed.
    pub(crate) fn main_ended(&mut self, mut job: JobOf<S>, status: i32) {
        job.status = status;
        if let Some(helper) = job.input.take().and_then(|input| input.helper) {
            // What it has not read is not wanted.
            let _ = self.system.kill(helper);
        }
        if !job.background {
            for script in &mut self.scripts {
                script.job.input.iter_mut().for_each(|input| input.pipe.reader_ended());
                script.job.output.iter_mut().for_each(|output| output.pipe.writer_ended());
            }
        }
        match &mut job.output {
            Some(output) => {
                output.pipe.end(Ok(()));
                if output.helper.is_some() {
                    return self.put_back(job);
                }
                self.completed_job(job);
            }
            None => self.completed_job(job),
        }
    }

    fn completed_job(&mut self, job: JobOf<S>) {
        if job.background {
            return;
        }
        let was_written = job.output.is_none_or(|output| output.pipe.broken().is_none());
        self.finished = Some(if job.status == 0 && !was_written { FAILED } else { job.status });
    }

    /// A script is over; with another status than 0 because its last command had it.
    pub(crate) fn end_script(&mut self, status: i32) {
        let Some(script) = self.scripts.pop() else { return };
        if status != 0 {
            let place = script.place();
            self.print(format_args!("{place}: ended with status {status}; what follows is not run.\n"));
        }
        self.directory = script.directory.unwrap_or(core::mem::take(&mut self.directory));
        self.main_ended(script.job, status);
    }
}
