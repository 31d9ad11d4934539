//! What the shell needs from the system, as a trait: real calls on Resea, a model in the tests.

use abi::{Error, TaskId, TaskInfo};
use alloc::string::String;
use alloc::vec::Vec;
use ipc::Handle;

/// A program that can be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// What is typed to run it.
    pub name: String,
    /// One line that says what it is for; may be empty.
    pub description: String,
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By itself, with this status; 0 is success.
    Exited(i32),
    /// By a panic, which it has reported itself.
    Panicked,
    /// By a fault, which vm has reported.
    Crashed,
    /// Somebody killed it.
    Killed,
}

impl Ending {
    /// The ending as a status, as shells on other systems number it.
    pub const fn status(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Panicked => 101,
            Self::Crashed => 139,
            Self::Killed => 137,
        }
    }
}

/// How much memory there is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What is free.
    pub free: u64,
    /// Pages of tasks.
    pub tasks: u64,
    /// Page tables of tasks.
    pub tables: u64,
    /// Shared memory objects.
    pub shared: u64,
    /// What vm keeps for itself.
    pub vm: u64,
}

/// A write of a launched program to its redirected output; it waits for the answer.
pub trait Writing {
    /// How many bytes are written.
    fn len(&self) -> usize;

    /// Whether none are.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes from `offset` on.
    fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error>;

    /// Answers.
    fn finish(self, result: Result<(), Error>);
}

/// A launched program that reads its redirected input; it waits for the answer.
pub trait Reading {
    /// How many bytes it takes.
    fn len(&self) -> usize;

    /// Whether it takes none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes to the start of its memory.
    fn write(&self, data: &[u8]) -> Result<(), Error>;

    /// Answers: how many bytes were copied.
    fn finish(self, result: Result<usize, Error>);
}

/// The system under the shell.
pub trait System {
    /// A write that waits.
    type Write: Writing;
    /// A read that waits.
    type Read: Reading;

    /// The shell's own task: to whom redirected output goes.
    fn own_id(&mut self) -> TaskId;

    /// Writes text to the console.
    fn write(&mut self, text: &str);

    /// Nanoseconds since the machine started.
    fn clock(&mut self) -> u64;

    /// All tasks, in the order of their places.
    fn tasks(&mut self) -> Result<Vec<TaskInfo>, Error>;

    /// A task's name; empty if it has none (it may just have ended).
    fn task_name(&mut self, task: TaskId) -> String;

    /// The kernel log as it is now.
    fn log(&mut self) -> Result<Vec<u8>, Error>;

    /// How much memory there is.
    fn memory(&mut self) -> Result<Memory, Error>;

    /// The programs that can be run, in any order.
    fn programs(&mut self) -> Vec<Program>;

    /// Runs the program that the first word names, with all the words as its arguments, and with an environment of
    /// `NAME=value`. Its end is told by [`System::next_ended`]. [`Error::NotFound`] if there is no such program.
    fn launch(&mut self, words: &[String], environment: &[String]) -> Result<TaskId, Error>;

    /// As [`System::launch`], with the program in shared memory. The handle is used up.
    fn launch_image(
        &mut self,
        image: Handle,
        words: &[String],
        environment: &[String],
    ) -> Result<TaskId, Error>;

    /// The next launched task that has ended; `None` if there is none now.
    fn next_ended(&mut self) -> Option<(TaskId, Ending)>;

    /// Ends a task.
    fn kill(&mut self, task: TaskId) -> Result<(), Error>;

    /// Halts the machine. Returns only if that failed.
    fn halt(&mut self, status: usize) -> Error;
}
