//! What the tool says to people: on standard error, with colours only where they can be seen.

use std::io::{IsTerminal, Write};
use std::process::Command;

/// How much the tool says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verbosity {
    /// Only what is wrong; cargo too is quiet. For tests.
    Quiet,
    /// What takes time, and what is wrong.
    Normal,
    /// Also each command that is run.
    Verbose,
}

impl Verbosity {
    /// Reports a step that takes time or changes something.
    pub fn step(self, text: &str) {
        if self != Self::Quiet {
            say(GREEN, "resea", text);
        }
    }

    /// Reports a detail that only the curious want.
    pub fn detail(self, text: &str) {
        if self == Self::Verbose {
            say(DIM, "resea", text);
        }
    }

    /// Reports a command before it runs.
    pub fn command(self, command: &Command) {
        if self == Self::Verbose {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            let words: Vec<_> = words.map(|word| quote(&word.to_string_lossy())).collect();
            say(DIM, "runs", &words.join(" "));
        }
    }
}

/// Reports a change to the machine that the tool runs on, before it is made. Nobody is spared this.
pub fn announce(text: &str) {
    say(GREEN, "resea", text);
}

/// Reports what is wrong.
pub fn error(text: &str) {
    say(RED, "error", text);
}

const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[1;32m";
const DIM: &str = "\x1b[2m";

fn say(colour: &str, label: &str, text: &str) {
    let mut output = std::io::stderr().lock();
    // Nobody is there to be told that standard error is closed.
    let _ = match coloured(&output) {
        true => writeln!(output, "{colour}{label}:\x1b[0m {text}"),
        false => writeln!(output, "{label}: {text}"),
    };
}

/// Whether colours make sense on `stream` (<https://no-color.org>).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A word as one would type it into a shell.
pub fn quote(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=,:+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
