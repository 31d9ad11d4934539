//! The system under the shell when it runs on Resea: the kernel's calls and vm.

use crate::shell::Shell;
use crate::system::{Ending, Memory, Program, Reading, System, Writing};
use abi::{Error, MAX_TASKS, NOTIFY_CHILD, NOTIFY_CONSOLE, TaskId, TaskInfo};
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::stdio::{self, ReadCall, WriteCall};
use interfaces::vm;
use ipc::Handle;
use ipc::server::{self, Events};
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

impl Writing for WriteCall {
    fn len(&self) -> usize {
        self.data().len()
    }

    fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        self.data().read(offset, buffer)
    }

    fn finish(self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.reply(),
            Err(error) => self.fail(error),
        }
    }
}

impl Reading for ReadCall {
    fn len(&self) -> usize {
        self.data().len()
    }

    fn write(&self, data: &[u8]) -> Result<(), Error> {
        self.data().write(0, data)
    }

    fn finish(self, result: Result<usize, Error>) {
        match result {
            Ok(length) => self.reply(length),
            Err(error) => self.fail(error),
        }
    }
}

/// The texts, with a NUL after each.
fn pack(texts: &[String]) -> String {
    texts.iter().flat_map(|text| [text.as_str(), "\0"]).collect()
}

impl Resea {
    /// Has its end told.
    fn watch(&self, task: TaskId) -> Result<TaskId, Error> {
        if let Err(error) = self.vm.watch(task) {
            // Its end would not be told: better no program than one that nobody waits for.
            let _ = self.vm.kill(task);
            return Err(error);
        }
        Ok(task)
    }
}

impl System for Resea {
    type Write = WriteCall;
    type Read = ReadCall;

    fn own_id(&mut self) -> TaskId {
        ipc::own_id()
    }

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

    fn launch(&mut self, words: &[String], environment: &[String]) -> Result<TaskId, Error> {
        let name = words.first().ok_or(Error::NotFound)?;
        let task = self.vm.launch(name, pack(words).as_bytes(), pack(environment).as_bytes())?;
        self.watch(task)
    }

    fn launch_image(
        &mut self,
        image: Handle,
        words: &[String],
        environment: &[String],
    ) -> Result<TaskId, Error> {
        let path = words.first().ok_or(Error::NotFound)?;
        let name = path.rsplit('/').next().unwrap_or(path);
        // Names are for people: a long one is cut.
        let name = name.get(..name.floor_char_boundary(vm::NAME_MAX)).unwrap_or_default();
        let launched =
            self.vm.launch_image(name, image, pack(words).as_bytes(), pack(environment).as_bytes());
        // vm has copied it.
        let _ = self.vm.share_close(image);
        self.watch(launched?)
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

/// The shell as a server: to its programs, and of the console.
struct Serving {
    shell: Shell<Resea>,
}

impl Serving {
    /// Hands the shell what was typed.
    fn read_console(&mut self) {
        let mut buffer = [0; abi::MAX_CONSOLE];
        loop {
            // That it can be read was seen at the start.
            match ipc::console_read(&mut buffer) {
                Ok(count @ 1..) => self.shell.input(buffer.get(..count).unwrap_or_default()),
                _ => return,
            }
        }
    }
}

impl stdio::Server for Serving {
    fn write(&mut self, call: WriteCall) {
        self.shell.write(call.sender(), call);
    }

    fn read(&mut self, call: ReadCall) {
        self.shell.read(call.sender(), call);
    }
}

impl Events for Serving {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_CHILD != 0 {
            self.shell.children_ended();
        }
        // A program that has ended may have been the one that was notified of input.
        if bits & (NOTIFY_CONSOLE | NOTIFY_CHILD) != 0 {
            self.read_console();
        }
    }
}

/// The program: connects the shell to the console, to vm, and to the programs that it launches.
///
/// It does not register as `stdio`: each shell serves its own programs, who are told its task.
///
/// Errors: the console cannot be read.
pub fn run() -> Result<Never, Error> {
    let mut serving = Serving { shell: Shell::new(Resea::new(resea::vm())) };
    let mut buffer = [0; abi::MAX_CONSOLE];
    // Whoever reads is notified from then on. What was typed before the first prompt is shown after it.
    let count = ipc::console_read(&mut buffer)?;
    serving.shell.start();
    serving.shell.input(buffer.get(..count).unwrap_or_default());
    serving.read_console();
    server::run(&mut serving, stdio::dispatch)
}
