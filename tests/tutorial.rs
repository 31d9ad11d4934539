//! docs/write-a-server.md, executed as written in a copy of the tree: each file, each command, what each command prints.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use resea_tool::console::plain;
use resea_tool::session::{Cause, Session};
use system_tests::copy::Copy;
use system_tests::tutorial::{Command, Step, Tutorial, matches};
use system_tests::workspace;

/// How long a command may take: much longer than it does, so that only what hangs fails.
const PATIENCE: Duration = Duration::from_secs(900);

fn tutorial() -> (String, Tutorial) {
    let path = workspace().root.join("docs/write-a-server.md");
    let text = fs::read_to_string(&path).expect("the tutorial is there");
    let tutorial = Tutorial::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (text, tutorial)
}

#[test]
fn the_tutorial_says_how_much_there_is_to_do() {
    let (text, tutorial) = tutorial();
    for count in [format!("**{} commands**", tutorial.commands()), format!("**{} lines**", tutorial.lines)] {
        assert!(text.contains(&count), "docs/write-a-server.md should say {count:?} in its beginning");
    }
}

/// One test, so that little is built: the tutorial, then an app and a server as `cargo resea new` makes them.
#[test]
fn what_the_tutorial_says_is_so() {
    let copy = Copy::new();
    for step in &tutorial().1.steps {
        match step {
            Step::Write { path, text } => write(&copy.root.join(path), text),
            Step::Change { path, before, after } => change(&copy.root.join(path), before, after),
            Step::Console(commands) => console(&copy, commands),
        }
    }
    new_crates_work_as_they_are_made(&copy);
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
}

fn change(path: &Path, before: &str, after: &str) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let places = text.matches(before).count();
    assert_eq!(places, 1, "{} should have these lines once:\n{before}\nIt is:\n{text}", path.display());
    write(path, &text.replace(before, after));
}

/// Runs the commands of a block; each that boots a system has those that are typed into it behind it.
fn console(copy: &Copy, commands: &[Command]) {
    let mut rest = commands;
    while let [command, others @ ..] = rest {
        let inside = others.iter().take_while(|other| other.inside).count();
        let (typed, others) = others.split_at(inside);
        match typed {
            [] => check(command, &run(copy, &command.text)),
            _ => boot(copy, command, typed),
        }
        rest = others;
    }
}

/// The end of the last line that a server prints when the system starts.
const STARTED: &str = " to its address";

/// What a command of the host prints.
fn run(copy: &Copy, line: &str) -> String {
    let output = copy.shell(line).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    plain(&output.stdout)
}

/// Runs a command that boots the system, and types.
fn boot(copy: &Copy, command: &Command, typed: &[Command]) {
    let deadline = Some(Instant::now() + PATIENCE);
    let mut session = start(copy, &command.text);
    let booted = session.wait_for_prompt(deadline);
    let printed = plain(session.transcript());
    booted.unwrap_or_else(|failure| panic!("{}: {failure}\n{printed}", command.text));
    check(command, printed.rsplit_once('\n').map_or("", |(before_prompt, _)| before_prompt));
    // What servers say when they start comes after the first prompt, and belongs to no command.
    let started = session.wait_for_text(STARTED, 0, deadline);
    started.unwrap_or_else(|failure| panic!("{}: {failure}", command.text));
    for line in typed {
        if line.text == "q" {
            let from = session.transcript().len();
            leave(&mut session, deadline);
            let printed = plain(session.transcript().get(from..).unwrap_or_default());
            return check(line, printed.split_once('\n').map_or("", |(_echo, printed)| printed));
        }
        let output = session.run(&line.text, deadline).unwrap_or_else(|failure| panic!("{failure}"));
        check(line, &output.text);
    }
    panic!("line {}: the last command in a booted system should be `q`", command.line);
}

/// Halts the system, and waits until the command that booted it has ended well.
fn leave(session: &mut Session, deadline: Option<Instant>) {
    match session.halt(deadline) {
        Ok(()) => {}
        Err(failure) if failure.cause == Cause::Ended(Some(0)) => {}
        Err(failure) => panic!("{failure}"),
    }
}

/// Starts a command of the host that boots a system.
fn start(copy: &Copy, line: &str) -> Session {
    let mut command = copy.shell(&format!("exec {line}"));
    let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let process = process.unwrap_or_else(|error| panic!("{line}: {error}"));
    Session::new(process.into(), Box::new(|_| {})).unwrap_or_else(|failure| panic!("{line}: {failure}"))
}

fn check(command: &Command, actual: &str) {
    let lines: Vec<_> = actual.trim_end().lines().collect();
    let expected: Vec<_> = command.expected.join("\n").trim_end().lines().map(String::from).collect();
    let Command { line, text, .. } = command;
    assert!(
        matches(&expected, &lines),
        "docs/write-a-server.md, line {line}: `{text}` should print\n{}\nbut it printed\n{}",
        expected.join("\n"),
        lines.join("\n")
    );
}

fn new_crates_work_as_they_are_made(copy: &Copy) {
    let expect = |line: &str, expected: &[&str]| {
        let expected = expected.iter().map(ToString::to_string).collect();
        check(&Command { inside: false, text: line.into(), expected, line: 0 }, &run(copy, line));
    };
    expect("cargo resea new server my_shelf", &["…", "The server `my_shelf` is made. New:", "…"]);
    expect("cargo resea new app greet", &["…", "The app `greet` is made. New:", "…"]);
    let passed = "test result: ok. … passed; 0 failed; …";
    expect(
        "cargo test -p my_shelf -p greet -p interfaces && echo all passed",
        &["…", passed, "…", "all passed"],
    );
    expect(
        "cargo resea run --exec 'call my_shelf.put colour blue' --exec 'call my_shelf.get colour' --exec 'greet Ada'",
        &["…", "resea> call my_shelf.get colour", "value: \"blue\"", "resea> greet Ada", "Hello, Ada!", "…"],
    );
    expect(
        "cargo resea new server my_shelf",
        &["…", "error: there is a program called `my_shelf`: choose another name"],
    );
    expect(
        "mkdir servers/half; cargo resea new server half; test -e interfaces/half.idl || echo nothing was made",
        &[
            "…",
            "error: there is a folder servers/half: move it away, or choose another name",
            "nothing was made",
        ],
    );
}
