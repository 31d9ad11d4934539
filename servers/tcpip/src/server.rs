//! The server's side of the interface: what each message does.
//!
//! A message changes something in the stack; what follows from it (packets, notifications, answers to calls that wait) is done
//! by [`Server::advance`] before the message is answered.

use crate::address::from_ip;
use crate::clients::Clients;
use crate::devices::Devices;
use crate::questions::Questions;
use crate::stack::Stack;
use crate::waiting::{Outcome, Waiting};
use alloc::boxed::Box;
use alloc::vec::Vec;
use interfaces::dm::NOTIFY_DEVICES;
use interfaces::tcpip::{self, CLOSED, READABLE, SOCKETS_MAX, WRITABLE};
use ipc::{Error, Handle, Handles, TaskId};
use resea::abi::{NOTIFY_CHILD, NOTIFY_TIMER};
use smoltcp::time::{Duration, Instant};

/// What the server knows of a socket beyond what the stack knows.
#[derive(Default)]
struct Owner {
    /// Whose it is, and its name for it.
    task: Option<(TaskId, Handle)>,
    /// The call that waits; its owner can make only one at a time.
    waiting: Option<Waiting>,
    /// What the owner wants to be told.
    interest: u8,
    /// What it has not been told since it could have changed.
    untold: u8,
    /// It is among those that the owner will be told about.
    is_queued: bool,
}

/// The server.
pub struct Server {
    pub(crate) stack: Stack,
    handles: Box<Handles<u16, SOCKETS_MAX>>,
    owners: Vec<Owner>,
    clients: Clients,
    pub(crate) devices: Devices,
    pub(crate) questions: Questions,
    /// When the timer is set to expire; never later than something is to be done.
    timer: Option<Instant>,
    /// Counts how often there was more to do.
    round: u8,
}

/// The time by the machine's clock.
pub(crate) fn now() -> Instant {
    Instant::from_micros((ipc::clock() / 1000) as i64)
}

impl Server {
    /// A server without sockets.
    pub fn new(seed: u64) -> Self {
        let mut owners = Vec::with_capacity(SOCKETS_MAX);
        owners.resize_with(SOCKETS_MAX, Owner::default);
        Self {
            stack: Stack::new(seed, now()),
            handles: Box::new(Handles::new()),
            owners,
            clients: Clients::default(),
            devices: Devices::default(),
            questions: Questions::default(),
            timer: None,
            round: 0,
        }
    }

    fn owner(&mut self, place: u16) -> Option<&mut Owner> {
        self.owners.get_mut(usize::from(place))
    }

    /// The place of a client's socket.
    pub(crate) fn place(&self, task: TaskId, handle: Handle) -> Result<u16, Error> {
        self.handles.get(task, handle).copied()
    }

    /// Makes a socket a client's.
    fn own(&mut self, task: TaskId, place: u16) -> Result<Handle, Error> {
        let handle = self.handles.insert(task, place).map_err(|_| Error::TooManySockets)?;
        self.clients.add(task);
        if let Some(owner) = self.owner(place) {
            *owner = Owner { task: Some((task, handle)), ..Owner::default() };
        }
        Ok(handle)
    }

    /// Makes a new socket a client's, or closes it if that is not possible.
    pub(crate) fn own_or_close(&mut self, task: TaskId, place: u16) -> Result<Handle, Error> {
        let owned = self.own(task, place);
        if owned.is_err() {
            self.stack.close(place, now());
        }
        owned
    }

    /// Takes a socket from its owner and closes it.
    pub(crate) fn disown(&mut self, task: TaskId, handle: Handle) -> Result<(), Error> {
        let place = self.handles.remove(task, handle)?;
        self.give_up(task, place);
        Ok(())
    }

    fn give_up(&mut self, task: TaskId, place: u16) {
        self.clients.remove(task, place);
        if let Some(owner) = self.owner(place) {
            *owner = Owner::default();
        }
        self.stack.close(place, now());
    }

    /// Everything of a task that has ended.
    fn bury(&mut self, task: TaskId) {
        let mut places = Vec::new();
        self.handles.free_all(task, |place| places.push(place));
        for place in places {
            self.give_up(task, place);
        }
        self.forget_questions(task);
        self.clients.forget(task);
    }

    /// Tries a call of a socket's owner; it waits if it has to and may.
    pub(crate) fn attempt(&mut self, place: u16, call: Waiting) {
        let (may_wait, sender) = (call.may_wait(), call.sender());
        let told = match &call {
            Waiting::Accept(_) | Waiting::Receive(_) | Waiting::ReceiveFrom(_) => READABLE,
            Waiting::Connect(_) | Waiting::Send(_) | Waiting::SendTo(_) => 0,
        };
        let untold = match call.attempt(&mut self.stack, place) {
            Outcome::Blocked(call) if may_wait => {
                if let Some(owner) = self.owner(place) {
                    owner.waiting = Some(call);
                }
                return;
            }
            Outcome::Blocked(call) => {
                call.fail(Error::WouldBlock);
                READABLE | WRITABLE
            }
            Outcome::Done => told,
            Outcome::Short => WRITABLE,
            Outcome::Accepted(call, connection) => {
                self.answer_accept(call, connection);
                told
            }
            Outcome::Connected(call) => {
                match self.handle_of(place) {
                    Some(handle) => call.reply(handle),
                    None => call.fail(Error::BadHandle),
                }
                0
            }
            Outcome::Failed(call, error) => {
                if let Some(handle) = self.handle_of(place) {
                    // It is the caller's own.
                    let _ = self.disown(sender, handle);
                }
                call.fail(error);
                return;
            }
        };
        if let Some(owner) = self.owner(place) {
            owner.untold |= untold as u8;
        }
        if untold != 0 {
            self.tell(place);
        }
    }

