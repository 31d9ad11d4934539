//! What the manual of the system calls ([`abi::Syscall`]) says a system is: tasks by ID, and what they do.
//!
//! Written from the manual, not from the kernel: IDs instead of places, queues of IDs instead of links, no scheduler.
//! Each change says which system calls have to return what; the driver compares that with what the machine was told.

extern crate std;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{Error, MAX_TASKS, MessageInfo, NOTIFY_TIMER, PAYLOAD_WORDS, Rights, TaskId, kind};

use crate::tests::model::{IRQS, Outcome};
use crate::tests::system::{FRAME, done, failed, notified, received};

/// Places that one step of a destruction looks at.
const PLACES_PER_STEP: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    New,
    Ready,
    Sending(TaskId),
    Receiving(Option<TaskId>),
    Calling(TaskId),
    Faulted(TaskId),
    Exited,
    /// Steps of its destruction done after the first.
    Dying(usize),
}

/// What becomes of the sender when the message has been received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Send,
    Call,
    Fault,
    Exit,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub style: Style,
    pub info: MessageInfo,
    pub payload: Vec<u64>,
}

#[derive(Clone)]
pub struct Actor {
    pub rights: Rights,
    pub pager: Option<TaskId>,
    pub priority: usize,
    pub reports: bool,
    pub doing: Doing,
    pub ended: bool,
    pub pending: usize,
    pub timer: Option<u64>,
    pub page: [u64; PAYLOAD_WORDS],
    pub queue: VecDeque<TaskId>,
    pub message: Option<Message>,
    pub received: u64,
    /// Messages by who they came from, as long as that lives.
    pub counts: BTreeMap<TaskId, u32>,
}

#[derive(Clone)]
pub struct World {
    pub tasks: BTreeMap<TaskId, Actor>,
    pub dead: BTreeSet<TaskId>,
    pub irqs: [Option<(TaskId, usize)>; IRQS],
    pub irq_enabled: [bool; IRQS],
    pub reader: Option<TaskId>,
    /// Bytes of console input that wait.
    pub input: usize,
    pub debugging: bool,
    pub halted: bool,
    /// System calls that return in this step.
    pub returns: Vec<(TaskId, Outcome)>,
}

impl World {
    pub fn new() -> Self {
        Self {
            tasks: BTreeMap::new(),
            dead: BTreeSet::new(),
            irqs: [None; IRQS],
            irq_enabled: [false; IRQS],
            reader: None,
            input: 0,
            debugging: false,
            halted: false,
            returns: Vec::new(),
        }
    }

    /// The living task that a register names.
    pub fn find(&self, raw: usize) -> Option<TaskId> {
        TaskId::from_raw(raw).filter(|id| self.tasks.contains_key(id))
    }

    pub fn actor(&mut self, id: TaskId) -> &mut Actor {
        self.tasks.get_mut(&id).expect("the world asks about living tasks only")
    }

    pub fn doing(&self, id: TaskId) -> Option<Doing> {
        self.tasks.get(&id).map(|actor| actor.doing)
    }

    pub fn add(&mut self, id: TaskId, pager: Option<TaskId>, rights: Rights) -> Result<(), String> {
        let fresh = !self.dead.contains(&id) && !self.tasks.keys().any(|other| other.index() == id.index());
        let actor = Actor {
            rights,
            pager,
            priority: 0,
            reports: false,
            doing: Doing::New,
            ended: false,
            pending: 0,
            timer: None,
            page: [0; PAYLOAD_WORDS],
            queue: VecDeque::new(),
            message: None,
            received: 0,
            counts: BTreeMap::new(),
        };
        self.tasks.insert(id, actor);
        if fresh { Ok(()) } else { Err(format!("the ID {id} was given twice")) }
    }

    pub fn receives_from(&self, receiver: TaskId, sender: TaskId) -> bool {
        matches!(self.doing(receiver), Some(Doing::Receiving(from)) if from.is_none_or(|from| from == sender))
    }

    pub fn returns(&mut self, id: TaskId, outcome: Option<Outcome>) {
        self.returns.extend(outcome.map(|outcome| (id, outcome)));
    }

    /// `from` sends: now, or when `to` receives.
    pub fn post(&mut self, from: TaskId, to: TaskId, message: Message) {
        self.actor(from).message = Some(message);
        self.actor(from).doing = Doing::Sending(to);
        self.actor(to).queue.push_back(from);
        if self.receives_from(to, from) {
            self.deliver(from, to);
        }
    }

    fn deliver(&mut self, from: TaskId, to: TaskId) {
        let Message { style, info, payload } =
            self.actor(from).message.clone().expect("senders have a message");
        self.actor(to).queue.retain(|&sender| sender != from);
        self.actor(to).page[..payload.len()].copy_from_slice(&payload);
        self.actor(to).doing = Doing::Ready;
        self.actor(to).received += 1;
        self.count(from, to);
        self.returns(to, received(from, info));
        if style == Style::Send {
            self.returns(from, done(0));
        }
        self.actor(from).doing = match style {
            Style::Send => Doing::Ready,
            Style::Call => Doing::Calling(to),
            Style::Fault => Doing::Faulted(to),
            Style::Exit => Doing::Exited,
        };
    }

    /// A receive, from anyone or from one task.
    pub fn receive(&mut self, receiver: TaskId, from: Option<TaskId>) {
        self.actor(receiver).doing = Doing::Receiving(from);
        let queue = &self.actor(receiver).queue;
        let sender = match from {
            None => queue.front().copied(),
            Some(from) => queue.contains(&from).then_some(from),
        };
        if from.is_none() && self.actor(receiver).pending != 0 {
            self.notify(receiver, 0);
        } else if let Some(sender) = sender {
            self.deliver(sender, receiver);
        }
    }

