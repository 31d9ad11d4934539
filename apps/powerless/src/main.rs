//! Checks that a program whose manifest gives it nothing can do nothing to others.
//!
//! `test` launches it with its own ID as the argument: a program cannot take its rights off, so it takes a second one.
//! The status is the number of things that were allowed.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use ipc::{Error, MapFlags, MessageInfo, TaskCreate, TaskId};
use resea::{ExitStatus, println};

resea::main!(run);

fn run() -> ExitStatus {
    let parent = resea::arguments().next().and_then(|id| id.parse().ok()).and_then(TaskId::from_raw);
    let Some(parent) = parent else {
        println!("powerless is a part of `test`: use `test what_the_manifest_does_not_give_is_refused`");
        return ExitStatus(2);
    };
    let own_id = ipc::own_id();
    let vm = resea::vm();
    let info = MessageInfo::new(100, 0);
    let mut buffer = [0; 8];
    let allowed = [
        ("task_create", ipc::task_create(&TaskCreate::default()).err()),
        ("map", ipc::map(own_id, 0x20_0000_0000, 0x10_0000, MapFlags::READ, 0).err()),
        ("unmap", ipc::unmap(own_id, 0x20_0000_0000).err()),
        ("irq", ipc::irq_acquire(4, 1 << 8).err()),
        ("reading the console", ipc::console_read(&mut buffer).err()),
        ("looking at a task", ipc::inspect_task(0).err()),
        ("reading the log", ipc::inspect_log(0, &mut buffer).err()),
        ("halting", Some(ipc::halt(0))),
        ("send", ipc::send(parent, info).err()),
        ("call", ipc::call(parent, info).err()),
        ("launch", vm.launch("hello", b"hello\0", b"").err()),
        ("kill", vm.kill(parent).err()),
        ("serve", vm.serve("test").err()),
        ("lookup", vm.lookup("test").err()),
    ]
    .into_iter()
    .filter(|(what, error)| {
        let allowed = *error != Some(Error::NotPermitted);
        if allowed {
            println!("{what}: got {error:?}, expected NotPermitted");
        }
        allowed
    })
    .count();
    ExitStatus(allowed as i32)
}