    fn handle_of(&mut self, place: u16) -> Option<Handle> {
        self.owner(place)?.task.map(|(_, handle)| handle)
    }

    fn answer_accept(&mut self, call: tcpip::AcceptCall, connection: u16) {
        let remote = self.stack.places().connection(connection).map(|it| it.flow.remote);
        match (remote, self.own_or_close(call.sender(), connection)) {
            (Some(remote), Ok(handle)) => call.reply(handle, from_ip(remote.addr), remote.port),
            (_, Err(error)) => call.fail(error),
            (None, Ok(_)) => call.fail(Error::Aborted),
        }
    }

    /// Notifies a socket's owner if there is something that it wants to know and does not.
    fn tell(&mut self, place: u16) {
        let ready = self.stack.readiness(place).0;
        let Some(owner) = self.owner(place) else { return };
        if owner.interest != 0
            && ready & owner.interest & owner.untold != 0
            && !core::mem::replace(&mut owner.is_queued, true)
            && let Some((task, _)) = owner.task
        {
            self.clients.tell(task, place);
        }
    }

    /// Whether a task may have one more socket.
    ///
    /// Errors: `TooManySockets`, and those of watching a task.
    pub(crate) fn clients_admit(&mut self, task: TaskId) -> Result<(), Error> {
        self.clients.admit(task)
    }

    /// From now on the end of a task is told, which asks for something that is kept for it.
    ///
    /// Errors: those of watching a task.
    pub(crate) fn know(&mut self, task: TaskId) -> Result<(), Error> {
        self.clients.know(task)
    }

    /// What the owner of a socket wants to be told from now on.
    pub(crate) fn set_interest(&mut self, place: u16, interest: u32) {
        let all = (READABLE | WRITABLE | CLOSED) as u8;
        if let Some(owner) = self.owner(place) {
            owner.interest = if interest == 0 { 0 } else { (interest | CLOSED) as u8 & all };
            owner.untold = all;
        }
        self.tell(place);
    }

    /// The next socket of a task that has become ready, and for what.
    pub(crate) fn next_ready(&mut self, task: TaskId) -> Option<(Handle, u8)> {
        loop {
            let place = self.clients.next(task)?;
            let ready = self.stack.readiness(place).0;
            let Some(owner) = self.owner(place) else { continue };
            owner.is_queued = false;
            let told = ready & owner.interest & owner.untold;
            // What it was has gone meanwhile, perhaps.
            if told != 0
                && let Some((_, handle)) = owner.task
            {
                owner.untold &= !told;
                return Some((handle, told));
            }
        }
    }

    /// The task that owns a socket; 0 for none.
    pub(crate) fn owner_of(&self, place: u16) -> u32 {
        let task = self.owners.get(usize::from(place)).and_then(|owner| owner.task);
        task.map_or(0, |(task, _)| task.raw() as u32)
    }

    /// Something has happened to a socket.
    fn changed(&mut self, place: u16) {
        if let Some(call) = self.owner(place).and_then(|owner| owner.waiting.take()) {
            self.attempt(place, call);
        }
        self.tell(place);
    }

    /// Does all that can be done now, and sets the timer for the rest.
    pub(crate) fn advance(&mut self) {
        let now = now();
        let has_more = loop {
            let has_more = self.stack.poll(now);
            while let Some(place) = self.stack.changed() {
                self.changed(place);
            }
            self.advance_questions();
            if has_more || !self.stack.is_busy() {
                break has_more;
            }
        };
        self.mend_devices();
        let at_once = has_more.then(|| now + self.pause());
        let deadlines = [at_once, self.stack.deadline(), self.devices.retry, self.questions.deadline()];
        let Some(deadline) = deadlines.into_iter().flatten().min() else { return };
        if self.timer.is_none_or(|timer| deadline < timer) {
            self.timer = Some(deadline);
            let delay = deadline.total_micros().saturating_sub(now.total_micros());
            // 0 would stop it.
            ipc::timer(u64::try_from(delay).unwrap_or(0).saturating_mul(1000).max(1));
        }
    }
}

impl Server {
    /// How long to wait when there is more to do. A task has no right to notify itself, its timer does; and since
    /// notifications come before messages, clients would never have their turn in a flood without a pause now and then.
    const fn pause(&mut self) -> Duration {
        const ROUNDS: u8 = 8;
        self.round = (self.round + 1) % ROUNDS;
        if self.round == 0 { Duration::from_micros(20) } else { Duration::ZERO }
    }
}

impl ipc::server::Events for Server {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_CHILD != 0 {
            while let Ok(Some(exit)) = resea::next_exit() {
                if !self.lose_manager(exit.task) {
                    self.bury(exit.task);
                }
            }
        }
        if bits & NOTIFY_TIMER != 0 {
            self.timer = None;
            self.retry_devices();
        }
        if bits & NOTIFY_DEVICES as usize != 0 {
            self.look_at_drivers();
        }
        self.advance();
    }
}