    pub fn notify(&mut self, id: TaskId, bits: usize) {
        let actor = self.actor(id);
        actor.pending |= bits;
        if actor.pending != 0 && actor.doing == Doing::Receiving(None) {
            actor.page[0] = actor.pending as u64;
            actor.pending = 0;
            actor.doing = Doing::Ready;
            actor.received += 1;
            self.returns(id, notified());
        }
    }

    /// Whether `client` waits for a reply of `server`, to a call or a fault.
    pub fn waits_for(&self, client: TaskId, server: TaskId) -> bool {
        matches!(self.doing(client), Some(Doing::Calling(to) | Doing::Faulted(to)) if to == server)
    }

    pub fn reply(&mut self, server: TaskId, client: TaskId, info: MessageInfo) {
        if self.doing(client) == Some(Doing::Calling(server)) {
            let page = self.actor(server).page;
            self.actor(client).page[..info.words()].copy_from_slice(&page[..info.words()]);
            self.returns(client, received(server, info));
        }
        self.actor(client).doing = Doing::Ready;
        self.count(server, client);
    }

    fn count(&mut self, from: TaskId, to: TaskId) {
        *self.actor(to).counts.entry(from).or_default() += 1;
    }

    /// The kernel sends a fault, an exit or a quantum report to the task's pager, in the task's name.
    pub fn raise(&mut self, id: TaskId, kind: u16, details: [u64; 2]) {
        let style = if kind == kind::EXIT { Style::Exit } else { Style::Fault };
        self.actor(id).ended |= style == Style::Exit;
        let mut payload = details.to_vec();
        payload.extend([FRAME.instruction, FRAME.stack, FRAME.frame].map(|word| word as u64));
        match self.actor(id).pager {
            Some(pager) => self.post(id, pager, Message { style, info: MessageInfo::new(kind, 5), payload }),
            None => self.halted = true,
        }
    }

    /// The timer interrupt.
    pub fn expire(&mut self, now: u64) {
        let due = |actor: &Actor| actor.timer.is_some_and(|deadline| deadline <= now);
        let due: Vec<TaskId> = self.tasks.iter().filter(|(_, actor)| due(actor)).map(|(&id, _)| id).collect();
        for id in due {
            self.actor(id).timer = None;
            self.notify(id, NOTIFY_TIMER);
        }
    }

    /// The first step of a destruction: the task lets go of everything.
    pub fn begin_destroy(&mut self, id: TaskId) {
        if let Some(Doing::Sending(to)) = self.doing(id) {
            self.actor(to).queue.retain(|&sender| sender != id);
        }
        for (owner, enabled) in self.irqs.iter_mut().zip(&mut self.irq_enabled) {
            if owner.is_some_and(|(owner, _)| owner == id) {
                (*owner, *enabled) = (None, false);
            }
        }
        self.reader = self.reader.filter(|&reader| reader != id);
        let actor = self.actor(id);
        (actor.doing, actor.ended, actor.timer) = (Doing::Dying(0), true, None);
    }

    /// A step that frees those who depend on the dying task; false if there is none left.
    pub fn continue_destroy(&mut self, dying: TaskId, heir: TaskId) -> bool {
        let Some(Doing::Dying(step)) = self.doing(dying) else { return false };
        if step * PLACES_PER_STEP >= MAX_TASKS {
            return false;
        }
        let places = step * PLACES_PER_STEP..(step + 1) * PLACES_PER_STEP;
        let mut ids: Vec<TaskId> =
            self.tasks.keys().copied().filter(|id| places.contains(&id.index().get())).collect();
        ids.sort_by_key(|id| id.index());
        for id in ids {
            self.detach(id, dying, heir);
        }
        self.actor(dying).doing = Doing::Dying(step + 1);
        true
    }

    fn detach(&mut self, id: TaskId, dying: TaskId, heir: TaskId) {
        let is_child = self.actor(id).pager == Some(dying);
        if is_child {
            self.actor(id).pager = Some(heir);
        }
        let message = self.actor(id).message.clone();
        let style = message.as_ref().map(|message| message.style);
        match (self.actor(id).doing, message) {
            (Doing::Sending(to), Some(message)) if to == dying => {
                self.actor(dying).queue.retain(|&sender| sender != id);
                match style {
                    Some(Style::Fault | Style::Exit) => self.post(id, heir, message),
                    _ => self.abort(id),
                }
            }
            (Doing::Faulted(to), Some(message)) if to == dying => self.post(id, heir, message),
            (Doing::Exited, Some(message)) if is_child => self.post(id, heir, message),
            (Doing::Dying(_), _) if is_child => self.raise(id, kind::EXIT, [0, 0]),
            (Doing::Calling(to) | Doing::Receiving(Some(to)), _) if to == dying => self.abort(id),
            _ => {}
        }
    }

    fn abort(&mut self, id: TaskId) {
        self.returns(id, failed(Error::Aborted));
        self.actor(id).doing = Doing::Ready;
    }

    /// The task is gone. Nobody may depend on it any more.
    pub fn bury(&mut self, id: TaskId) -> Result<(), String> {
        self.tasks.remove(&id);
        for actor in self.tasks.values_mut() {
            actor.counts.remove(&id);
        }
        self.dead.insert(id);
        for (other, actor) in &self.tasks {
            let peer = match actor.doing {
                Doing::Sending(to) | Doing::Calling(to) | Doing::Faulted(to) => Some(to),
                Doing::Receiving(from) => from,
                _ => None,
            };
            if peer == Some(id) || actor.pager == Some(id) {
                return Err(format!("{other} depends on {id}, which is dead: {:?}", actor.doing));
            }
        }
        Ok(())
    }
}
