//! A booted system with a program at its console: waits for prompts, types commands, reads what they print.
//!
//! Relies on the shell's prompt marks ([`crate::console`]). Every wait has a deadline or ends with the system; what
//! went wrong comes back as a [`Failure`], which says it in one line and keeps the last lines that the system printed.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Read, Write};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::console::{Event, Marks, plain};
use crate::machine;
use crate::qemu::Qemu;

/// How long QEMU may take to end after its output did.
const ENDING: Duration = Duration::from_secs(5);
/// How many of the last lines a failure keeps.
const LAST_LINES: usize = 12;
/// What the Enter key sends.
const ENTER: u8 = b'\r';

/// What a command did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// What was printed while it ran, without escape sequences and carriage returns.
    pub text: String,
    /// Its exit status; 0 is success.
    pub status: i32,
}

/// Receives everything that the system prints, without the prompt marks, as it comes.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// A system with a program at its console.
pub struct Session {
    qemu: Qemu,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    marks: Marks,
    events: VecDeque<Event>,
    transcript: Vec<u8>,
    sink: Sink,
    at_prompt: bool,
}

impl Session {
    /// Takes over a QEMU that was started with pipes.
    ///
    /// # Errors
    ///
    /// [`Cause::NoPipes`] if it was not.
    pub fn new(mut qemu: Qemu, sink: Sink) -> Result<Self, Failure> {
        let child = qemu.child();
        let (Some(input), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure { phase: "starting".into(), cause: Cause::NoPipes, last_lines: Vec::new() });
        };
        let (sender, output) = channel();
        // The thread ends with QEMU's output, and QEMU ends with the session.
        std::thread::spawn(move || forward(stdout, &sender));
        Ok(Self {
            qemu,
            input,
            output,
            marks: Marks::default(),
            events: VecDeque::new(),
            transcript: Vec::new(),
            sink,
            at_prompt: false,
        })
    }

    /// The number of QEMU's process.
    pub fn process_id(&self) -> u32 {
        self.qemu.id()
    }

    /// Everything that the system printed and this session has read, without the prompt marks.
    pub fn transcript(&self) -> &[u8] {
        &self.transcript
    }

    /// Waits until the shell waits for a command.
    ///
    /// # Errors
    ///
    /// If the system ends before, or `deadline` passes.
    pub fn wait_for_prompt(&mut self, deadline: Option<Instant>) -> Result<(), Failure> {
        let phase = "waiting for a prompt";
        while !self.at_prompt {
            self.next(deadline).map_err(|cause| self.failure(phase, cause))?;
        }
        Ok(())
    }

    /// Waits for a prompt, types a command, and waits for its end.
    ///
    /// # Errors
    ///
    /// If the system ends before, or `deadline` passes. A command's status is no error here.
    pub fn run(&mut self, command: &str, deadline: Option<Instant>) -> Result<Output, Failure> {
        self.wait_for_prompt(deadline)?;
        let phase = format!("running {command:?}");
        self.type_line(command).map_err(|cause| self.failure(&phase, cause))?;
        let mut text = Vec::new();
        let mut running = false;
        loop {
            match self.next(deadline).map_err(|cause| self.failure(&phase, cause))? {
                Event::CommandStart => running = true,
                Event::Text(bytes) if running => text.extend(bytes),
                Event::CommandEnd(status) => return Ok(Output { text: plain(&text), status }),
                // The shell found nothing to run in the line.
                Event::PromptEnd if !running => return Ok(Output { text: String::new(), status: 0 }),
                // A prompt before the command's end is another shell's.
                Event::PromptEnd => return Err(self.failure(&phase, Cause::ShellEnded)),
                _ => {}
            }
        }
    }

    /// Waits for a prompt, types a command, and waits for its start.
    ///
    /// # Errors
    ///
    /// If the system ends before, or `deadline` passes.
    pub fn start(&mut self, command: &str, deadline: Option<Instant>) -> Result<(), Failure> {
        self.wait_for_prompt(deadline)?;
        let phase = format!("starting {command:?}");
        self.type_line(command).map_err(|cause| self.failure(&phase, cause))?;
        while self.next(deadline).map_err(|cause| self.failure(&phase, cause))? != Event::CommandStart {}
        Ok(())
    }

    /// Waits for a prompt, types `q`, and waits for the end of the machine.
    ///
    /// # Errors
    ///
    /// If the system does not halt with success before `deadline`.
    pub fn halt(&mut self, deadline: Option<Instant>) -> Result<(), Failure> {
        self.wait_for_prompt(deadline)?;
        self.type_line("q").map_err(|cause| self.failure("halting", cause))?;
        loop {
            match self.next(deadline) {
                Ok(Event::CommandEnd(status)) if status != 0 => {
                    return Err(self.failure("halting", Cause::Refused(status)));
                }
                Ok(_) => {}
                Err(Cause::Ended(Some(machine::HALTED_WITH_SUCCESS))) => return Ok(()),
                Err(cause) => return Err(self.failure("halting", cause)),
            }
        }
    }

    /// Types `bytes` as they are.
    ///
    /// # Errors
    ///
    /// If the system has ended.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.contains(&ENTER) {
            self.at_prompt = false;
        }
        self.write(bytes).map_err(|cause| self.failure("typing", cause))
    }

    /// Waits until the system has printed `text` after the place `from` in the transcript; returns the place after it.
    ///
    /// # Errors
    ///
    /// If the system ends before, or `deadline` passes.
    pub fn wait_for_text(
        &mut self,
        text: &str,
        from: usize,
        deadline: Option<Instant>,
    ) -> Result<usize, Failure> {
        loop {
            let printed = self.transcript.get(from..).unwrap_or_default();
            if let Some(place) = printed.windows(text.len()).position(|window| window == text.as_bytes()) {
                return Ok(from + place + text.len());
            }
            let phase = format!("waiting for {text:?}");
            self.next(deadline).map_err(|cause| self.failure(&phase, cause))?;
        }
    }

    /// Reads what the system prints until `deadline`, whatever it is.
    ///
    /// # Errors
    ///
    /// If the system ends before.
    pub fn watch(&mut self, deadline: Instant) -> Result<(), Failure> {
        loop {
            match self.next(Some(deadline)) {
                Ok(_) => {}
                Err(Cause::Timeout) => return Ok(()),
                Err(cause) => return Err(self.failure("watching", cause)),
            }
        }
    }

    fn type_line(&mut self, line: &str) -> Result<(), Cause> {
        self.at_prompt = false;
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(ENTER);
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let written = self.input.write_all(bytes).and_then(|()| self.input.flush());
        written.map_err(|_| self.ended())
    }

    /// The next event: text goes to the sink and the transcript on its way.
    fn next(&mut self, deadline: Option<Instant>) -> Result<Event, Cause> {
        loop {
            if let Some(event) = self.events.pop_front() {
                match &event {
                    Event::Text(bytes) => {
                        (self.sink)(bytes);
                        self.transcript.extend_from_slice(bytes);
                    }
                    Event::PromptEnd => self.at_prompt = true,
                    _ => self.at_prompt = false,
                }
                return Ok(event);
            }
            let bytes = match deadline {
                None => self.output.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => {
                    self.output.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                }
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(RecvTimeoutError::Timeout) => return Err(Cause::Timeout),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            };
            let mut events = Vec::new();
            self.marks.feed(&bytes, &mut events);
            self.events.extend(events);
        }
    }

    /// How QEMU ended, now that its output has.
    fn ended(&mut self) -> Cause {
        let status = self.qemu.wait(Some(Instant::now() + ENDING)).ok().flatten();
        Cause::Ended(status.and_then(|status| status.code()))
    }

    fn failure(&self, phase: &str, cause: Cause) -> Failure {
        let printed = plain(&self.transcript);
        let lines: Vec<_> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
        let last_lines = lines.iter().rev().take(LAST_LINES).rev().map(|line| line.to_string()).collect();
        Failure { phase: phase.into(), cause, last_lines }
    }
}

