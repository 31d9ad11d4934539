//! What the shell has its helper do, the program `files` (apps/files): open files, list and find them, share programs.

use crate::job::{Question, Redirection, Role};
use crate::pipe::Pipe;
use crate::run::{FAILED, UNKNOWN};
use crate::script::{MAX_NESTING, Script};
use crate::shell::{JobOf, Shell, sentence};
use crate::system::{Ending, Reading, System, Writing};
use abi::Error;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::Handle;

/// The helper's name.
const FILES: &str = "files";

/// What it writes before the handle of a program that it shares.
const PROGRAM: &[u8] = b"\x7fELF";

impl<S: System> Shell<S> {
    /// Has a file opened: `from` it is read, `to` or `onto` it is written. Says so if that cannot even begin.
    pub(crate) fn open(&mut self, how: &str, path: String) -> Result<Redirection<S::Write, S::Read>, ()> {
        let variable = if how == "from" { "OUTPUT" } else { "INPUT" };
        let environment = self.environment(&[variable]);
        match self.system.launch(&[FILES.into(), how.into(), path.clone()], &environment) {
            Ok(helper) => Ok(Redirection::new(helper)),
            Err(error) => {
                self.print(format_args!("{path} cannot be opened: `{FILES}` cannot be started: {error}.\n"));
                Err(())
            }
        }
    }

    /// Asks `files`; the answer comes to [`Shell::answered`].
    pub(crate) fn ask(&mut self, mut job: JobOf<S>, question: Question, what: &str, arguments: &[String]) {
        let environment = self.environment(&["OUTPUT"]);
        let words = [FILES.into(), what.into()].into_iter().chain(arguments.iter().cloned());
        match self.system.launch(&words.collect::<Vec<_>>(), &environment) {
            Ok(task) => {
                job.main = Some(task);
                job.question = Some((question, Pipe::to_shell()));
                self.foreground = Some(job);
            }
            Err(error) => match question {
                // Nobody has anything to store.
                Question::Halt(status) => self.halt(job, status),
                // A bell is enough for the one who types.
                Question::Names(_) => self.out.push('\x07'),
                _ => self.refuse(job, &format!("`{FILES}` cannot be started: {error}")),
            },
        }
    }

    /// `files` has answered, unless it has failed; then it has said why.
    pub(crate) fn answered(&mut self, job: JobOf<S>, question: Question, text: &[u8], ending: Ending) {
        let succeeded = ending == Ending::Exited(0);
        match question {
            Question::Names(_) if !succeeded => self.out.push('\x07'),
            Question::Names(directory) => self.names_listed(&directory, text),
            Question::Halt(status) => self.halt(job, status),
            _ if !succeeded => {
                if !matches!(ending, Ending::Exited(_)) {
                    self.print(format_args!(
                        "{}: {}\n",
                        job.name(),
                        sentence(FILES, ending).unwrap_or_default()
                    ));
                }
                let is_command = question == Question::Program;
                self.not_run(job, if is_command { UNKNOWN } else { FAILED });
            }
            Question::Directory(path) => {
                self.directory = path;
                self.main_ended(job, 0);
            }
            Question::Program => self.start_script(job, 0, text, true),
            Question::Script => self.start_script(job, 1, text, true),
            Question::Source => self.start_script(job, 1, text, false),
        }
    }

    /// Halts the machine.
    fn halt(&mut self, job: JobOf<S>, status: usize) {
        self.out.push_str("Halting.\n");
        self.flush();
        let error = self.system.halt(status);
        self.refuse(job, &format!("q: the machine does not halt: {error}; in QEMU, Ctrl-A X leaves"));
    }

    fn start_script(&mut self, job: JobOf<S>, skip: usize, text: &[u8], comes_back: bool) {
        let path = job.words.get(skip).cloned().unwrap_or_default();
        let text = core::str::from_utf8(text).ok().filter(|text| !text.contains('\0'));
        // Some editors put a byte order mark before their text.
        let text = text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
        match text {
            None => self.refuse(job, &format!("{path} is neither a program nor a script: it is not text")),
            Some(_) if job.background => self.refuse(
                job,
                &format!("{path} is a script, which does not run in the background: leave out &"),
            ),
            Some(_) if self.scripts.len() >= MAX_NESTING => self.refuse(
                job,
                &format!("{path} is not run: scripts run each other {MAX_NESTING} deep at most"),
            ),
            Some(text) => {
                let directory = comes_back.then(|| self.directory.clone());
                self.scripts.push(Script::new(job, skip, text, directory));
                self.finished = Some(0);
            }
        }
    }

    /// Launches the program that `files` has shared; until then, and if something else was asked, `job` just runs.
    pub(crate) fn look_for_program(&mut self, mut job: JobOf<S>) {
        let handle = match &job.question {
            Some((Question::Program | Question::Script | Question::Source, pipe)) => pipe
                .text()
                .strip_prefix(PROGRAM)
                .and_then(|text| core::str::from_utf8(text).ok()?.parse().ok()),
            _ => None,
        };
        let Some(handle) = handle else {
            self.foreground = Some(job);
            return;
        };
        let question = job.question.take().map(|(question, _)| question);
        let helper = job.main.take();
        match question {
            Some(Question::Program) => self.launch(job, Some(Handle::from_raw(handle))),
            _ => {
                let path = job.words.get(1).cloned().unwrap_or_default();
                self.refuse(job, &format!("{path} is a program, not a script: enter its path to run it"));
            }
        }
        if let Some(helper) = helper {
            // It only waits, to keep the memory.
            let _ = self.system.kill(helper);
        }
    }
}

/// The helper of `file` has ended: with all done, or else why not. It has said so itself if it could.
pub(crate) fn helper_ended<W: Writing, R: Reading>(
    file: &mut Option<Redirection<W, R>>,
    role: Role,
    ending: Ending,
) -> Result<(), Error> {
    let result = match ending {
        Ending::Exited(0) => Ok(()),
        Ending::Exited(status) => Err(Error::from_code(status.unsigned_abs() as usize)),
        _ => Err(Error::Aborted),
    };
    if let Some(file) = file {
        file.helper = None;
        file.is_open = true;
        match role {
            Role::Input => file.pipe.end(result),
            _ if result.is_ok() && file.pipe.has_ended() => {}
            _ => file.pipe.break_off(result.err().unwrap_or(Error::Aborted)),
        }
    }
    result
}

/// The normal form of `path` as seen from `directory`: `/` alone, or `/` and a name several times.
pub(crate) fn absolute(directory: &str, path: &str) -> String {
    let mut result = String::new();
    let start = if path.starts_with('/') { "" } else { directory };
    for name in start.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => result.truncate(result.rfind('/').unwrap_or(0)),
            name => {
                result.push('/');
                result.push_str(name);
            }
        }
    }
    if result.is_empty() { "/".into() } else { result }
}
