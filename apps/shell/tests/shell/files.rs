//! Redirection, directories, scripts and programs in files, with the test in the place of `files`.

use crate::model::{Fixture, PROMPT, RUNS, done, task};
use abi::Error;
use shell::system::Ending;

const OK: Ending = Ending::Exited(0);

/// Types a line; the command runs.
fn enter(fixture: &mut Fixture, line: &str) -> String {
    let output = fixture.types(&format!("{line}\r"));
    output.split_once(RUNS).expect("it runs").1.into()
}

/// Enters a line that asks `files`, and lets that answer with a text.
fn answer(fixture: &mut Fixture, line: &str, expected: &[&str], text: &str) -> String {
    enter(fixture, line);
    assert_eq!(fixture.running(), [expected]);
    fixture.writes(text);
    fixture.last_ends(OK)
}

#[test]
fn output_goes_to_a_file_that_is_open_before_the_program_starts() {
    let mut fixture = Fixture::new();
    assert_eq!(enter(&mut fixture, "hello Ada > /tmp/x"), "");
    assert_eq!(fixture.running(), [["files", "to", "/tmp/x"]]);
    assert_eq!(fixture.environment(), ["INPUT=1", "PWD=/"]);
    let file = fixture.task_of(&["files", "to", "/tmp/x"]);
    let first = fixture.reads();
    let hello = fixture.task_of(&["hello", "Ada"]);
    assert_eq!(fixture.environment(), ["OUTPUT=1", "PWD=/"]);
    let written = fixture.task_writes(hello, "Hello, Ada!\n");
    assert_eq!((first.result(), written.get()), (Some(Ok("Hello, Ada!\n".into())), None));
    let second = fixture.task_reads(file);
    assert_eq!((second.result(), written.get()), (None, Some(Ok(()))));
    assert_eq!(fixture.task_ends(hello, OK), "", "the file is not closed yet");
    assert_eq!(second.result(), Some(Ok(String::new())));
    assert_eq!(fixture.task_ends(file, OK), done(0));
}

#[test]
fn a_file_that_cannot_be_opened_keeps_the_program_from_starting() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "hello >> x < y");
    let (input, output) =
        (fixture.task_of(&["files", "from", "y"]), fixture.task_of(&["files", "onto", "x"]));
    fixture.task_reads(output);
    assert_eq!(fixture.running().len(), 2, "the input is not open yet");
    assert_eq!(fixture.task_ends(input, Ending::Exited(14)), done(1));
    assert!(fixture.running().is_empty(), "the other file is closed");
    fixture.model.0.borrow_mut().launch_error = Some(Error::TableFull);
    let output = enter(&mut fixture, "hello > x");
    assert!(
        output.starts_with("x cannot be opened: `files` cannot be started: no place is left"),
        "{output}"
    );
    assert!(output.ends_with(&done(1)));
}

#[test]
fn why_a_file_cannot_be_written_is_told_to_the_program() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "hello > x");
    let file = fixture.task_of(&["files", "to", "x"]);
    fixture.reads();
    let first = fixture.writes("some");
    let code = Error::NoSpace.code() as i32;
    assert_eq!(fixture.task_ends(file, Ending::Exited(code)), "");
    assert_eq!(first.get(), Some(Err(Error::NoSpace)));
    assert_eq!(fixture.writes("more").get(), Some(Err(Error::NoSpace)));
    assert_eq!(fixture.last_ends(OK), done(1), "not all was written, whatever the program thinks of it");
}

#[test]
fn input_comes_from_a_file() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "hello < x");
    let file = fixture.task_of(&["files", "from", "x"]);
    let written = fixture.writes("data");
    assert_eq!(fixture.environment(), ["INPUT=1", "PWD=/"]);
    let hello = fixture.task_of(&["hello"]);
    assert_eq!(fixture.task_reads(hello).result(), Some(Ok("data".into())));
    let end = fixture.task_reads(hello);
    assert_eq!((end.result(), written.get()), (None, Some(Ok(()))));
    fixture.task_ends(file, Ending::Exited(Error::InputOutput.code() as i32));
    assert_eq!(end.result(), Some(Err(Error::InputOutput)), "it is not taken for the end");
    assert_eq!(fixture.last_ends(OK), done(0));
    enter(&mut fixture, "hello < empty");
    fixture.last_ends(OK);
    assert_eq!(fixture.reads().result(), Some(Ok(String::new())));
}

