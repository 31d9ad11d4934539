//! File systems are taken away, with a file server that says what the test wants.

use interfaces::fs::message::FINISH;
use interfaces::vfs::NOTIFY_MOUNTED;
use ipc::{Answer, Error, TaskId};
use resea::abi::NOTIFY_CHILD;
use sim::{Program, System};

struct Stub;

impl ipc::server::Events for Stub {}

/// Of the source `boot/busy` a file is open, `boot/broken` cannot be written to.
fn stub() {
    let vfs = TaskId::from_raw(resea::environment("VFS").unwrap().parse().unwrap()).unwrap();
    ipc::notify(vfs, NOTIFY_MOUNTED as usize).unwrap();
    ipc::server::run(&mut Stub, |_, message| {
        let force = ipc::payload_word(0) & 1 != 0;
        match (message.info.kind(), resea::arguments().next()) {
            (FINISH, Some("boot/broken")) => Answer::error(Error::InputOutput),
            (FINISH, Some("boot/busy")) if !force => Answer::error(Error::Busy),
            (FINISH, _) => Answer::reply(FINISH, 0),
            _ => Answer::Unknown,
        }
    });
}

#[test]
fn file_systems_are_taken_away_or_it_is_said_why_not() {
    let commands: &[&[&str]] =
        &[&["/tmp"], &["/tmp"], &["/a"], &["-f", "/a"], &["/b/."], &["/b", "-f"], &["/b"], &[], &["/", "/"]];
    let system = System::new()
        .file("fstab", "none /tmp tarfs\nboot/busy /a tarfs\nboot/broken /b tarfs\n")
        .program(sim::program!(umount::run))
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(Program::new("tarfs", "provides = [\"fs\"]", stub));
    let report = system.run(move || {
        for arguments in commands {
            let task = resea::launch("umount", arguments.iter().copied()).unwrap();
            resea::watch(task).unwrap();
            while resea::wait() & NOTIFY_CHILD == 0 {}
            resea::println!("status {}", resea::next_exit().unwrap().unwrap().status);
        }
        assert_eq!(fs::mounts(), Ok(vec![]));
    });
    let expected = "\
status 0
umount: cannot unmount /tmp: nothing is mounted there
status 1
umount: cannot unmount /a: files in it are open, or something is mounted below; close them, or force it
status 1
status 0
umount: cannot unmount /b: the device has failed to read or write
status 1
umount: cannot unmount /b: the device has failed to read or write
status 1
umount: cannot unmount /b: nothing is mounted there
status 1
umount: POINT is missing; usage: umount [-f] POINT
status 1
umount: `/` is one argument too many; usage: umount [-f] POINT
status 1
";
    assert_eq!(report.console, expected);
}
