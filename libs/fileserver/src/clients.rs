//! The tasks that have files open, and how many.

use alloc::vec::Vec;
use interfaces::fs::OPEN_MAX;
use ipc::{Error, TaskId};

/// All tasks that have or had files open and have not ended.
#[derive(Default)]
pub struct Clients {
    clients: Vec<Client>,
}

struct Client {
    task: TaskId,
    files: usize,
}

impl Clients {
    fn find(&mut self, task: TaskId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.task == task)
    }

    /// A task wants to open one more file. From now on its end is told with `NOTIFY_CHILD`.
    ///
    /// Errors: `TableFull` (it has [`OPEN_MAX`]), `OutOfMemory`, and those of watching a task.
    pub fn admit(&mut self, task: TaskId) -> Result<(), Error> {
        match self.find(task) {
            Some(client) if client.files >= OPEN_MAX => Err(Error::TableFull),
            Some(_) => Ok(()),
            None => self.know(task),
        }
    }

    #[cold]
    fn know(&mut self, task: TaskId) -> Result<(), Error> {
        self.clients.try_reserve(1).map_err(|_| Error::OutOfMemory)?;
        match resea::watch(task) {
            Ok(()) | Err(Error::AlreadyExists) => {}
            Err(error) => return Err(error),
        }
        self.clients.push(Client { task, files: 0 });
        Ok(())
    }

    /// A task has one more open file.
    pub fn add(&mut self, task: TaskId) {
        if let Some(client) = self.find(task) {
            client.files += 1;
        }
    }

    /// A task has closed one.
    pub fn remove(&mut self, task: TaskId) {
        if let Some(client) = self.find(task) {
            client.files = client.files.saturating_sub(1);
        }
    }

    /// A task has ended.
    pub fn forget(&mut self, task: TaskId) {
        self.clients.retain(|client| client.task != task);
    }
}
