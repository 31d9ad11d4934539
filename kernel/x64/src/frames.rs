//! What every physical page frame is used for: one byte each.
//!
//! This table is why userland can never map kernel memory or a page table, whatever it asks for: a frame is either
//! mapped by tasks (and counted), or a page table, or the kernel's, never two of these at once. It relies on boot code
//! to set the first states, and never looks at a frame's contents. The states are atomic: CPUs share the table.

use abi::Error;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use kernel_core::MemoryUse;

use crate::regions::PAGE;

/// Most mappings that one frame can have; one more is refused.
pub const MOST_MAPPINGS: u8 = 249;
const BOOT_FILES: u8 = 250;
const NOT_RAM: u8 = 251;
const TABLE: u8 = 254;
const KERNEL: u8 = 255;

/// What a frame is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// RAM that has this many mappings and pins.
    Mapped(u8),
    /// The boot files: may be mapped, but not writable; not counted.
    BootFiles,
    /// Not RAM: a device, or nothing.
    Device,
    /// A page table.
    Table,
    /// The kernel's for ever.
    Kernel,
}

impl Use {
    const fn decode(state: u8) -> Self {
        match state {
            0..=MOST_MAPPINGS => Self::Mapped(state),
            BOOT_FILES => Self::BootFiles,
            TABLE => Self::Table,
            KERNEL => Self::Kernel,
            _ => Self::Device,
        }
    }

    /// The byte in the table.
    pub const fn encode(self) -> u8 {
        match self {
            Self::Mapped(count) => {
                if count < MOST_MAPPINGS {
                    count
                } else {
                    MOST_MAPPINGS
                }
            }
            Self::BootFiles => BOOT_FILES,
            Self::Device => NOT_RAM,
            Self::Table => TABLE,
            Self::Kernel => KERNEL,
        }
    }
}

/// Says what every frame that `start..end` touches is used for. For boot code, before the table is shared.
pub fn mark(states: &mut [u8], start: u64, end: u64, usage: Use) {
    let first = ((start / PAGE) as usize).min(states.len());
    let last = (end.div_ceil(PAGE) as usize).min(states.len());
    if let Some(range) = states.get_mut(first..last) {
        range.fill(usage.encode());
    }
}

/// The states of all frames from physical address 0 up; what lies past the table is not RAM.
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    states: &'a [AtomicU8],
}

impl<'a> Frames<'a> {
    /// A view of `states`, one per frame.
    pub const fn new(states: &'a [AtomicU8]) -> Self {
        Self { states }
    }

    fn state(&self, frame: u64) -> Option<&AtomicU8> {
        self.states.get((frame / PAGE) as usize)
    }

    /// How many frames are used for what.
    pub fn count(&self) -> MemoryUse {
        let mut count = MemoryUse::default();
        for state in self.states {
            match Use::decode(state.load(Relaxed)) {
                Use::Kernel | Use::BootFiles => count.kernel += 1,
                Use::Table => count.tables += 1,
                Use::Mapped(0) => count.unmapped += 1,
                Use::Mapped(_) => count.mapped += 1,
                Use::Device => {}
            }
        }
        count
    }

    /// What the frame at physical address `frame` is used for.
    pub fn usage(&self, frame: u64) -> Use {
        self.state(frame).map_or(Use::Device, |state| Use::decode(state.load(Relaxed)))
    }

    /// Counts a new mapping of RAM.
    ///
    /// Errors: `PageInUse`: the frame is the kernel's, a page table, a boot file asked to be writable, or has
    /// [`MOST_MAPPINGS`] already; `InvalidArgument`: it is not RAM.
    pub fn share(&self, frame: u64, writable: bool) -> Result<(), Error> {
        let state = self.state(frame).ok_or(Error::InvalidArgument)?;
        match Use::decode(state.load(Relaxed)) {
            Use::Mapped(count) if count < MOST_MAPPINGS => {
                let counted = state.compare_exchange(count, count + 1, Relaxed, Relaxed);
                counted.map(|_| ()).map_err(|_| Error::PageInUse)
            }
            Use::BootFiles if !writable => Ok(()),
            Use::Device => Err(Error::InvalidArgument),
            _ => Err(Error::PageInUse),
        }
    }

