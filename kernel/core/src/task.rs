//! One entry of the task table: everything the core knows about a task.
//!
//! The all-zero value is a free place, so that the table costs nothing in the kernel's image.

use abi::{MessageInfo, Policy, Rights, TaskId, TaskIndex, TaskState};

use crate::fault::Fault;
use crate::table::{Links, List};

/// What a task does, and so what may happen to it next.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum State {
    /// No task lives here.
    #[default]
    Free,
    /// Created, not started.
    New,
    /// Running, or in the ready queue.
    Ready,
    /// In the sender queue of this task, with [`Task::outgoing`].
    Sending(TaskIndex),
    /// Waits for a message: from anyone or from this task.
    Receiving(Option<TaskIndex>),
    /// Waits for this task's reply to its call. Its lends can be used by that task.
    Calling(TaskIndex),
    /// Its pager has received its fault and has to reply.
    Faulted(TaskIndex),
    /// Its pager has received its exit and has to destroy it.
    Exited,
    /// Being destroyed: the next place in the task table to look at for those who depend on it.
    Dying(u16),
}

/// What a task sends or has sent last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// A message; the task goes on once it is received.
    Send(MessageInfo),
    /// A call; the task then waits for the reply.
    Call(MessageInfo),
    /// A fault, which the kernel sends to the pager in the task's name.
    Fault(Fault),
}

/// A task.
#[cfg_attr(test, derive(Clone, Copy))]
pub struct Task {
    /// What it does.
    pub state: State,
    /// Its ID; `None` for a free place.
    pub id: Option<TaskId>,
    /// 0 to [`abi::PRIORITIES`]` - 1`; higher runs first.
    pub priority: u8,
    /// It has used up its quantum: before it runs again, its equals do, or its pager is told, as its policy says.
    pub exhausted: bool,
    /// It will never run again: it exits, or is being destroyed.
    pub ended: bool,
    /// What it does when its quantum is used up.
    pub policy: Policy,
    /// What it sends or has sent last.
    pub outgoing: Outgoing,
    /// Its neighbours in the ready queue or in a sender queue.
    pub links: Links,
    /// The tasks that wait to send to it.
    pub senders: List,
    /// Pending notifications.
    pub notifications: usize,
    /// Who handles its faults; `None` for the first task.
    pub pager: Option<TaskId>,
    /// What it may do.
    pub rights: Rights,
    /// When its timer expires, if it is set, and its place among the timers.
    pub timer: Option<(u64, u16)>,
    /// Its quantum in nanoseconds.
    pub quantum: u64,
    /// What is left of the quantum.
    pub quantum_left: u64,
    /// Time it was scheduled for, in nanoseconds.
    pub time: u64,
    /// Messages received.
    pub received: u64,
    /// How many tasks have lived in this place, this one included.
    pub generation: u32,
}

impl Task {
    /// A free place that was never used.
    pub const FREE: Self = Self {
        state: State::Free,
        id: None,
        priority: 0,
        exhausted: false,
        ended: false,
        policy: Policy::Refill,
        outgoing: Outgoing::Send(MessageInfo::new(0, 0)),
        links: Links::NONE,
        senders: List::EMPTY,
        notifications: 0,
        pager: None,
        rights: Rights::NONE,
        timer: None,
        quantum: 0,
        quantum_left: 0,
        time: 0,
        received: 0,
        generation: 0,
    };

    /// The state as inspectors see it, and whom the task waits for.
    pub fn visible_state(&self) -> (TaskState, Option<TaskIndex>) {
        match self.state {
            State::Free | State::New => (TaskState::New, None),
            State::Ready => (TaskState::Ready, None),
            State::Sending(to) if matches!(self.outgoing, Outgoing::Fault(_)) => {
                (TaskState::Faulted, Some(to))
            }
            State::Sending(to) => (TaskState::Sending, Some(to)),
            State::Receiving(from) => (TaskState::Receiving, from),
            State::Calling(to) => (TaskState::Calling, Some(to)),
            State::Faulted(pager) => (TaskState::Faulted, Some(pager)),
            State::Exited => (TaskState::Exited, None),
            State::Dying(_) => (TaskState::Dying, None),
        }
    }
}
