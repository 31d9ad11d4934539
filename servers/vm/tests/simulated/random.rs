//! vm in random order: programs that launch, ask, share and kill, some of which are killed at any instant.

use crate::programs::{known_memory, system};
use interfaces::example::Client;
use resea::{Error, Exit, ExitKind, ExitStatus, Handle, SharedMemory, TaskId};
use sim::Program;
use std::time::Duration;

/// What each worker does so many times.
const ACTIONS: u64 = 4;

/// A random number below `limit`.
fn below(limit: u64) -> u64 {
    sim::random_number() % limit
}

/// A task that is watched, and the status that it ends with if nobody ends it, if that is known.
struct Child {
    task: TaskId,
    status: Option<i32>,
}

impl Child {
    fn launch(program: &str, arguments: &[&str], status: i32) -> Self {
        let task = resea::launch(program, arguments.iter().copied()).unwrap();
        resea::watch(task).unwrap();
        Self { task, status: Some(status) }
    }

    /// Watches what another has launched; `None` if it has ended long ago, or is watched already.
    fn watch(program: &str) -> Option<Self> {
        let task = sim::task(program)?;
        match resea::watch(task) {
            Ok(()) => Some(Self { task, status: None }),
            Err(Error::NoTask | Error::AlreadyExists) => None,
            Err(error) => panic!("watching task {task}: {error}"),
        }
    }

    /// Whether what was told about its end can be true.
    fn check(&self, exit: &Exit) {
        let by_itself =
            exit.kind == ExitKind::Exited && self.status.is_none_or(|status| status == exit.status);
        let was_ended = exit.status == -1 && matches!(exit.kind, ExitKind::Killed | ExitKind::Crashed);
        let may_end = self.status.is_none() || sim::was_killed();
        assert!(by_itself || was_ended && may_end, "{exit:?}, but not killed");
    }
}

/// Waits until all are told to have ended.
fn await_ends(mut children: Vec<Child>) {
    while !children.is_empty() {
        match resea::next_exit().unwrap() {
            Some(exit) => {
                let place = children.iter().position(|child| child.task == exit.task);
                let place = place.unwrap_or_else(|| panic!("{exit:?} was not watched, or told before"));
                children.swap_remove(place).check(&exit);
            }
            None => drop(resea::wait()),
        }
    }
    assert_eq!(resea::next_exit(), Ok(None));
}

/// Uses the store until that works: whenever its server dies, it fails once.
fn with_store<T>(work: impl Fn(Client) -> Result<T, Error>) -> T {
    loop {
        match work(Client::new(resea::lookup("example").unwrap())) {
            Ok(value) => return value,
            Err(Error::Aborted | Error::NoTask) => assert!(sim::was_killed(), "nobody has killed the server"),
            Err(error) => panic!("the store: {error}"),
        }
    }
}

/// Makes an object and grants it to a worker, who learns of it from the store.
fn share() {
    let memory = SharedMemory::create(8192).unwrap();
    memory.region().store(4096, 4711).unwrap();
    if let Some(task) = sim::task("worker") {
        match memory.grant(task, below(2) == 0) {
            Ok(handle) => with_store(|store| store.put(&task.to_string(), &handle.raw().to_le_bytes())),
            Err(error) => assert_eq!(error, Error::NoTask, "it has ended just now"),
        }
    }
    if below(2) == 0 {
        // Its task's end closes it.
        std::mem::forget(memory);
    }
}

/// Maps what somebody has granted to this task.
fn accept() {
    let key = resea::own_id().to_string();
    let handle = with_store(|store| {
        let mut bytes = [0; 4];
        match store.get(&key, &mut bytes) {
            Ok(_) => Ok(Some(Handle::from_raw(u32::from_le_bytes(bytes)))),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    });
    if let Some(handle) = handle {
        match SharedMemory::open(handle, false) {
            Ok(memory) => {
                assert_eq!(memory.region().load(4096), Ok(4711), "it is not the object that was made")
            }
            Err(Error::BadHandle | Error::AlreadyExists) => {}
            Err(error) => panic!("mapping what was granted: {error}"),
        }
    }
}

/// Does random things, launches others that do, and waits for them.
fn worker() -> Program {
    let manifest = "uses = [\"example\"]\npowers = [\"launch\", \"kill\"]";
    Program::new("worker", manifest, || {
        let depth: u64 = resea::arguments().next().expect("it says how deep").parse().unwrap();
        let mut children = Vec::new();
        for _ in 0..ACTIONS {
            match below(16) {
                0..=3 => {
                    let status = below(100) as i32;
                    children.push(Child::launch("ends", &["status", &status.to_string()], status));
                }
                4..=5 if depth > 0 => {
                    children.push(Child::launch("worker", &[&(depth - 1).to_string()], 7));
                }
                4..=7 => drop(with_store(|store| store.count())),
                8..=10 => share(),
                11 => accept(),
                12 => children.extend(Child::watch("ends")),
                13 => resea::sleep(Duration::from_micros(below(100))),
                14 => {
                    let victim = ["worker", "ends", "example"][below(3) as usize];
                    let killed = sim::kill(victim);
                    assert!(matches!(killed, Ok(()) | Err(Error::NoTask)), "{killed:?}");
                }
                _ => {
                    let task = resea::launch("ends", ["naps"]).unwrap();
                    assert!(matches!(resea::kill(task), Ok(()) | Err(Error::NoTask)));
                }
            }
        }
        await_ends(children);
        ExitStatus(7)
    })
}

/// The names of all tasks.
fn living() -> Vec<String> {
    let tasks = (0..resea::abi::MAX_TASKS).filter_map(|place| ipc::inspect_task(place).ok());
    let name = |task| resea::task_name(task, &mut [0; 64]).map(String::from);
    tasks.filter_map(|task| name(task.id).ok()).collect()
}

/// Ends what dead workers have left behind.
fn clean_up() {
    let is_rest = |name: &String| name == "ends" || name == "worker";
    while living().iter().any(is_rest) {
        for name in ["ends", "worker"] {
            // Killing must not count as a disturbance: nobody is left who could notice.
            let _ = sim::kill(name);
        }
        resea::sleep(Duration::from_millis(1));
    }
}

#[test]
fn nothing_is_lost_whoever_dies_when() {
    let summary = system().program(worker()).killable(["worker", "ends", "example"]).explore(10_000, || {
        let known = known_memory();
        let workers = (0..2).map(|_| Child::launch("worker", &["1"], 7));
        await_ends(workers.collect());
        let died = sim::was_killed();
        assert!(died || living().iter().all(|name| name != "worker" && name != "ends"), "{:?}", living());
        clean_up();
        assert_eq!(known_memory(), known, "memory was lost");
        assert_eq!(resea::vm().memory().unwrap().shared, 0);
        with_store(|store| store.count());
    });
    assert!(summary.killed > 1000, "{summary:?}");
}

/// vm is the pager of whoever sends it messages, so a message that looks like the kernel's may end the sender; and a
/// sender can ask for its own end. Whatever it asks, vm answers the others.
#[test]
fn every_message_is_answered() {
    let sender = Program::new("sender", "powers = [\"launch\"]", || {
        sim::send_random(resea::vm().task(), &["vm"]);
    });
    system().program(sender).explore(300, || {
        let known = known_memory();
        for _ in 0..4 {
            let task = resea::launch("sender", []).unwrap();
            resea::watch(task).unwrap();
            while resea::wait() & resea::abi::NOTIFY_CHILD == 0 {}
            assert!(resea::next_exit().unwrap().is_some());
        }
        assert_eq!(known_memory(), known);
    });
}
