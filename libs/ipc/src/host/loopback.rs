//! A kernel for unit tests: the clients and the servers of a test are one thread.
//!
//! A call runs the server's dispatcher at once, on the caller's stack. Enough to test a server through its generated
//! client; it has no scheduling and no rights. Notifications, timers and console output are recorded for the test.

use super::{Backend, Lent, first_task, payload, set_payload};
use crate::{Answer, Error, Incoming, MessageInfo, SendFlags, TaskId};
use abi::{LendSelector, PAYLOAD_WORDS};
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

type Dispatcher = Rc<dyn Fn(&Incoming) -> Answer>;

/// A call that is being served.
struct Active {
    client: TaskId,
    server: TaskId,
    info: MessageInfo,
    /// Copies of the lent memory; what was lent for writing is copied back in the end.
    lends: Vec<Vec<u8>>,
    reply: Option<(MessageInfo, [u64; PAYLOAD_WORDS])>,
}

/// See the module's description. Make one, [`Loopback::serve`] some servers, and [`super::install`] it.
pub struct Loopback {
    servers: RefCell<BTreeMap<TaskId, Dispatcher>>,
    active: RefCell<Vec<Active>>,
    running: Cell<TaskId>,
    notifications: RefCell<BTreeMap<TaskId, usize>>,
    timer: Cell<u64>,
    clock: Cell<u64>,
    console: RefCell<String>,
}

impl Loopback {
    /// A kernel without servers; the first task runs.
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            servers: RefCell::default(),
            active: RefCell::default(),
            running: Cell::new(first_task()),
            notifications: RefCell::default(),
            timer: Cell::new(0),
            clock: Cell::new(0),
            console: RefCell::default(),
        })
    }

    /// Lets `server` answer what is sent to `task`. The test may look into it between calls.
    pub fn serve<S: 'static>(
        &self,
        task: TaskId,
        server: Rc<RefCell<S>>,
        dispatch: impl Fn(&mut S, &Incoming) -> Answer + 'static,
    ) {
        let dispatcher = move |message: &Incoming| dispatch(&mut server.borrow_mut(), message);
        self.servers
            .borrow_mut()
            .insert(task, Rc::from(Box::new(dispatcher) as Box<dyn Fn(&Incoming) -> Answer>));
    }

    /// Lets calls to `task` fail with `NoTask`, as if it had ended.
    pub fn remove(&self, task: TaskId) {
        self.servers.borrow_mut().remove(&task);
    }

    /// The test goes on as this task.
    pub fn act_as(&self, task: TaskId) {
        self.running.set(task);
    }

    /// Takes the notifications of a task.
    pub fn take_notifications(&self, task: TaskId) -> usize {
        self.notifications.borrow_mut().remove(&task).unwrap_or(0)
    }

    /// What the timer was last set to, in nanoseconds from then.
    pub fn timer_set(&self) -> u64 {
        self.timer.get()
    }

    /// Sets the clock.
    pub fn set_clock(&self, nanoseconds: u64) {
        self.clock.set(nanoseconds);
    }

    /// Takes what was written to the console.
    pub fn take_console(&self) -> String {
        self.console.take()
    }

    /// Runs the server on the message in the page, as the server.
    fn run(&self, to: TaskId, info: MessageInfo) -> Result<Answer, Error> {
        let dispatcher = self.servers.borrow().get(&to).cloned().ok_or(Error::NoTask)?;
        let client = self.running.replace(to);
        let answer = dispatcher(&Incoming { sender: client, info });
        self.running.set(client);
        Ok(answer)
    }

    /// Lets `access` have a part of what `lender` lends to the running server.
    fn lent(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        length: usize,
        access: impl FnOnce(&mut [u8]),
    ) -> Result<(), Error> {
        let mut active = self.active.borrow_mut();
        let server = self.running.get();
        let call = active.iter_mut().rev().find(|call| call.client == lender && call.server == server);
        let call = call.filter(|call| call.reply.is_none()).ok_or(Error::NotWaiting)?;
        let lend = call.lends.get_mut(selector.index).ok_or(Error::InvalidArgument)?;
        if selector.write && !call.info.is_writable(selector.index) {
            return Err(Error::NotPermitted);
        }
        let end = offset.checked_add(length).ok_or(Error::OutOfBounds)?;
        access(lend.get_mut(offset..end).ok_or(Error::OutOfBounds)?);
        Ok(())
    }
}

impl Backend for Loopback {
    fn own_id(&self) -> TaskId {
        self.running.get()
    }

    fn send(&self, to: TaskId, info: MessageInfo, _: SendFlags) -> Result<(), Error> {
        self.run(to, info).map(drop)
    }

    /// `TimedOut` if the server has not answered when its dispatcher returns: in one thread it never will.
    fn call(&self, to: TaskId, info: MessageInfo, lends: &mut [Lent<'_>]) -> Result<MessageInfo, Error> {
        let copies = lends.iter().map(|lent| lent.bytes().to_vec()).collect();
        let call = Active { client: self.running.get(), server: to, info, lends: copies, reply: None };
        self.active.borrow_mut().push(call);
        let answer = self.run(to, info);
        let Some(call) = self.active.borrow_mut().pop() else { return Err(Error::NotWaiting) };
        for (lent, copy) in lends.iter_mut().zip(&call.lends) {
            if let Lent::Writable(memory) = lent {
                memory.copy_from_slice(copy);
            }
        }
        match (answer?, call.reply) {
            (_, Some((info, words))) => {
                set_payload(&words);
                Ok(info)
            }
            (Answer::Reply(info), None) => Ok(info),
            (Answer::Unknown, None) => Ok(MessageInfo::error(Error::NotSupported)),
            (Answer::Nothing, None) => Err(Error::TimedOut),
        }
    }

    fn reply(&self, to: TaskId, info: MessageInfo) -> Result<(), Error> {
        let mut active = self.active.borrow_mut();
        let server = self.running.get();
        let waiting = active.iter_mut().rev().find(|call| call.client == to && call.server == server);
        let waiting = waiting.filter(|call| call.reply.is_none()).ok_or(Error::NotWaiting)?;
        waiting.reply = Some((info, payload()));
        Ok(())
    }

    fn notify(&self, to: TaskId, bits: usize) -> Result<(), Error> {
        *self.notifications.borrow_mut().entry(to).or_default() |= bits;
        Ok(())
    }

    fn lend_read(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        self.lent(lender, selector, offset, buffer.len(), |lent| buffer.copy_from_slice(lent))
    }

    fn lend_write(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        self.lent(lender, selector, offset, data.len(), |lent| lent.copy_from_slice(data))
    }

    fn timer(&self, nanoseconds: u64) {
        self.timer.set(nanoseconds);
    }

    fn clock(&self) -> u64 {
        self.clock.get()
    }

    fn console_write(&self, text: &[u8]) -> Result<usize, Error> {
        self.console.borrow_mut().push_str(&String::from_utf8_lossy(text));
        Ok(text.len())
    }
}