#[test]
fn only_programs_of_the_shell_are_served() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "sleep 9 &");
    enter(&mut fixture, "hello > x");
    fixture.reads();
    let sleep = fixture.task_of(&["sleep", "9"]);
    for stranger in [sleep, task(77)] {
        assert_eq!(fixture.task_writes(stranger, "x").get(), Some(Err(Error::NotPermitted)));
        assert_eq!(fixture.task_reads(stranger).result(), Some(Err(Error::NotPermitted)));
    }
}

#[test]
fn a_hanging_file_server_is_left_by_control_c() {
    for stage in 0..3 {
        let mut fixture = Fixture::new();
        enter(&mut fixture, "hello > x");
        if stage > 0 {
            fixture.reads();
            fixture.writes("never stored");
        }
        if stage > 1 {
            fixture.last_ends(OK);
        }
        assert_eq!(fixture.types("\x03"), format!("^C\n{}", done(130)), "stage {stage}");
        assert!(fixture.running().is_empty());
        fixture.shell.children_ended();
        assert_eq!(fixture.output(), "");
    }
    let mut fixture = Fixture::new();
    for line in ["cd x", "./x", "source x"] {
        enter(&mut fixture, line);
        assert_eq!(fixture.types("\x03"), format!("^C\n{}", done(130)));
    }
    fixture.types("ls x\t");
    assert_eq!(fixture.types("\x03mem"), format!("^C\r\n{PROMPT}mem"));
    assert!(fixture.running().is_empty());
}

#[test]
fn output_of_built_in_commands_goes_to_files_too() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "log 1 >> x");
    let first = fixture.reads();
    assert_eq!(first.result(), Some(Ok("three\n".into())));
    assert_eq!(fixture.reads().result(), Some(Ok(String::new())));
    assert_eq!(fixture.last_ends(OK), done(0));
    enter(&mut fixture, "log x > x");
    fixture.reads();
    assert_eq!(fixture.output(), "log: `x` is not a number of lines: try `log 20`.\n");
    assert_eq!(fixture.last_ends(OK), done(1));
}

#[test]
fn programs_in_the_background_have_their_files() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "sleep 9 > x &");
    let (file, read) = (fixture.task_of(&["files", "to", "x"]), fixture.reads());
    let sleep = fixture.task_of(&["sleep", "9"]);
    assert!(fixture.output().ends_with(&done(0)));
    fixture.task_writes(sleep, "text");
    assert_eq!(read.result(), Some(Ok("text".into())));
    assert!(fixture.task_ends(sleep, OK).contains("sleep has ended."));
    assert_eq!(fixture.task_reads(file).result(), Some(Ok(String::new())));
    assert_eq!(fixture.task_ends(file, OK), "");
}

#[test]
fn the_directory_changes_if_it_is_one() {
    let mut fixture = Fixture::new();
    assert_eq!(answer(&mut fixture, "cd tmp//./a/../b", &["files", "directory", "/tmp/b"], ""), done(0));
    assert_eq!(enter(&mut fixture, "pwd"), format!("/tmp/b\n{}", done(0)));
    enter(&mut fixture, "cd ../none");
    assert_eq!(fixture.running(), [["files", "directory", "/tmp/none"]]);
    assert_eq!(fixture.last_ends(Ending::Exited(14)), done(1));
    enter(&mut fixture, "hello");
    assert_eq!(fixture.environment(), ["PWD=/tmp/b"]);
    fixture.last_ends(OK);
    answer(&mut fixture, "cd", &["files", "directory", "/"], "");
    assert_eq!(enter(&mut fixture, "pwd"), format!("/\n{}", done(0)));
    assert!(enter(&mut fixture, "cd a b").contains("use `cd [DIRECTORY]`"));
}

