//! Memory that is not Rust's: shared with other tasks, or a frame that a pager has mapped to fill it.
//!
//! It lies in a range of addresses where nothing else ever lies, and is accessed only by copies that the compiler
//! makes no assumptions about. So every access is sound: other tasks may change it at any time, and where nothing is
//! mapped the access faults, which ends the task with a report. On the host it is the backend's, or memory that was
//! leaked for tests; any other access panics.

use crate::Error;

/// A piece of memory in the range for foreign memory. A plain value: copying it copies no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    address: usize,
    length: usize,
}

impl Region {
    /// First address of the range for foreign memory. Programs, heaps and stacks lie below.
    pub const FIRST: usize = 0x10_0000_0000;
    /// First address past the range.
    pub const END: usize = 0x7000_0000_0000;

    /// The region of `length` bytes from `address` on; `InvalidArgument` unless it lies in the range.
    pub const fn new(address: usize, length: usize) -> Result<Self, Error> {
        let inside = address >= Self::FIRST && address <= Self::END && length <= Self::END - address;
        if inside { Ok(Self { address, length }) } else { Err(Error::InvalidArgument) }
    }

    /// A region of zeroed memory that lives forever, for tests.
    #[cfg(not(target_os = "none"))]
    pub fn leak(length: usize) -> Self {
        Self { address: crate::host::leak_region(length), length }
    }

    /// Its first address.
    pub const fn address(&self) -> usize {
        self.address
    }

    /// Its length in bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The part of `length` bytes from `offset` on; `OutOfBounds` if it goes past the end.
    pub const fn part(&self, offset: usize, length: usize) -> Result<Self, Error> {
        if offset > self.length || length > self.length - offset {
            return Err(Error::OutOfBounds);
        }
        Ok(Self { address: self.address + offset, length })
    }

    /// Copies from the region at `offset`; `OutOfBounds` if it goes past the end.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        let from = self.part(offset, buffer.len())?;
        #[cfg(not(target_os = "none"))]
        if crate::host::region_read(from.address, buffer) {
            return Ok(());
        }
        // SAFETY: `from` lies in the range for foreign memory and the buffer outside of it; the length is the same.
        unsafe { copy(from.pointer(), buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Copies `data` to the region at `offset`; `OutOfBounds` if it goes past the end.
    pub fn write(&self, offset: usize, data: &[u8]) -> Result<(), Error> {
        let to = self.part(offset, data.len())?;
        #[cfg(not(target_os = "none"))]
        if crate::host::region_write(to.address, data) {
            return Ok(());
        }
        // SAFETY: as in `read`.
        unsafe { copy(data.as_ptr(), to.pointer(), data.len()) };
        Ok(())
    }

    /// Sets every byte to zero.
    pub fn zero(&self) {
        #[cfg(not(target_os = "none"))]
        if crate::host::region_write(self.address, &std::vec![0; self.length]) {
            return;
        }
        // SAFETY: the region lies in the range for foreign memory, where no Rust object lies.
        unsafe { fill_zero(self.pointer(), self.length) };
    }

    /// Reads the word at `offset`, a multiple of 8, in one access: `OutOfBounds`, `InvalidArgument` (unaligned). What
    /// another task wrote before it wrote this word is visible after (acquire).
    pub fn load(&self, offset: usize) -> Result<u64, Error> {
        let word = self.word(offset)?;
        #[cfg(not(target_os = "none"))]
        if let Some(value) = crate::host::region_load(word.address) {
            return Ok(value);
        }
        Ok(word.atomic().load(core::sync::atomic::Ordering::Acquire))
    }

    /// Writes the word at `offset`, a multiple of 8, in one access, after everything written before (release). Errors
    /// as [`Region::load`].
    pub fn store(&self, offset: usize, value: u64) -> Result<(), Error> {
        let word = self.word(offset)?;
        #[cfg(not(target_os = "none"))]
        if crate::host::region_write(word.address, &value.to_ne_bytes()) {
            return Ok(());
        }
        word.atomic().store(value, core::sync::atomic::Ordering::Release);
        Ok(())
    }

    /// The aligned word at `offset`.
    const fn word(&self, offset: usize) -> Result<Self, Error> {
        match self.part(offset, 8) {
            Ok(word) if !word.address.is_multiple_of(8) => Err(Error::InvalidArgument),
            word => word,
        }
    }

    /// The region, an aligned word, as one.
    fn atomic(&self) -> &core::sync::atomic::AtomicU64 {
        // SAFETY: in bounds and aligned (`word`); foreign memory holds no Rust objects, and atomics may change any time.
        unsafe { core::sync::atomic::AtomicU64::from_ptr(self.pointer().cast()) }
    }

    pub(crate) const fn pointer(&self) -> *mut u8 {
        core::ptr::with_exposed_provenance_mut(self.address)
    }
}

/// Copies without telling the compiler what: the other side may be changed by another task meanwhile.
///
/// # Safety
///
/// The memory must be the program's own buffer on one side and foreign memory on the other, not overlapping.
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the instructions copy `length` bytes, as the caller answers for; the direction flag is clear (System V
    // ABI). The compiler assumes that any memory changes.
    unsafe {
        core::arch::asm!(
            "rep movsq",
            "mov rcx, {rest}",
            "rep movsb",
            rest = in(reg) length % 8,
            inout("rcx") length / 8 => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
unsafe fn fill_zero(to: *mut u8, length: usize) {
    // SAFETY: as in `copy`.
    unsafe {
        core::arch::asm!(
            "rep stosq",
            "mov rcx, {rest}",
            "rep stosb",
            rest = in(reg) length % 8,
            inout("rcx") length / 8 => _,
            inout("rdi") to => _,
            in("rax") 0_usize,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(not(all(target_os = "none", target_arch = "x86_64")))]
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    for offset in 0..length {
        // SAFETY: below `length`, as the caller answers for. Volatile: another task may change it meanwhile.
        unsafe { to.add(offset).write_volatile(from.add(offset).read_volatile()) };
    }
}

#[cfg(not(all(target_os = "none", target_arch = "x86_64")))]
unsafe fn fill_zero(to: *mut u8, length: usize) {
    for offset in 0..length {
        // SAFETY: as in `copy`.
        unsafe { to.add(offset).write_volatile(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_outside_of_the_range_are_refused() {
        assert!(Region::new(Region::FIRST, 4096).is_ok());
        for (address, length) in
            [(0, 1), (Region::FIRST - 1, 1), (Region::END, 1), (Region::FIRST, usize::MAX)]
        {
            assert_eq!(Region::new(address, length), Err(Error::InvalidArgument), "{address:#x}+{length:#x}");
        }
    }

    #[test]
    fn copies_stay_in_bounds() {
        let region = Region::leak(20);
        region.write(3, b"hello").unwrap();
        let mut buffer = [1; 10];
        region.read(0, &mut buffer).unwrap();
        assert_eq!(&buffer, b"\0\0\0hello\0\0");
        assert_eq!(region.write(16, b"hello"), Err(Error::OutOfBounds));
        assert_eq!(region.read(usize::MAX, &mut buffer), Err(Error::OutOfBounds));
        region.zero();
        region.read(0, &mut buffer).unwrap();
        assert_eq!(buffer, [0; 10]);
    }

    #[test]
    fn words_are_aligned() {
        let region = Region::leak(24);
        region.store(8, 5).unwrap();
        assert_eq!(region.load(8), Ok(5));
        assert_eq!(region.load(4), Err(Error::InvalidArgument));
        assert_eq!(region.store(24, 1), Err(Error::OutOfBounds));
    }
}