    /// Takes back one [`Frames::share`]. Frames that are not counted are left alone.
    pub fn unshare(&self, frame: u64) {
        if let Some(state) = self.state(frame)
            && let Use::Mapped(count @ 1..) = Use::decode(state.load(Relaxed))
        {
            // Only the owner of a mapping takes it back, so the count cannot fall below the mappings of others: a
            // failed exchange would mean that another CPU changed it in between, and the loop repeats.
            let mut count = count;
            while let Err(now) = state.compare_exchange(count, count - 1, Relaxed, Relaxed) {
                match Use::decode(now) {
                    Use::Mapped(other @ 1..) => count = other,
                    _ => return,
                }
            }
        }
    }

    /// Makes a frame that nobody has mapped a page table.
    ///
    /// Errors: `InvalidArgument`: not RAM; `PageInUse`: it is mapped, or used otherwise.
    pub fn take_table(&self, frame: u64) -> Result<(), Error> {
        let state = self.state(frame).ok_or(Error::InvalidArgument)?;
        match state.compare_exchange(0, TABLE, Relaxed, Relaxed) {
            Ok(_) => Ok(()),
            Err(NOT_RAM) => Err(Error::InvalidArgument),
            Err(_) => Err(Error::PageInUse),
        }
    }

    /// Gives back a page table: the frame may be mapped again.
    pub fn give_table(&self, frame: u64) {
        if let Some(state) = self.state(frame) {
            let _ = state.compare_exchange(TABLE, 0, Relaxed, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn states(count: usize) -> Vec<AtomicU8> {
        (0..count).map(|_| AtomicU8::new(0)).collect()
    }

    #[test]
    fn a_mapped_frame_cannot_become_a_table_nor_a_table_be_mapped() {
        let states = states(4);
        let frames = Frames::new(&states);
        frames.share(PAGE, true).unwrap();
        assert_eq!(frames.take_table(PAGE), Err(Error::PageInUse));
        frames.unshare(PAGE);
        frames.take_table(PAGE).unwrap();
        assert_eq!(frames.share(PAGE, false), Err(Error::PageInUse));
        assert_eq!(frames.take_table(PAGE), Err(Error::PageInUse));
        frames.give_table(PAGE);
        assert_eq!(frames.usage(PAGE), Use::Mapped(0));
    }

    #[test]
    fn counts_neither_overflow_nor_underflow() {
        let states = states(1);
        let frames = Frames::new(&states);
        frames.unshare(0);
        assert_eq!(frames.usage(0), Use::Mapped(0));
        for _ in 0..MOST_MAPPINGS {
            frames.share(0, true).unwrap();
        }
        assert_eq!(frames.share(0, true), Err(Error::PageInUse));
        assert_eq!(frames.usage(0), Use::Mapped(MOST_MAPPINGS));
    }

    #[test]
    fn what_is_not_free_ram_is_refused() {
        let mut bytes = [0; 8];
        mark(&mut bytes, 0, PAGE, Use::Kernel);
        mark(&mut bytes, PAGE, PAGE + 1, Use::BootFiles);
        mark(&mut bytes, 2 * PAGE, 3 * PAGE, Use::Device);
        mark(&mut bytes, 100 * PAGE, u64::MAX, Use::Kernel);
        let states = bytes.map(AtomicU8::new);
        let frames = Frames::new(&states);
        assert_eq!(frames.share(0, false), Err(Error::PageInUse));
        assert_eq!(frames.share(PAGE, true), Err(Error::PageInUse));
        assert_eq!(frames.share(PAGE, false), Ok(()));
        assert_eq!(frames.share(2 * PAGE, false), Err(Error::InvalidArgument));
        assert_eq!(frames.share(100 * PAGE, false), Err(Error::InvalidArgument));
        for (page, error) in [(0, Error::PageInUse), (1, Error::PageInUse), (2, Error::InvalidArgument)] {
            assert_eq!(frames.take_table(page * PAGE), Err(error));
        }
        for page in [0, 1, 2, 100] {
            let before = frames.usage(page * PAGE);
            frames.unshare(page * PAGE);
            frames.give_table(page * PAGE);
            assert_eq!(frames.usage(page * PAGE), before);
        }
    }
}