#[test]
fn tab_completes_paths() {
    let mut fixture = Fixture::new();
    fixture.types("hello a\\ b/x\t more");
    assert_eq!(fixture.running(), [["files", "list", "a b/", "x"]]);
    fixture.writes("xy z\n");
    assert_eq!(fixture.last_ends(OK), "y\\ z  more", "and what was typed meanwhile follows");
    fixture.types("\x15hello >\t");
    assert_eq!(fixture.running(), [["files", "list", ".", ""]]);
    fixture.writes("tmp/\n");
    assert_eq!(fixture.last_ends(OK), "tmp/");
    fixture.types("\t");
    fixture.writes("one\ntwo\n");
    assert_eq!(fixture.last_ends(OK), format!("\r\none  two\r\n{PROMPT}hello >tmp/"));
    fixture.types("\t");
    assert_eq!(fixture.last_ends(Ending::Exited(1)), "\x07");
    fixture.types("\x15./a\t");
    assert_eq!(fixture.running(), [["files", "list", "./", "a"]]);
}

#[test]
fn a_program_in_a_file_is_shared_and_launched() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "/mnt/prog -x > out");
    let (file, opened) = (fixture.task_of(&["files", "to", "out"]), fixture.reads());
    let helper = fixture.task_of(&["files", "program", "/mnt/prog"]);
    assert_eq!(fixture.task_writes(helper, "\x7fELF123").get(), Some(Ok(())));
    assert_eq!(fixture.images(), [123]);
    assert_eq!(fixture.environment(), ["OUTPUT=1", "PWD=/"]);
    assert_eq!(fixture.running().len(), 2, "who shared it is no longer needed");
    let program = fixture.task_of(&["/mnt/prog", "-x"]);
    fixture.task_writes(program, "output");
    assert_eq!(opened.result(), Some(Ok("output".into())));
    fixture.task_ends(program, Ending::Exited(3));
    assert!(fixture.output().is_empty());
    assert_eq!(fixture.task_ends(file, OK), done(3));
    enter(&mut fixture, "source /mnt/prog");
    fixture.writes("\x7fELF123");
    assert!(
        fixture.output().starts_with("/mnt/prog is a program, not a script: enter its path to run it.\n")
    );
    assert_eq!(fixture.images(), [123]);
    enter(&mut fixture, "/mnt/none");
    assert_eq!(fixture.last_ends(Ending::Exited(14)), done(127));
}

#[test]
fn a_script_runs_line_by_line() {
    let mut fixture = Fixture::new();
    let script = "# greets\nhello $1 \"$2\"\n\nhello $?\n";
    let output = answer(&mut fixture, "./x.sh one 'two 2'", &["files", "program", "./x.sh"], script);
    assert_eq!(output, "");
    assert_eq!(fixture.running(), [["hello", "one", "two 2"]]);
    assert_eq!(fixture.last_ends(OK), "");
    assert_eq!(fixture.running(), [["hello", "0"]]);
    assert_eq!(fixture.last_ends(OK), done(0));
    enter(&mut fixture, "hello $1");
    assert_eq!(fixture.running(), [["hello"]], "the arguments were the script's");
}

#[test]
fn a_failing_command_stops_the_script_with_its_place() {
    let mut fixture = Fixture::new();
    let output = answer(&mut fixture, "source x.sh", &["files", "program", "x.sh"], "pwd\nhello\npwd\n");
    assert_eq!(output, "/\n");
    assert_eq!(
        fixture.last_ends(Ending::Exited(4)),
        format!(
            "hello ended with status 4.\nx.sh:2: ended with status 4; what follows is not run.\n{}",
            done(4)
        )
    );
    assert_eq!(enter(&mut fixture, "hello $?"), "");
    assert_eq!(fixture.running(), [["hello", "4"]]);
}

#[test]
fn the_directory_of_a_script_is_its_own_unless_it_is_sourced() {
    for (command, directory) in [("shell x", "/"), ("./x", "/"), ("source x", "/tmp")] {
        let mut fixture = Fixture::new();
        enter(&mut fixture, command);
        fixture.writes("cd tmp\npwd\n");
        fixture.last_ends(OK);
        assert_eq!(fixture.last_ends(OK), format!("/tmp\n{}", done(0)));
        assert_eq!(enter(&mut fixture, "pwd"), format!("{directory}\n{}", done(0)));
    }
}

