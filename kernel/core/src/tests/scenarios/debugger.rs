//! The kernel debugger: its command line, and what each command shows.

extern crate std;

use std::string::String;
use std::vec::Vec;
use std::{assert_eq, format};

use abi::{MESSAGE_PAGE, MapFlags, Powers, Range, Rights, STARTUP_OFFSET, ServiceSet, Startup, TaskId};

use crate::debugger::messages::{MessageCounts, PAIRS};
use crate::tests::model::PAGE;
use crate::tests::requests::*;
use crate::tests::system::*;

/// Opens the debugger, types a command, and returns what it answered. The kernel may be in any state.
pub fn ask(system: &mut System, command: &str) -> String {
    system.kernel.console_input(0x14);
    system.console();
    command.bytes().for_each(|byte| system.kernel.console_input(byte));
    system.console();
    system.kernel.console_input(b'\r');
    let text = system.console();
    system.kernel.console_input(0x14);
    system.console();
    text.strip_prefix('\n').and_then(|text| text.strip_suffix("kernel> ")).expect("an answer").into()
}

/// As [`ask`]; the kernel's state must be right.
fn debug(system: &mut System, command: &str) -> String {
    let text = ask(system, command);
    system.check();
    text
}

/// Gives a task a message page that begins as vm begins those of programs.
pub fn name(system: &mut System, task: TaskId, name: &str) {
    let frame = 0xc00_0000 + task.index().get() * PAGE;
    system.kernel.machine.place(task.index()).pages.insert(MESSAGE_PAGE, (frame, MapFlags::WRITE));
    let place = MESSAGE_PAGE + STARTUP_OFFSET + size_of::<Startup>();
    system.poke(task, place, format!("{name}\0argument\0").as_bytes());
}

#[test]
fn ps_shows_states_peers_and_queues_with_names() {
    let (mut system, [shell, server, idle]) = System::peers([6, 5, 4]);
    name(&mut system, shell, "shell");
    name(&mut system, server, "fs");
    system.act(shell, call(server, info(40)));
    system.act(server, receive());
    system.act(server, receive_from(idle));
    system.act(idle, send(server, info(40)));
    system.act(server, notify(idle, 0x100));
    let text = debug(&mut system, "ps");
    let expected = "\
task  name            state      waits for           priority  senders  notifications  received
0     vm              receiving  anyone              31        0        0x0            0
1     shell           calling    2 (fs)              6         0        0x0            0
2     fs              ready                          5         0        0x0            2  running
3                     ready                          4         0        0x100          0
";
    assert_eq!(text, expected);
    system.act(server, send(shell, info(1)));
    system.act(idle, call(server, info(1)));
    let text = debug(&mut system, "ps");
    assert!(text.contains("sending    1 (shell) "), "{text}");
    assert!(text.contains("fs              sending    1 (shell)           5         1 "), "{text}");
}

#[test]
fn a_name_is_shown_only_while_it_looks_like_one() {
    let (mut system, [task]) = System::peers([6]);
    for (name, shown) in [
        ("fs", "fs"),
        ("a-name_2.x", "a-name_2.x"),
        ("exactly15bytes.", "exactly15bytes."),
        ("more-than-fifteen-bytes", "more-than-fifte"),
        ("", ""),
        ("two words", ""),
        ("\x1b[2J", ""),
        ("fs)", ""),
    ] {
        self::name(&mut system, task, name);
        let text = debug(&mut system, "ps");
        let row = text.lines().nth(2).expect("the task's row");
        assert_eq!(row[6..22].trim_end(), shown, "{name:?}: {text}");
    }
}

#[test]
fn where_follows_the_chain_of_frames_and_believes_nothing() {
    let (mut system, [task]) = System::peers([6]);
    let callers = |system: &mut System, frame: usize| -> Vec<String> {
        system.kernel.machine.place(task.index()).frame.frame = frame;
        let text = debug(system, "where");
        let lines = text.lines().skip_while(|line| *line != "kernel: task 1 is ready").skip(1);
        lines.map(|line| line.strip_prefix("kernel:   #").expect("a frame").into()).collect()
    };
    system.poke_words(task, BUFFER, &[BUFFER as u64 + 32, 0x21_1111, 0, 0, 0, 0x21_2222]);
    assert_eq!(callers(&mut system, BUFFER), ["0 0x1111", "1 0x211111", "2 0x212222"]);
    assert_eq!(callers(&mut system, BUFFER + 1), ["0 0x1111"], "not aligned");
    assert_eq!(callers(&mut system, NOWHERE), ["0 0x1111"], "not mapped");
    system.poke_words(task, BUFFER, &[BUFFER as u64, 0x21_1111]);
    assert_eq!(callers(&mut system, BUFFER), ["0 0x1111", "1 0x211111"], "a chain that does not go up ends");
    for place in 0..100 {
        let address = BUFFER + place * 16;
        system.poke_words(task, address, &[address as u64 + 16, 0x21_0000 + place as u64]);
    }
    assert_eq!(callers(&mut system, BUFFER).len(), 16, "a long chain is cut");
}

#[test]
fn messages_are_counted_for_each_pair() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    name(&mut system, server, "fs");
    for _ in 0..3 {
        system.act(client, call(server, info(40)));
        system.act(server, receive());
        system.act(server, reply(client, info(41)));
    }
    let first = system.first;
    system.act(client, send(first, info(40)));
    system.act(first, receive());
    system.act(client, call(server, info(40)));
    let expected = "\
messages  from                to
3         1                   2 (fs)
3         2 (fs)              1
1         1                   0 (vm)
";
    assert_eq!(debug(&mut system, "messages"), expected, "the last call was not received");
}

