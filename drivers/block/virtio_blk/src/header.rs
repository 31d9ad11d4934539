//! What goes before and after the data of a request (5.2.6), in a page that only the driver and the device have.

use crate::Fault;
use blocks::{Operation, REQUESTS};
use ipc::{Error, Region};

/// Bytes of the page.
pub const SIZE: usize = REQUESTS * SLOT;
/// Bytes of a request in it: the header, and the status where the next one's could begin.
const SLOT: usize = 32;
/// Bytes of the header.
pub const HEADER: u32 = 16;
/// Offset of the status in a slot; it has one byte.
const STATUS: usize = 16;

/// What a status is before the device has written it. Not one that it may write.
const UNWRITTEN: u8 = 0xff;
const OK: u8 = 0;
const FAILED: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// The page, and where the device sees it.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    pub memory: Region,
    pub physical: u64,
}

impl Headers {
    /// Writes a request's header; where it and the status are for the device.
    ///
    /// Errors: `OutOfBounds` (the token).
    pub fn write(&self, token: u16, operation: Operation, sector: u64) -> Result<(u64, u64), Error> {
        let kind = match operation {
            Operation::Read => 0,
            Operation::Write => 1,
            Operation::Flush => 4,
        };
        let at = usize::from(token) * SLOT;
        // The type in the lower half; the upper one is reserved.
        self.memory.store(at, kind)?;
        self.memory.store(at + 8, sector)?;
        self.memory.write(at + STATUS, &[UNWRITTEN])?;
        Ok((self.physical + at as u64, self.physical + (at + STATUS) as u64))
    }

    /// How the request has ended, as the device says.
    ///
    /// Errors: `Status`.
    pub fn result(&self, token: u16) -> Result<Result<(), Error>, Fault> {
        let mut status = [UNWRITTEN];
        // Cannot fail: the token had a header.
        let _ = self.memory.read(usize::from(token) * SLOT + STATUS, &mut status);
        match status[0] {
            OK => Ok(Ok(())),
            FAILED => Ok(Err(Error::InputOutput)),
            UNSUPPORTED => Ok(Err(Error::NotSupported)),
            status => Err(Fault::Status(status)),
        }
    }
}
