//! What the tests are written with: checks, and tasks to test with.
//!
//! Helper tasks are this program again, with a *role* in their arguments. All of them provide and use the service
//! `test`, so any may send to any other.

use crate::raw::{self, Address, Message};
use abi::{Error, MessageInfo, NOTIFY_CHILD, NOTIFY_TIMER, Syscall, TaskId, TaskInfo};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Why a test failed.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error where a test expects none.
impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        let place = core::panic::Location::caller();
        Self(format!("{error} ({error:?}) at {}:{}", place.file(), place.line()))
    }
}

/// What a test returns.
pub type Outcome = Result<(), Failure>;

/// Fails unless both are equal; `what` names what was looked at.
pub fn equal<T: PartialEq + fmt::Debug>(what: impl fmt::Display, got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(Failure(format!("{what}: got {got:?}, expected {expected:?}"))) }
}

/// Fails unless the call failed with this error.
pub fn refused<T: fmt::Debug>(what: impl fmt::Display, got: Result<T, Error>, expected: Error) -> Outcome {
    match got {
        Err(error) if error == expected => Ok(()),
        got => Err(Failure(format!("{what}: got {got:?}, expected the error {expected:?}"))),
    }
}

/// Fails unless `condition` holds.
pub fn ensure(condition: bool, what: impl fmt::Display) -> Outcome {
    if condition { Ok(()) } else { Err(Failure(what.to_string())) }
}

/// How long a test waits for something that must come, in nanoseconds.
const PATIENCE: u64 = 20_000_000_000;

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// In a panic.
    Panicked,
    /// Another task killed it.
    Killed,
    /// vm ended it, with a report.
    Crashed,
}

/// A test's means: vm, and the ends that were pulled while others were waited for.
pub struct Kit {
    vm: interfaces::vm::Client,
    ends: Vec<(TaskId, Ending)>,
    napper: Option<TaskId>,
    children: Vec<TaskId>,
}

impl Kit {
    /// A kit without tasks.
    pub fn new() -> Self {
        Self { vm: resea::vm(), ends: Vec::new(), napper: None, children: Vec::new() }
    }

    /// vm itself.
    pub fn vm(&self) -> interfaces::vm::Client {
        self.vm
    }

    /// The caller's own ID.
    pub fn own_id(&self) -> usize {
        raw::own_id()
    }

    /// Nanoseconds since the machine started.
    pub fn clock(&self) -> u64 {
        // The call has no errors.
        raw::plain(Syscall::Clock as usize, [0; 5]).unwrap_or(0) as u64
    }

    /// Launches a program and watches it.
    pub fn launch(&mut self, words: &[&str]) -> Result<TaskId, Failure> {
        let task =
            self.launch_unwatched(words).map_err(|error| Failure(format!("launch {words:?}: {error}")))?;
        self.vm.watch(task).map_err(|error| Failure(format!("watch {words:?}: {error}")))?;
        self.children.push(task);
        Ok(task)
    }

    /// Launches a program.
    pub fn launch_unwatched(&mut self, words: &[&str]) -> Result<TaskId, Error> {
        let mut arguments = words.join("\0");
        arguments.push('\0');
        self.vm.launch(words.first().copied().unwrap_or(""), arguments.as_bytes(), b"")
    }

    /// Launches a task of this program in a role; see [`crate::roles`].
    pub fn child(&mut self, role: &[&str]) -> Result<TaskId, Failure> {
        let own_id = self.own_id().to_string();
        let words: Vec<&str> = ["test", "child", &own_id].into_iter().chain(role.iter().copied()).collect();
        self.launch(&words)
    }

    /// Waits for the end of a task that was launched with this kit.
    pub fn ending(&mut self, task: TaskId) -> Result<Ending, Failure> {
        self.ending_within(task, PATIENCE)
    }

    /// Waits so many nanoseconds for the end of a task that was launched with this kit.
    pub fn ending_within(&mut self, task: TaskId, patience: u64) -> Result<Ending, Failure> {
        let deadline = self.clock() + patience;
        loop {
            while let Some(end) = self.next_end()? {
                self.ends.push(end);
            }
            if let Some(index) = self.ends.iter().position(|(ended, _)| *ended == task) {
                self.children.retain(|child| *child != task);
                return Ok(self.ends.swap_remove(index).1);
            }
            self.receive_until(deadline, &format!("the end of task {task}"), |message| {
                message.notifications().is_some_and(|bits| bits & NOTIFY_CHILD != 0)
            })?;
        }
    }

    /// Runs a child in a role and expects that it succeeds.
    pub fn succeeds(&mut self, role: &[&str]) -> Outcome {
        let child = self.child(role)?;
        let ending = self.ending(child)?;
        equal(format_args!("child {role:?}"), ending, Ending::Exited(0))
    }

