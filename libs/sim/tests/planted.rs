//! Tests of the tests: programs with a defect of each kind that random order has to find, and the same without it.
//!
//! Each is the smallest program that makes the mistake; the server speaks the interface `test`.

use interfaces::test::{Client, Server, WaitCall, dispatch};
use ipc::{Error, Handle, ReadLend, StrLend, TaskId, WriteLend};
use resea::abi::NOTIFY_CHILD;
use sim::{Program, System};

/// More than enough to find any of them, within seconds.
const RUNS: u64 = 2000;

/// A server of the interface `test` with mistakes to choose from.
#[derive(Default)]
struct Faulty {
    /// Handles name their object's place only: they go on working for whoever has the place next.
    stale_handles: bool,
    /// The last who waits is answered with what was released for the first.
    wrong_client: bool,
    objects: Vec<Option<(TaskId, u64)>>,
    waiting: Vec<WaitCall>,
    /// A service that is asked for every sum.
    ask: Option<&'static str>,
}

impl ipc::server::Events for Faulty {}

impl Server for Faulty {
    fn add(&mut self, _: TaskId, left: u64, right: u64) -> Result<u64, Error> {
        match self.ask {
            Some(other) => Client::new(ipc_lookup(other)?).value(Handle::from_raw(0)).or(Ok(left + right)),
            None => Ok(left + right),
        }
    }

    fn increment(&mut self, _: TaskId, _: ReadLend<'_>, _: WriteLend<'_>) -> Result<usize, Error> {
        Err(Error::NotSupported)
    }

    fn characters(&mut self, _: TaskId, _: StrLend<'_>) -> Result<usize, Error> {
        Err(Error::NotSupported)
    }

    fn wait(&mut self, call: WaitCall) {
        self.waiting.push(call);
    }

    fn release(&mut self, _: TaskId, value: u64) -> Result<usize, Error> {
        // First come, first served.
        let count = self.waiting.len();
        if count > 0 {
            let place = if self.wrong_client { count - 1 } else { 0 };
            self.waiting.remove(place).reply(value);
        }
        Ok(count)
    }

    fn open(&mut self, sender: TaskId, value: u64) -> Result<Handle, Error> {
        let place = self.objects.iter().position(Option::is_none).unwrap_or(self.objects.len());
        self.objects.resize(self.objects.len().max(place + 1), None);
        self.objects[place] = Some((sender, value));
        Ok(Handle::from_raw(place as u32))
    }

    fn value(&mut self, sender: TaskId, handle: Handle) -> Result<u64, Error> {
        match self.objects.get(handle.raw() as usize).copied().flatten() {
            Some((owner, value)) if owner == sender || self.stale_handles => Ok(value),
            _ => Err(Error::NotFound),
        }
    }

    fn give(&mut self, _: TaskId, _: Handle, _: TaskId) -> Result<Handle, Error> {
        Err(Error::NotSupported)
    }

    fn close(&mut self, _: TaskId, handle: Handle) -> Result<(), Error> {
        self.objects.get_mut(handle.raw() as usize).and_then(Option::take).map(drop).ok_or(Error::NotFound)
    }

    fn objects(&mut self, _: TaskId) -> Result<usize, Error> {
        Ok(self.waiting.len())
    }

    fn subscribe(&mut self, _: TaskId, _: u32) -> Result<u32, Error> {
        Err(Error::NotSupported)
    }
}

fn ipc_lookup(service: &str) -> Result<TaskId, Error> {
    resea::lookup(service).map_err(|error| error.error)
}

fn client() -> Client {
    Client::new(resea::lookup("test").unwrap())
}

fn server(make: impl Fn() -> Faulty + Send + Sync + 'static) -> Program {
    Program::new("server", "provides = [\"test\"]", move || resea::serve("test", dispatch, make()))
}

/// A program that uses the server.
fn user(name: &str, work: impl Fn() + Send + Sync + 'static) -> Program {
    Program::new(name, "uses = [\"test\"]", work)
}

/// Launches programs and waits until all have ended with status 0.
fn run_all(programs: &[&str]) {
    let tasks: Vec<_> = programs.iter().map(|program| resea::launch(program, []).unwrap()).collect();
    expect_success(&tasks);
}

/// Waits until all tasks have ended, with status 0.
fn expect_success(tasks: &[TaskId]) {
    tasks.iter().for_each(|task| resea::watch(*task).unwrap());
    let mut left = tasks.len();
    while left > 0 {
        match resea::next_exit().unwrap() {
            Some(exit) => {
                assert_eq!(exit.status, 0);
                left -= 1;
            }
            None => drop(resea::wait()),
        }
    }
}

