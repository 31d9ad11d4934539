//! Programs that are launched from shared memory.

mod support;

use abi::{Access, Error, MapFlags};
use interfaces::vm::Server;
use ipc::Handle;
use manifest::Manifest;
use support::image::{CONTENT_END, TEXT, TEXT_BYTE, VARIABLES, VARIABLES_BYTE, VARIABLES_END, elf};
use support::{System, arguments, launcher};
use vm::program::{HEAP, STACK_TOP};
use vm::report::Context;

fn system() -> System {
    System::new(512, &[("shell", launcher()), ("hello", Manifest::default())])
}

/// The free frames, when `owner` has the page tables for shared memory.
fn free(system: &mut System, owner: abi::TaskId) -> u32 {
    let handle = share(system, owner, &[0]);
    system.share_close(owner, handle).unwrap();
    system.memory.free()
}

/// Shared memory of `owner` with `content` in it.
fn share(system: &mut System, owner: abi::TaskId, content: &[u8]) -> Handle {
    let handle = system.share_create(owner, content.len()).unwrap();
    let mapped = system.share_map(owner, handle, true).unwrap();
    for (page, bytes) in content.chunks(4096).enumerate() {
        system.model.poke(owner, (mapped.address + page * 4096) as u64, bytes);
    }
    handle
}

#[test]
fn a_program_is_loaded_whole_and_its_file_may_go() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let free = free(&mut system, shell);
    let handle = share(&mut system, shell, &elf());
    let task = system.launch_shared(shell, "from-disk", handle, arguments(b"from-disk\0x\0")).unwrap();
    system.share_close(shell, handle).unwrap();
    let model = system.model.clone();
    for (address, expected, flags) in [
        (TEXT, TEXT_BYTE, MapFlags::EXECUTE),
        (TEXT + 0x27ff, TEXT_BYTE, MapFlags::EXECUTE),
        (VARIABLES, VARIABLES_BYTE, MapFlags::WRITE),
        (CONTENT_END - 1, VARIABLES_BYTE, MapFlags::WRITE),
        (CONTENT_END, 0, MapFlags::WRITE),
        (VARIABLES_END - 1, 0, MapFlags::WRITE),
    ] {
        assert_eq!((model.byte(task, address), model.flags(task, address)), (Some(expected), Some(flags)));
    }
    for address in [HEAP, STACK_TOP - 8] {
        assert!(system.touch(task, address, Access::WRITE), "{address:#x}");
    }
    assert!(!system.touch(task, TEXT, Access::WRITE.union(Access::PRESENT)), "{}", model.take_console());
    assert!(system.state.catalog.room().is_some());
    system.share_close(shell, handle).unwrap_err();
    assert_eq!(system.memory.free(), free, "nothing is left of it");
}

#[test]
fn its_rights_are_to_send_to_whom_its_launcher_may_send() {
    let manifest = Manifest { uses: ["clock"].into_iter().collect(), ..launcher() };
    let mut system = System::new(512, &[("shell", manifest), ("hello", Manifest::default())]);
    let shell = system.run("shell").unwrap();
    let handle = share(&mut system, shell, &elf());
    let task = system.launch_shared(shell, "x", handle, arguments(b"")).unwrap();
    let rights = system.model.0.borrow().tasks[&task].create.rights;
    let shells = system.model.0.borrow().tasks[&shell].create.rights;
    assert_eq!((rights.may_send, rights.powers), (shells.may_send, abi::Powers::default()));
    // Who may not launch programs may not launch these.
    let hello = system.run("hello").unwrap();
    assert_eq!(system.launch_shared(hello, "x", handle, arguments(b"")), Err(Error::NotPermitted));
}

#[test]
fn what_is_no_program_is_refused_and_leaves_nothing() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let mut cut = elf();
    cut.truncate(0x3000);
    let mut wild = elf();
    wild[64 + 16..64 + 24].copy_from_slice(&(HEAP + 0x1000).to_le_bytes());
    for content in [b"#!/bin/sh".to_vec(), vec![0; 5000], cut, wild] {
        let free = free(&mut system, shell);
        let handle = share(&mut system, shell, &content);
        assert_eq!(system.launch_shared(shell, "x", handle, arguments(b"")), Err(Error::BadProgram));
        system.share_close(shell, handle).unwrap();
        assert_eq!(system.memory.free(), free);
    }
    assert_eq!(system.launch_shared(shell, "x", Handle::from_raw(77), arguments(b"")), Err(Error::BadHandle));
}

#[test]
fn there_are_only_so_many_at_once_and_each_place_is_used_again() {
    let mut system = System::new(4096, &[("shell", launcher())]);
    let shell = system.run("shell").unwrap();
    let handle = share(&mut system, shell, &elf());
    for _ in 0..3 {
        let mut tasks = Vec::new();
        let error = loop {
            match system.launch_shared(shell, "x", handle, arguments(b"")) {
                Ok(task) => tasks.push(task),
                Err(error) => break error,
            }
        };
        assert_eq!((error, tasks.len()), (Error::TableFull, vm::catalog::MAX_OTHERS));
        for task in tasks {
            system.exit(task, 0, false, Context::default());
        }
    }
}
