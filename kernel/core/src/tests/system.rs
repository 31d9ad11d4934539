//! A kernel on the model machine, with the helpers that keep the scenarios short.

extern crate std;

use std::boxed::Box;
use std::string::String;

use abi::{Error, MapFlags, MessageInfo, Policy, Powers, Rights, ServiceSet, TaskCreate, TaskId, TaskIndex};

use super::model::{FIRST_FREE_FRAME, Model, Outcome, PAGE};
use super::requests::{destroy, receive, schedule, task_create};
use super::structure;
use crate::kernel::Kernel;
use crate::machine::{Frame, Request};
use crate::task::State;

/// Every task has a writable page here.
pub const BUFFER: usize = 0x40_0000;
/// Every task has a read-only page here.
pub const CONSTANTS: usize = 0x40_1000;
/// Nothing is mapped here.
pub const NOWHERE: usize = 0x50_0000;
/// Where every task is said to execute.
pub const FRAME: Frame = Frame { instruction: 0x1111, stack: 0x2222, frame: 0x3333 };

/// The rights of an ordinary task of the scenarios: it may talk to everybody, and everybody to it.
pub const PEER: Rights = Rights { may_send: ServiceSet::ALL, provides: ServiceSet::ALL, ..Rights::NONE };

/// A peer that may also do this.
pub fn peer_with(powers: Powers) -> Rights {
    Rights { powers, ..PEER }
}

/// An outcome without sender.
pub fn done(value: usize) -> Option<Outcome> {
    Some(Outcome { result: Ok(value), sender: None, info: 0 })
}

/// A failed call.
pub fn failed(error: Error) -> Option<Outcome> {
    Some(Outcome { result: Err(error), sender: None, info: 0 })
}

/// A message received.
pub fn received(sender: TaskId, info: MessageInfo) -> Option<Outcome> {
    Some(Outcome { result: Ok(0), sender: Some(sender), info: info.raw() })
}

/// Notifications received; which, is in the message page.
pub fn notified() -> Option<Outcome> {
    let info = MessageInfo::new(abi::kind::NOTIFICATIONS, 1).raw();
    Some(Outcome { result: Ok(0), sender: None, info })
}

pub struct System {
    pub kernel: Box<Kernel<Model>>,
    pub first: TaskId,
    next_frame: usize,
}

impl System {
    /// A system whose first task runs.
    pub fn new() -> Self {
        let mut kernel = Box::new(Kernel::new(Model::new(), 0));
        let (root, message) = (FIRST_FREE_FRAME as u64, (FIRST_FREE_FRAME + PAGE) as u64);
        let first = kernel.start(&TaskCreate { root, message, ..TaskCreate::default() });
        let first = first.expect("the first task starts");
        let mut system = Self { kernel, first, next_frame: FIRST_FREE_FRAME + 2 * PAGE };
        system.give_memory(first.index());
        system
    }

    /// A system with these tasks besides the first, which waits in an open receive.
    pub fn with<const N: usize>(tasks: [(usize, Rights); N]) -> (Self, [TaskId; N]) {
        let mut system = Self::new();
        let first = system.first;
        let ids = tasks.map(|(priority, rights)| system.spawn(first, priority, rights));
        assert_eq!(system.act(first, receive()), None, "the first task waits");
        (system, ids)
    }

    /// A system with peers of these priorities besides the first task, which waits in an open receive.
    pub fn peers<const N: usize>(priorities: [usize; N]) -> (Self, [TaskId; N]) {
        Self::with(priorities.map(|priority| (priority, PEER)))
    }

    /// Two fresh pages to create a task with.
    pub fn parameters(&mut self, rights: Rights) -> TaskCreate {
        let root = self.next_frame as u64;
        self.next_frame += 2 * PAGE;
        TaskCreate {
            entry: 0x21_0000,
            stack: 0x1f_f000,
            argument: 0,
            root,
            message: root + PAGE as u64,
            rights,
        }
    }

    /// `creator`, which runs, makes a task that is not started.
    pub fn create(&mut self, creator: TaskId, parameters: &TaskCreate) -> Result<TaskId, Error> {
        self.poke_words(creator, BUFFER, &parameters.encode());
        let outcome = self.act(creator, task_create(BUFFER)).expect("task_create does not wait");
        let id = TaskId::from_raw(outcome.result?).expect("task_create returns an ID");
        self.give_memory(id.index());
        Ok(id)
    }

