//! The beginning and the end of tasks, and who is told about it.

use crate::programs::{end_of, launch, numbers, system};
use resea::abi::NOTIFY_CHILD;
use resea::{Error, ExitKind, ExitStatus, TaskId};
use sim::Program;
use std::time::Duration;

#[test]
fn every_way_to_end_is_told_exactly() {
    system().may_panic().run(|| {
        for status in ["0", "1", "-7", "2147483647"] {
            let exit = end_of(launch("ends", &["status", status]));
            assert_eq!((exit.status.to_string().as_str(), exit.kind), (status, ExitKind::Exited));
        }
        let exit = end_of(launch("ends", &["panics"]));
        assert_eq!((exit.status, exit.kind), (101, ExitKind::Panicked));
        sim::crash("ends");
        let exit = end_of(launch("ends", &["waits"]));
        assert_eq!((exit.status, exit.kind), (-1, ExitKind::Crashed));
        let task = launch("ends", &["waits"]);
        resea::kill(task).unwrap();
        let exit = end_of(task);
        assert_eq!((exit.status, exit.kind), (-1, ExitKind::Killed));
        assert_eq!(resea::kill(task), Err(Error::NoTask));
        assert_eq!(resea::next_exit(), Ok(None), "each end is told once");
    });
}

#[test]
fn all_who_watch_are_told_and_nobody_else() {
    let watcher = Program::new("watcher", "", || {
        let task = TaskId::from_raw(numbers(resea::arguments())[0] as usize).unwrap();
        resea::watch(task).unwrap();
        assert_eq!(resea::watch(task), Err(Error::AlreadyExists));
        while resea::wait() & NOTIFY_CHILD == 0 {}
        let exit = resea::next_exit().unwrap().unwrap();
        assert_eq!((exit.task, exit.kind), (task, ExitKind::Killed));
        assert_eq!(resea::next_exit(), Ok(None));
        ExitStatus(9)
    });
    system().program(watcher).run(|| {
        let watched = launch("ends", &["waits"]);
        let number: &'static str = watched.raw().to_string().leak();
        let watchers = [launch("watcher", &[number]), launch("watcher", &[number])];
        // They watch before they wait, and only then does time pass.
        resea::sleep(Duration::from_millis(1));
        resea::kill(watched).unwrap();
        for watcher in watchers {
            assert_eq!(end_of(watcher).status, 9);
        }
        assert_eq!(resea::next_exit(), Ok(None), "the test has not watched it");
    });
}

#[test]
fn the_ends_of_many_are_told_in_order_after_one_notification() {
    system().run(|| {
        let tasks: Vec<_> = (0..20).map(|_| launch("ends", &["waits"])).collect();
        for task in &tasks {
            resea::watch(*task).unwrap();
        }
        for task in tasks.iter().rev() {
            resea::kill(*task).unwrap();
        }
        assert_eq!(resea::wait() & NOTIFY_CHILD, NOTIFY_CHILD);
        let told = std::iter::from_fn(|| resea::next_exit().unwrap()).map(|exit| exit.task);
        assert!(told.eq(tasks.into_iter().rev()));
    });
}

#[test]
fn a_program_gets_its_arguments_as_they_were_given() {
    let shows = Program::new("shows", "", || {
        let given: Vec<_> = resea::arguments().collect();
        resea::println!("{} {given:?}", resea::name());
    });
    let report = system().program(shows).run(|| {
        let longest: &'static str = "x".repeat(interfaces::vm::ARGUMENTS_MAX - "shows\0\0".len()).leak();
        end_of(launch("shows", &["one", "", "drei \u{fc}", "--four"]));
        end_of(launch("bin/shows", &[]));
        end_of(launch("shows", &[longest]));
        let too_long: &'static str = format!("{longest}x").leak();
        assert_eq!(resea::launch("shows", [too_long]).unwrap_err().error, Error::TooLarge);
        assert_eq!(resea::vm().launch("shows", b"\xff\0", b""), Err(Error::BadText));
    });
    assert!(
        report.console.contains("shows [\"one\", \"\", \"drei \u{fc}\", \"--four\"]\n"),
        "{}",
        report.console
    );
    assert!(report.console.contains("shows []\n"), "{}", report.console);
    assert!(report.console.contains(&"x".repeat(1000)), "{}", report.console);
}
