//! Shared memory: pages that several tasks map, each with the access it was granted.

use crate::service::vm;
use ipc::{Error, Handle, Region, TaskId};

/// A shared memory object, mapped into this task. Dropping it unmaps it; the memory is free when no task has it.
///
/// Its contents may change at any time, so they are copied in and out, through [`SharedMemory::region`].
#[derive(Debug)]
pub struct SharedMemory {
    handle: Handle,
    region: Region,
}

impl SharedMemory {
    /// Makes an object of at least `size` bytes, filled with zeros, and maps it writable.
    ///
    /// Errors: those of vm's `share_create` and `share_map`.
    pub fn create(size: usize) -> Result<Self, Error> {
        Self::open(vm().share_create(size)?, true)
    }

    /// Maps an object that another task has granted. If that fails the handle is closed.
    ///
    /// Errors: those of vm's `share_map`.
    pub fn open(handle: Handle, writable: bool) -> Result<Self, Error> {
        match vm().share_map(handle, writable).and_then(|map| Region::new(map.address, map.size)) {
            Ok(region) => Ok(Self { handle, region }),
            Err(error) => {
                // What matters is why it could not be mapped.
                let _ = vm().share_close(handle);
                Err(error)
            }
        }
    }

    /// Grants another task access; the result is the handle to tell it, with which it calls [`SharedMemory::open`].
    ///
    /// Errors: those of vm's `share_grant`.
    pub fn grant(&self, task: TaskId, writable: bool) -> Result<Handle, Error> {
        vm().share_grant(self.handle, task, writable)
    }

    /// The memory. Valid while `self` lives: after that, access ends the task.
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// Unmaps it and gives up the handle.
    ///
    /// Errors: those of vm's `share_close`.
    pub fn close(self) -> Result<(), Error> {
        let handle = self.handle;
        core::mem::forget(self);
        vm().share_close(handle)
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // It fails only if vm does not know the handle, and then there is nothing to close.
        let _ = vm().share_close(self.handle);
    }
}
