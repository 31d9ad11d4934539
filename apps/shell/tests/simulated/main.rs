//! The shell as a person at the terminal sees it: on the real kernel core and the real vm, with programs that end,
//! crash, wait for ever or flood the console.

mod files;
mod random;
mod store;
mod terminal;

use resea::abi::MAX_TASKS;
use std::time::Duration;
use terminal::{Terminal, system};

#[test]
fn programs_get_their_arguments_and_their_output_is_shown() {
    system().run(|| {
        let mut terminal = Terminal::new();
        assert_eq!(terminal.run("hello"), ("Hello, world!\n".into(), 0));
        assert_eq!(terminal.run("hello 'Ada L.' and others"), ("Hello, Ada L.!\n".into(), 0));
        assert_eq!(terminal.run("echo a  b\\ c \"d'e\""), ("a b c d'e\n".into(), 0));
        assert_eq!(terminal.run(""), ("".into(), 0));
        assert_eq!(terminal.run("frobnicate").1, 127);
        let (output, status) = terminal.run("hallo");
        assert_eq!((output.as_str(), status), ("There is no command `hallo`: did you mean `hello`?\n", 127));
    });
}

#[test]
fn how_a_program_ended_is_told_as_it_was() {
    system().may_panic().run(|| {
        let mut terminal = Terminal::new();
        assert_eq!(terminal.run("ends status 3"), ("ends ended with status 3.\n".into(), 3));
        let (output, status) = terminal.run("ends panics");
        assert!(output.contains("ends: panicked at "), "{output}");
        assert!(output.ends_with("ends panicked: the report above says where.\n"), "{output}");
        assert_eq!(status, 101);
        sim::crash("ends");
        let (output, status) = terminal.run("ends waits");
        assert!(output.starts_with("vm: task "), "{output}");
        assert!(output.ends_with("ends crashed: the report above says where and why.\n"), "{output}");
        assert_eq!(status, 139);
        terminal.starts("ends waits");
        sim::kill("ends").unwrap();
        assert_eq!(terminal.finishes(), ("ends was killed.\n".into(), 137));
    });
}

#[test]
fn control_c_ends_what_runs_and_nothing_else() {
    system().run(|| {
        let mut terminal = Terminal::new();
        for program in ["sleep 3600", "ends waits", "endless", "flood"] {
            terminal.starts(program);
            resea::sleep(Duration::from_millis(20));
            sim::type_text("typed ahead\r\x03");
            let (output, status) = terminal.finishes();
            assert_eq!((output.ends_with("^C\n"), status), (true, 130), "{output}");
            assert_eq!(sim::task(program.split(' ').next().unwrap()), None);
        }
        sim::type_text("hel\x03");
        terminal.prompt();
        assert_eq!(terminal.run("hello").1, 0);
        assert!(!sim::console().contains("There is no command"), "what was typed ahead is dropped");
        assert!(resea::clock() < 5_000_000_000, "nobody waits for what is interrupted");
    });
}

#[test]
fn a_flood_of_output_arrives_whole() {
    system().run(|| {
        let mut terminal = Terminal::new();
        let (output, status) = terminal.run("flood 3000");
        assert_eq!(status, 0);
        assert!(output.lines().enumerate().all(|(number, line)| line == format!("line {number}")));
        assert_eq!(output.lines().count(), 3000);
        assert_eq!(terminal.run("log 2").0, "line 2999\nresea> log 2\n");
    });
}

#[test]
fn what_is_typed_while_a_program_runs_is_run_after_it() {
    system().run(|| {
        let mut terminal = Terminal::new();
        terminal.starts("sleep 0.05");
        sim::type_text("hello one\rhello two\r");
        assert_eq!(terminal.finishes(), ("".into(), 0));
        for name in ["one", "two"] {
            assert_eq!(terminal.finishes(), (format!("Hello, {name}!\n"), 0));
        }
    });
}

