//! What the first task maps for itself for good, as ordinary slices: its table of frames and the boot image.
//!
//! Unlike [`crate::Region`], this memory is Rust's. Each function maps pages where nothing was, in a range of addresses
//! that nothing else uses, and works once, so what it returns is the only way to this memory. They rely on the first
//! task's duty to hand out each frame once.
//!
//! On the host they map the same pages, but the memory is the process's own: words that go with their holder, since many
//! first tasks come and go, and the boot image of the backend.

use crate::{Error, MapFlags, Region, TaskId, calls};

/// Where the words lie: behind all foreign memory.
const WORDS: usize = Region::END;
/// Where the boot image lies.
const IMAGE: usize = 0x7800_0000_0000;
/// First address after the range for the image.
const END: usize = 0x7fff_0000_0000;

const PAGE: usize = crate::page::PAGE_SIZE;

/// Where frames come from: physical addresses of pages that nobody uses. `None`: there are no more.
pub type Supply<'a> = &'a mut dyn FnMut() -> Option<u64>;

/// Words that nobody but the holder has.
pub struct Words(place::Words);

impl Words {
    /// No words.
    pub const fn none() -> Self {
        Self(place::none())
    }
}

#[allow(clippy::needless_borrow, reason = "it is a reference on the bare machine only")]
impl core::ops::Deref for Words {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

#[allow(clippy::needless_borrow, reason = "it is a reference on the bare machine only")]
impl core::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

/// Maps `count` words of fresh memory and fills them with zeros.
///
/// Errors: `OutOfMemory` (no more frames, or no more addresses), `AlreadyExists` (it was called before), those of
/// [`calls::map`].
pub fn map_words(count: usize, frames: Supply<'_>) -> Result<Words, Error> {
    let pages = pages(count.checked_mul(8), IMAGE - WORDS)?;
    let own = calls::own_id();
    for page in 0..pages {
        let frame = frames().ok_or(Error::OutOfMemory)?;
        map(own, WORDS + page * PAGE, frame, MapFlags::WRITE, frames)?;
    }
    place::words(count).map(Words)
}

#[cfg(not(target_os = "none"))]
impl From<std::vec::Vec<u64>> for Words {
    fn from(words: std::vec::Vec<u64>) -> Self {
        Self(words)
    }
}

/// Maps the boot image at physical address `start` read-only. Frames from `tables` are used for the page table.
///
/// Errors: as [`map_words`], and `InvalidArgument` (`start` is not page-aligned).
pub fn map_image(start: u64, length: usize, tables: Supply<'_>) -> Result<&'static [u8], Error> {
    let pages = pages(Some(length), END - IMAGE)?;
    let own = calls::own_id();
    let mut page = 0;
    while page < pages {
        let flags = MapFlags::READ.and_more(pages - page - 1);
        page += map(own, IMAGE + page * PAGE, start + (page * PAGE) as u64, flags, tables)?;
    }
    place::image(length)
}

fn pages(bytes: Option<usize>, room: usize) -> Result<usize, Error> {
    match bytes {
        Some(bytes) if bytes <= room => Ok(bytes.div_ceil(PAGE)),
        _ => Err(Error::OutOfMemory),
    }
}

/// Maps one page, with as many page-table frames as it takes, and those behind it that need none; how many.
fn map(own: TaskId, address: usize, frame: u64, flags: MapFlags, tables: Supply<'_>) -> Result<usize, Error> {
    let mut table = 0;
    loop {
        match calls::map(own, address, frame as usize, flags, table) {
            Ok(done) if done.mapped => return Ok(1 + done.more),
            Ok(_) | Err(Error::NeedsTable) => table = tables().ok_or(Error::OutOfMemory)? as usize,
            Err(error) => return Err(error),
        }
    }
}

/// The memory behind the pages that have just been mapped.
#[cfg(target_os = "none")]
mod place {
    use super::{Error, IMAGE, WORDS};
    use core::sync::atomic::{AtomicBool, Ordering};

    pub type Words = &'static mut [u64];

    pub const fn none() -> Words {
        &mut []
    }

    pub fn words(count: usize) -> Result<Words, Error> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        once(&TAKEN)?;
        // SAFETY: all pages of the slice have just been mapped, writable, to frames that nobody else uses (the
        // supplier's duty); the range is this function's, which gets here once. Any bits are words.
        let words = unsafe {
            core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut::<u64>(WORDS), count)
        };
        words.fill(0);
        Ok(words)
    }

    pub fn image(length: usize) -> Result<&'static [u8], Error> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        once(&TAKEN)?;
        // SAFETY: all pages of the slice have just been mapped; nobody writes to the boot image: the kernel leaves it
        // alone, and the first task maps it read-only everywhere. The range is this function's, which gets here once.
        Ok(unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(IMAGE), length) })
    }

    fn once(taken: &AtomicBool) -> Result<(), Error> {
        if taken.swap(true, Ordering::Relaxed) { Err(Error::AlreadyExists) } else { Ok(()) }
    }
}

/// On the host, the process's own memory.
#[cfg(not(target_os = "none"))]
mod place {
    use super::Error;

    pub type Words = std::vec::Vec<u64>;

    pub const fn none() -> Words {
        Words::new()
    }

    pub fn words(count: usize) -> Result<Words, Error> {
        Ok(std::vec![0; count])
    }

    pub fn image(length: usize) -> Result<&'static [u8], Error> {
        crate::host::boot_image().get(..length).ok_or(Error::OutOfBounds)
    }
}
