//! Launch, page faults and ends, on a model of the kernel.

mod support;

use abi::{Access, Error, MESSAGE_PAGE, MapFlags, NOTIFY_CHILD, STARTUP_OFFSET, TaskId};
use interfaces::vm::{ExitKind, Server};
use manifest::{Manifest, Power, Restart, Start};
use support::image::{CONTENT_END, TEXT, TEXT_BYTE, VARIABLES, VARIABLES_BYTE, VARIABLES_END};
use support::{System, arguments, launcher};
use vm::program::{HEAP, STACK_TOP};
use vm::report::Context;
use vm::told::Told;

fn system() -> System {
    System::new(256, &[("shell", launcher()), ("hello", Manifest::default())])
}

#[test]
fn pages_come_when_they_are_touched() {
    let mut system = system();
    let task = system.run("hello").unwrap();
    let model = system.model.clone();
    for (address, access, expected, flags) in [
        (TEXT + 0x10, Access::EXECUTE, TEXT_BYTE, MapFlags::EXECUTE),
        (VARIABLES + 0x1000, Access::WRITE, VARIABLES_BYTE, MapFlags::WRITE),
        (VARIABLES_END - 1, Access::READ, 0, MapFlags::WRITE),
        (HEAP, Access::WRITE, 0, MapFlags::WRITE),
        (STACK_TOP - 8, Access::WRITE, 0, MapFlags::WRITE),
    ] {
        assert!(system.touch(task, address, access), "{address:#x}: {}", model.take_console());
        assert_eq!(model.byte(task, address), Some(expected), "{address:#x}");
        assert_eq!(model.flags(task, address), Some(flags), "{address:#x}");
    }
    assert_eq!(model.byte(task, CONTENT_END - 1), Some(VARIABLES_BYTE));
    assert_eq!(model.byte(task, CONTENT_END), Some(0));
}

#[test]
fn a_spare_table_in_use_is_not_offered_for_ever() {
    let mut system = system();
    let task = system.run("hello").unwrap();
    let model = system.model.clone();
    model.hold_frames(0x10_0000..0x10_0000 + 200 * 4096);
    assert!(system.touch(task, HEAP, Access::WRITE), "{}", model.take_console());
}

#[test]
fn code_is_shared_and_variables_are_not() {
    let mut system = system();
    let (first, second) = (system.run("hello").unwrap(), system.run("hello").unwrap());
    for task in [first, second] {
        assert!(system.touch(task, TEXT, Access::EXECUTE) && system.touch(task, VARIABLES, Access::WRITE));
    }
    let model = &system.model;
    assert_eq!(model.frame(first, TEXT), model.frame(second, TEXT));
    assert_ne!(model.frame(first, VARIABLES), model.frame(second, VARIABLES));
    model.poke(first, VARIABLES, &[1]);
    assert_eq!(model.byte(second, VARIABLES), Some(VARIABLES_BYTE));
}

#[test]
fn a_new_task_finds_its_start_record() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let told = Told { arguments: b"hello\0big world\0", environment: b"A=b\0" };
    let task = system.launch_path(shell, "/bin/hello", told).unwrap();
    let record = |task: TaskId, index: u64| {
        let at = MESSAGE_PAGE as u64 + STARTUP_OFFSET as u64 + index * 8;
        (0..8)
            .fold(0, |word, byte| word | u64::from(system.model.byte(task, at + byte).unwrap()) << (byte * 8))
    };
    assert_eq!((record(task, 0), record(task, 1)), (system.own.raw() as u64, task.raw() as u64));
    assert_eq!((record(task, 2), record(task, 3)), (HEAP, 64 << 10));
    assert_eq!((record(task, 4), record(task, 5)), (STACK_TOP - (16 << 10), 16 << 10));
    assert_eq!((record(task, 6), record(task, 7)), (16, 4));
    let text = [8, 9, 10].map(|word| record(task, word).to_le_bytes()).concat();
    assert_eq!(text, b"hello\0big world\0A=b\0\0\0\0\0");
    assert_eq!((record(shell, 6), record(shell, 7), record(shell, 8)), (6, 0, 0x6c_6c65_6873));
    let created = &system.model.0.borrow().tasks[&task];
    assert_eq!((created.create.entry, created.create.stack % 16), (TEXT + 0x10, 8));
    assert_eq!(created.priority, Some(8));
}