    /// Runs a child in a role and expects that vm ends it with a report.
    pub fn crashes(&mut self, role: &[&str]) -> Outcome {
        let child = self.child(role)?;
        let ending = self.ending(child)?;
        equal(format_args!("child {role:?}"), ending, Ending::Crashed)
    }

    fn next_end(&mut self) -> Result<Option<(TaskId, Ending)>, Failure> {
        use interfaces::vm::ExitKind as End;
        match self.vm.next_exit() {
            Ok(exit) => {
                let ending = match exit.kind {
                    End::Exited => Ending::Exited(exit.status),
                    End::Panicked => Ending::Panicked,
                    End::Killed => Ending::Killed,
                    End::Crashed => Ending::Crashed,
                };
                Ok(Some((exit.task, ending)))
            }
            Err(Error::Empty) => Ok(None),
            Err(error) => Err(Failure(format!("next_exit: {error}"))),
        }
    }

    /// The next message that is not about ended children. Its payload is in the message page.
    pub fn message(&mut self) -> Result<Message, Failure> {
        let deadline = self.clock() + PATIENCE;
        self.receive_until(deadline, "a message", |message| {
            message.notifications().is_none_or(|bits| bits & !(NOTIFY_CHILD | NOTIFY_TIMER) != 0)
        })
    }

    /// The next message, which must be from `task`.
    pub fn message_from(&mut self, task: TaskId) -> Result<Message, Failure> {
        let message = self.message()?;
        equal("sender of the message", message.sender, task.raw())?;
        Ok(message)
    }

    /// Receives until a message fits; fails at the deadline. Drops others.
    fn receive_until(
        &mut self,
        deadline: u64,
        what: &str,
        fits: impl Fn(Message) -> bool,
    ) -> Result<Message, Failure> {
        loop {
            let left = deadline.saturating_sub(self.clock());
            if left == 0 {
                return Err(Failure(format!("{what} did not come")));
            }
            set_timer(left);
            let message = raw::receive(0)?;
            // The payload must survive the next call, which does not touch the page.
            set_timer(0);
            if fits(message) {
                return Ok(message);
            }
        }
    }

    /// Waits, with nothing received meanwhile: whoever can run does.
    pub fn sleep(&mut self, milliseconds: u64) -> Outcome {
        let napper = match self.napper {
            Some(napper) => napper,
            None => {
                let napper = self.child(&["napper"])?;
                *self.napper.insert(napper)
            }
        };
        raw::set_word(0, milliseconds * 1_000_000);
        raw::call(napper.raw(), MessageInfo::new(100, 1).raw())?;
        Ok(())
    }

    /// Waits until the kernel shows a task as `condition` says.
    pub fn until(&mut self, task: TaskId, what: &str, condition: impl Fn(&TaskInfo) -> bool) -> Outcome {
        for _ in 0..1000 {
            let info = ipc::inspect_task(task.index().get())?;
            equal("ID of the task looked at", info.id, task)?;
            if condition(&info) {
                return Ok(());
            }
            self.sleep(1)?;
        }
        Err(Failure(format!("task {task} is not {what} after a second")))
    }

    /// Kills a task and waits for its end, which must be that.
    pub fn kill(&mut self, task: TaskId) -> Outcome {
        self.vm.kill(task)?;
        let ending = self.ending(task)?;
        equal("ending of a killed task", ending, Ending::Killed)
    }

    /// Bytes of memory that are free.
    pub fn free_memory(&self) -> Result<u64, Failure> {
        Ok(self.vm.memory()?.free as u64)
    }

    /// Ends the tasks that the test has left.
    pub fn clean_up(&mut self) {
        for child in core::mem::take(&mut self.children) {
            // It may have ended already.
            let _ = self.vm.kill(child);
        }
    }
}

/// `timer`.
pub fn set_timer(nanoseconds: u64) {
    // The call has no errors.
    let _ = raw::plain(Syscall::Timer as usize, [nanoseconds as usize, 0, 0, 0, 0]);
}

/// Sends `words` words of a pattern that `seed` chooses.
pub fn fill(words: usize, seed: u64) {
    for index in 0..words {
        raw::set_word(index, pattern(index, seed));
    }
}

/// Checks `words` words of the pattern.
pub fn filled(words: usize, seed: u64) -> Outcome {
    for index in 0..words {
        equal(format_args!("payload word {index}"), raw::word(index), pattern(index, seed))?;
    }
    Ok(())
}

fn pattern(index: usize, seed: u64) -> u64 {
    (index as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Fills scratch memory with the pattern.
pub fn fill_scratch(words: usize, seed: u64) {
    for index in 0..words {
        raw::write(Address::scratch(index * 8), pattern(index, seed));
    }
}

/// Checks the pattern in scratch memory.
pub fn scratch_is_filled(words: usize, seed: u64) -> Outcome {
    for index in 0..words {
        let got = raw::read(Address::scratch(index * 8));
        equal(format_args!("scratch word {index}"), got, pattern(index, seed))?;
    }
    Ok(())
}
