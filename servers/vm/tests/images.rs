//! Programs that are launched from shared memory.

mod support;

use abi::{Access, Error, MapFlags};
use interfaces::vm::Server;
use ipc::Handle;
use manifest::Manifest;
use proptest::prelude::*;
use support::image::{
    CONTENT_END, TEXT, TEXT_BYTE, VARIABLES, VARIABLES_BYTE, VARIABLES_END, elf, with_interfaces,
};
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
        (CONTENT_END | 0xfff, 0, MapFlags::WRITE),
    ] {
        assert_eq!((model.byte(task, address), model.flags(task, address)), (Some(expected), Some(flags)));
    }
    for address in [VARIABLES_END - 1, HEAP, STACK_TOP - 8] {
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

/// Changes program header `number` of a file: flags, offset, address, size in the file, size in memory.
fn set_segment(file: &mut [u8], number: usize, flags: u32, words: [u64; 4]) {
    let [offset, address, in_file, size] = words;
    let at = 64 + number * 56;
    file[at..at + 8].copy_from_slice(&[1, flags].map(u32::to_le_bytes).concat());
    let words = [offset, address, address, in_file, size].map(u64::to_le_bytes);
    file[at + 8..at + 48].copy_from_slice(&words.concat());
}

/// Launches a file that must be refused, with what vm says about it; nothing of it may be left.
fn refused(system: &mut System, shell: abi::TaskId, file: &[u8]) -> (Error, String) {
    let free = free(system, shell);
    let handle = share(system, shell, file);
    system.model.take_console();
    let error = system.launch_shared(shell, "x", handle, arguments(b"")).unwrap_err();
    system.share_close(shell, handle).unwrap();
    assert_eq!(system.memory.free(), free, "something is left");
    (error, system.model.take_console())
}

#[test]
fn hostile_headers_are_refused_with_a_reason() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let gigabyte = HEAP - VARIABLES;
    let cases: &[(u32, [u64; 4], &str)] = &[
        (6, [0x5000, VARIABLES, 0x1000, gigabyte], "takes more than 16 MiB"),
        (6, [0x5000, VARIABLES, 0x1000, vm::image::MEMORY], "takes more than 16 MiB"),
        (6, [0x5000, VARIABLES, 0x1000, gigabyte + 1], "outside of 0x201000"),
        (6, [0x5000, 0x20_0000, 0x1000, 0x1000], "share a page"),
        (6, [0x5000, 0x1f_e000, 0x1000, 0x1000], "share a page"),
        (6, [0x5000, 0xffff_8000_0000_0000, 0x1000, 0x1000], "outside of user memory"),
        (6, [0x5000, 0xffff_ffff_ffff_f000, 0x1000, 0x2000], "outside of user memory"),
        (6, [0x5000, 0x10_0000_0000, 0x1000, 0x1000], "outside of 0x201000"),
        (6, [0x5000, VARIABLES, 0x1000, u64::MAX], "outside of user memory"),
        (6, [0x5000, VARIABLES, 0x1001, 0x1000], "outside of user memory"),
        (6, [0x5000, VARIABLES, u64::MAX, u64::MAX], "outside of user memory"),
        (6, [u64::MAX - 0xfff, VARIABLES, 0x1000, 0x1000], "past the end of the file"),
        (6, [0x40_0000, VARIABLES, 0x1000, 0x1000], "past the end of the file"),
        (6, [0x5001, VARIABLES, 0x1000, 0x1000], "not page-aligned"),
        (6, [0x5000, TEXT + 0x2000, 0x1000, 0x1000], "share a page"),
        (7, [0x5000, VARIABLES, 0x1000, 0x1000], "writable and executable"),
    ];
    for (flags, words, reason) in cases {
        let mut file = elf();
        set_segment(&mut file, 2, *flags, *words);
        let (error, said) = refused(&mut system, shell, &file);
        assert_eq!(error, Error::BadProgram, "{words:x?}");
        assert!(
            said.starts_with("vm: x cannot be launched: ") && said.contains(reason),
            "{words:x?}: {said}"
        );
    }
    let mut far = elf();
    far[32..40].copy_from_slice(&0x1000u64.to_le_bytes());
    assert!(refused(&mut system, shell, &far).1.contains("program headers are damaged"));
    let mut many = elf();
    many[56] = 12;
    (0..12).for_each(|number| {
        let start = TEXT + number as u64 * 0x1000;
        set_segment(&mut many, number, if number == 0 { 5 } else { 6 }, [0x1000, start, 0x1000, 0x1000]);
    });
    assert!(refused(&mut system, shell, &many).1.contains("too many segments"));
}

#[test]
fn the_same_content_in_many_segments_is_bounded_too() {
    let manifest = Manifest { shared: 8 << 20, ..launcher() };
    let mut system = System::new(16384, &[("shell", manifest)]);
    let shell = system.run("shell").unwrap();
    let mut file = elf();
    file[56] = 8;
    // What else is in the file's head is overwritten; the list of interfaces lies behind.
    let (size, length) = (0x22_0000, 0x1f_0000);
    (0..8).for_each(|number| {
        let start = TEXT + number as u64 * size;
        set_segment(
            &mut file,
            number,
            if number == 0 { 5 } else { 6 },
            [0x1000, start, length - 0x1000, size],
        );
    });
    file.resize(length as usize, 0);
    assert!(refused(&mut system, shell, &file).1.contains("takes more than 16 MiB"));
}

