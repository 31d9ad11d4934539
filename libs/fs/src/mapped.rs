//! Files as memory.

use ipc::{Error, Handle, Region};
use resea::SharedMemory;

/// The content of a file in memory that the file server shares, read-only. Dropping it gives the memory back.
///
/// It is what the file was when it was mapped, unless the server says otherwise; copies of parts are taken through
/// [`Mapped::read`], or directly from [`Mapped::region`].
#[derive(Debug)]
pub struct Mapped {
    memory: SharedMemory,
    handle: Handle,
    content: Region,
}

impl Mapped {
    pub(crate) fn new(handle: Handle, size: u64) -> Result<Self, Error> {
        let memory = SharedMemory::open(handle, false)?;
        // A server that says more than it gives is broken, and found out here.
        let content = memory.region().part(0, usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { memory, handle, content })
    }

    /// How many bytes the file has.
    pub const fn len(&self) -> usize {
        self.content.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// Copies from `offset` on: as much as the buffer takes, less only at the end.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> usize {
        let length = buffer.len().min(self.len().saturating_sub(offset));
        let Some(buffer) = buffer.get_mut(..length) else { return 0 };
        match self.content.read(offset, buffer) {
            Ok(()) => length,
            // Only an offset past the end comes here.
            Err(_) => 0,
        }
    }

    /// The content. Valid while `self` lives: after that, access ends the task.
    pub const fn region(&self) -> &Region {
        &self.content
    }

    /// The handle to the shared memory, for vm: to launch it as a program, or to grant it to others.
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// All of the shared memory, which may go on after the content, with zeros.
    pub const fn memory(&self) -> &SharedMemory {
        &self.memory
    }
}
