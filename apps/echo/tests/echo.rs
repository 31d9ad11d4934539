//! What `echo` prints: on the host, with the real kernel core and the real vm.

use sim::System;

/// What is printed with these arguments.
fn printed(arguments: &'static [&str]) -> String {
    let report = System::new().program(sim::program!(echo::run)).run(|| {
        resea::watch(resea::launch("echo", arguments.iter().copied()).unwrap()).unwrap();
        resea::wait();
        assert_eq!(resea::next_exit().unwrap().map(|exit| exit.status), Some(0));
    });
    report.console
}

#[test]
fn arguments_are_printed_with_spaces_between() {
    assert_eq!(printed(&[]), "\n");
    assert_eq!(printed(&["one", "t w o", "", "gr\u{fc}n"]), "one t w o  gr\u{fc}n\n");
}

#[test]
fn with_n_first_the_line_is_not_ended() {
    assert_eq!(printed(&["-n"]), "");
    assert_eq!(printed(&["-n", "one", "-n"]), "one -n");
}
