//! The simulator itself: what a test can do with a system, and that every run can be repeated.

use resea::abi::Error;
use sim::{Program, System};
use std::time::Duration;

fn echo(name: &'static str) -> Program {
    Program::new(name, "start = \"demand\"", || resea::println!("hello"))
}

#[test]
fn a_program_is_launched_and_its_output_seen() {
    let report = System::new().program(echo("hello")).run(|| {
        let task = resea::launch("hello", []).unwrap();
        resea::watch(task).unwrap();
        while resea::next_exit().unwrap().is_none() {
            resea::wait();
        }
    });
    assert!(report.console.contains("hello\n"), "{}", report.console);
    assert!(report.trace.contains("test → vm.launch(path=\"hello\""), "{}", report.trace);
}

#[test]
fn time_is_virtual() {
    let report = System::new().run(|| resea::sleep(Duration::from_secs(3600)));
    assert!(report.time >= 3_600_000_000_000);
}

#[test]
fn a_missing_program_is_an_error() {
    System::new().run(|| assert_eq!(resea::launch("fly", []).unwrap_err().error, Error::NotFound));
}
