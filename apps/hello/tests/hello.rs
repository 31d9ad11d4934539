//! What a person sees: on the host, with the real kernel core and the real vm.

use sim::System;

/// What `hello` prints with these arguments.
fn printed(arguments: &'static [&str]) -> String {
    let report = System::new().program(sim::program!(hello::run)).run(|| {
        resea::watch(resea::launch("hello", arguments.iter().copied()).unwrap()).unwrap();
        resea::wait();
    });
    report.console
}

#[test]
fn it_greets_whom_it_is_told_to() {
    assert_eq!(printed(&[]), "Hello, world!\n");
    assert_eq!(printed(&["Ada"]), "Hello, Ada!\n");
}
