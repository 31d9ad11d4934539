//! What RAM there is when the kernel starts, and what each frame of it is used for.
//!
//! Where the boot files lie is RAM, whatever the firmware's map says: a boot loader has just written them there, and firmware may have
//! reserved memory that a loader uses all the same (SeaBIOS reserves some for each disk at the top, where QEMU puts the boot files). Other
//! pages of what is reserved stay what they are. Pure arithmetic, like [`crate::regions`]; it touches no memory.

use abi::{Range, Region};

use crate::frames::{self, Use};
use crate::loader::MOST_REGIONS;
use crate::regions::{PAGE, Regions, page_down, page_up};

/// Firmware's data and, later, the start of other CPUs need memory below this.
const LOW_MEMORY: u64 = 1 << 20;

/// All RAM, and what of it is taken.
#[derive(Clone, Copy, Debug)]
pub struct Ram {
    /// All of it.
    pub all: Regions<MOST_REGIONS>,
    /// What nobody has taken.
    pub free: Regions<MOST_REGIONS>,
    /// The boot files; the length is not rounded.
    pub bootfs: Region,
}

/// Why the boot files cannot be used where they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misplaced {
    /// Their start is not that of a page.
    Unaligned,
    /// They reach past what the boot code can use.
    TooHigh,
    /// They share a page with the kernel.
    OverKernel,
    /// They share a page with an interrupt controller.
    OverDevice,
}

impl Misplaced {
    /// What is wrong, for a report that goes on with their address.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unaligned => {
                "the boot files do not start at a page; load them at a multiple of 0x1000, not at"
            }
            Self::TooHigh => "the boot files reach past 4 GiB; load them below, not at",
            Self::OverKernel => "the boot files overlap the kernel; load them elsewhere, not at",
            Self::OverDevice => "the boot files overlap an interrupt controller; load them elsewhere, not at",
        }
    }
}

impl Ram {
    /// Of the memory that is usable by the firmware's map: what is left beside the kernel (`kernel`, from and to), the boot files and the
    /// kernel's `devices`, empty ones of which count for nothing. The boot code can use memory up to `limit`.
    ///
    /// # Errors
    ///
    /// Each variant of [`Misplaced`].
    pub fn new(
        mut usable: Regions<MOST_REGIONS>,
        bootfs: Region,
        kernel: (u64, u64),
        devices: &[Range],
        limit: u64,
    ) -> Result<Self, Misplaced> {
        let end = bootfs.start.saturating_add(bootfs.length);
        let overlaps = |start, other: u64| start < page_up(end) && bootfs.start < page_up(other);
        if !bootfs.start.is_multiple_of(PAGE) {
            return Err(Misplaced::Unaligned);
        }
        if end > limit {
            return Err(Misplaced::TooHigh);
        }
        if overlaps(kernel.0, kernel.1) {
            return Err(Misplaced::OverKernel);
        }
        for device in devices {
            if overlaps(device.start, device.end) {
                return Err(Misplaced::OverDevice);
            }
            usable.remove(device.start, device.end);
        }
        let mut free = usable;
        free.remove(0, LOW_MEMORY);
        free.remove(kernel.0, kernel.1);
        free.remove(bootfs.start, end);
        usable.add(bootfs.start, page_up(end));
        Ok(Self { all: usable, free, bootfs })
    }

    /// The pages of the boot files, from and to.
    pub const fn bootfs_pages(&self) -> (u64, u64) {
        (page_down(self.bootfs.start), page_up(self.bootfs.start.saturating_add(self.bootfs.length)))
    }

    /// How many frames there are from address 0 to the end of RAM.
    pub fn frames(&self) -> u64 {
        // A list that is full may not have the boot files.
        self.all.end().max(self.bootfs_pages().1) / PAGE
    }

    /// Says for each frame what it is used for: everything is the kernel's, but for what is free and the boot files.
    pub fn mark(&self, states: &mut [u8]) {
        states.fill(Use::Device.encode());
        let all = self.all.iter().map(|region| (region, Use::Kernel));
        let free = self.free.iter().map(|region| (region, Use::Mapped(0)));
        for (Region { start, length }, usage) in all.chain(free).chain([(self.bootfs, Use::BootFiles)]) {
            frames::mark(states, start, start + length, usage);
        }
    }
}

#[cfg(test)]
mod tests;
