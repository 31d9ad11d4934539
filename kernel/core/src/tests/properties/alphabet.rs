//! The small system of the exhaustive search, and what can happen in it.
//!
//! A server (priority 20, which owns an IRQ) and two equals below it may all send to each other; the first task
//! above them owns another IRQ and waits. Every event is one entry into the kernel, except [`Event::DestroyEqual`].

extern crate std;

use std::string::String;

use abi::{Policy, Range, Rights, TaskCreate, TaskId};

use super::driver::Driver;
use crate::machine::Request;
use crate::tests::requests::{
    call, destroy, exit, info, irq, notify, receive, receive_from, reply, reply_receive, schedule, send,
    send_now, task_create, timer,
};
use crate::tests::system::{BUFFER, NOWHERE, PEER};

/// The IRQ of the first task, and that of the server.
const IRQS: [usize; 2] = [0, 1];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    Send,
    SendNow,
    Call,
    Receive,
    ReceiveFrom,
    /// To the client that has the lowest ID.
    Reply,
    /// To the client that has the highest ID.
    ReplyReceive,
    Notify,
    Timer,
    Exit,
    PageFault,
    /// One step of destroying the server, by the first task.
    DestroyServer,
    /// One of the equals is destroyed to the end, by the first task.
    DestroyEqual,
    InterruptFirst,
    InterruptServer,
    /// Until the machine's timer interrupts.
    Elapse,
}

impl Event {
    pub const ALL: [Self; 16] = [
        Self::Send,
        Self::SendNow,
        Self::Call,
        Self::Receive,
        Self::ReceiveFrom,
        Self::Reply,
        Self::ReplyReceive,
        Self::Notify,
        Self::Timer,
        Self::Exit,
        Self::PageFault,
        Self::DestroyServer,
        Self::DestroyEqual,
        Self::InterruptFirst,
        Self::InterruptServer,
        Self::Elapse,
    ];
}

/// The tasks of the small system.
#[derive(Clone, Copy)]
pub struct Cast {
    first: TaskId,
    server: TaskId,
    equals: [TaskId; 2],
}

impl Cast {
    /// The system in its first state: the first task and the server wait, an equal runs, the other is ready.
    pub fn assemble() -> Result<(Driver, Self), String> {
        let mut driver = Driver::new();
        let first = driver.first;
        let mut rights = PEER;
        rights.irqs[0] = Range { start: 0, end: 2 };
        let server = spawn(&mut driver, 0, 20, rights)?;
        let equals = [spawn(&mut driver, 1, 10, PEER)?, spawn(&mut driver, 2, 10, PEER)?];
        driver.call(first, &irq(0, IRQS[0], 0x100))?;
        driver.call(first, &receive())?;
        driver.call(server, &irq(0, IRQS[1], 0x200))?;
        driver.call(server, &receive())?;
        Ok((driver, Self { first, server, equals }))
    }

    /// Whom a task sends to, notifies and receives from.
    fn peer(&self, task: TaskId) -> TaskId {
        let [one, two] = self.equals;
        match task {
            task if task == self.first => self.server,
            task if task == one => two,
            _ => one,
        }
    }

    /// Whom a task calls.
    fn server_of(&self, task: TaskId) -> TaskId {
        match task {
            task if task == self.first => self.equals[1],
            task if task == self.server => self.first,
            _ => self.server,
        }
    }

    /// Makes the event happen. False if it cannot happen in this state.
    pub fn play(&self, event: Event, driver: &mut Driver) -> Result<bool, String> {
        let current = driver.current();
        match (event, current) {
            (Event::InterruptFirst | Event::InterruptServer, _) => {
                let irq = IRQS[usize::from(event == Event::InterruptServer)];
                // Nobody acknowledges it, so each comes once.
                if !driver.kernel.machine.irq_enabled[irq] {
                    return Ok(false);
                }
                driver.interrupt(irq)?;
            }
            (Event::Elapse, _) => {
                let Some(deadline) = driver.kernel.machine.timer else { return Ok(false) };
                driver.kernel.machine.now = driver.kernel.machine.now.max(deadline);
                driver.expire()?;
            }
            (_, None) => return Ok(false),
            // The end of the first task is that of the system.
            (Event::Exit | Event::PageFault, Some(task)) if task == self.first => return Ok(false),
            (Event::PageFault, Some(task)) => driver.page_fault(task, NOWHERE)?,
            (Event::DestroyServer, Some(task)) if task == self.first => {
                driver.call(task, &destroy(self.server))?;
            }
            (Event::DestroyEqual, Some(task)) if task == self.first => {
                let victim = self.equals[0];
                if !driver.world.tasks.contains_key(&victim) {
                    return Ok(false);
                }
                while driver.world.tasks.contains_key(&victim) {
                    driver.call(task, &destroy(victim))?;
                }
            }
            (Event::DestroyServer | Event::DestroyEqual, Some(_)) => return Ok(false),
            (event, Some(task)) => {
                driver.write_message(task);
                let request = self.request(event, task, driver);
                driver.call(task, &request)?;
            }
        }
        Ok(true)
    }

    /// The system call that an event means for this task.
    fn request(&self, event: Event, task: TaskId, driver: &Driver) -> Request {
        let (peer, server) = (self.peer(task), self.server_of(task));
        let mut clients = driver.world.tasks.keys().copied().filter(|&id| driver.world.waits_for(id, task));
        match event {
            Event::Send => send(peer, info(40)),
            Event::SendNow => send_now(peer, info(41)),
            Event::Call => call(server, info(42)),
            Event::Receive => receive(),
            Event::ReceiveFrom => receive_from(peer),
            Event::Reply => reply(clients.next().unwrap_or(peer), info(43)),
            Event::ReplyReceive => reply_receive(clients.next_back().unwrap_or(peer), info(44)),
            Event::Notify => notify(peer, 0x400),
            Event::Timer => timer(1_000_000),
            _ => exit(7, false),
        }
    }
}

/// The first task, which runs, makes and starts a task.
fn spawn(driver: &mut Driver, number: u64, priority: usize, rights: Rights) -> Result<TaskId, String> {
    let root = 0x40_0000 + number * 0x2000;
    let create = TaskCreate { root, message: root + 0x1000, rights, ..TaskCreate::default() };
    for (place, word) in create.encode().iter().enumerate() {
        driver.kernel.machine.poke(driver.first.index(), BUFFER + 8 * place, &word.to_le_bytes());
    }
    driver.call(driver.first, &task_create(BUFFER))?;
    let id = driver.world.tasks.keys().copied().max_by_key(|id| id.index()).ok_or("nobody lives")?;
    driver.call(driver.first, &schedule(id, priority, 0, Policy::Refill as usize))?;
    Ok(id)
}