/// The failure that random order finds with the defect; without it there must be none.
fn find(system: impl Fn(bool) -> System, test: impl Fn() + Clone + Send + Sync + 'static) -> String {
    assert_eq!(system(false).find_failure(RUNS, test.clone()), None, "the program without the defect fails");
    let failure = system(true).find_failure(RUNS, test).expect("the defect is not found");
    assert!(failure.contains("to run it again: RESEA_SIM_SEED="), "{failure}");
    failure
}

#[test]
fn a_lost_notification_is_found() {
    // Waits for two children by their notifications. The defect: one notification is taken for one child's end, though
    // both may have ended by then.
    let parent = |defect| {
        Program::new("parent", "powers = [\"launch\"]", move || {
            for _ in 0..2 {
                resea::watch(resea::launch("child", []).unwrap()).unwrap();
            }
            let mut left = 2;
            while left > 0 {
                if resea::wait() & NOTIFY_CHILD != 0 {
                    while resea::next_exit().unwrap().is_some() {
                        left -= 1;
                        if defect {
                            break;
                        }
                    }
                }
            }
        })
    };
    let child = || Program::new("child", "", || ());
    let failure =
        find(|defect| System::new().program(parent(defect)).program(child()), || run_all(&["parent"]));
    assert!(failure.contains("nobody can go on"), "{failure}");
    assert!(failure.contains("parent waits for a message from anyone"), "{failure}");
}

#[test]
fn the_use_of_a_stale_handle_is_found() {
    let thief = || {
        user("thief", || {
            let handle = client().open(1).unwrap();
            client().close(handle).unwrap();
            assert_eq!(client().value(handle), Err(Error::NotFound), "a closed handle must not work");
        })
    };
    let owner = || user("owner", || assert!(client().open(2).is_ok()));
    let system = |stale_handles| {
        let server = server(move || Faulty { stale_handles, ..Faulty::default() });
        System::new().program(server).program(thief()).program(owner())
    };
    let failure = find(system, || run_all(&["thief", "owner"]));
    assert!(failure.contains("a closed handle must not work"), "{failure}");
}

#[test]
fn a_reply_to_the_wrong_client_is_found() {
    let waiter = |name, expected| {
        user(name, move || {
            assert_eq!(client().wait(), Ok(expected), "an answer must reach who asked");
        })
    };
    let system = |wrong_client| {
        let server = server(move || Faulty { wrong_client, ..Faulty::default() });
        System::new().program(server).program(waiter("first", 0)).program(waiter("second", 1))
    };
    let failure = find(system, || {
        let first = resea::launch("first", []).unwrap();
        while client().objects() == Ok(0) {}
        let second = resea::launch("second", []).unwrap();
        // The defect shows only if the second waits already.
        for value in 0..2 {
            while client().release(value) == Ok(0) {}
        }
        expect_success(&[first, second]);
    });
    assert!(failure.contains("an answer must reach who asked"), "{failure}");
}

#[test]
fn a_deadlock_is_found() {
    // Two servers, of which the second asks the first; the defect: the first asks the second as well.
    let first = |defect: bool| {
        Program::new("first", "provides = [\"one\"]\nuses = [\"two\"]", move || {
            let ask = defect.then_some("two");
            resea::serve("one", dispatch, Faulty { ask, ..Faulty::default() })
        })
    };
    let second = || {
        Program::new("second", "provides = [\"two\"]\nuses = [\"one\"]", || {
            resea::serve("two", dispatch, Faulty { ask: Some("one"), ..Faulty::default() })
        })
    };
    let caller = |name: &str, service: &'static str| {
        Program::new(name, "uses = [\"one\", \"two\"]", move || {
            assert_eq!(Client::new(resea::lookup(service).unwrap()).add(1, 2), Ok(3));
        })
    };
    let system = |defect| {
        let system = System::new().program(first(defect)).program(second());
        system.program(caller("asks-one", "one")).program(caller("asks-two", "two"))
    };
    let failure = find(system, || run_all(&["asks-one", "asks-two"]));
    let waits = |who: &str, whom: &str| {
        let line = failure.lines().find(|line| line.starts_with(&format!("  {who} waits")));
        line.is_some_and(|line| line.contains(whom))
    };
    assert!(failure.contains("nobody can go on") && waits("first", "second"), "{failure}");
    assert!(waits("second", "first"), "{failure}");
}
