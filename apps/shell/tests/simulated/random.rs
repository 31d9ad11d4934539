//! The shell in random order, with programs that are killed at any instant, and the shell itself.

use crate::terminal::{Terminal, system};
use interfaces::example::Client;
use resea::{Error, ExitStatus};
use sim::{Program, System};
use std::time::Duration;

/// Commands that each run enters.
const COMMANDS: usize = 3;

fn below(limit: u64) -> u64 {
    sim::random_number() % limit
}

/// What is entered, what it does to be over, and how that ends if nobody is killed.
struct Command {
    line: String,
    /// After how many microseconds Ctrl-C is typed.
    interrupt: Option<u64>,
    /// What its output ends with, and its status.
    ending: (String, i32),
}

impl Command {
    fn random() -> Self {
        let number = below(200);
        let new = |line: &str, output: &str, status| Self {
            line: line.to_string(),
            interrupt: None,
            ending: (output.to_string(), status),
        };
        match below(8) {
            0 => new(&format!("hello {number}"), &format!("Hello, {number}!\n"), 0),
            1 => new(&format!("sleep 0.{number:03} &"), ".\n", 0),
            2 => new("stores", "stored\n", 0),
            3 => new(&format!("sleep 0.{number:03}"), "", 0),
            4 => new("mem", "B\n", 0),
            5 => new("hallo", "did you mean `hello`?\n", 127),
            6 if number > 0 => {
                let output = format!("ends ended with status {number}.\n");
                new(&format!("ends status {number}"), &output, number as i32)
            }
            _ => Self { interrupt: Some(number), ..new("ends waits", "^C\n", 130) },
        }
    }

    fn program(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// Enters it, and checks that what is said about its end is what has happened.
    fn run(&self, terminal: &mut Terminal) {
        sim::type_text(&self.line);
        sim::type_text("\r");
        if let Some(time) = self.interrupt {
            resea::sleep(Duration::from_micros(time));
            sim::type_text("\x03");
        }
        let Some((output, status)) = terminal.finishes_or_dies() else {
            assert!(sim::was_killed(), "the shell has ended by itself");
            return;
        };
        // What vm reports, and the ends of programs in the background, come at any time.
        let is_other = |line: &&str| line.starts_with('[') || line.starts_with("vm: ");
        let (other, output): (Vec<_>, Vec<_>) = output.split_inclusive('\n').partition(is_other);
        for line in &other {
            assert!(line.ends_with(" sleep has ended.\n") || sim::was_killed(), "{line}");
        }
        let output = output.concat();
        if output.ends_with(&self.ending.0) && status == self.ending.1 {
            return;
        }
        let (program, trace) = (self.program(), sim::trace());
        let told = output.lines().last().unwrap_or_default().to_string();
        let was = |event: &str| trace.contains(event);
        let true_or_not = match status {
            137 => {
                told == format!("{program} was killed.") && was(&format!(" → vm.kill(task={program}) → ok"))
            }
            139 => {
                told.starts_with(&format!("{program} crashed"))
                    && was(&format!("* {program} crashes"))
                    && other.iter().any(|line| line.contains(&format!("({program}) was ended: ")))
            }
            // Its server was killed.
            1 => program == "stores" && sim::was_killed() && told == "stores ended with status 1.",
            _ => false,
        };
        assert!(true_or_not, "`{}` has written {output:?} and ended with {status}", self.line);
    }
}

/// Stores a value; its status is 1 if the server died.
fn stores() -> Program {
    Program::new("stores", "uses = [\"example\"]", || {
        let store = Client::new(resea::lookup("example").unwrap());
        match store.put("key", b"value") {
            Ok(()) => {
                resea::println!("stored");
                ExitStatus::SUCCESS
            }
            Err(error) => {
                assert!(matches!(error, Error::Aborted | Error::NoTask), "{error}");
                ExitStatus::FAILURE
            }
        }
    })
}

fn everything() -> System {
    system().program(stores()).program(sim::program!(example::run))
}

/// Enters random commands; whoever dies meanwhile, all is told as it is, and the prompt comes back.
fn session() {
    let mut terminal = Terminal::new();
    for _ in 0..COMMANDS {
        Command::random().run(&mut terminal);
    }
    // The first may be the shell's last.
    let hello = Command { line: "hello".into(), interrupt: None, ending: ("Hello, world!\n".into(), 0) };
    hello.run(&mut terminal);
    hello.run(&mut terminal);
}

#[test]
fn the_prompt_comes_back_and_the_truth_is_told_whoever_dies_when() {
    let killable = ["shell", "ends", "hello", "sleep", "stores", "example"];
    let summary = everything().killable(killable).explore(10_000, session);
    println!("{summary:?}");
    assert!(summary.killed > 1000, "{summary:?}");
}

#[test]
fn every_message_is_answered() {
    system().explore(100, || {
        Terminal::new();
        sim::send_random(sim::task("shell").unwrap(), &["stdio"]);
        Terminal::new().run("hello");
    });
}
