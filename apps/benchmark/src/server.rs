//! The other side of what is measured: a server that does nothing.

use interfaces::bench::{Server, Words4Reply, dispatch};
use ipc::{Error, ReadLend, TaskId};

/// Longest lend that is copied.
const MAX_DATA: usize = 4096;

struct Idle {
    /// Who called last: notifications are sent back to it.
    client: Option<TaskId>,
    data: [u8; MAX_DATA],
}

impl Server for Idle {
    fn nothing(&mut self, sender: TaskId) -> Result<(), Error> {
        self.client = Some(sender);
        Ok(())
    }

    fn words4(&mut self, _: TaskId, e: u64, f: u64, g: u64, h: u64) -> Result<Words4Reply, Error> {
        Ok(Words4Reply { e, f, g, h })
    }

    fn words24(&mut self, _: TaskId, values: [u64; 24]) -> Result<[u64; 24], Error> {
        Ok(values)
    }

    fn lend(&mut self, _: TaskId, data: ReadLend<'_>) -> Result<(), Error> {
        let buffer = self.data.get_mut(..data.len()).ok_or(Error::TooLarge)?;
        data.read(0, buffer)
    }
}

impl ipc::server::Events for Idle {
    fn notified(&mut self, bits: usize) {
        if let Some(client) = self.client {
            // A client that has ended misses nothing.
            let _ = ipc::notify(client, bits);
        }
    }
}

/// Serves until it is killed.
pub fn serve() -> i32 {
    let mut server = Idle { client: None, data: [0; MAX_DATA] };
    ipc::server::run(&mut server, dispatch)
}