#[test]
fn the_counts_of_a_task_leave_with_it_but_not_from_the_sum() {
    let mut system = System::new();
    let first = system.first;
    let [one, two] = [8, 7].map(|priority| system.spawn(first, priority, PEER));
    system.act(first, receive());
    system.act(one, send(first, info(40)));
    system.act(first, receive());
    system.act(one, call(two, info(40)));
    system.act(two, receive());
    system.act(two, reply(one, info(41)));
    system.act(one, notify(first, 1));
    system.destroy(first, one);
    let text = debug(&mut system, "messages");
    assert_eq!(text, "messages  from                to\n3         from or to tasks that have ended\n");
}

#[test]
fn a_full_table_of_counts_says_so_and_has_room_again_when_a_task_ends() {
    let task = abi::TaskIndex::new;
    let mut counts = MessageCounts::new();
    for round in 0..2 {
        for place in 0..PAIRS {
            counts.add(task(place), task(1 + place % 3));
        }
        assert_eq!(counts.sums(), ((round + 1) * PAIRS as u64, 0, 0), "every pair has its place");
    }
    counts.add(task(9), task(9));
    counts.add(task(10), task(10));
    assert_eq!(counts.sums(), (2 * PAIRS as u64, 2, 0));
    counts.forget(task(7));
    counts.add(task(9), task(9));
    assert_eq!(counts.sums(), (2 * PAIRS as u64 - 1, 2, 2));
}

#[test]
fn irqs_and_timers_have_their_owners() {
    let (mut system, [driver]) = System::with([(6, Rights::ALL)]);
    name(&mut system, driver, "uart");
    system.act(driver, irq(0, 4, 0x10));
    system.act(driver, timer(5_000_000));
    assert_eq!(debug(&mut system, "irq"), "irq 4 notifies task 1 (uart) by 0x10\n");
    assert_eq!(debug(&mut system, "timers"), "task 1 (uart) in 5000 us\n");
}

#[test]
fn rights_are_shown_by_their_names() {
    let rights = Rights {
        powers: Powers(Powers::INSPECT.union(Powers::KILL).0 | 1 << 20),
        may_send: ServiceSet::EMPTY.with(0).with(70),
        irqs: [Range { start: 4, end: 5 }, Range::default(), Range::default(), Range::default()],
        ports: [Range::default(), Range { start: 0x3f8, end: 0x400 }, Range::default(), Range::default()],
        ..Rights::NONE
    };
    let (mut system, _) = System::with([(6, rights), (5, Rights::NONE)]);
    let text = debug(&mut system, "rights");
    let (first, others) = text.split_at(text.find("task 1").expect("there is one"));
    let expected = "\
task 1
  powers inspect kill 0x100000
  may send to services 0 70
  irqs 0x4-0x4
  ports 0x3f8-0x3ff
task 2
";
    assert_eq!(others, expected);
    assert!(
        first.starts_with("task 0 (vm)\n  powers create map console inspect power launch kill\n"),
        "{first}"
    );
    assert!(
        first.ends_with("  provides every service\n  irqs all\n  ports all\n  devices at all\n"),
        "{first}"
    );
}

#[test]
fn memory_and_the_log_are_shown() {
    let (mut system, [task]) = System::with([(6, Rights::ALL)]);
    system.poke(task, BUFFER, b"a line in the log");
    system.act(task, console(0, BUFFER, 17));
    assert!(debug(&mut system, "mem").contains("2 are page tables"));
    let before = system.kernel.log.end();
    assert_eq!(debug(&mut system, "log"), "a line in the log\n", "nothing of what the debugger has said");
    assert_eq!(system.kernel.log.end(), before);
}

#[test]
fn what_there_is_none_of_is_said() {
    let (mut system, _) = System::peers([6]);
    assert_eq!(debug(&mut system, "irq"), "no task has claimed an interrupt\n");
    assert_eq!(debug(&mut system, "timers"), "no timer is set\n");
}

#[test]
fn every_command_is_in_the_help_and_works() {
    let (mut system, _) = System::peers([6]);
    let help = debug(&mut system, "help");
    let commands: Vec<&str> = help.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(commands.len(), 10, "{help}");
    for command in commands.iter().filter(|command| **command != "c") {
        assert!(!debug(&mut system, command).contains("no such command"), "{command}");
    }
    assert!(debug(&mut system, "nonsense").contains("no such command"));
}

#[test]
fn the_line_can_be_edited_and_tasks_get_none_of_it() {
    let (mut system, [reader]) = System::with([(5, peer_with(Powers::CONSOLE))]);
    assert!(debug(&mut system, "too long for the line of the debugger").contains("no such command"));
    assert!(debug(&mut system, "\x7f\x08helx\x7fp").contains("this list"), "backspace works");
    assert_eq!(system.act(reader, console(1, BUFFER, 10)), done(0), "the reader saw none of it");
    system.kernel.console_input(0x14);
    b"c\rxy".iter().for_each(|&byte| system.kernel.console_input(byte));
    assert_eq!(system.act(reader, console(1, BUFFER, 10)), done(2), "closed, it takes nothing");
}