#[test]
fn wrong_accesses_end_the_task_with_a_report() {
    for (address, access, expected) in [
        (0x10, Access::READ, "read of address 0x10, a null pointer"),
        (TEXT, Access::WRITE, "write of address 0x210000, which is mapped but not for that"),
        (VARIABLES, Access::EXECUTE, "execute of address 0x214000, which is mapped but not for that"),
        (VARIABLES, Access(5), "write of address 0x214000, which is mapped but not for that"),
        (STACK_TOP - (16 << 10) - 8, Access::WRITE, "stack overflow: write of address 0x1faff8 below"),
        (0x7fff_0000_0000, Access::READ, "read of address 0x7fff00000000, where nothing is mapped"),
        (u64::MAX, Access::READ, "read of address 0xffffffffffffffff, where nothing is mapped"),
    ] {
        let mut system = system();
        let task = system.run("hello").unwrap();
        let context = Context { instruction: TEXT + 0x123, stack: 0, frame: u64::MAX };
        assert!(!system.page_fault(task, address, access, context));
        let report = system.model.take_console();
        assert!(report.contains(expected), "{report}");
        assert!(report.starts_with("vm: task 1 (hello) was ended: "), "{report}");
        assert!(report.contains("#0 0x210123 hello::work+0x23"), "{report}");
        assert!(system.state.tasks.get(task).is_none());
    }
}

#[test]
fn a_backtrace_follows_the_frame_pointers() {
    let mut system = system();
    let task = system.run("hello").unwrap();
    let frames = [STACK_TOP - 0x1008, STACK_TOP - 0x800, STACK_TOP - 0x100];
    for frame in frames {
        assert!(system.touch(task, frame, Access::WRITE));
    }
    // The first frame lies across two pages.
    assert!(system.touch(task, frames[0] + 8, Access::WRITE));
    let returns = [TEXT + 0x101, TEXT + 0x42, 0];
    for (index, (&frame, address)) in frames.iter().zip(returns).enumerate() {
        let next = frames.get(index + 1).copied().unwrap_or(0);
        system.model.poke(task, frame, &next.to_le_bytes());
        system.model.poke(task, frame + 8, &address.to_le_bytes());
    }
    let context = Context { instruction: TEXT + 0x180, stack: 0, frame: frames[0] };
    system.exit(task, 101, true, context);
    let report = system.model.take_console();
    let expected = "vm: task 1 (hello) was ended: panic, at 0x210180\n\
                    vm:   #0 0x210180 hello::work+0x80\n\
                    vm:   #1 0x210101 hello::work+0x1\n\
                    vm:   #2 0x210042 hello::start+0x42\n";
    assert_eq!(report, expected);
}

#[test]
fn a_damaged_stack_ends_the_backtrace() {
    let mut system = system();
    for (next, address) in [(1, 0x55), (u64::MAX, 0x55), (STACK_TOP - 0x100, 0x55), (HEAP, 0x55), (0, 0)] {
        let task = system.run("hello").unwrap();
        assert!(system.touch(task, STACK_TOP - 1, Access::WRITE));
        system.model.poke(task, STACK_TOP - 0x100, &u64::to_le_bytes(next));
        system.model.poke(task, STACK_TOP - 0xf8, &u64::to_le_bytes(address));
        let frame = STACK_TOP - 0x100;
        system.exit(task, 101, true, Context { instruction: TEXT, stack: 0, frame });
        let lines = system.model.take_console().lines().count();
        assert_eq!(lines, if address == 0 { 2 } else { 3 }, "{next:#x}");
    }
}

