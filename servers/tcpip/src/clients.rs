//! The tasks that have sockets: how many, and which of them they have to be told about.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use interfaces::tcpip::{NOTIFY_READY, SOCKETS_PER_TASK};
use ipc::{Error, TaskId};

/// A task.
struct Client {
    task: TaskId,
    sockets: usize,
    /// Sockets that became ready and were not told.
    ready: VecDeque<u16>,
    /// It was notified, and has not asked for all of them yet.
    is_notified: bool,
}

/// All tasks that have or had sockets and have not ended.
#[derive(Default)]
pub struct Clients {
    clients: Vec<Client>,
}

impl Clients {
    fn find(&mut self, task: TaskId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.task == task)
    }

    /// Whether a task may have one more socket.
    ///
    /// Errors: `TooManySockets`, and those of watching a task.
    pub fn admit(&mut self, task: TaskId) -> Result<(), Error> {
        self.know(task)?;
        let is_full = self.find(task).is_some_and(|client| client.sockets >= SOCKETS_PER_TASK);
        if is_full { Err(Error::TooManySockets) } else { Ok(()) }
    }

    /// A task asks for something that is kept for it. From now on its end is told with `NOTIFY_CHILD`.
    ///
    /// Errors: those of watching a task.
    pub fn know(&mut self, task: TaskId) -> Result<(), Error> {
        if self.find(task).is_none() {
            match resea::watch(task) {
                Ok(()) | Err(Error::AlreadyExists) => {}
                Err(error) => return Err(error),
            }
            self.clients.push(Client { task, sockets: 0, ready: VecDeque::new(), is_notified: false });
        }
        Ok(())
    }

    /// A task has one more socket.
    pub fn add(&mut self, task: TaskId) {
        if let Some(client) = self.find(task) {
            client.sockets += 1;
        }
    }

    /// A task has given a socket up.
    pub fn remove(&mut self, task: TaskId, place: u16) {
        if let Some(client) = self.find(task) {
            client.sockets = client.sockets.saturating_sub(1);
            client.ready.retain(|ready| *ready != place);
        }
    }

    /// A task has ended.
    pub fn forget(&mut self, task: TaskId) {
        self.clients.retain(|client| client.task != task);
    }

    /// A socket has become ready: its task is told that there are some.
    pub fn tell(&mut self, task: TaskId, place: u16) {
        let Some(client) = self.find(task) else { return };
        client.ready.push_back(place);
        if !core::mem::replace(&mut client.is_notified, true) {
            // It fails only if the task is ending.
            let _ = ipc::notify(task, NOTIFY_READY as usize);
        }
    }

    /// The next socket that has become ready.
    pub fn next(&mut self, task: TaskId) -> Option<u16> {
        let client = self.find(task)?;
        let place = client.ready.pop_front();
        if client.ready.is_empty() {
            client.is_notified = false;
        }
        place
    }
}
