//! The shell on a model of the system: what is typed, what is shown, and what is called.

mod files;
mod model;

use abi::Error;
use model::{Fixture, PROMPT, RUNS, done};
use proptest::prelude::*;
use shell::shell::MAX_AHEAD;
use shell::system::Ending;

#[test]
fn the_greeting_says_how_to_leave_and_when_it_was_ready() {
    let mut fixture = Fixture::new();
    fixture.shell.start();
    let output = fixture.output();
    for part in ["ready 12.000345 ms after its start", "`help`", "`q`", "Ctrl-A X"] {
        assert!(output.contains(part), "{output}");
    }
    assert!(output.ends_with(PROMPT));
}

#[test]
fn a_program_runs_with_its_arguments_and_its_success_is_silent() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.types("hello 'a b' c\r"), format!("hello 'a b' c\r\n{RUNS}"));
    assert_eq!(fixture.running(), [["hello", "a b", "c"]]);
    assert_eq!(fixture.ends(0, Ending::Exited(0)), done(0));
}

#[test]
fn every_other_ending_is_a_sentence_and_a_status() {
    for (ending, text, status) in [
        (Ending::Exited(3), "hello ended with status 3.", 3),
        (Ending::Exited(-1), "hello ended with status -1.", -1),
        (Ending::Panicked, "hello panicked: the report above says where.", 101),
        (Ending::Crashed, "hello crashed: the report above says where and why.", 139),
        (Ending::Killed, "hello was killed.", 137),
    ] {
        let mut fixture = Fixture::new();
        fixture.types("hello\r");
        assert_eq!(fixture.ends(0, ending), format!("{text}\n{}", done(status)));
    }
}

#[test]
fn control_c_kills_the_program_and_drops_what_was_typed_ahead() {
    let mut fixture = Fixture::new();
    fixture.types("hello\r");
    assert_eq!(fixture.types("typed ahead\r"), "");
    assert_eq!(fixture.types("\x03"), format!("^C\n{}", done(130)));
    assert!(fixture.running().is_empty());
    fixture.shell.children_ended();
    assert_eq!(fixture.output(), "", "the end of a killed program is not told twice");
    assert!(fixture.types("mem\r").contains("free                    100 MiB\n"));
}

#[test]
fn control_c_gives_the_prompt_back_even_if_nothing_can_be_killed() {
    let mut fixture = Fixture::new();
    fixture.types("hello\r");
    fixture.model.0.borrow_mut().kill_error = Some(Error::NotPermitted);
    let output = fixture.types("\x03");
    assert!(output.contains("hello cannot be killed: the task lacks the right to do this."), "{output}");
    assert!(output.ends_with(&done(130)));
    assert!(fixture.ends(0, Ending::Exited(0)).contains("[2] hello has ended."));
}

#[test]
fn what_was_typed_ahead_runs_next() {
    let mut fixture = Fixture::new();
    fixture.types("hello 1\rhello 2\rhello 3\rmem");
    assert_eq!(fixture.running(), [["hello", "1"]]);
    fixture.ends(0, Ending::Exited(0));
    assert_eq!(fixture.running(), [["hello", "2"]]);
    fixture.ends(0, Ending::Exited(0));
    assert_eq!(fixture.running(), [["hello", "3"]]);
    assert_eq!(fixture.ends(0, Ending::Exited(0)), done(0) + "mem");
}

#[test]
fn typing_ahead_is_bounded() {
    let mut fixture = Fixture::new();
    fixture.types("hello\r");
    fixture.types(&"x".repeat(3 * MAX_AHEAD));
    fixture.ends(0, Ending::Exited(0));
    assert!(fixture.types("\x03").contains("^C\r\n"), "the prompt is back");
}

#[test]
fn a_background_program_leaves_the_prompt_and_the_typed_line_alone() {
    let mut fixture = Fixture::new();
    let output = fixture.types("sleep 5 &\r");
    assert!(output.ends_with(&format!("sleep runs in the background as task 2.\n{}", done(0))), "{output}");
    fixture.types("hel");
    assert_eq!(fixture.ends(0, Ending::Exited(0)), format!("\r\x1b[J[2] sleep has ended.\n{PROMPT}hel"));
    assert_eq!(fixture.types("p"), "p");
}

#[test]
fn an_unknown_command_gets_a_suggestion() {
    let mut fixture = Fixture::new();
    let output = fixture.types("helo\r");
    assert!(
        output.ends_with(&format!("There is no command `helo`: did you mean `help`?\n{}", done(127))),
        "{output}"
    );
    let output = fixture.types("frobnicate\r");
    assert!(output.contains("There is no command `frobnicate`: `help` lists them.\n"), "{output}");
}

#[test]
fn errors_say_what_to_do() {
    let mut fixture = Fixture::new();
    assert!(fixture.types("echo 'x\r").ends_with(&format!("add another '.\n{}", done(2))));
    assert!(fixture.types("ps now\r").contains("ps: wrong number of arguments: use `ps`.\n"));
    assert!(fixture.types("kill nobody\r").contains("kill: no task is named `nobody`: `ps` lists them.\n"));
    assert!(fixture.types("kill 99.3\r").contains("kill: there is no task 99.3: `ps` lists them.\n"));
    assert!(fixture.types("q 101\r").contains("q: `101` is not a status from 0 to 100"));
    assert!(fixture.types("ps &\r").contains("leave out &.\n"));
    fixture.model.0.borrow_mut().launch_error = Some(Error::OutOfMemory);
    let output = fixture.types("hello\r");
    assert!(output.contains("`hello` cannot be started: out of memory; `mem` shows"), "{output}");
}

