//! Messages as they are typed, to the example server.

use call::{find, request};
use example::Example;
use ipc::host::{Installed, Loopback, first_task, install};
use std::cell::RefCell;
use std::rc::Rc;

/// A system with a store.
fn store() -> Installed {
    let kernel = Loopback::new();
    kernel.serve(first_task(), Rc::new(RefCell::new(Example::default())), interfaces::example::dispatch);
    install(kernel)
}

fn call(name: &str, values: &[&str]) -> Result<String, String> {
    request(first_task(), find(name).expect("it is declared"), values)
}

#[test]
fn values_go_there_and_come_back() {
    let _installed = store();
    assert_eq!(call("example.put", &["colour", "blue"]), Ok(String::new()));
    assert_eq!(call("example.put", &["umlaut", "gr\u{fc}n"]), Ok(String::new()));
    assert_eq!(call("example.get", &["umlaut"]).as_deref(), Ok("value: \"grün\"\n"));
    assert_eq!(call("example.count", &[]).as_deref(), Ok("entries: 2\n"));
    assert_eq!(call("example.put", &["raw", "a\tb"]), Ok(String::new()));
    assert_eq!(call("example.get", &["raw"]).as_deref(), Ok("value: 61 09 62\n"));
}

#[test]
fn what_the_server_answers_is_said() {
    let _installed = store();
    assert_eq!(call("example.get", &["nothing"]).unwrap_err(), "example.get: it does not exist");
    let long = "k".repeat(100);
    assert_eq!(call("example.get", &[&long]).unwrap_err(), "example.get: it is larger than the limit");
}

#[test]
fn wrong_values_are_refused_before_anything_is_sent() {
    let wrong = |name: &str, values: &[&str]| call(name, values).unwrap_err();
    assert_eq!(
        wrong("example.put", &["colour"]),
        "it takes 2 values, not 1; usage: call example.put key:str value:bytes"
    );
    assert_eq!(
        wrong("vm.kill", &["first"]),
        "`first` cannot be the value of `task`: use a task ID such as 7 or 7.2"
    );
    assert_eq!(
        wrong("vm.program", &["-1"]),
        "`-1` cannot be the value of `index`: use a number from 0 to 4294967295"
    );
    assert_eq!(
        wrong("vm.share_map", &["1", "maybe"]),
        "`maybe` cannot be the value of `writable`: use one of false, true"
    );
    assert_eq!(wrong("bench.words24", &["1,2"]), "`values` is 24 values, separated by commas, not 2");
    assert!(find("example.nothing").is_none() && find("put").is_none());
}

#[test]
fn it_finds_the_service_that_it_is_told_to_call() {
    let system = sim::System::new().program(sim::program!(example::run)).program(sim::program!(call::run));
    let report = system.run(|| {
        for words in [
            &["example.put", "colour", "blue"][..],
            &["example.get", "colour"],
            &["vm.fly"],
            &["bench.nothing"],
        ] {
            resea::watch(resea::launch("call", words.iter().copied()).unwrap()).unwrap();
            resea::wait();
        }
    });
    assert_eq!(
        report.console,
        "value: \"blue\"\n\
         call: there is no message `vm.fly`: `call vm` lists those of `vm`\n\
         call: cannot use `bench`: the task lacks the right to do this; add it to `uses` in the program's manifest\n"
    );
}