#[test]
fn launches_that_fail_say_why_and_leave_nothing() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let hello = system.run("hello").unwrap();
    let free = system.memory.free();
    assert_eq!(system.launch_path(hello, "hello", arguments(b"")), Err(Error::NotPermitted));
    assert_eq!(system.launch_path(shell, "nothing", arguments(b"")), Err(Error::NotFound));
    assert_eq!(system.launch_path(shell, "vm", arguments(b"")), Err(Error::NotFound));
    assert_eq!(system.launch_path(shell, "hello", arguments(&[b'a'; 2000])), Err(Error::TooLarge));
    system.model.0.borrow_mut().max_tasks = 3;
    assert_eq!(system.launch_path(shell, "hello", arguments(b"")), Err(Error::TableFull));
    assert_eq!(system.memory.free(), free);
}

#[test]
fn without_memory_a_launch_fails_and_a_fault_ends_the_task() {
    // With any amount of memory, whatever it runs out at.
    for frames in 1..60 {
        let mut system = System::new(frames, &[("shell", launcher()), ("hello", Manifest::default())]);
        let free = system.memory.free();
        let mut tasks = Vec::new();
        let error = loop {
            match system.run("hello") {
                Ok(task) => tasks.push(task),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::OutOfMemory);
        for &task in &tasks {
            for page in 0..4 {
                if !system.touch(task, HEAP + page * 4096, Access::WRITE) {
                    break;
                }
            }
        }
        let report = system.model.take_console();
        if tasks.len() > 1 {
            assert!(report.contains("out of memory: no frame is free for address 0x4000"), "{report}");
        }
        for task in tasks {
            system.exit(task, 0, false, Context::default());
        }
        assert_eq!(system.memory.free(), free, "with {frames} frames");
    }
}

#[test]
fn ten_thousand_launches_and_kills_give_everything_back() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let free = system.memory.free();
    for round in 0..10_000u64 {
        let task = system.launch_path(shell, "hello", arguments(b"hello\0")).unwrap();
        system.watch(shell, task).unwrap();
        assert!(system.touch(task, TEXT, Access::EXECUTE));
        assert!(system.touch(task, STACK_TOP - 8 - round % 4 * 4096, Access::WRITE));
        assert!(system.touch(task, HEAP + round % 16 * 4096, Access::WRITE));
        if round % 2 == 0 {
            let share = system.share_create(task, 5000).unwrap();
            system.share_map(task, share, true).unwrap();
            system
                .share_grant(task, share, shell, false)
                .map(|mine| system.share_close(shell, mine))
                .unwrap()
                .unwrap();
        }
        match round % 3 {
            0 => system.exit(task, 7, false, Context::default()),
            1 => system.kill(shell, task).unwrap(),
            _ => assert!(!system.touch(task, 8, Access::READ)),
        }
        let end = system.next_exit(shell).unwrap();
        let expected =
            [(7, ExitKind::Exited), (-1, ExitKind::Killed), (-1, ExitKind::Crashed)][(round % 3) as usize];
        assert_eq!((end.task, (end.status, end.kind)), (task, expected));
        assert_eq!(system.model.take_notified(), [(shell, NOTIFY_CHILD)]);
    }
    assert_eq!(system.memory.free(), free);
    assert_eq!(system.model.0.borrow().tasks.len(), 2);
}

#[test]
fn only_the_launcher_and_those_with_the_power_kill() {
    let mut killer = Manifest::default();
    killer.powers.push(Power::Kill).unwrap();
    let mut system =
        System::new(256, &[("shell", launcher()), ("hello", Manifest::default()), ("killer", killer)]);
    let shell = system.run("shell").unwrap();
    let other = system.run("hello").unwrap();
    let killer = system.run("killer").unwrap();
    let task = system.launch_path(shell, "hello", arguments(b"")).unwrap();
    assert_eq!(system.kill(other, task), Err(Error::NotPermitted));
    assert_eq!(system.kill(shell, other), Err(Error::NotPermitted));
    let own = system.own;
    assert_eq!(system.kill(killer, own), Err(Error::NoTask));
    assert_eq!(system.kill(shell, task), Ok(()));
    assert_eq!(system.kill(killer, other), Ok(()));
    assert_eq!(system.kill(killer, other), Err(Error::NoTask));
}

