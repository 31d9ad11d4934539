//! What `restart` does, and what it says if it cannot: with the real device manager, on a machine without PCI.

use sim::System;

/// What is printed with these arguments.
fn printed(arguments: &'static [&str]) -> String {
    let programs = System::new().program(sim::program!(dm::run)).program(sim::program!(restart::run));
    let report = programs.run(move || {
        resea::watch(resea::launch("restart", arguments.iter().copied()).unwrap()).unwrap();
        loop {
            if let Some(exit) = resea::next_exit().unwrap() {
                assert_eq!(exit.status, 1);
                break;
            }
            resea::wait();
        }
    });
    report.console
}

#[test]
fn a_name_that_no_device_has_is_an_error() {
    let text = "restart: no device has the name or the driver `net7`; `lspci` lists them\n";
    assert_eq!(printed(&["net7"]), text);
    assert!(printed(&["a-name-that-is-longer-than-any-device-has"]).contains("no device has the name"));
}

#[test]
fn the_command_line_is_one_name() {
    assert_eq!(printed(&[]), "restart: NAME is missing; usage: restart NAME\n");
    assert_eq!(printed(&["net0", "net1"]), "restart: `net1` is one argument too many; usage: restart NAME\n");
}