#[test]
fn pages_without_content_take_memory_when_they_are_touched() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let mut file = elf();
    let size = vm::image::MEMORY - 0x1_0000;
    set_segment(&mut file, 2, 6, [0x5000, VARIABLES, 0x1200, size]);
    // A segment without a byte is none, wherever it is.
    set_segment(&mut file, 1, 4, [u64::MAX, 0xffff_8000_0000_0001, 0, 0]);
    let handle = share(&mut system, shell, &file);
    let before = system.memory.free();
    let task = system.launch_shared(shell, "x", handle, arguments(b"")).unwrap();
    assert!(before - system.memory.free() < 20, "{} pages", before - system.memory.free());
    let model = system.model.clone();
    assert_eq!(model.byte(task, VARIABLES + 0x11ff), Some(VARIABLES_BYTE));
    for address in [VARIABLES + 0x2000, VARIABLES + size - 1] {
        assert_eq!(model.byte(task, address), None);
        assert!(system.touch(task, address, Access::WRITE));
        assert_eq!((model.byte(task, address), model.flags(task, address)), (Some(0), Some(MapFlags::WRITE)));
    }
    assert!(!system.touch(task, VARIABLES + size + 0xfff, Access::WRITE));
    system.model.take_console();
}

#[test]
fn memory_that_runs_out_while_a_program_is_loaded_comes_back() {
    let mut system = System::new(60, &[("shell", launcher())]);
    let shell = system.run("shell").unwrap();
    let handle = share(&mut system, shell, &elf());
    let mut launched = Vec::new();
    let error = loop {
        let free = system.memory.free();
        match system.launch_shared(shell, "x", handle, arguments(b"")) {
            Ok(task) => launched.push((task, free)),
            Err(error) => {
                assert_eq!(system.memory.free(), free);
                break error;
            }
        }
    };
    assert_eq!(error, Error::OutOfMemory);
    for (task, free) in launched.into_iter().rev() {
        system.exit(task, 0, false, Context::default());
        assert_eq!(system.memory.free(), free);
    }
}

#[test]
fn a_program_that_was_built_with_other_interfaces_is_told_so() {
    let manifest = Manifest { uses: ["fs"].into_iter().collect(), ..launcher() };
    let mut system = System::new(512, &[("shell", manifest)]);
    let shell = system.run("shell").unwrap();
    let mut silent = elf();
    silent[60..62].fill(0);
    assert_eq!(refused(&mut system, shell, &silent).0, Error::Outdated);
    let ours = std::str::from_utf8(&interfaces::FINGERPRINTS).unwrap();
    let other = |name: &str| {
        let lines = ours.lines().map(|line| match line.split_once(' ') {
            Some((found, _)) if found == name => format!("{name} 0123456789abcdef\n"),
            _ => format!("{line}\n"),
        });
        with_interfaces(elf(), lines.collect::<String>().as_bytes())
    };
    for name in ["vm", "fs", "stdio"] {
        let (error, said) = refused(&mut system, shell, &other(name));
        assert_eq!(error, Error::Outdated, "{name}");
        assert!(said.contains(&format!("another version of the interface {name:?}")), "{said}");
    }
    // It may not send to those who provide others.
    let handle = share(&mut system, shell, &other("tcpip"));
    system.launch_shared(shell, "x", handle, arguments(b"")).unwrap();
}

#[test]
fn a_name_cannot_control_the_terminal() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let handle = share(&mut system, shell, &elf());
    let name = "a\u{1b}[2J\n(\u{9b}b)\u{e4} and more than there is room for";
    let task = system.launch_shared(shell, name, handle, arguments(b"")).unwrap();
    assert!(!system.touch(task, 0, Access::WRITE));
    let report = system.model.take_console();
    assert!(report.contains("(a?[2J???b?\u{e4} and more than ther)"), "{report}");
    assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
}

proptest! {
    /// Whatever the headers say: no panic, no more memory than is promised, and all of it comes back.
    #[test]
    fn damaged_files_do_no_harm(
        bytes in prop::collection::vec((0..240usize, any::<u8>()), 1..6), at_end in prop::collection::vec((0..200usize, any::<u8>()), 0..4)
    ) {
        let mut system = System::new(6000, &[("shell", launcher())]);
        let shell = system.run("shell").unwrap();
        let mut file = elf();
        bytes.into_iter().for_each(|(place, byte)| file[place] = byte);
        let length = file.len();
        at_end.into_iter().for_each(|(place, byte)| file[length - 1 - place] = byte);
        let free = free(&mut system, shell);
        let handle = share(&mut system, shell, &file);
        let before = system.memory.free();
        if let Ok(task) = system.launch_shared(shell, "x", handle, arguments(b"")) {
            prop_assert!(before - system.memory.free() < (vm::image::MEMORY / 4096) as u32 + 100);
            for address in [TEXT, VARIABLES, CONTENT_END, VARIABLES_END, HEAP] {
                if !system.touch(task, address, Access::WRITE) { break }
            }
            if system.state.tasks.get(task).is_some() {
                system.exit(task, 0, false, Context::default());
            }
        }
        system.share_close(shell, handle).unwrap();
        prop_assert_eq!(system.memory.free(), free);
    }
}