#[test]
fn ps_is_a_table() {
    let mut fixture = Fixture::new();
    fixture.types("sleep 9&\r");
    let expected = "\
ID  NAME   STATE      WAITS FOR  PRIORITY  PAGER  MESSAGES     TIME
 0  vm     receiving  anyone            8  -             7  1.23 ms
 1  shell  ready      -                 8  vm            7  12.3 µs
 2  sleep  calling    vm                8  vm            7   999 ns
";
    assert_eq!(fixture.types("ps\r"), format!("ps\r\n{RUNS}{expected}{}", done(0)));
}

#[test]
fn log_shows_the_last_lines() {
    let mut fixture = Fixture::new();
    assert!(fixture.types("log 2\r").contains(&format!("{RUNS}two\nthree\n{}", done(0))));
    assert!(fixture.types("log\r").contains("one\ntwo\nthree\n"));
}

#[test]
fn help_lists_builtins_and_programs() {
    let mut fixture = Fixture::new();
    let output = fixture.types("help\r");
    for part in [
        "  kill ID|NAME             Ends a task\n",
        "  sleep                    Waits for the seconds given\n",
    ] {
        assert!(output.contains(part), "{output}");
    }
    assert!(fixture.types("help q\r").contains("q [STATUS]: Halts the machine\n"));
    assert!(fixture.types("help hello\r").contains("hello: Says hello\n"));
}

#[test]
fn tab_completes_commands_and_tasks() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.types("m\t"), "mem ");
    assert_eq!(fixture.types("\x15s\t"), format!("\x1b[4Ds\x1b[K\r\nshell   sleep   source\r\n{PROMPT}s"));
    assert_eq!(
        fixture.types("l\t9&\r").replace(PROMPT, ""),
        format!("leep 9&\r\n{RUNS}sleep runs in the background as task 2.\n\x1b]133;D;0\x07")
    );
    assert_eq!(fixture.types("kill sl\t"), "kill sleep ");
    assert_eq!(fixture.types("x\t"), "\x07x");
    fixture.types("\r");
    assert_eq!(fixture.running().len(), 1, "`kill sleep x` is refused");
    fixture.types("kill sleep\r");
    assert_eq!(fixture.running().len(), 0);
}

#[test]
fn q_halts_with_a_status() {
    let mut fixture = Fixture::new();
    fixture.types("q\r");
    assert_eq!(fixture.model.0.borrow().halted, None, "first everything is stored");
    fixture.ends(0, Ending::Exited(0));
    assert_eq!(fixture.model.0.borrow().halted, Some(0));
    fixture.types("q 7\r");
    let output = fixture.ends(0, Ending::Crashed);
    assert_eq!(fixture.model.0.borrow().halted, Some(7), "whatever comes of it");
    assert!(output.contains("q: the machine does not halt: the task lacks the right to do this"), "{output}");
}

#[test]
fn control_d_says_how_to_leave() {
    let mut fixture = Fixture::new();
    assert!(fixture.types("\x04").contains("`q` halts the machine"));
    assert_eq!(fixture.model.0.borrow().halted, None);
}

#[derive(Clone, Debug)]
enum Happening {
    Input(Vec<u8>),
    End(usize, i32),
    Write(usize, &'static str),
    Read(usize),
}

proptest! {
    #[test]
    fn it_always_comes_back(happenings in proptest::collection::vec(
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Happening::Input),
            "(hello|sleep|ps|kill sleep|log|helo|cd x|./x|source x| > x| < x|'| |&|\t|\u{3}){1,3}\r".prop_map(|text| Happening::Input(text.into())),
            (0usize..4, 0..2).prop_map(|(index, status)| Happening::End(index, status)),
            (0usize..4, proptest::sample::select(vec!["x\n", "hello\nps\n", "./x\nsource x", "\x7fELF1", "\0"]))
                .prop_map(|(index, text)| Happening::Write(index, text)),
            (0usize..4).prop_map(Happening::Read),
        ],
        0..60,
    )) {
        let mut fixture = Fixture::new();
        fixture.shell.start();
        for happening in happenings {
            match happening {
                Happening::Input(bytes) => fixture.shell.input(&bytes),
                Happening::End(index, status) if index < fixture.running().len() => {
                    fixture.ends(index, Ending::Exited(status));
                }
                Happening::Write(index, text) if index < fixture.running().len() => {
                    fixture.task_writes(fixture.task_at(index), text);
                }
                Happening::Read(index) if index < fixture.running().len() => {
                    fixture.task_reads(fixture.task_at(index));
                }
                _ => {}
            }
        }
        fixture.types("\x03\x03\r");
        let output = fixture.types("mem\r");
        prop_assert!(output.starts_with("mem\r\n") && output.ends_with(&done(0)), "{:?}", output);
    }
}