#[test]
fn commands_of_the_shell_see_the_system_as_it_is() {
    system().run(|| {
        let mut terminal = Terminal::new();
        let (output, _) = terminal.run("sleep 100 &");
        let task = sim::task("sleep").unwrap();
        assert_eq!(output, format!("sleep runs in the background as task {task}.\n"));
        resea::sleep(Duration::from_millis(1));
        let (output, status) = terminal.run("ps");
        assert_eq!((output.lines().count(), status), (5, 0), "{output}");
        for row in [" vm ", " shell  ready ", " sleep  receiving  anyone ", " test "] {
            assert!(output.contains(row), "{row:?} is missing:\n{output}");
        }
        let memory = resea::vm().memory().unwrap();
        let (output, _) = terminal.run("mem");
        assert!(output.contains(&format!("{}.0 KiB\n", memory.used >> 10)), "{output}");
        assert_eq!(terminal.run("kill sleep"), ("".into(), 0));
        terminal.wait_for(&format!("[{task}] sleep was killed.\n"));
        assert_eq!(sim::task("sleep"), None);
        let (output, status) = terminal.run("kill sleep");
        assert_eq!((output.as_str(), status), ("kill: no task is named `sleep`: `ps` lists them.\n", 1));
        assert_eq!(terminal.run("kill vm").0, "kill: task 0 cannot be ended: the system needs it.\n");
        let (output, _) = terminal.run("help");
        assert!(
            output.contains("  hello                    Greets the world, or whom you name\n"),
            "{output}"
        );
    });
}

#[test]
fn keys_complete_and_bring_back_what_was_typed() {
    system().run(|| {
        let mut terminal = Terminal::new();
        assert_eq!(terminal.run("hell\tAda"), ("Hello, Ada!\n".into(), 0));
        assert_eq!(terminal.run("\x1b[A"), ("Hello, Ada!\n".into(), 0), "Up is the line before");
        assert_eq!(terminal.run("\x1b[A\x7f\x7f\x7fBob"), ("Hello, Bob!\n".into(), 0));
        assert_eq!(terminal.run("\x1b[A\x1b[A"), ("Hello, Ada!\n".into(), 0));
        sim::type_text("hel\t");
        terminal.wait_for("hello  help");
        terminal.prompt();
        assert_eq!(terminal.run("lo").0, "Hello, world!\n");
    });
}

#[test]
fn what_cannot_be_started_is_an_error_and_the_prompt_is_back() {
    system().memory(640 << 10).run(|| {
        let mut terminal = Terminal::new();
        let mut started = Vec::new();
        while let Ok(task) = resea::launch("ends", ["waits"]) {
            started.push(task);
        }
        let (output, status) = terminal.run("hello");
        assert!(output.starts_with("`hello` cannot be started: out of memory; `mem` shows"), "{output}");
        assert_eq!(status, 1);
        assert!(started.len() < MAX_TASKS / 2, "it is the memory that was short");
        resea::kill(started.pop().unwrap()).unwrap();
        assert_eq!(terminal.run("hello").1, 0);
    });
}

#[test]
fn a_killed_shell_comes_back_and_leaves_its_programs_alone() {
    system().run(|| {
        let mut terminal = Terminal::new();
        terminal.starts("sleep 1");
        sim::kill("shell").unwrap();
        let died = resea::clock();
        terminal.wait_for("ms after its start");
        terminal.prompt();
        assert!((100..110).contains(&((resea::clock() - died) / 1_000_000)));
        assert_eq!(terminal.run("hello").1, 0);
        assert!(sim::task("sleep").is_some());
        assert_eq!(terminal.run("sleep 2").1, 0);
        assert_eq!(sim::task("sleep"), None);
    });
}

#[test]
#[should_panic(expected = "the system was halted")]
fn q_halts_the_machine() {
    system().run(|| {
        Terminal::new();
        sim::type_text("q\r");
        resea::sleep(Duration::from_secs(1));
    });
}
