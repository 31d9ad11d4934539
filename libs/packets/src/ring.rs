//! A ring with one producer and one consumer: both count up for ever, each writes only its own count.
//!
//! An entry is one word: the buffer's number in bits 0 to 15, the frame's length in bits 16 to 31. It is written before the
//! producer's count (release) and read after it (acquire).

use crate::{Broken, Buffer, RING, RINGS_AT};
use ipc::Region;

/// Bytes between counts, so that each has a cache line.
const LINE: usize = 64;

/// Which ring.
#[derive(Clone, Copy)]
pub enum Name {
    Fill,
    Receive,
    Transmit,
    Complete,
}

impl Name {
    const fn produced_at(self) -> usize {
        self as usize * 2 * LINE
    }

    const fn entry_at(self, count: u64) -> usize {
        RINGS_AT + (self as usize * RING + count as usize % RING) * 8
    }
}

/// The end that puts entries in.
pub struct Producer {
    name: Name,
    produced: u64,
}

impl Producer {
    pub const fn new(name: Name) -> Self {
        Self { name, produced: 0 }
    }

    /// Puts an entry in. Whoever puts in only buffers that the other side does not have finds room.
    pub fn push(&mut self, memory: &Region, buffer: Buffer, length: usize) -> Result<(), Broken> {
        let entry = u64::from(buffer) | (length as u64) << 16;
        memory.store(self.name.entry_at(self.produced), entry)?;
        self.produced = self.produced.wrapping_add(1);
        Ok(memory.store(self.name.produced_at(), self.produced)?)
    }
}

/// The end that takes entries out.
pub struct Consumer {
    name: Name,
    consumed: u64,
    /// What the producer's count was when it was last read.
    produced: u64,
}

impl Consumer {
    pub const fn new(name: Name) -> Self {
        Self { name, consumed: 0, produced: 0 }
    }

    /// Takes an entry out: the buffer and the length.
    pub fn pop(&mut self, memory: &Region) -> Result<Option<(Buffer, usize)>, Broken> {
        if self.consumed == self.produced && self.is_empty(memory)? {
            return Ok(None);
        }
        let entry = memory.load(self.name.entry_at(self.consumed))?;
        if entry >> 32 != 0 {
            return Err(Broken);
        }
        self.consumed = self.consumed.wrapping_add(1);
        Ok(Some((entry as Buffer, (entry >> 16) as usize)))
    }

    /// Whether there is no entry.
    pub fn is_empty(&mut self, memory: &Region) -> Result<bool, Broken> {
        let produced = memory.load(self.name.produced_at())?;
        // A count that goes back, or passes what the ring holds.
        if produced.wrapping_sub(self.consumed) > RING as u64 {
            return Err(Broken);
        }
        self.produced = produced;
        Ok(produced == self.consumed)
    }
}
