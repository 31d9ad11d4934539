//! Programs that many tests need, and what tests do with them.

use interfaces::example::Client;
use resea::abi::NOTIFY_CHILD;
use resea::{Arguments, Exit, ExitStatus, TaskId};
use sim::{Program, System};
use std::time::Duration;

/// A system with a server and a program that ends as it is told.
pub fn system() -> System {
    System::new().program(sim::program!(example::run)).program(ends())
}

/// Ends as its arguments say.
pub fn ends() -> Program {
    Program::new("ends", "", || {
        let mut arguments = resea::arguments();
        match arguments.next().expect("it says how") {
            "status" => ExitStatus(arguments.next().expect("it says which").parse().unwrap()),
            "panics" => panic!("as told"),
            "waits" => loop {
                resea::wait();
            },
            "naps" => {
                resea::sleep(Duration::from_millis(1));
                ExitStatus(0)
            }
            other => panic!("unknown: {other}"),
        }
    })
}

pub fn launch(program: &'static str, arguments: &[&'static str]) -> TaskId {
    resea::launch(program, arguments.iter().copied()).unwrap()
}

/// The store that `example` serves.
pub fn store() -> Client {
    Client::new(resea::lookup("example").unwrap())
}

/// The numbers on the command line.
pub fn numbers(arguments: Arguments) -> Vec<i64> {
    arguments.map(|argument| argument.parse().unwrap()).collect()
}

/// Waits until a task has ended. Nobody else may be watched.
pub fn end_of(task: TaskId) -> Exit {
    resea::watch(task).unwrap();
    while resea::wait() & NOTIFY_CHILD == 0 {}
    let exit = resea::next_exit().unwrap().expect("one that is watched has ended");
    assert_eq!(exit.task, task);
    exit
}

/// All memory that vm knows to be free or in use for something. Whatever happens this stays the same: what it loses is
/// lost for ever.
pub fn known_memory() -> usize {
    let memory = resea::vm().memory().unwrap();
    memory.free + memory.used + memory.tables + memory.shared + memory.vm
}