/// Sends on all that `from` has, until its end.
fn forward(mut from: impl Read, to: &Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

/// Why a session could not go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The deadline passed.
    Timeout,
    /// QEMU ended, with this exit status; `None` if a signal ended it.
    Ended(Option<i32>),
    /// The command to halt returned, with this status.
    Refused(i32),
    /// The shell ended, and another one was started.
    ShellEnded,
    /// QEMU was started without pipes.
    NoPipes,
}

/// What a session was doing, why it could not go on, and what the system printed last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What it was doing, as `running "ps"`.
    pub phase: String,
    /// Why it could not go on.
    pub cause: Cause,
    /// The last lines that the system printed.
    pub last_lines: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = &self.phase;
        match self.cause {
            Cause::Timeout => write!(formatter, "the time is over while {phase}")?,
            Cause::Ended(Some(0)) => write!(formatter, "the machine was reset or closed while {phase}")?,
            Cause::Ended(Some(code)) => match machine::halt_status(code) {
                Some(0) => write!(formatter, "the system halted while {phase}")?,
                Some(status) => {
                    write!(formatter, "the system halted with failure status {status} while {phase}")?
                }
                None => write!(formatter, "QEMU failed with exit status {code} while {phase}")?,
            },
            Cause::Ended(None) => write!(formatter, "QEMU was killed while {phase}")?,
            Cause::Refused(status) => write!(formatter, "`q` returned with status {status} while {phase}")?,
            Cause::ShellEnded => write!(formatter, "the shell ended while {phase}")?,
            Cause::NoPipes => write!(formatter, "QEMU has no pipes while {phase}")?,
        }
        if let Some(last) = self.last_lines.last() {
            write!(formatter, "; the last line was: {last}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
