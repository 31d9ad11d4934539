//! A session against a stand-in for QEMU: a script that marks its prompts as Resea's shell does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resea_tool::commands::run::type_commands;
use resea_tool::qemu::{Qemu, Streams};
use resea_tool::session::{Cause, Failure, Output, Session};
use resea_tool::ui::Verbosity;

/// A system that boots, and whose shell knows a few commands.
const SYSTEM: &str = r#"echo "booting"
while true; do
    printf '\033]133;A\007resea> \033]133;B\007'
    IFS= read -r -d $'\r' line || exit 1
    printf '%s\n' "$line"
    case "$line" in
        "") continue ;;
        q) echo "bye"; exit 33 ;;
        die) echo "kernel: page fault"; exit 35 ;;
        hang) printf '\033]133;C\007'; exec sleep 100 ;;
        restart) printf '\033]133;C\007'; continue ;;
        fail) printf '\033]133;C\007no such thing\r\n\033]133;D;3\007'; continue ;;
    esac
    printf '\033]133;C\007\033[1mran\033[0m %s\r\n\033]133;D;0\007' "$line"
done
"#;

/// A file with a stand-in, removed when it is dropped.
struct Script {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn script(text: &str) -> Script {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("qemu");
    std::fs::write(&file, text).expect("written");
    Script { _folder: folder, file }
}

fn qemu(script: &Script) -> Qemu {
    // Not run as a program of its own: a file that was just written may still be open in another test's child.
    Qemu::start(Path::new("bash"), &[script.file.clone().into()], Streams::Piped, Verbosity::Quiet)
        .expect("it starts")
}

fn start(script: &Script) -> Session {
    Session::new(qemu(script), Box::new(|_| {})).expect("it has pipes")
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(20))
}

fn very_soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(300))
}

fn commands(list: &[&str]) -> Vec<String> {
    list.iter().map(|command| command.to_string()).collect()
}

fn is_running(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn commands_run_and_the_system_halts() {
    let script = script(SYSTEM);
    let mut session = start(&script);
    assert_eq!(session.run("ps", soon()), Ok(Output { text: "ran ps\n".into(), status: 0 }));
    assert_eq!(session.run("fail", soon()), Ok(Output { text: "no such thing\n".into(), status: 3 }));
    assert_eq!(session.run("", soon()), Ok(Output { text: String::new(), status: 0 }));
    session.halt(soon()).expect("it halts");
    let transcript = String::from_utf8_lossy(session.transcript()).into_owned();
    assert!(transcript.starts_with("booting\nresea> ps\n"), "{transcript:?}");
    assert!(transcript.ends_with("bye\n"), "{transcript:?}");
}

#[test]
fn the_sink_sees_everything_but_the_marks() {
    let script = script(SYSTEM);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let sink = Box::new(move |bytes: &[u8]| to.lock().expect("no panic").extend_from_slice(bytes));
    let mut session = Session::new(qemu(&script), sink).expect("it has pipes");
    type_commands(&mut session, &commands(&["echo x"]), soon()).expect("all is well");
    let seen = seen.lock().expect("no panic");
    assert_eq!(
        String::from_utf8_lossy(&seen),
        "booting\nresea> echo x\n\x1b[1mran\x1b[0m echo x\r\nresea> q\nbye\n"
    );
}

#[test]
fn typed_commands_succeed_with_and_without_q_at_the_end() {
    let script = script(SYSTEM);
    type_commands(&mut start(&script), &commands(&["a", "b", "q"]), soon()).expect("all is well");
    type_commands(&mut start(&script), &commands(&["a"]), soon()).expect("all is well");
    type_commands(&mut start(&script), &commands(&["q"]), soon()).expect("all is well");
}

#[test]
fn a_failed_command_is_named_after_all_were_typed() {
    let script = script(SYSTEM);
    let mut session = start(&script);
    let error = type_commands(&mut session, &commands(&["fail", "after"]), soon()).expect_err("it failed");
    assert_eq!(error.to_string(), "the command \"fail\" exited with status 3");
    assert!(String::from_utf8_lossy(session.transcript()).contains("after"));
}

#[test]
fn a_system_that_dies_is_reported_with_its_last_line() {
    let script = script(SYSTEM);
    let failure = start(&script).run("die", soon()).expect_err("it died");
    assert_eq!(failure.cause, Cause::Ended(Some(35)));
    assert_eq!(
        failure.to_string(),
        "the system halted with failure status 1 while running \"die\"; the last line was: kernel: page fault"
    );
    assert_eq!(failure.last_lines, ["booting", "resea> die", "kernel: page fault"]);
}

#[test]
fn a_shell_that_ends_in_a_command_is_not_waited_for() {
    let script = script(SYSTEM);
    let failure = start(&script).run("restart", soon()).expect_err("there is a new shell");
    assert_eq!(failure.cause, Cause::ShellEnded);
}

#[test]
fn a_system_that_halts_too_early_is_reported() {
    let script = script(SYSTEM);
    let error = type_commands(&mut start(&script), &commands(&["q", "ps"]), soon()).expect_err("it halted");
    assert_eq!(error.to_string(), "the system halted while running \"q\"; the last line was: bye");
}

#[test]
fn qemu_that_does_not_start_is_reported() {
    let script = script("exit 1\n");
    let failure = start(&script).wait_for_prompt(soon()).expect_err("it ended");
    assert_eq!(failure.to_string(), "QEMU failed with exit status 1 while waiting for a prompt");
}

#[test]
fn a_machine_that_resets_is_reported() {
    let script = script("exit 0\n");
    let failure = start(&script).wait_for_prompt(soon()).expect_err("it ended");
    assert_eq!(failure.to_string(), "the machine was reset or closed while waiting for a prompt");
}

#[test]
fn the_time_ends_in_the_phase_that_took_too_long() {
    let silent = script("exec sleep 100\n");
    let failure = start(&silent).wait_for_prompt(very_soon()).expect_err("it takes too long");
    assert_eq!(failure.to_string(), "the time is over while waiting for a prompt");
    let system = script(SYSTEM);
    let mut session = start(&system);
    session.wait_for_prompt(soon()).expect("it boots");
    let failure = session.run("hang", very_soon()).expect_err("it takes too long");
    assert_eq!((failure.phase.as_str(), failure.cause), ("running \"hang\"", Cause::Timeout));
}

#[test]
fn dropping_a_session_kills_qemu() {
    let deaf = script("trap '' TERM INT HUP\necho ready\nwhile true; do sleep 1; done\n");
    let mut session = start(&deaf);
    let process = session.process_id();
    session.wait_for_text("ready", 0, soon()).expect("it starts");
    assert!(is_running(process));
    drop(session);
    assert!(!is_running(process), "it is left behind");
}

#[test]
fn text_is_found_after_a_place() {
    let script = script(SYSTEM);
    let mut session = start(&script);
    session.wait_for_prompt(soon()).expect("it boots");
    session.send(b"one\r").expect("it is there");
    let place = session.wait_for_text("ran", 0, soon()).expect("it is printed");
    session.send(b"two\r").expect("it is there");
    session.wait_for_text("two", place, soon()).expect("it is printed");
    let failure = session.wait_for_text("three", 0, very_soon()).expect_err("nobody typed it");
    assert!(matches!(failure, Failure { cause: Cause::Timeout, .. }));
}
