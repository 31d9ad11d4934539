//! Memory: shared by tasks, used up, and given back.

use crate::programs::{end_of, known_memory, launch, store, system};
use resea::{Error, ExitKind, ExitStatus, Handle, SharedMemory, TaskId};
use sim::Program;
use std::time::Duration;

#[test]
fn all_places_for_tasks_can_be_used_and_used_again() {
    system().memory(64 << 20).run(|| {
        let known = known_memory();
        for _ in 0..2 {
            let mut tasks = Vec::new();
            let error = loop {
                match resea::launch("ends", ["waits"]) {
                    Ok(task) => tasks.push(task),
                    Err(failed) => break failed.error,
                }
            };
            assert_eq!(error, Error::TableFull);
            assert!(tasks.len() > resea::abi::MAX_TASKS - 8, "{}", tasks.len());
            assert_eq!(known_memory(), known);
            for task in tasks {
                resea::kill(task).unwrap();
            }
        }
        assert_eq!(known_memory(), known);
    });
}

/// A program that opens the object that it was granted and does with it what its argument says.
fn peer() -> Program {
    Program::new("peer", "uses = [\"example\"]", || {
        let what = resea::arguments().next().expect("it says what");
        let memory = match SharedMemory::open(told(), what != "writes") {
            Ok(memory) => memory,
            Err(error) => return ExitStatus(error as i32),
        };
        let mut bytes = [0; 2];
        memory.region().read(4095, &mut bytes).unwrap();
        // With what was granted for reading, this is the end.
        memory.region().write(4095, &bytes.map(|byte| byte + 1)).unwrap();
        if what == "keeps" {
            resea::sleep(Duration::from_secs(3600));
        }
        ExitStatus(0)
    })
}

/// The handle that this task was granted: the store has it.
fn told() -> Handle {
    let mut bytes = [0; 4];
    while store().get(&resea::own_id().to_string(), &mut bytes).is_err() {
        resea::sleep(Duration::from_millis(1));
    }
    Handle::from_raw(u32::from_le_bytes(bytes))
}

/// Starts `peer`, grants it the object, and tells it.
fn share(memory: &SharedMemory, writable: bool, what: &'static str) -> TaskId {
    let task = launch("peer", &[what]);
    let handle = memory.grant(task, writable).unwrap();
    store().put(&task.to_string(), &handle.raw().to_le_bytes()).unwrap();
    task
}

#[test]
fn shared_memory_is_the_same_for_all_who_map_it() {
    system().program(peer()).run(|| {
        let memory = SharedMemory::create(5000).unwrap();
        assert_eq!(memory.region().len(), 8192, "whole pages");
        memory.region().write(4095, &[7, 8]).unwrap();
        for turn in 1..3 {
            let exit = end_of(share(&memory, true, "adds"));
            assert_eq!((exit.status, exit.kind), (0, ExitKind::Exited));
            let mut bytes = [0; 4];
            memory.region().read(4094, &mut bytes).unwrap();
            assert_eq!(bytes, [0, 7 + turn, 8 + turn, 0], "across the border of two pages");
        }
    });
}

#[test]
fn memory_granted_for_reading_can_only_be_read() {
    system().program(peer()).run(|| {
        let memory = SharedMemory::create(8192).unwrap();
        let exit = end_of(share(&memory, false, "adds"));
        assert_eq!((exit.status, exit.kind), (Error::NotPermitted as i32, ExitKind::Exited), "not writable");
        assert_eq!(end_of(share(&memory, false, "writes")).kind, ExitKind::Crashed);
        let mut bytes = [0xff; 2];
        memory.region().read(4095, &mut bytes).unwrap();
        assert_eq!(bytes, [0, 0]);
    });
}

#[test]
fn shared_memory_is_free_when_the_last_who_has_it_is_gone() {
    system().program(peer()).run(|| {
        let shared = || resea::vm().memory().unwrap().shared;
        let known = known_memory();
        let memory = SharedMemory::create(8192).unwrap();
        let task = share(&memory, true, "keeps");
        resea::sleep(Duration::from_millis(10));
        memory.close().unwrap();
        assert_eq!(shared(), 8192, "the other has it");
        resea::kill(task).unwrap();
        assert_eq!((shared(), known_memory()), (0, known));
        // Granted, and neither accepted nor refused: it ends with who granted it.
        let task = launch("ends", &["waits"]);
        let memory = SharedMemory::create(4096).unwrap();
        memory.grant(task, true).unwrap();
        memory.close().unwrap();
        assert_eq!(shared(), 4096);
        resea::kill(task).unwrap();
        assert_eq!((shared(), known_memory()), (0, known));
    });
}

#[test]
fn no_memory_left_is_an_error_for_who_asks() {
    system().memory(768 << 10).run(|| {
        let known = known_memory();
        let mut tasks = Vec::new();
        let error = loop {
            match resea::launch("ends", ["waits"]) {
                Ok(task) => tasks.push(task),
                Err(failed) => break failed.error,
            }
        };
        assert_eq!((error, tasks.len() > 2), (Error::OutOfMemory, true), "{}", tasks.len());
        assert_eq!(SharedMemory::create(64 << 10).unwrap_err(), Error::OutOfMemory);
        assert_eq!(resea::lookup("example").unwrap_err().error, Error::OutOfMemory);
        assert_eq!(known_memory(), known, "what failed has left nothing");
        let task = tasks.pop().unwrap();
        resea::kill(task).unwrap();
        assert_eq!(end_of(launch("ends", &["status", "9"])).status, 9, "what one had is enough for another");
        tasks.into_iter().for_each(|task| resea::kill(task).unwrap());
        assert_eq!(store().count(), Ok(0));
    });
}

#[test]
fn what_programs_had_is_free_when_they_have_ended() {
    system().program(peer()).may_panic().run(|| {
        let round = || {
            for arguments in [&["status", "3"][..], &["panics"], &["waits"]] {
                let task = launch("ends", arguments);
                if arguments == ["waits"] {
                    resea::kill(task).unwrap();
                }
                end_of(task);
            }
            let memory = SharedMemory::create(9 << 12).unwrap();
            end_of(share(&memory, false, "writes"));
            end_of(share(&memory, true, "adds"));
            store().count().unwrap();
            drop(memory);
            sim::kill("example").unwrap();
            resea::vm().memory().unwrap()
        };
        // The first round brings what vm keeps: tables of its window.
        let first = round();
        for _ in 0..5 {
            assert_eq!(round(), first);
        }
    });
}
