//! The shell with files, on a file server that may hang or die.

use crate::store::store;
use crate::terminal::{Terminal, system};
use resea::ExitStatus;
use sim::{Program, System};
use std::time::Duration;

/// A system with files, and programs that read and write.
fn with_files() -> System {
    system().memory(8 << 20).program(store()).program(sim::program!(files::run)).program(cat()).program(
        Program::new("fails", "", || -> Result<(), &str> {
            resea::print!("said");
            Err("as told")
        }),
    )
}

/// Copies input to output.
fn cat() -> Program {
    Program::new("cat", "powers = [\"console\"]", || {
        let mut piece = [0; 100];
        loop {
            match resea::read_input(&mut piece) {
                Ok(0) => return ExitStatus::SUCCESS,
                Ok(count) => resea::write_output(&piece[..count]),
                Err(_) => return ExitStatus(5),
            }
        }
    })
}

/// A person at the terminal.
fn person() -> Terminal {
    Terminal::new()
}

fn nothing() -> (String, i32) {
    (String::new(), 0)
}

#[test]
fn what_is_written_to_a_file_is_read_from_it() {
    with_files().run(|| {
        let mut terminal = person();
        assert_eq!(terminal.run("hello > /x"), nothing());
        assert_eq!(fs::read_to_string("/x").unwrap(), "Hello, world!\n");
        assert_eq!(terminal.run("hello Ada >> x"), nothing());
        assert_eq!(terminal.run("cat < x"), ("Hello, world!\nHello, Ada!\n".into(), 0));
        assert_eq!(terminal.run("cat < /x > y"), nothing());
        assert_eq!(terminal.run("flood 3000 > z"), nothing());
        let text: String = (0..3000).map(|number| format!("line {number}\n")).collect();
        assert_eq!(fs::read_to_string("/z").unwrap(), text);
        assert_eq!(terminal.run("cat < y"), ("Hello, world!\nHello, Ada!\n".into(), 0));
        assert_eq!(terminal.run("pwd > x"), nothing());
        assert_eq!(fs::read_to_string("/x").unwrap(), "/\n");
        assert_eq!(terminal.run("> x"), nothing());
        assert_eq!(fs::read_to_string("/x").unwrap(), "");
        assert_eq!(terminal.run("cat < x"), nothing());
    });
}

#[test]
fn errors_name_the_file_and_go_to_the_console() {
    with_files().run(|| {
        let mut terminal = person();
        let none = "cannot open /none: there is no such file or directory.\n";
        assert_eq!(terminal.run("hello < none"), (none.into(), 1));
        assert_eq!(terminal.run("hello > /sub").1, 1);
        assert_eq!(terminal.run("cd /none").0, none);
        assert_eq!(terminal.run("./none"), (none.into(), 127));
        let said = "fails: as told\nfails ended with status 1.\n".to_string();
        assert_eq!(terminal.run("fails > x"), (said, 1));
        assert_eq!(fs::read_to_string("/x").unwrap(), "said");
        let (output, status) = terminal.run("flood > full");
        assert_eq!(
            output,
            "cannot write to /full: no space is left.\n\
             flood: the output cannot be written: no space is left\n\
             flood ended with status 1.\n"
        );
        assert_eq!(status, 1);
        assert_eq!(fs::read("/full").unwrap().len(), 64 << 10);
    });
}

#[test]
fn a_hanging_file_server_does_not_hang_the_shell() {
    with_files().run(|| {
        let mut terminal = person();
        for line in ["hello > hang", "cat < hang", "./hang", "source hang", "cd hang"] {
            terminal.starts(line);
            resea::sleep(Duration::from_millis(20));
            sim::type_text("\x03");
            assert_eq!(terminal.finishes(), ("^C\n".into(), 130), "{line}");
        }
        sim::type_text("cat hang/\t");
        resea::sleep(Duration::from_millis(20));
        sim::type_text("\x03");
        terminal.prompt();
        assert_eq!(terminal.run("hello").0, "Hello, world!\n");
        assert_eq!(sim::task("files"), None);
    });
}

#[test]
fn a_file_server_that_dies_is_an_error() {
    with_files().run(|| {
        let mut terminal = person();
        terminal.starts("flood > x");
        resea::sleep(Duration::from_micros(200));
        sim::kill("store").unwrap();
        let (output, status) = terminal.finishes();
        assert_eq!(status, 1, "{output}");
        assert!(output.starts_with("cannot write to /x: its file server has ended"), "{output}");
        assert_eq!(terminal.run("hello").0, "Hello, world!\n");
    });
}

#[test]
fn a_helper_that_dies_is_an_error() {
    with_files().run(|| {
        let mut terminal = person();
        terminal.starts("flood > x");
        resea::sleep(Duration::from_micros(200));
        sim::kill("files").unwrap();
        let (output, status) = terminal.finishes();
        assert_eq!(status, 1, "{output}");
        assert!(output.contains("flood: the output cannot be written: the other task ended"), "{output}");
    });
}

#[test]
fn strangers_cannot_write_to_files_of_others() {
    with_files().run(|| {
        let mut terminal = person();
        terminal.starts("cat > x");
        resea::sleep(Duration::from_millis(1));
        let shell = interfaces::stdio::Client::new(sim::task("shell").unwrap());
        assert_eq!(shell.write(b"x"), Err(resea::Error::NotPermitted));
        assert_eq!(shell.read(&mut [0; 9]), Err(resea::Error::NotPermitted));
        sim::type_text("typed\r\x04");
        assert_eq!(terminal.finishes(), ("typed\n".into(), 0));
        assert_eq!(fs::read_to_string("/x").unwrap(), "typed\n");
    });
}

