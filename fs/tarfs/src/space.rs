//! How much memory there is for the tree: whatever is put in it is taken from here first, so that it never grows over the
//! heap.

use ipc::Error;

/// Bytes that may be used, and are.
#[derive(Debug)]
pub struct Space {
    total: u64,
    free: u64,
}

impl Space {
    /// So many bytes, all free.
    pub const fn new(total: u64) -> Self {
        Self { total, free: total }
    }

    /// All there are.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Those that are free.
    pub const fn free(&self) -> u64 {
        self.free
    }

    /// Takes some.
    ///
    /// Errors: `NoSpace`; then none are taken.
    pub fn take(&mut self, bytes: u64) -> Result<(), Error> {
        self.free = self.free.checked_sub(bytes).ok_or(Error::NoSpace)?;
        Ok(())
    }

    /// Gives back what was taken.
    pub fn give(&mut self, bytes: u64) {
        self.free += bytes;
    }
}
