//! A person at the shell of a system with all programs for files, `/tmp` and `/mnt/other`.

use std::time::Duration;

use sim::System;

/// Far longer than anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const FSTAB: &str = "none /tmp tarfs\nnone /mnt/other tarfs\nnone /mnt/fixed tarfs ro\n";

const PROMPT: &str = "resea> \x1b]133;B\x07";
const RUNS: &str = "\x1b]133;C\x07";
const DONE: &str = "\x1b]133;D;";

pub fn system() -> System {
    System::new()
        .memory(64 << 20)
        .file("fstab", FSTAB)
        .program(sim::program!(shell::run))
        .program(sim::program!(files::run))
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(sim::program!(tarfs::run))
        .program(sim::program!(ls::run))
        .program(sim::program!(cat::run))
        .program(sim::program!(cp::run))
        .program(sim::program!(mv::run))
        .program(sim::program!(rm::run))
        .program(sim::program!(mkdir::run))
        .program(sim::program!(touch::run))
        .program(sim::program!(df::run))
        .program(sim::program!(hexdump::run))
        .program(sim::program!(edit::run))
}

pub struct Person {
    /// Bytes of the console that were read.
    read: usize,
}

impl Person {
    /// Waits for the first prompt, and goes to `/tmp`.
    pub fn new() -> Self {
        let mut person = Self { read: 0 };
        person.wait_for(PROMPT);
        person.does("cd /tmp");
        person
    }

    /// Waits until `text` appears; what was before it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let from = self.read;
        self.read = sim::wait_for(text, from, PATIENCE);
        sim::console()[from..self.read - text.len()].to_string()
    }

    /// Enters a command and waits until it runs.
    pub fn starts(&mut self, line: &str) {
        sim::type_text(line);
        sim::type_text("\r");
        self.wait_for(RUNS);
    }

    /// What the command that runs writes until it has ended, and its status.
    pub fn finishes(&mut self) -> (String, i32) {
        let output = self.wait_for(DONE);
        let status = self.wait_for("\x07").parse().expect("a number");
        self.wait_for(PROMPT);
        (output, status)
    }

    /// What a command that works writes.
    pub fn does(&mut self, line: &str) -> String {
        self.starts(line);
        let (output, status) = self.finishes();
        assert_eq!(status, 0, "{line}: {output}");
        output
    }

    /// What a command that does not work writes.
    pub fn fails(&mut self, line: &str) -> String {
        self.starts(line);
        let (output, status) = self.finishes();
        assert_ne!(status, 0, "{line}: {output}");
        output
    }
}
