//! Access to tasks' memory, by a walk of their page tables and the direct map.
//!
//! Each page is looked up once. Nothing is written where the task could not write, and memory of devices is not
//! accessed at all: reading it might have effects.

use kernel_core::CopyFault;

use crate::memory::{self, DIRECT, Physical};
use crate::paging::{self, ADDRESS, DEVICE, PRESENT, USER, WRITABLE};
use crate::regions::PAGE;

/// A task's address space (its root's physical address) and an address in it.
pub type Place = (u64, usize);

/// Where a task's memory is going to be accessed: an address, and the rest of its page.
struct Cursor {
    root: u64,
    address: usize,
    needed: u64,
    /// The kernel's address of `address`; 0: not looked up.
    direct: u64,
}

impl Cursor {
    const fn new((root, address): Place, writing: bool) -> Self {
        let needed = PRESENT | USER | if writing { WRITABLE } else { 0 };
        Self { root, address, needed, direct: 0 }
    }

    /// Makes sure that `direct` is valid. Returns how many bytes of the page follow.
    #[inline]
    fn look_up(&mut self) -> Result<usize, usize> {
        let offset = self.address as u64 % PAGE;
        if self.direct == 0 {
            let entry = paging::leaf(&Physical::direct(), self.root, self.address as u64);
            if entry & (self.needed | DEVICE) != self.needed {
                return Err(self.address);
            }
            self.direct = DIRECT + (entry & ADDRESS) + offset;
        }
        Ok((PAGE - offset) as usize)
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.address = self.address.wrapping_add(count);
        self.direct = if (self.address as u64).is_multiple_of(PAGE) { 0 } else { self.direct + count as u64 };
    }
}

/// Copies from one task to another.
#[inline]
pub fn copy(from: Place, to: Place, length: usize) -> Result<(), CopyFault> {
    let mut source = Cursor::new(from, false);
    let mut target = Cursor::new(to, true);
    let mut left = length;
    while left > 0 {
        let readable = source.look_up().map_err(|address| CopyFault { in_source: true, address })?;
        let writable = target.look_up().map_err(|address| CopyFault { in_source: false, address })?;
        let count = left.min(readable).min(writable);
        // SAFETY: both pages are RAM that tasks have mapped, so not the kernel's (frames.rs), and in the direct map;
        // `count` stays within them.
        unsafe { memory::copy(source.direct, target.direct, count) }
        source.advance(count);
        target.advance(count);
        left -= count;
    }
    Ok(())
}

/// Copies from a task into the kernel; the error is the address that is not there.
pub fn read(from: Place, mut to: &mut [u8]) -> Result<(), usize> {
    let mut source = Cursor::new(from, false);
    while !to.is_empty() {
        let count = source.look_up()?.min(to.len());
        let Some((now, rest)) = to.split_at_mut_checked(count) else { return Ok(()) };
        // SAFETY: the source as in `copy`; the target is a slice of the kernel's of `count` bytes.
        unsafe { memory::copy(source.direct, now.as_mut_ptr() as u64, count) }
        source.advance(count);
        to = rest;
    }
    Ok(())
}

/// Copies from the kernel to a task; the error is the address that is not there.
pub fn write(mut from: &[u8], to: Place) -> Result<(), usize> {
    let mut target = Cursor::new(to, true);
    while !from.is_empty() {
        let count = target.look_up()?.min(from.len());
        let Some((now, rest)) = from.split_at_checked(count) else { return Ok(()) };
        // SAFETY: the target as in `copy`; the source is a slice of the kernel's of `count` bytes.
        unsafe { memory::copy(now.as_ptr() as u64, target.direct, count) }
        target.advance(count);
        from = rest;
    }
    Ok(())
}
