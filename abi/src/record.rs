//! The records that system calls read and write in the caller's memory, as words in the order of their fields.

use crate::{Error, Range, Rights, ServiceSet, TaskId};

/// What `task_create` reads: [`TaskCreate::WORDS`] words in the order of the fields.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TaskCreate {
    /// Where it starts.
    pub entry: u64,
    /// Its stack pointer at the start.
    pub stack: u64,
    /// The argument it is started with.
    pub argument: u64,
    /// Physical page for the top level of its page table; 0 on machines without an MMU.
    pub root: u64,
    /// Physical page that is its message page. Its pager maps it at [`crate::MESSAGE_PAGE`].
    pub message: u64,
    /// What it may do.
    pub rights: Rights,
}

impl TaskCreate {
    /// Length in words.
    pub const WORDS: usize = 5 + 1 + 4 + 6 * crate::MAX_RANGES;

    /// The words to pass.
    pub fn encode(&self) -> [u64; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        let rights = &self.rights;
        let head = [self.entry, self.stack, self.argument, self.root, self.message, rights.powers.0];
        let sets = rights.may_send.words().into_iter().chain(rights.provides.words());
        let ranges = [rights.irqs, rights.ports, rights.mmio];
        let ranges = ranges.iter().flatten().flat_map(|range| [range.start, range.end]);
        for (word, value) in words.iter_mut().zip(head.into_iter().chain(sets).chain(ranges)) {
            *word = value;
        }
        words
    }

    /// What the words say. Every value is possible; the kernel checks them.
    pub fn decode(words: &[u64; Self::WORDS]) -> Self {
        let [entry, stack, argument, root, message, powers, send0, send1, provide0, provide1, rest @ ..] =
            *words;
        let mut rights = Rights {
            powers: crate::Powers(powers),
            may_send: ServiceSet::from_words([send0, send1]),
            provides: ServiceSet::from_words([provide0, provide1]),
            ..Rights::default()
        };
        let Rights { irqs, ports, mmio, .. } = &mut rights;
        for (range, pair) in irqs.iter_mut().chain(ports).chain(mmio).zip(rest.chunks_exact(2)) {
            if let [start, end] = *pair {
                *range = Range { start, end };
            }
        }
        Self { entry, stack, argument, root, message, rights }
    }
}

/// What a task is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TaskState {
    /// Created, not started yet.
    New = 0,
    /// Running or ready to run.
    Ready = 1,
    /// Waiting until [`TaskInfo::peer`] receives its message.
    Sending = 2,
    /// Waiting for a message, from [`TaskInfo::peer`] if there is one.
    Receiving = 3,
    /// Waiting for the reply of [`TaskInfo::peer`] to its call.
    Calling = 4,
    /// Waiting for its pager to handle a fault.
    Faulted = 5,
    /// Has ended by itself and waits to be destroyed.
    Exited = 6,
    /// Being destroyed.
    Dying = 7,
}

impl TaskState {
    /// The state with this code; `Dying` if there is none.
    pub const fn from_code(code: u64) -> Self {
        match code {
            0 => Self::New,
            1 => Self::Ready,
            2 => Self::Sending,
            3 => Self::Receiving,
            4 => Self::Calling,
            5 => Self::Faulted,
            6 => Self::Exited,
            _ => Self::Dying,
        }
    }

    /// One word for lists.
    pub const fn text(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::Receiving => "receiving",
            Self::Calling => "calling",
            Self::Faulted => "faulted",
            Self::Exited => "exited",
            Self::Dying => "dying",
        }
    }
}

/// What `inspect` tells of a task: [`TaskInfo::WORDS`] words in the order of the fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskInfo {
    /// Its ID.
    pub id: TaskId,
    /// What it is doing.
    pub state: TaskState,
    /// Whom it waits for.
    pub peer: Option<TaskId>,
    /// Its pager; `None` for the first task.
    pub pager: Option<TaskId>,
    /// Its priority.
    pub priority: u64,
    /// How many tasks wait to send to it.
    pub senders: u64,
    /// Its pending notifications.
    pub notifications: u64,
    /// Messages that it has received.
    pub received: u64,
    /// Time that it was scheduled for, in nanoseconds (servers run on their clients' time).
    pub time: u64,
}

impl TaskInfo {
    /// Length in words.
    pub const WORDS: usize = 9;

    /// The words the kernel writes.
    pub fn encode(&self) -> [u64; Self::WORDS] {
        let raw = |id: Option<TaskId>| id.map_or(0, |id| id.raw() as u64);
        [
            self.id.raw() as u64,
            self.state as u64,
            raw(self.peer),
            raw(self.pager),
            self.priority,
            self.senders,
            self.notifications,
            self.received,
            self.time,
        ]
    }

    /// What the words say; an error if they hold no valid ID.
    pub fn decode(words: &[u64; Self::WORDS]) -> Result<Self, Error> {
        let [id, state, peer, pager, priority, senders, notifications, received, time] = *words;
        Ok(Self {
            id: TaskId::from_raw(id as usize).ok_or(Error::BadMessage)?,
            state: TaskState::from_code(state),
            peer: TaskId::from_raw(peer as usize),
            pager: TaskId::from_raw(pager as usize),
            priority,
            senders,
            notifications,
            received,
            time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_create_survives_its_words() {
        let mut create =
            TaskCreate { entry: 1, stack: 2, argument: 3, root: 4, message: 5, rights: Rights::ALL };
        create.rights.mmio[3] = Range { start: 6, end: 7 };
        create.rights.irqs[0] = Range { start: 8, end: 9 };
        assert_eq!(TaskCreate::decode(&create.encode()), create);
    }
}
