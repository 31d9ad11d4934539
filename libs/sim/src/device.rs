//! Models of devices: registers in physical memory and an interrupt line.

use std::ops::Range;

/// A device, as a driver sees it. It runs inside of the driver's accesses, and acts only then or when the time has come
/// that it asked for.
pub trait Device: Send {
    /// The driver reads registers: `offset` is from the device's first address, at most a page's bytes at once.
    fn read(&mut self, offset: usize, buffer: &mut [u8]);

    /// The driver writes registers.
    fn write(&mut self, offset: usize, data: &[u8]);

    /// Whether the interrupt line is raised now. Level-triggered: it stays so until the driver has done what lowers it.
    fn interrupts(&mut self) -> bool {
        false
    }

    /// The next message that it writes to signal an interrupt (MSI), if there is one: the physical address and the word.
    /// What counts is what the driver, or the device manager, has told the device: `resea::abi::IrqOperation::Message`.
    fn message(&mut self) -> Option<(u64, u32)> {
        None
    }

    /// When it next does something by itself, in nanoseconds of the machine's clock; `None`: only when it is accessed.
    fn next_event(&self) -> Option<u64> {
        None
    }

    /// The time it asked for has come.
    fn event(&mut self, now: u64) {
        let _ = now;
    }
}

/// A device in its place.
pub(crate) struct Attached {
    /// Its physical addresses.
    pub(crate) addresses: Range<usize>,
    pub(crate) irq: usize,
    pub(crate) device: Box<dyn Device>,
}
