//! A model of the system, and a person at its terminal.

use abi::{Error, TaskId, TaskIndex, TaskInfo, TaskState};
use ipc::Handle;
use shell::shell::Shell;
use shell::system::{Ending, Memory, Program, Reading, System, Writing};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What the shell sees and does.
#[derive(Default)]
pub struct World {
    pub output: String,
    pub running: Vec<(TaskId, Vec<String>)>,
    pub environment: Vec<String>,
    /// Handles of programs in shared memory that were launched.
    pub images: Vec<u32>,
    pub ended: VecDeque<(TaskId, Ending)>,
    pub launched: usize,
    pub launch_error: Option<Error>,
    pub kill_error: Option<Error>,
    pub halted: Option<usize>,
}

impl World {
    fn launch(&mut self, words: &[String], environment: &[String]) -> TaskId {
        self.launched += 1;
        self.environment = environment.to_vec();
        let id = task(1 + self.launched % 500);
        self.running.push((id, words.to_vec()));
        id
    }
}

/// The answer to a call, once it is there.
pub type Answer<T> = Rc<Cell<Option<Result<T, Error>>>>;

/// A write of a program.
pub struct Write(Vec<u8>, Answer<()>);

impl Writing for Write {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(self.0.get(offset..offset + buffer.len()).ok_or(Error::OutOfBounds)?);
        Ok(())
    }

    fn finish(self, result: Result<(), Error>) {
        self.1.set(Some(result));
    }
}

/// A read of a program: what it got, and the answer.
#[derive(Clone, Default)]
pub struct Read(Rc<RefCell<Vec<u8>>>, Answer<usize>);

impl Read {
    /// What was read, or why not; `None` while it waits.
    pub fn result(&self) -> Option<Result<String, Error>> {
        let text = || String::from_utf8(self.0.borrow().clone()).unwrap();
        self.1.get().map(|result| result.map(|_| text()))
    }
}

impl Reading for Read {
    fn len(&self) -> usize {
        1 << 20
    }

    fn write(&self, data: &[u8]) -> Result<(), Error> {
        self.0.borrow_mut().extend(data);
        Ok(())
    }

    fn finish(self, result: Result<usize, Error>) {
        self.1.set(Some(result));
    }
}

#[derive(Clone, Default)]
pub struct Model(pub Rc<RefCell<World>>);

impl System for Model {
    type Write = Write;
    type Read = Read;

    fn own_id(&mut self) -> TaskId {
        task(1)
    }

    fn write(&mut self, text: &str) {
        self.0.borrow_mut().output.push_str(text);
    }

    fn clock(&mut self) -> u64 {
        12_000_345
    }

    fn tasks(&mut self) -> Result<Vec<TaskInfo>, Error> {
        let running: Vec<_> = self.0.borrow().running.iter().map(|(task, _)| *task).collect();
        let info = |id, state, peer, time| TaskInfo {
            id,
            state,
            peer,
            pager: (id != task(0)).then_some(task(0)),
            priority: 8,
            senders: 0,
            notifications: 0,
            received: 7,
            time,
        };
        let servers = [
            info(task(0), TaskState::Receiving, None, 1_234_567),
            info(task(1), TaskState::Ready, None, 12_345),
        ];
        let programs = running.into_iter().map(|id| info(id, TaskState::Calling, Some(task(0)), 999));
        Ok(servers.into_iter().chain(programs).collect())
    }

    fn task_name(&mut self, id: TaskId) -> String {
        if let Some((_, words)) = self.0.borrow().running.iter().find(|(task, _)| *task == id) {
            return words[0].clone();
        }
        match id.index().get() {
            0 => "vm".into(),
            1 => "shell".into(),
            _ => String::new(),
        }
    }

    fn log(&mut self) -> Result<Vec<u8>, Error> {
        Ok(b"one\n\x1b[1mtwo\x1b[m\nthree\n".to_vec())
    }

    fn memory(&mut self) -> Result<Memory, Error> {
        Ok(Memory { total: 128 << 20, free: 100 << 20, tasks: 20 << 20, vm: 8192, ..Memory::default() })
    }

    fn programs(&mut self) -> Vec<Program> {
        [("hello", "Says hello"), ("sleep", "Waits for the seconds given"), ("shell", "The command line")]
            .map(|(name, description)| Program { name: name.into(), description: description.into() })
            .into()
    }

