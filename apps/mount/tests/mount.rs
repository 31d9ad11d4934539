//! What is listed, and what the command line does, with a file server that only mounts.

use interfaces::fs::message::FINISH;
use interfaces::vfs::NOTIFY_MOUNTED;
use ipc::{Answer, Error, TaskId};
use resea::abi::NOTIFY_CHILD;
use sim::{Program, System};

struct Stub;

impl ipc::server::Events for Stub {}

fn stub() {
    if resea::arguments().next() == Some("boot/bad.tar") {
        ipc::exit(Error::Damaged.code() as i32);
    }
    let vfs = TaskId::from_raw(resea::environment("VFS").unwrap().parse().unwrap()).unwrap();
    ipc::notify(vfs, NOTIFY_MOUNTED as usize).unwrap();
    ipc::server::run(&mut Stub, |_, message| match message.info.kind() {
        FINISH => Answer::reply(FINISH, 0),
        _ => Answer::Unknown,
    });
}

/// Runs programs with their arguments one after the other; what they have printed.
fn run(fstab: &str, commands: &'static [(&str, &[&str])]) -> String {
    let system = System::new()
        .file("fstab", fstab)
        .program(sim::program!(mount::run))
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(Program::new("tarfs", "provides = [\"fs\"]", stub))
        .program(Program::new("fatfs", "provides = [\"fs\"]", stub));
    let report = system.run(move || {
        for (program, arguments) in commands {
            let task = resea::launch(program, arguments.iter().copied()).unwrap();
            resea::watch(task).unwrap();
            while resea::wait() & NOTIFY_CHILD == 0 {}
            resea::println!("status {}", resea::next_exit().unwrap().unwrap().status);
        }
    });
    report.console
}

#[test]
fn mounts_are_listed() {
    let fstab = "boot /boot tarfs ro\ndisk0 /mnt/disk0 fatfs optional\nboot/bad.tar /bad tarfs\n";
    let console = run(fstab, &[("mount", &["none", "/tmp", "-t", "tarfs"]), ("mount", &[])]);
    let list = "\
SOURCE        POINT       KIND   STARTS  STATE
boot          /boot       tarfs       1  read-only
disk0         /mnt/disk0  fatfs       0  waiting for the device
boot/bad.tar  /bad        tarfs       1  failed: what is stored is damaged
none          /tmp        tarfs       1  mounted
status 0
";
    assert!(console.contains(list), "{console}");
    assert_eq!(run("", &[("mount", &[])]), "Nothing is mounted.\nstatus 0\n");
}

#[test]
fn the_command_line_is_obeyed_or_explained() {
    let console = run(
        "",
        &[
            ("mount", &["-r", "boot/a.tar", "/a/./b/.."]),
            ("mount", &[]),
            ("mount", &["boot/bad.tar", "/b"]),
            ("mount", &["disk7", "/b"]),
            ("mount", &["none", "/a"]),
            ("mount", &["none", "/b", "-t", "test"]),
            ("mount", &["none"]),
            ("mount", &["-r"]),
            ("mount", &["none", "/b", "c"]),
            ("mount", &["-x"]),
        ],
    );
    let usage = "usage: mount [SOURCE POINT [-t KIND] [-r]]";
    let expected = format!(
        "\
status 0
SOURCE      POINT  KIND   STARTS  STATE
boot/a.tar  /a     tarfs       1  read-only
status 0
mount: cannot mount boot/bad.tar at /b: what is stored is damaged
status 1
mount: cannot mount disk7 at /b: there is no such device, or no such file server
status 1
mount: cannot mount none at /a: something is mounted there; unmount it first
status 1
mount: cannot mount none at /b: there is no such device, or no such file server
status 1
mount: POINT is missing; {usage}
status 1
mount: SOURCE is missing; {usage}
status 1
mount: `c` is one argument too many; {usage}
status 1
mount: there is no option `-x`; {usage}
status 1
"
    );
    assert_eq!(console, expected);
}
