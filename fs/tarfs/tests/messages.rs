//! Random messages, good and bad, of the interface `fs`. A file server is no service of its own, so `sim::messages!` does not find it; and
//! they come from a stranger, since whoever has mounted it may finish it.

mod support;

use resea::TaskId;
use sim::{Program, System};
use std::process::Command;
use std::time::Duration;
use support::{mount, system};

/// Sends messages to the task that it is told.
fn stranger() {
    let task = resea::arguments().next().and_then(|text| TaskId::from_raw(text.parse().ok()?)).unwrap();
    sim::send_random(task, &["fs"]);
    resea::println!("all is answered");
}

fn survives(system: System, arguments: &'static [&'static str]) {
    let stranger = Program::new("stranger", "uses = [\"fs\"]", stranger);
    system.program(stranger).explore(50, || {
        let client = mount(arguments);
        for _ in 0..2 {
            let from = sim::console().len();
            resea::launch("stranger", [&client.task().raw().to_string()[..]]).unwrap();
            sim::wait_for("all is answered", from, Duration::from_secs(100));
        }
        assert!(client.attributes_at("/").is_ok(), "it has survived");
    });
}

#[test]
fn every_message_is_answered() {
    survives(system(), &["none", "/tmp"]);
    survives(system(), &["boot", "/boot", "--read-only"]);
}

/// Its names are those that messages have.
#[test]
fn every_message_is_answered_by_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    for name in ["test", "hello", "bin/hello"] {
        std::fs::write(folder.path().join(name), vec![b'x'; 5000]).unwrap();
    }
    let mut tar = Command::new("tar");
    let output = tar.arg("-C").arg(folder.path()).args(["-cf", "-", "."]).output().unwrap();
    survives(system().file("files.tar", output.stdout), &["boot/files.tar", "/mnt/files"]);
}
