//! A person at the terminal, and programs to run.

use resea::ExitStatus;
use sim::{Program, System};
use std::time::Duration;

/// Far longer than anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

const BEFORE_PROMPT: &str = "\x1b]133;A\x07";
const PROMPT: &str = "resea> \x1b]133;B\x07";
const RUNS: &str = "\x1b]133;C\x07";
const DONE: &str = "\x1b]133;D;";

/// What the shell shows when it starts.
const GREETING: &str = "\nResea ";

/// A system with the shell and programs of all kinds.
pub fn system() -> System {
    System::new()
        .program(sim::program!(shell::run))
        .program(sim::program!(hello::run))
        .program(sim::program!(echo::run))
        .program(sim::program!(sleep::run))
        .program(ends())
        .program(Program::new("endless", "", || while resea::clock() > 0 {}))
        .program(Program::new("flood", "", || {
            let lines = resea::arguments().next().map_or(usize::MAX, |lines| lines.parse().unwrap());
            (0..lines).for_each(|number| resea::println!("line {number}"));
        }))
}

/// Ends as its arguments say.
fn ends() -> Program {
    Program::new("ends", "", || {
        let mut arguments = resea::arguments();
        match arguments.next().expect("it says how") {
            "status" => ExitStatus(arguments.next().expect("it says which").parse().unwrap()),
            "panics" => panic!("as told"),
            "waits" => loop {
                resea::wait();
            },
            other => panic!("unknown: {other}"),
        }
    })
}

/// A terminal, with a person who reads what is on it.
pub struct Terminal {
    /// Bytes of the console that were read.
    read: usize,
}

impl Terminal {
    /// Waits for the first prompt.
    pub fn new() -> Self {
        let mut terminal = Self { read: 0 };
        terminal.prompt();
        terminal
    }

    /// Waits until `text` appears; what was before it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let from = self.read;
        self.read = sim::wait_for(text, from, PATIENCE);
        sim::console()[from..self.read - text.len()].to_string()
    }

    /// Waits until the prompt appears.
    pub fn prompt(&mut self) {
        self.wait_for(PROMPT);
    }

    /// Enters a command and waits until it runs.
    pub fn starts(&mut self, line: &str) {
        sim::type_text(line);
        sim::type_text("\r");
        self.wait_for(RUNS);
    }

    /// What the command that runs writes until it has ended, and its status. If it was typed ahead, waits until it runs.
    pub fn finishes(&mut self) -> (String, i32) {
        let output = self.wait_for(DONE);
        let output = output.rsplit(RUNS).next().unwrap_or_default().to_string();
        let status = self.wait_for("\x07").parse().expect("a number");
        self.wait_for(BEFORE_PROMPT);
        self.prompt();
        (output, status)
    }

    /// Enters a command and waits until it has ended: what it wrote, and its status.
    pub fn run(&mut self, line: &str) -> (String, i32) {
        self.starts(line);
        self.finishes()
    }

    /// Waits until the command that runs has ended, or the shell: then `None`, and its successor is there.
    pub fn finishes_or_dies(&mut self) -> Option<(String, i32)> {
        let end = resea::clock() + PATIENCE.as_nanos() as u64;
        loop {
            let console = sim::console();
            let new = &console[self.read..];
            if new.contains(GREETING) {
                self.recover();
                return None;
            }
            if let Some((_, rest)) = new.split_once(DONE)
                && rest.contains(PROMPT)
            {
                return Some(self.finishes());
            }
            assert!(resea::clock() < end, "neither an end nor a new shell:\n{console}");
            resea::sleep(Duration::from_millis(1));
        }
    }

    /// After the death of a shell: waits until the new one has done what was typed before.
    fn recover(&mut self) {
        self.wait_for(GREETING);
        self.prompt();
        let mark = format!("here {}", self.read);
        sim::type_text(&format!("\x15echo {mark}\r"));
        self.wait_for(&format!("{RUNS}{mark}\n"));
        self.finishes();
    }
}
