//! The system under the shell when it runs on Resea: the kernel's calls and vm.

use crate::shell::Shell;
use crate::system::{Ending, Memory, Program, System};
use abi::{Error, MAX_TASKS, NOTIFY_CHILD, NOTIFY_CONSOLE, TaskId, TaskInfo};
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::vm;
use resea::Never;

/// Longest description of a program in bytes; longer ones are left out.
const MAX_DESCRIPTION: usize = 120;

/// Resea itself.
pub struct Resea {
    vm: vm::Client,
}

impl Resea {
    /// The system with this task as its vm.
    pub const fn new(vm: vm::Client) -> Self {
        Self { vm }
    }
}

impl System for Resea {
    fn write(&mut self, text: &str) {
        ipc::console_write(text.as_bytes());
    }

    fn clock(&mut self) -> u64 {
        ipc::clock()
    }

    fn tasks(&mut self) -> Result<Vec<TaskInfo>, Error> {
        let places = (0..MAX_TASKS).map(ipc::inspect_task);
        places.filter(|task| !matches!(task, Err(Error::NoTask))).collect()
    }

    fn task_name(&mut self, task: TaskId) -> String {
        let mut buffer = [0; vm::NAME_MAX];
        self.vm.task_name(task, &mut buffer).map(String::from).unwrap_or_default()
    }

    fn log(&mut self) -> Result<Vec<u8>, Error> {
        let (mut log, mut position) = (Vec::new(), 0);
        let mut buffer = [0; abi::MAX_CONSOLE];
        loop {
            let (count, next) = ipc::inspect_log(position, &mut buffer)?;
            log.extend_from_slice(buffer.get(..count).unwrap_or_default());
            // Positions only grow, and few write while the shell runs: this ends.
            if count == 0 || next <= position {
                return Ok(log);
            }
            position = next;
        }
    }

    fn memory(&mut self) -> Result<Memory, Error> {
        self.vm.memory().map(|memory| Memory {
            total: memory.total as u64,
            free: memory.free as u64,
            tasks: memory.used as u64,
            tables: memory.tables as u64,
            shared: memory.shared as u64,
            vm: memory.vm as u64,
        })
    }

    fn programs(&mut self) -> Vec<Program> {
        let (mut name, mut description) = ([0; vm::NAME_MAX], [0; MAX_DESCRIPTION]);
        let mut programs = Vec::new();
        while let Ok(program) = self.vm.program(programs.len() as u32, &mut name, &mut description) {
            programs.push(Program { name: program.name.into(), description: program.description.into() });
        }
        programs
    }

    fn launch(&mut self, words: &[String]) -> Result<TaskId, Error> {
        let name = words.first().ok_or(Error::NotFound)?;
        let arguments: String = words.iter().flat_map(|word| [word.as_str(), "\0"]).collect();
        let task = self.vm.launch(name, arguments.as_bytes(), b"")?;
        if let Err(error) = self.vm.watch(task) {
            // Its end would not be told: better no program than one that nobody waits for.
            let _ = self.vm.kill(task);
            return Err(error);
        }
        Ok(task)
    }

    fn next_ended(&mut self) -> Option<(TaskId, Ending)> {
        let exit = self.vm.next_exit().ok()?;
        let ending = match exit.kind {
            vm::ExitKind::Exited => Ending::Exited(exit.status),
            vm::ExitKind::Panicked => Ending::Panicked,
            vm::ExitKind::Crashed => Ending::Crashed,
            vm::ExitKind::Killed => Ending::Killed,
        };
        Some((exit.task, ending))
    }

    fn kill(&mut self, task: TaskId) -> Result<(), Error> {
        self.vm.kill(task)
    }

    fn halt(&mut self, status: usize) -> Error {
        ipc::halt(status)
    }
}

/// The program: connects the shell to the console and to vm.
///
/// Errors: the console cannot be read.
pub fn run() -> Result<Never, Error> {
    let mut shell = Shell::new(Resea::new(resea::vm()));
    let mut buffer = [0; abi::MAX_CONSOLE];
    // Whoever reads is notified from then on. What was typed before the first prompt is shown after it.
    let mut count = ipc::console_read(&mut buffer)?;
    shell.start();
    loop {
        while count > 0 {
            shell.input(buffer.get(..count).unwrap_or_default());
            count = ipc::console_read(&mut buffer)?;
        }
        let bits = resea::wait();
        if bits & NOTIFY_CHILD != 0 {
            shell.children_ended();
        }
        // A program that has ended may have been the one that was notified of input.
        if bits & (NOTIFY_CONSOLE | NOTIFY_CHILD) != 0 {
            count = ipc::console_read(&mut buffer)?;
        }
    }
}
