//! The parts of `crash` that do not need a real machine: the list, the refusals, the panic.

use resea::ExitKind;
use sim::System;

/// What is printed with these arguments, if it ends in this way.
fn printed(arguments: &'static [&str], status: i32, kind: ExitKind) -> String {
    let report = System::new().program(sim::program!(crash::run)).may_panic().run(move || {
        resea::watch(resea::launch("crash", arguments.iter().copied()).unwrap()).unwrap();
        resea::wait();
        let exit = resea::next_exit().unwrap().expect("it has ended");
        assert_eq!((exit.status, exit.kind), (status, kind));
    });
    report.console
}

#[test]
fn without_a_kind_it_lists_them() {
    let list = printed(&[], 0, ExitKind::Exited);
    assert!(list.starts_with("usage: crash [KIND]\n  null          Reads from address 0.\n"), "{list}");
}

#[test]
fn what_is_no_kind_is_refused() {
    let text = printed(&["gently"], 1, ExitKind::Exited);
    assert!(
        text.starts_with("crash: there is no kind of crash called `gently`; choose one of null "),
        "{text}"
    );
    assert!(printed(&["null", "kernel"], 1, ExitKind::Exited).contains("crash [KIND]"));
}

#[test]
fn a_panic_ends_it_and_is_reported() {
    let text = printed(&["panic"], 101, ExitKind::Panicked);
    assert!(text.contains("as you asked: this is what a panic looks like\n"), "{text}");
    assert!(text.contains("(crash) was ended: panic"), "{text}");
}