#[test]
fn the_output_of_a_script_is_that_of_all_its_lines() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "./x > out");
    let file = fixture.task_of(&["files", "to", "out"]);
    let first = fixture.reads();
    fixture.writes("pwd\nhello\nhello > other\n");
    fixture.last_ends(OK);
    assert_eq!(first.result(), Some(Ok("/\n".into())));
    assert_eq!(fixture.environment(), ["OUTPUT=1", "PWD=/"]);
    let second = fixture.task_reads(file);
    fixture.writes("from hello\n");
    assert_eq!(second.result(), Some(Ok("from hello\n".into())));
    let third = fixture.task_reads(file);
    fixture.last_ends(OK);
    let other = fixture.task_of(&["files", "to", "other"]);
    let into_other = fixture.task_reads(other);
    fixture.writes("elsewhere\n");
    assert_eq!((into_other.result(), third.result()), (Some(Ok("elsewhere\n".into())), None));
    fixture.last_ends(OK);
    fixture.task_ends(other, OK);
    assert_eq!(third.result(), Some(Ok(String::new())));
    assert_eq!(fixture.task_ends(file, OK), done(0));
}

#[test]
fn scripts_run_each_other_only_so_deep() {
    let mut fixture = Fixture::new();
    enter(&mut fixture, "./x");
    for _ in 0..8 {
        fixture.writes("./x\n");
        assert_eq!(fixture.last_ends(OK), "");
    }
    fixture.writes("./x\n");
    let output = fixture.last_ends(OK);
    assert!(
        output.starts_with("./x is not run: scripts run each other 8 deep at most.\n./x:1: "),
        "{output}"
    );
    assert_eq!(output.matches("what follows is not run.\n").count(), 8);
    assert!(output.ends_with(&done(1)));
}

#[test]
fn what_is_no_script_is_not_run() {
    let mut fixture = Fixture::new();
    for text in ["\u{0}", "hello\0"] {
        let output = answer(&mut fixture, "./x", &["files", "program", "./x"], text);
        assert_eq!(output, format!("./x is neither a program nor a script: it is not text.\n{}", done(1)));
    }
    let output = answer(&mut fixture, "./x &", &["files", "program", "./x"], "hello\n");
    let text = "./x is a script, which does not run in the background: leave out &.\n";
    assert_eq!(output, format!("{text}{}", done(1)));
}

#[test]
fn scripts_may_come_from_windows() {
    let mut fixture = Fixture::new();
    answer(&mut fixture, "./x", &["files", "program", "./x"], "\u{feff}hello one\r\nhello two\r\n");
    assert_eq!(fixture.running(), [["hello", "one"]]);
    fixture.last_ends(OK);
    assert_eq!(fixture.running(), [["hello", "two"]]);
    assert_eq!(fixture.last_ends(OK), done(0));
}

#[test]
fn what_does_not_even_begin_in_the_background_gives_the_prompt_back() {
    let mut fixture = Fixture::new();
    let output = enter(&mut fixture, "nothing &");
    assert!(output.starts_with("There is no command `nothing`") && output.ends_with(&done(127)), "{output}");
    let output = enter(&mut fixture, "pwd &");
    assert!(output.ends_with(&format!("leave out &.\n{}", done(1))), "{output}");
    enter(&mut fixture, "./nothing &");
    assert_eq!(fixture.last_ends(Ending::Exited(14)), done(127));
    fixture.model.0.borrow_mut().launch_error = Some(Error::OutOfMemory);
    let output = enter(&mut fixture, "hello &");
    assert!(output.ends_with(&done(1)), "{output}");
    fixture.model.0.borrow_mut().launch_error = None;
    enter(&mut fixture, "nothing > x &");
    let file = fixture.task_of(&["files", "to", "x"]);
    fixture.reads();
    let output = fixture.task_ends(file, OK);
    assert!(output.ends_with(&done(127)), "{output}");
}

#[test]
fn control_c_ends_scripts_and_their_directories() {
    let mut fixture = Fixture::new();
    answer(&mut fixture, "./x", &["files", "program", "./x"], "cd tmp\nsource y\nhello\n");
    fixture.last_ends(OK);
    fixture.writes("sleep 9\n");
    fixture.last_ends(OK);
    assert_eq!(fixture.running(), [["sleep", "9"]]);
    assert_eq!(fixture.types("\x03"), format!("^C\n{}", done(130)));
    assert!(fixture.running().is_empty());
    assert_eq!(enter(&mut fixture, "pwd"), format!("/\n{}", done(0)));
}