    fn launch(&mut self, words: &[String], environment: &[String]) -> Result<TaskId, Error> {
        let mut world = self.0.borrow_mut();
        if let Some(error) = world.launch_error {
            return Err(error);
        }
        if !["hello", "sleep", "shell", "files"].contains(&words[0].as_str()) {
            return Err(Error::NotFound);
        }
        Ok(world.launch(words, environment))
    }

    fn launch_image(
        &mut self,
        image: Handle,
        words: &[String],
        environment: &[String],
    ) -> Result<TaskId, Error> {
        let mut world = self.0.borrow_mut();
        world.images.push(image.raw());
        Ok(world.launch(words, environment))
    }

    fn next_ended(&mut self) -> Option<(TaskId, Ending)> {
        self.0.borrow_mut().ended.pop_front()
    }

    fn kill(&mut self, id: TaskId) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        if let Some(error) = world.kill_error {
            return Err(error);
        }
        let index = world.running.iter().position(|(task, _)| *task == id).ok_or(Error::NoTask)?;
        world.running.remove(index);
        world.ended.push_back((id, Ending::Killed));
        Ok(())
    }

    fn halt(&mut self, status: usize) -> Error {
        self.0.borrow_mut().halted = Some(status);
        Error::NotPermitted
    }
}

pub fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 1).unwrap()
}

pub struct Fixture {
    pub shell: Shell<Model>,
    pub model: Model,
}

impl Fixture {
    pub fn new() -> Self {
        let model = Model::default();
        Self { shell: Shell::new(model.clone()), model }
    }

    /// Types, and returns what the shell shows, marks and all.
    pub fn types(&mut self, text: &str) -> String {
        self.shell.input(text.as_bytes());
        self.output()
    }

    /// Lets a running program end, and returns what the shell shows.
    pub fn ends(&mut self, index: usize, ending: Ending) -> String {
        let (id, _) = self.model.0.borrow_mut().running.remove(index);
        self.model.0.borrow_mut().ended.push_back((id, ending));
        self.shell.children_ended();
        self.output()
    }

    /// The task of the program that was launched last and runs.
    fn last(&self) -> TaskId {
        self.model.0.borrow().running.last().expect("something runs").0
    }

    /// The task at this place of those that run.
    pub fn task_at(&self, index: usize) -> TaskId {
        self.model.0.borrow().running[index].0
    }

    /// The task that runs with these words.
    pub fn task_of(&self, words: &[&str]) -> TaskId {
        let found =
            self.model.0.borrow().running.iter().find(|(_, those)| those == words).map(|(task, _)| *task);
        found.unwrap_or_else(|| panic!("{words:?} does not run, but {:?}", self.running()))
    }

    /// The program that was launched last ends.
    pub fn last_ends(&mut self, ending: Ending) -> String {
        self.ends(self.running().len() - 1, ending)
    }

    /// A task ends.
    pub fn task_ends(&mut self, task: TaskId, ending: Ending) -> String {
        let index = self.model.0.borrow().running.iter().position(|(id, _)| *id == task);
        self.ends(index.expect("it runs"), ending)
    }

    /// The program that was launched last writes.
    pub fn writes(&mut self, text: &str) -> Answer<()> {
        self.task_writes(self.last(), text)
    }

    /// A task writes.
    pub fn task_writes(&mut self, task: TaskId, text: &str) -> Answer<()> {
        let answer = Answer::default();
        self.shell.write(task, Write(text.into(), answer.clone()));
        answer
    }

    /// The program that was launched last reads.
    pub fn reads(&mut self) -> Read {
        self.task_reads(self.last())
    }

    /// A task reads.
    pub fn task_reads(&mut self, task: TaskId) -> Read {
        let read = Read::default();
        self.shell.read(task, read.clone());
        read
    }

    /// The environment of the program that was launched last.
    pub fn environment(&self) -> Vec<String> {
        self.model.0.borrow().environment.clone()
    }

    /// The handles of the programs in shared memory that were launched.
    pub fn images(&self) -> Vec<u32> {
        self.model.0.borrow().images.clone()
    }

    pub fn output(&mut self) -> String {
        std::mem::take(&mut self.model.0.borrow_mut().output)
    }

    pub fn running(&self) -> Vec<Vec<String>> {
        self.model.0.borrow().running.iter().map(|(_, words)| words.clone()).collect()
    }
}

pub const PROMPT: &str = "\x1b]133;A\x07resea> \x1b]133;B\x07";
pub const RUNS: &str = "\x1b]133;C\x07";

pub fn done(status: i32) -> String {
    format!("\x1b]133;D;{status}\x07{PROMPT}")
}
