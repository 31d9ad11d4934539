//! Memory that a device reads and writes by itself.

use ipc::{Error, Handle, Region, TaskId};
use resea::SharedMemory;

/// Memory for a device: physically contiguous, mapped into the driver. It belongs to dm and outlives the driver, since
/// a device that still has its address may go on writing.
#[derive(Debug)]
pub struct DmaMemory {
    shared: SharedMemory,
    physical: u64,
}

impl DmaMemory {
    pub(crate) const fn new(shared: SharedMemory, physical: u64) -> Self {
        Self { shared, physical }
    }

    /// The memory, of the size that was asked for rounded up to pages. Others may change it at any time.
    pub const fn region(&self) -> &Region {
        self.shared.region()
    }

    /// Where the device sees its first byte.
    pub const fn physical(&self) -> u64 {
        self.physical
    }

    /// Gives another task access to it, for reading and writing; the result is the handle to tell it.
    ///
    /// Errors: those of vm's `share_grant`.
    pub fn grant(&self, task: TaskId) -> Result<Handle, Error> {
        self.shared.grant(task, true)
    }
}
