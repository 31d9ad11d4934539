//! A kernel for unit tests: the clients and the servers of a test are one thread.
//!
//! A call runs the server's dispatcher at once, on the caller's stack. Enough to test a server through its generated
//! client; it has no scheduling and no rights. Notifications, timers and console output are recorded for the test.

use super::{Backend, first_task, lends, payload, set_payload};
use crate::{Answer, Error, Incoming, MessageInfo, SendFlags, TaskId};
use abi::{Lend, LendSelector, PAYLOAD_WORDS};
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
    lends: [Lend; abi::MAX_LENDS],
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

    /// The memory that `lender` lends to the running server, checked; never empty.
    fn lent(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        length: usize,
    ) -> Result<Option<*mut u8>, Error> {
        let active = self.active.borrow();
        let server = self.running.get();
        let call = active.iter().rev().find(|call| call.client == lender && call.server == server);
        let call = call.filter(|call| call.reply.is_none()).ok_or(Error::NotWaiting)?;
        let lend = call.lends.get(selector.index).filter(|_| selector.index < call.info.lends());
        let lend = lend.ok_or(Error::InvalidArgument)?;
        if selector.write && !call.info.is_writable(selector.index) {
            return Err(Error::NotPermitted);
        }
        if offset > lend.length as usize || length > lend.length as usize - offset {
            return Err(Error::OutOfBounds);
        }
        let address = lend.address as usize + offset;
        Ok((length > 0).then_some(std::ptr::with_exposed_provenance_mut(address)))
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
    fn call(&self, to: TaskId, info: MessageInfo) -> Result<MessageInfo, Error> {
        let call = Active { client: self.running.get(), server: to, info, lends: lends(), reply: None };
        self.active.borrow_mut().push(call);
        let answer = self.run(to, info);
        let reply = self.active.borrow_mut().pop().and_then(|call| call.reply);
        match (answer?, reply) {
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
        if let Some(from) = self.lent(lender, selector, offset, buffer.len())? {
            // SAFETY: the client's borrow of this memory lasts until `call` returns, which is further up the stack
            // (the call is in `active`), and the bounds were checked. The buffer is the server's own, so it does not
            // overlap what the client borrows.
            unsafe { std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), buffer.len()) };
        }
        Ok(())
    }

    fn lend_write(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        if let Some(to) = self.lent(lender, selector, offset, data.len())? {
            // SAFETY: as in `lend_read`; the client has borrowed the memory mutably, as it was lent for writing.
            unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), to, data.len()) };
        }
        Ok(())
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