#[test]
fn the_system_starts_by_manifest_and_restarts_with_patience() {
    let boot = Manifest { start: Start::Boot, ..launcher() };
    let always = Manifest { restart: Restart::Always, ..boot.clone() };
    let mut system = System::new(256, &[("once", boot), ("demand", launcher()), ("always", always)]);
    system.start_system();
    let names: Vec<&str> = system
        .state
        .tasks
        .iter()
        .map(|(_, task)| system.state.catalog.get(task.program).unwrap().name.text())
        .collect();
    assert_eq!(names, ["always", "once"]);
    let mut task = system.state.tasks.iter().next().unwrap().0;
    let mut waits = Vec::new();
    for _ in 0..20 {
        system.model.0.borrow_mut().timer = 0;
        system.exit(task, 0, false, Context::default());
        let wait = system.model.0.borrow().timer;
        if wait == 0 {
            break;
        }
        waits.push(wait / 1_000_000);
        system.timer_expired();
        assert!(system.state.tasks.get(task).is_none(), "it is too early");
        system.model.0.borrow_mut().clock += wait;
        system.timer_expired();
        task = system.state.tasks.iter().find(|(_, task)| task.program == 0).unwrap().0;
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600]);
    let console = system.model.take_console();
    assert!(console.contains("vm: always has ended and is started again in 100 ms"), "{console}");
    assert!(console.contains("vm: always keeps ending soon after its start and is not started again"));
}

/// A second one that was started by hand ends: nothing is to be started, and the one that lives has no death to its name.
#[test]
fn one_too_many_is_not_started_again() {
    let always = Manifest { start: Start::Boot, restart: Restart::Always, ..Manifest::default() };
    let mut system = System::new(256, &[("always", always)]);
    system.start_system();
    let first = system.state.tasks.iter().next().unwrap().0;
    for _ in 0..10 {
        let second = system.run("always").unwrap();
        system.exit(second, 1, false, Context::default());
    }
    assert_eq!(system.model.0.borrow().timer, 0);
    system.exit(first, 1, false, Context::default());
    assert_eq!(system.model.0.borrow().timer, 100_000_000);
}

#[test]
fn tasks_that_a_dead_task_has_made_die_with_it() {
    let mut maker = Manifest::default();
    maker.powers.push(Power::Create).unwrap();
    let mut system = System::new(256, &[("maker", maker), ("hello", Manifest::default())]);
    let other = system.run("hello").unwrap();
    let maker = system.run("maker").unwrap();
    // The maker's own child, which vm knows nothing of; its root is a frame that vm does not use.
    let parameters = abi::TaskCreate {
        root: 0x10_0000 + 255 * 4096,
        message: 0x10_0000 + 254 * 4096,
        ..Default::default()
    };
    let child = vm::kernel::Kernel::create(&mut system.kernel, &parameters).unwrap();
    system.exit(maker, 0, false, Context::default());
    let model = system.model.0.borrow();
    assert!(!model.tasks.contains_key(&child) && model.tasks.contains_key(&other));
}

#[test]
fn a_watch_after_the_end_is_answered_at_once() {
    let mut system = system();
    let shell = system.run("shell").unwrap();
    let task = system.launch_path(shell, "hello", arguments(b"")).unwrap();
    system.exit(task, 3, false, Context::default());
    assert_eq!(system.model.take_notified(), []);
    system.watch(shell, task).unwrap();
    assert_eq!(system.model.take_notified(), [(shell, NOTIFY_CHILD)]);
    assert_eq!(system.next_exit(shell).map(|end| end.status), Ok(3));
    assert_eq!(system.next_exit(shell), Err(Error::Empty));
}

#[test]
fn damaged_programs_are_refused_and_named() {
    let image = support::image::image(&[("good", launcher())]);
    let find = |bytes: &[u8]| image.windows(bytes.len()).rposition(|window| window == bytes).unwrap();
    let at = find(b"\x7fELF");
    let mut damaged = image.clone();
    damaged[at] = 0;
    let image: &'static [u8] = Vec::leak(damaged);
    let mut system = System::new(64, &[]);
    system.load(image, 0).unwrap();
    assert_eq!(system.run("good"), Err(Error::BadProgram));
    let console = system.model.take_console();
    assert!(console.contains("vm: bin/good cannot be launched: it is not a 64-bit ELF file"), "{console}");
    assert!(system.load(&[0; 100], 0).is_err());
}