    /// `creator`, which runs, makes a task and starts it.
    pub fn spawn(&mut self, creator: TaskId, priority: usize, rights: Rights) -> TaskId {
        let parameters = self.parameters(rights);
        let id = self.create(creator, &parameters).expect("the task can be created");
        assert_eq!(self.act(creator, schedule(id, priority, 0, Policy::Refill as usize)), done(0));
        id
    }

    fn give_memory(&mut self, task: TaskIndex) {
        let place = self.kernel.machine.place(task);
        place.frame = FRAME;
        for (address, flags) in [(BUFFER, MapFlags::WRITE), (CONSTANTS, MapFlags::READ)] {
            // Far above the frames that the tests hand out, and different for each task.
            let frame = 0x800_0000 + task.get() * 2 * PAGE + (address & PAGE);
            place.pages.insert(address, (frame, flags));
        }
    }

    /// `task`, which must be the one that runs, makes a system call. Returns its outcome, if it does not wait.
    pub fn act(&mut self, task: TaskId, request: Request) -> Option<Outcome> {
        assert_eq!(self.running(), Some(task), "{task} is to make {request:?}");
        self.kernel.machine.place(task.index()).outcome = None;
        self.kernel.syscall(&request);
        self.check();
        self.outcome(task)
    }

    /// Takes what the last system call of `task` returned, if it has.
    pub fn outcome(&mut self, task: TaskId) -> Option<Outcome> {
        self.kernel.machine.places[task.index().get()].as_mut().and_then(|place| place.outcome.take())
    }

    /// The task that runs.
    pub fn running(&self) -> Option<TaskId> {
        self.kernel.current().and_then(|task| self.kernel.task(task).id)
    }

    /// Whether the task with this ID lives.
    pub fn lives(&self, id: TaskId) -> bool {
        self.kernel.task(id.index()).id == Some(id)
    }

    pub fn state(&self, task: TaskId) -> State {
        self.kernel.task(task.index()).state
    }

    /// Destroys a task by all the steps that it takes.
    pub fn destroy(&mut self, pager: TaskId, task: TaskId) {
        for _ in 0..20 {
            match self.act(pager, destroy(task)).map(|outcome| outcome.result) {
                Some(Ok(0)) => return,
                Some(Ok(1)) => {}
                other => panic!("destroying {task}: {other:?}"),
            }
        }
        panic!("destroying {task} does not end");
    }

    /// Lets time pass, and the timer interrupt whenever it is due.
    pub fn pass(&mut self, nanoseconds: u64) {
        let end = self.kernel.machine.now + nanoseconds;
        while let Some(deadline) = self.kernel.machine.timer
            && deadline <= end
        {
            self.kernel.machine.now = self.kernel.machine.now.max(deadline);
            self.kernel.machine.timer = None;
            self.kernel.timer();
            self.check();
        }
        self.kernel.machine.now = end;
    }

    pub fn payload(&mut self, task: TaskId) -> &mut [u64; abi::PAYLOAD_WORDS] {
        &mut self.kernel.machine.place(task.index()).payload
    }

    pub fn poke(&mut self, task: TaskId, address: usize, bytes: &[u8]) {
        self.kernel.machine.poke(task.index(), address, bytes);
    }

    pub fn poke_words(&mut self, task: TaskId, address: usize, words: &[u64]) {
        for (place, word) in words.iter().enumerate() {
            self.poke(task, address + place * 8, &word.to_le_bytes());
        }
    }

    pub fn peek(&mut self, task: TaskId, length: usize) -> std::vec::Vec<u8> {
        self.kernel.machine.peek(task.index(), BUFFER, length).expect("the buffer is mapped")
    }

    /// What has been written to the console since the last time.
    pub fn console(&mut self) -> String {
        let text = self.kernel.machine.text();
        self.kernel.machine.console.clear();
        text
    }

    /// Checks what must hold after every entry into the kernel.
    pub fn check(&mut self) {
        if let Err(text) = structure::check(&self.kernel) {
            panic!("{text}");
        }
        assert!(self.kernel.machine.violations.is_empty(), "{:?}", self.kernel.machine.violations);
    }
}