#[test]
fn scripts_run_to_their_end_or_their_first_failure() {
    with_files().run(|| {
        let mut terminal = person();
        fs::write("/a", "# first\nhello $1\ncd sub\n\n./../b > ../out; \n").unwrap();
        fs::write("/a", "# first\nhello $1\ncd sub\npwd\n../b \"$1\" > ../out\necho done\n").unwrap();
        fs::write("/b", "hello \"$1 again\"\npwd\n").unwrap();
        assert_eq!(terminal.run("./a Ada"), ("Hello, Ada!\n/sub\ndone\n".into(), 0));
        assert_eq!(fs::read_to_string("/out").unwrap(), "Hello, Ada again!\n/sub\n");
        assert_eq!(terminal.run("pwd").0, "/\n");
        fs::write("/c", "ends status 3\nhello\n").unwrap();
        let place = "c:1: ended with status 3; what follows is not run.\n";
        assert_eq!(terminal.run("source c"), (format!("ends ended with status 3.\n{place}"), 3));
        assert_eq!(terminal.run("echo $?"), ("3\n".into(), 0));
        fs::write("/d", "./d\n").unwrap();
        assert!(
            terminal.run("shell d").0.starts_with("./d is not run: scripts run each other 8 deep at most.\n")
        );
        fs::write("/e", "sleep 100\nhello\n").unwrap();
        terminal.starts("./e");
        resea::sleep(Duration::from_millis(20));
        sim::type_text("\x03");
        assert_eq!(terminal.finishes(), ("^C\n".into(), 130));
    });
}

/// A program's file from the boot image.
fn boot_file(path: &str) -> Vec<u8> {
    let (vm, mut buffer) = (resea::vm(), [0; 64]);
    let mut index = 0;
    loop {
        let file = vm.boot_file(index, &mut buffer).expect("there is such a file");
        if file.path == path {
            let mut content = vec![0; file.size];
            let length = vm.boot_read(index, 0, &mut content).unwrap();
            assert_eq!(length, content.len());
            return content;
        }
        index += 1;
    }
}

#[test]
fn a_program_in_a_file_runs() {
    with_files().run(|| {
        let mut terminal = person();
        fs::write("/prog", boot_file("bin/hello")).unwrap();
        assert_eq!(terminal.run("./prog Ada"), ("Hello, Ada!\n".into(), 0));
        assert_eq!(terminal.run("/prog > x"), nothing());
        assert_eq!(fs::read_to_string("/x").unwrap(), "Hello, world!\n");
        assert_eq!(terminal.run("source prog").1, 1);
        fs::write("/broken", b"\x7fELF and nothing else").unwrap();
        let (output, status) = terminal.run("./broken");
        assert!(output.starts_with("vm: broken cannot be launched: it is not a 64-bit ELF file"), "{output}");
        assert!(
            output.ends_with("`./broken` cannot be started: the file is not a valid program.\n"),
            "{output}"
        );
        assert_eq!(status, 1);
        fs::write("/noise", [0xff; 100]).unwrap();
        assert!(terminal.run("./noise").0.contains("neither a program nor a script"));
        assert_eq!(sim::task("files"), None, "nobody keeps the memory");
    });
}

#[test]
fn names_of_files_are_completed() {
    with_files().run(|| {
        let mut terminal = person();
        fs::write("/a name", "text\n").unwrap();
        assert_eq!(terminal.run("cat < a\t"), ("text\n".into(), 0));
        assert_eq!(terminal.run("cd s\t"), nothing());
        assert_eq!(terminal.run("pwd").0, "/sub\n");
        assert_eq!(terminal.run("cat < ../\ta\t"), ("text\n".into(), 0));
    });
}

/// Enters commands with files; whoever dies meanwhile, the prompt comes back, and what is said to be written is written.
fn session_with_files() {
    let mut terminal = person();
    for number in 0..3 {
        let line = match sim::random_number() % 4 {
            0 => format!("hello {number} > /file{number}"),
            1 => format!("pwd > /file{number}"),
            2 => format!("flood 100 > /file{number}"),
            _ => format!("cat < /file0 > /file{number}"),
        };
        sim::type_text(&format!("{line}\r"));
        if sim::random_number().is_multiple_of(8) {
            resea::sleep(Duration::from_micros(sim::random_number() % 300));
            sim::type_text("\x03");
        }
        let store = sim::task("store");
        let Some((output, status)) = terminal.finishes_or_dies() else {
            assert!(sim::was_killed(), "the shell has ended by itself");
            continue;
        };
        assert!(
            status == 0 || status == 130 || sim::was_killed() || line.starts_with("cat"),
            "{line}: {output}"
        );
        // What the store had ended with it.
        if status == 0 && store.is_some() && store == sim::task("store") {
            let expected = match line.split(' ').next() {
                Some("hello") => format!("Hello, {number}!\n"),
                Some("pwd") => "/\n".into(),
                Some("flood") => (0..100).map(|number| format!("line {number}\n")).collect(),
                _ => continue,
            };
            match fs::read_to_string(format!("/file{number}")) {
                Ok(text) => assert_eq!(text, expected, "{line}"),
                Err(error) => assert!(sim::was_killed(), "{error}"),
            }
        }
    }
    assert_eq!(sim::task("files"), None, "no helper is left");
}

#[test]
fn nothing_is_said_to_be_written_that_is_not() {
    let killable = ["shell", "files", "store", "hello", "flood"];
    let summary = with_files().killable(killable).explore(2_000, session_with_files);
    println!("{summary:?}");
    assert!(summary.killed > 200, "{summary:?}");
}
