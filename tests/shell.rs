//! The shell, driven over the serial line as a person would.

use system_tests::System;

const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const CONTROL_C: &str = "\x03";
const BACKSPACE: &str = "\x7f";

#[test]
fn programs_run_with_arguments_and_their_status_is_known() {
    let mut system = System::boot();
    assert_eq!(system.succeed("hello"), "Hello, world!\n");
    assert_eq!(system.succeed("echo one 'two  three'"), "one two  three\n");
    let missing = system.run("sleep");
    assert_ne!(missing.status, 0, "{}", missing.text);
    let unknown = system.run("helloo");
    assert_eq!(unknown.status, 127);
    assert!(unknown.text.contains("`hello`"), "the nearest command should be offered: {}", unknown.text);
    system.halt();
}

#[test]
fn built_in_commands_show_the_system() {
    let mut system = System::boot();
    let help = system.succeed("help");
    for command in ["help", "ps", "log", "mem", "kill", "q", "hello", "crash"] {
        assert!(help.contains(command), "{command} is missing:\n{help}");
    }
    let tasks = system.succeed("ps");
    assert!(tasks.contains("vm") && tasks.contains("shell"), "{tasks}");
    assert!(system.succeed("mem").contains("free"));
    assert!(system.succeed("log").contains("Resea"));
    system.halt();
}

#[test]
fn lines_can_be_edited_recalled_and_completed() {
    let mut system = System::boot();
    let place = system.place();
    system.press(&format!("echo alphq{BACKSPACE}a{LEFT}{LEFT}{LEFT}{LEFT}{LEFT}x-\r"));
    system.expect("x-alpha\r\n", place);
    system.wait_for_prompt();
    let place = system.place();
    system.press(&format!("{UP} again\r"));
    system.expect("x-alpha again\r\n", place);
    system.wait_for_prompt();
    system.press("hel\t");
    system.expect_screen("a completed command", |screen| screen.trim_end().ends_with("resea> hel"));
    system.press("lo\t");
    let place = system.place();
    system.press("Ada\r");
    system.expect("Hello, Ada!", place);
    system.wait_for_prompt();
    system.halt();
}

#[test]
fn the_cursor_is_where_the_next_character_goes() {
    let mut system = System::boot();
    let place = system.place();
    system.press(&format!("abc{LEFT}"));
    system.expect("abc", place);
    system.expect_screen("the typed text", |screen| screen.ends_with("resea> abc"));
    let mut rest = 100;
    while system.cursor_row() != ("resea> abc".into(), 9) && rest > 0 {
        system.watch(std::time::Duration::from_millis(20));
        rest -= 1;
    }
    assert_eq!(system.cursor_row(), ("resea> abc".into(), 9));
}

#[test]
fn control_c_kills_a_program_that_does_not_end() {
    let mut system = System::boot();
    system.start("sleep 100000");
    let place = system.place();
    system.press(CONTROL_C);
    system.expect("^C", place);
    system.wait_for_prompt();
    assert!(!system.succeed("ps").contains("sleep"), "it is still there");
    system.halt();
}

#[test]
fn a_program_in_the_background_leaves_the_prompt() {
    let mut system = System::boot();
    system.succeed("sleep 100000 &");
    assert!(system.succeed("ps").contains("sleep"));
    system.succeed("kill sleep");
    assert!(!system.succeed("ps").contains("sleep"));
    system.halt();
}

#[test]
fn what_is_typed_ahead_is_run_in_order() {
    let mut system = System::boot();
    let place = system.place();
    system.press("echo one\recho two\recho three\r");
    for text in ["one\r\n", "two\r\n", "three\r\n"] {
        system.expect(text, place);
    }
    system.wait_for_prompt();
}
