//! The kernel's access to physical memory.
//!
//! All RAM is mapped at [`DIRECT`], never executable, and not writable where the kernel's own code or the boot files
//! lie. User memory is always reached this way, through a walk of the task's page table in software, never through the
//! task's own addresses; SMAP stays on for good.

use core::arch::asm;

use crate::loader::Bytes;
use crate::paging::Memory;
use crate::regions::PAGE;

/// The kernel's address of physical address 0.
pub const DIRECT: u64 = 0xffff_8000_0000_0000;

/// Physical memory as it can be reached now.
#[derive(Clone, Copy)]
pub struct Physical {
    offset: u64,
}

impl Physical {
    /// All RAM, through the direct map: after boot code has made it.
    pub const fn direct() -> Self {
        Self { offset: DIRECT }
    }

    /// The first 4 GiB, while the boot loader's view is still mapped.
    pub const fn boot() -> Self {
        Self { offset: 0 }
    }

    /// The kernel's address of a physical address.
    pub const fn address(self, physical: u64) -> u64 {
        self.offset.wrapping_add(physical)
    }
}

impl Memory for Physical {
    #[inline]
    fn entry(&self, address: u64) -> u64 {
        // SAFETY: `Memory` is only asked for entries of page tables, which are RAM and so in the map; nothing in Rust
        // has references into page tables.
        unsafe { (self.address(address) as *const u64).read_volatile() }
    }

    #[inline]
    fn set_entry(&mut self, address: u64, value: u64) {
        // SAFETY: as in `entry`. What the entry makes reachable is checked by those who compute it (paging.rs).
        unsafe { (self.address(address) as *mut u64).write_volatile(value) }
    }

    fn clear(&mut self, frame: u64) {
        // SAFETY: the frame is RAM that the frame table (or boot code's list of free memory) has just given out as a
        // page table, so nobody else uses it; the CPU writes exactly one page.
        unsafe {
            asm!("rep stosq", inout("rcx") PAGE / 8 => _, inout("rdi") self.address(frame) => _, in("rax") 0u64,
                options(nostack, preserves_flags))
        }
    }
}

impl Bytes for Physical {
    fn byte(&self, address: u64) -> u8 {
        self.load(address)
    }

    // One load instead of one for each byte: this is what most of the boot code's size would be.
    fn u16(&self, address: u64) -> u16 {
        self.load(address)
    }

    fn u32(&self, address: u64) -> u32 {
        self.load(address)
    }

    fn u64(&self, address: u64) -> u64 {
        self.load(address)
    }
}

impl Physical {
    /// A number of the boot loader or the firmware; 0 where the boot loader's view does not reach.
    fn load<T: Copy + Default>(self, address: u64) -> T {
        if address >= (1 << 32) - size_of::<T>() as u64 {
            return T::default();
        }
        // SAFETY: used by boot code only, with numbers as `T`, when the first 4 GiB are mapped. Reading memory or a
        // device's registers there is what every firmware does when it looks for tables. No Rust object is written.
        unsafe { (self.address(address) as *const T).read_unaligned() }
    }
}

/// Copies `length` bytes between addresses of the kernel, 8 at a time as far as that goes.
///
/// # Safety
///
/// Both ranges are mapped, `to` writable, and no Rust reference to them is in use. They may overlap: what is then
/// copied is unspecified.
#[inline]
pub unsafe fn copy(from: u64, to: u64, length: usize) {
    // SAFETY: the caller says that both ranges may be accessed; the direction flag is clear in the kernel.
    unsafe {
        asm!("rep movsq", "mov ecx, {rest:e}", "rep movsb", rest = in(reg) length & 7,
            inout("rcx") length / 8 => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags))
    }
}
