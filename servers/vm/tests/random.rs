//! Random histories of everything that tasks can do to vm, compared with what must hold after every step.

mod support;

use abi::{Access, MapFlags, TaskId};
use interfaces::vm::Server;
use ipc::Handle;
use manifest::Manifest;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::image::{TEXT, VARIABLES};
use support::{System, arguments, launcher, services};
use vm::program::{HEAP, STACK_TOP};
use vm::report::Context;

#[derive(Clone, Debug)]
enum Step {
    Launch { by: usize, name: &'static str },
    Touch { task: usize, address: u64, access: u64 },
    Exit { task: usize, panicked: bool },
    Kill { by: usize, task: usize },
    Watch { by: usize, task: usize },
    NextExit { task: usize },
    Create { task: usize, pages: usize },
    Grant { task: usize, handle: usize, to: usize, writable: bool },
    Map { task: usize, handle: usize, writable: bool },
    Close { task: usize, handle: usize },
    Serve { task: usize },
    LookUp { task: usize },
}

const PLACES: &[u64] =
    &[0, TEXT, TEXT + 0x2000, VARIABLES, HEAP, STACK_TOP - 1, STACK_TOP - 0x5000, 0x10_0000_0000];

fn address() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (proptest::sample::select(PLACES), 0..0x4000u64).prop_map(|(place, offset)| place + offset),
        1 => any::<u64>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let task = || 0..6usize;
    prop_oneof![
        4 => (task(), proptest::sample::select(&["shell", "hello", "server", "nothing"][..]))
            .prop_map(|(by, name)| Step::Launch { by, name }),
        10 => (task(), address(), 0..8u64)
            .prop_map(|(task, address, access)| Step::Touch { task, address, access }),
        1 => (task(), any::<bool>()).prop_map(|(task, panicked)| Step::Exit { task, panicked }),
        1 => (task(), task()).prop_map(|(by, task)| Step::Kill { by, task }),
        2 => (task(), task()).prop_map(|(by, task)| Step::Watch { by, task }),
        2 => task().prop_map(|task| Step::NextExit { task }),
        2 => (task(), 0..9usize).prop_map(|(task, pages)| Step::Create { task, pages }),
        2 => (task(), 0..8usize, task(), any::<bool>())
            .prop_map(|(task, handle, to, writable)| Step::Grant { task, handle, to, writable }),
        3 => (task(), 0..8usize, any::<bool>())
            .prop_map(|(task, handle, writable)| Step::Map { task, handle, writable }),
        2 => (task(), 0..8usize).prop_map(|(task, handle)| Step::Close { task, handle }),
        1 => task().prop_map(|task| Step::Serve { task }),
        1 => task().prop_map(|task| Step::LookUp { task }),
    ]
}

/// What the test remembers to make its next step meaningful.
#[derive(Default)]
struct History {
    tasks: Vec<TaskId>,
    handles: Vec<Handle>,
}

impl History {
    fn task(&self, index: usize) -> TaskId {
        self.tasks[index % self.tasks.len()]
    }

    fn handle(&self, index: usize) -> Handle {
        match self.handles.len() {
            0 => Handle::from_raw(7),
            length => self.handles[index % length],
        }
    }
}

/// Errors are answers like others: what counts is what holds afterwards.
fn ignore<T>(_: Result<T, abi::Error>) {}

fn apply(system: &mut System, history: &mut History, step: Step) {
    match step {
        Step::Launch { by, name } => {
            history.tasks.extend(system.launch_path(history.task(by), name, arguments(b"")).ok());
        }
        Step::Touch { task, address, access } => {
            let task = history.task(task);
            // The processor says that a page is there exactly if it is.
            let there = system.model.flags(task, address).is_some();
            let access = if there { access | Access::PRESENT.0 } else { access & 3 };
            system.touch(task, address, Access(access));
        }
        Step::Exit { task, panicked } => {
            let context = Context { instruction: TEXT, stack: 0, frame: STACK_TOP - 64 };
            system.exit(history.task(task), 1, panicked, context);
        }
        Step::Kill { by, task } => ignore(system.kill(history.task(by), history.task(task))),
        Step::Watch { by, task } => ignore(system.watch(history.task(by), history.task(task))),
        Step::NextExit { task } => ignore(system.next_exit(history.task(task))),
        Step::Create { task, pages } => {
            history.handles.extend(system.share_create(history.task(task), pages * 4096).ok());
        }
        Step::Grant { task, handle, to, writable } => {
            let (task, to) = (history.task(task), history.task(to));
            history.handles.extend(system.share_grant(task, history.handle(handle), to, writable).ok());
        }
        Step::Map { task, handle, writable } => {
            ignore(system.share_map(history.task(task), history.handle(handle), writable));
        }
        Step::Close { task, handle } => {
            ignore(system.share_close(history.task(task), history.handle(handle)));
        }
        Step::Serve { task } => ignore(system.provide(history.task(task), "fs")),
        Step::LookUp { task } => ignore(system.look_up(history.task(task), "fs")),
    }
}

fn check(system: &mut System) -> Result<(), TestCaseError> {
    let own = system.own;
    let memory = system.vm.memory(own).unwrap();
    let sum = memory.free + memory.used + memory.tables + memory.shared + memory.vm;
    prop_assert_eq!(sum, memory.total, "no frame is lost or counted twice");
    let limit = |(_, task): (_, &vm::tasks::Task)| {
        system.state.catalog.get(task.program).map_or(0, |program| program.shared_pages)
    };
    let allowed: u64 = system.state.tasks.iter().map(limit).sum();
    prop_assert!(system.state.shares.frames() <= allowed, "all shared memory is paid for");
    let model = system.model.0.borrow();
    let known: BTreeSet<TaskId> = system.state.tasks.iter().map(|(id, _)| id).collect();
    let living: BTreeSet<TaskId> = model.tasks.keys().copied().filter(|&id| id != own).collect();
    prop_assert_eq!(known, living, "vm and the kernel agree on who lives");
    // A writable frame has one owner, unless it is shared memory.
    let mut owners: BTreeMap<u64, TaskId> = BTreeMap::new();
    for (&task, entry) in model.tasks.iter().filter(|entry| *entry.0 != own) {
        for (&address, &(frame, flags)) in &entry.pages {
            prop_assert!(MapFlags::from_raw(flags.0).is_some(), "nothing is writable and executable");
            if address < 0x10_0000_0000 && flags.contains(MapFlags::WRITE) {
                prop_assert_eq!(owners.insert(frame, task), None, "{:#x} is private", address);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_tasks_do_nothing_is_lost(
        frames in 40..120u64,
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut shell = Manifest { shared: 12 * 4096, ..launcher() };
        shell.uses.push("fs").unwrap();
        let programs =
            [("shell", shell), ("hello", Manifest { shared: 6 * 4096, ..Manifest::default() }), ("server", services(&["fs"], &["fs"]))];
        let mut system = System::new(frames, &programs);
        let free = system.memory.free();
        let mut history = History::default();
        for step in steps {
            if history.tasks.is_empty() || system.state.tasks.iter().next().is_none() {
                history.tasks.push(system.run("shell").unwrap());
            }
            apply(&mut system, &mut history, step);
            check(&mut system)?;
        }
        let living: Vec<TaskId> = system.state.tasks.iter().map(|(id, _)| id).collect();
        for task in living {
            system.exit(task, 0, false, Context::default());
        }
        prop_assert_eq!(system.memory.free(), free, "everything has come back");
    }
}
