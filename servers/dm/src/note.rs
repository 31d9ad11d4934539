//! A note of what dm has changed for a moment, so that the next dm can put it right if this one is killed meanwhile.
//!
//! Measuring a range overwrites its address, and nobody else knows that: without a note the device would be lost until the
//! machine is started again. The note is one word in memory that vm keeps from one dm's life to the next.

use crate::configuration::{Configuration, Place};
use ipc::Region;
use resea::{SharedMemory, vm};

/// vm's key for the memory; those of devices' memory are smaller.
const KEY: u64 = u64::MAX;
/// Its size in bytes: the least that there is.
const SIZE: usize = 4096;

/// In the note, above place, offset and value: there is one.
const PRESENT: u64 = 1 << 63;

/// The memory for the note; `None` if there is none, and then a killed dm may lose a device.
pub fn memory() -> Option<SharedMemory> {
    let made = vm().dma_create(KEY, SIZE).ok()?;
    SharedMemory::open(made.handle, true).ok()
}

/// A configuration space whose words are noted as [`Configuration::note`] says.
#[derive(Debug)]
pub struct Noted<C> {
    space: C,
    note: Option<Region>,
}

impl<C: Configuration> Noted<C> {
    /// Puts right what the dm before this one has left, if it was killed at the wrong moment.
    pub fn new(mut space: C, note: Option<Region>) -> Self {
        let left = note.and_then(|note| note.load(0).ok()).unwrap_or(0);
        if left & PRESENT != 0 {
            space.write(Place((left >> 40) as u16), (left >> 32) as u16 & 0xfc, left as u32);
        }
        let mut noted = Self { space, note };
        noted.note(None);
        noted
    }
}

impl<C: Configuration> Configuration for Noted<C> {
    fn size(&self) -> u16 {
        self.space.size()
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        self.space.read(place, offset)
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        self.space.write(place, offset, value);
    }

    fn note(&mut self, word: Option<(Place, u16, u32)>) {
        let note = word.map_or(0, |(place, offset, value)| {
            PRESENT | u64::from(place.0) << 40 | u64::from(offset & 0xfc) << 32 | u64::from(value)
        });
        // One store, so that no half of it can be there. It fails only if the memory has no word.
        let _ = self.note.map(|memory| memory.store(0, note));
    }
}
