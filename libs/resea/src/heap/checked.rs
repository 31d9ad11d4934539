//! A heap that finds its users' mistakes: writes past either end, double frees, writes after the free.
//!
//! Around each allocation lie zones of a known pattern, checked when it is freed. Freed memory is filled with another
//! pattern and kept for a while before it is handed out again; then the pattern is checked too. Every operation takes
//! bounded time: of large allocations only the start is filled.

use super::plain::{PlainHeap, Usage};
use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

/// Bytes checked before and after each allocation. The one before also holds the [`Header`].
const ZONE: usize = 32;
/// What fills the zone after an allocation.
const ZONE_BYTE: u8 = 0xfd;
/// What fills memory that was allocated and not written yet.
const NEW_BYTE: u8 = 0xa5;
/// What fills memory that was freed.
const FREED_BYTE: u8 = 0xdd;
/// How many bytes of an allocation are filled: what bounds the time.
const FILLED: usize = 4096;
/// How many freed allocations are kept before they are handed out again.
const KEPT: usize = 32;

const ALIVE: u64 = 0xa11c_a7ed_0b1e_c701;
const FREED: u64 = 0xf2ee_db10_c0de_ad02;

/// What lies before an allocation. The free lists of the heap below overwrite its first 16 bytes, so the mark, by which
/// a double free is recognised, is at the end.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    size: u64,
    align: u64,
    /// Follows from the other two, so that a header that was overwritten in part is not believed.
    guard: u64,
    /// `ALIVE` or `FREED`, mixed with the address, so that a copy of a header is not one.
    mark: u64,
}

const _: () = assert!(size_of::<Header>() == ZONE);

impl Header {
    const fn guard(size: u64, align: u64) -> u64 {
        !(size.rotate_left(16) ^ align)
    }
}

/// A mistake of the program in using its heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// The address lies outside of the heap, or nothing allocated begins there.
    NotAllocated {
        /// What was freed.
        address: usize,
        /// With which size.
        size: usize,
    },
    /// It was freed before.
    DoubleFree {
        /// Where it began.
        address: usize,
        /// How large it was.
        size: usize,
    },
    /// It is freed with another layout than it was allocated with.
    WrongLayout {
        /// Where it begins.
        address: usize,
        /// The size that it was allocated with.
        allocated: usize,
        /// The size that it is freed with.
        freed: usize,
    },
    /// Bytes before it were overwritten.
    Underflow {
        /// Where it begins.
        address: usize,
        /// How large it is.
        size: usize,
    },
    /// Bytes after it were overwritten.
    Overflow {
        /// Where it begins.
        address: usize,
        /// How large it is.
        size: usize,
        /// Where the first wrong byte is, from its beginning.
        offset: usize,
    },
    /// It was written to after it was freed.
    WriteAfterFree {
        /// Where it began.
        address: usize,
        /// How large it was.
        size: usize,
        /// Where the first wrong byte is, from its beginning.
        offset: usize,
    },
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("heap misuse: ")?;
        match *self {
            Self::NotAllocated { address, size } => {
                write!(f, "invalid free: no allocation begins at {address:#x} (freed with size {size})")
            }
            Self::DoubleFree { address, size } => {
                write!(f, "double free of {size} bytes at {address:#x}")
            }
            Self::WrongLayout { address, allocated, freed } => {
                write!(
                    f,
                    "{allocated} bytes at {address:#x} are freed with the wrong layout, of {freed} bytes"
                )
            }
            Self::Underflow { address, size } => {
                write!(f, "write before the beginning of {size} bytes at {address:#x}")
            }
            Self::Overflow { address, size, offset } => {
                write!(f, "write past the end of {size} bytes at {address:#x}, at offset {offset}")
            }
            Self::WriteAfterFree { address, size, offset } => {
                write!(f, "write to {size} bytes at {address:#x} after they were freed, at offset {offset}")
            }
        }
    }
}

/// An allocation: where it begins for the user, and its layout.
#[derive(Clone, Copy)]
struct Block {
    user: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// How far the user's part is from the beginning of what the heap below gave.
    fn front(layout: Layout) -> usize {
        ZONE.max(layout.align())
    }

    /// What the heap below gives for it; `None` if that would overflow.
    fn outer(layout: Layout) -> Option<Layout> {
        let size = layout.size().checked_add(Self::front(layout))?.checked_add(ZONE)?;
        Layout::from_size_align(size, layout.align().max(16)).ok()
    }

    fn address(&self) -> usize {
        self.user.as_ptr() as usize
    }

    fn mark(&self, mark: u64) -> u64 {
        mark ^ self.address() as u64
    }

    /// Where the header is.
    fn header(&self) -> NonNull<Header> {
        // SAFETY: a block has `ZONE` bytes before its user's part, which begins at a multiple of 16.
        unsafe { self.user.byte_sub(ZONE).cast() }
    }

    /// Fills `length` bytes from `offset` on.
    ///
    /// # Safety
    ///
    /// They must lie in the block.
    unsafe fn fill(&self, offset: usize, length: usize, byte: u8) {
        // SAFETY: the caller's promise.
        unsafe { self.user.add(offset).write_bytes(byte, length) };
    }

    /// The offset of the first of `length` bytes from `offset` on that is not `byte`.
    ///
    /// # Safety
    ///
    /// They must lie in the block and have been written.
    unsafe fn first_other(&self, offset: usize, length: usize, byte: u8) -> Option<usize> {
        // SAFETY: the caller's promise.
        (offset..offset + length).find(|&at| unsafe { self.user.add(at).read() } != byte)
    }

    fn filled(&self) -> usize {
        self.layout.size().min(FILLED)
    }
}

/// A heap that checks its users.
pub struct CheckedHeap {
    heap: PlainHeap,
    /// Where the heap's memory is.
    start: usize,
    end: usize,
    /// Freed and not handed out again yet; `next` is the oldest.
    kept: [Option<Block>; KEPT],
    next: usize,
    kept_bytes: usize,
    used: usize,
}

// SAFETY: the pointers are to the heap's own memory, which moves with it.
unsafe impl Send for CheckedHeap {}

impl CheckedHeap {
    /// A heap without memory.
    pub const fn new() -> Self {
        Self { heap: PlainHeap::new(), start: 0, end: 0, kept: [None; KEPT], next: 0, kept_bytes: 0, used: 0 }
    }

    /// Gives the heap memory to hand out, once.
    ///
    /// # Safety
    ///
    /// The memory must be readable and writable and nobody else's from now on.
    pub unsafe fn add(&mut self, memory: NonNull<[u8]>) {
        self.start = memory.cast::<u8>().as_ptr() as usize;
        self.end = self.start.saturating_add(memory.len());
        // SAFETY: the same promise.
        unsafe { self.heap.add(memory) };
    }

    /// How much is in use, without zones and what is kept.
    pub const fn usage(&self) -> Usage {
        Usage { total: self.heap.usage().total, used: self.used }
    }

    /// Memory of this layout; `Ok(None)` if no free piece is large enough. The mistakes that this may find are old
    /// ones: writes after a free.
    pub fn allocate(&mut self, layout: Layout) -> Result<Option<NonNull<u8>>, Misuse> {
        let Some(outer) = Block::outer(layout) else { return Ok(None) };
        let first = match self.heap.allocate(outer) {
            Some(first) => first,
            None => {
                self.give_back_all()?;
                let Some(first) = self.heap.allocate(outer) else { return Ok(None) };
                first
            }
        };
        // SAFETY: the outer layout has room for the front, the user's part and the zone after it.
        let block = Block { user: unsafe { first.add(Block::front(layout)) }, layout };
        let (size, align) = (layout.size() as u64, layout.align() as u64);
        let header = Header { size, align, guard: Header::guard(size, align), mark: block.mark(ALIVE) };
        // SAFETY: as above, and nobody else uses the memory.
        unsafe {
            block.header().write(header);
            block.fill(0, block.filled(), NEW_BYTE);
            block.fill(layout.size(), ZONE, ZONE_BYTE);
        }
        self.used += layout.size();
        Ok(Some(block.user))
    }

    /// Takes memory back, or says what is wrong; then it is left as it is.
    ///
    /// # Safety
    ///
    /// What lies in the heap's memory must have been allocated from it or be untouched. (The argument itself may be
    /// anything: that is what is checked.)
    pub unsafe fn deallocate(&mut self, user: NonNull<u8>, layout: Layout) -> Result<(), Misuse> {
        let block = Block { user, layout };
        // SAFETY: the same promise.
        unsafe { self.check(&block) }?;
        // SAFETY: checked: this is a living allocation of this layout.
        unsafe {
            block.header().as_mut().mark = block.mark(FREED);
            block.fill(0, block.filled(), FREED_BYTE);
        }
        self.used -= layout.size();
        self.keep(block)
    }

    /// Whether `block` is a living allocation of this heap whose surroundings are whole.
    ///
    /// # Safety
    ///
    /// As [`CheckedHeap::deallocate`].
    unsafe fn check(&self, block: &Block) -> Result<(), Misuse> {
        let (address, size) = (block.address(), block.layout.size());
        let is_inside = address >= self.start.saturating_add(ZONE) && address < self.end.saturating_sub(ZONE);
        if !is_inside || address % 16 != 0 {
            return Err(Misuse::NotAllocated { address, size });
        }
        // SAFETY: the header lies in the heap's memory, aligned; any bytes are a `Header`.
        let header = unsafe { block.header().read() };
        let allocated = header.size as usize;
        if header.mark == block.mark(FREED) {
            return Err(Misuse::DoubleFree { address, size });
        }
        if header.mark != block.mark(ALIVE) {
            return Err(Misuse::NotAllocated { address, size });
        }
        if header.guard != Header::guard(header.size, header.align) || allocated > self.end - address {
            return Err(Misuse::Underflow { address, size });
        }
        if allocated != size || header.align != block.layout.align() as u64 {
            return Err(Misuse::WrongLayout { address, allocated, freed: size });
        }
        // SAFETY: the mark and the guard are whole, so this is a living allocation of this size, and the zone after it
        // was written when it was made.
        match unsafe { block.first_other(size, ZONE, ZONE_BYTE) } {
            Some(offset) => Err(Misuse::Overflow { address, size, offset }),
            None => Ok(()),
        }
    }

    /// Keeps a freed block for a while; gives back the oldest, and more until not too much memory is kept.
    fn keep(&mut self, block: Block) -> Result<(), Misuse> {
        self.kept_bytes += block.layout.size();
        let oldest = self.kept.get_mut(self.next).and_then(|place| place.replace(block));
        self.next = (self.next + 1) % KEPT;
        let mut result = oldest.map_or(Ok(()), |oldest| self.give_back(oldest));
        // One round at most: then nothing is kept.
        for after in 0..KEPT {
            let place = (self.next + after) % KEPT;
            if self.kept_bytes <= self.heap.usage().total / 8 {
                break;
            }
            if let Some(oldest) = self.kept.get_mut(place).and_then(Option::take) {
                result = result.and(self.give_back(oldest));
            }
        }
        result
    }

    fn give_back_all(&mut self) -> Result<(), Misuse> {
        let mut result = Ok(());
        for place in 0..KEPT {
            if let Some(block) = self.kept.get_mut(place).and_then(Option::take) {
                result = result.and(self.give_back(block));
            }
        }
        result
    }

    /// Makes a kept block free for new allocations, and says if it was written to meanwhile.
    fn give_back(&mut self, block: Block) -> Result<(), Misuse> {
        self.kept_bytes -= block.layout.size();
        // SAFETY: a kept block is still allocated from the heap below; its start was filled when it was freed.
        let changed = unsafe { block.first_other(0, block.filled(), FREED_BYTE) };
        // The layout had an outer one when it was allocated.
        if let Some(outer) = Block::outer(block.layout) {
            // SAFETY: the block came from the heap below with this layout and is given back once, as it was kept once.
            unsafe { self.heap.deallocate(block.user.sub(Block::front(block.layout)), outer) };
        }
        match changed {
            Some(offset) => {
                Err(Misuse::WriteAfterFree { address: block.address(), size: block.layout.size(), offset })
            }
            None => Ok(()),
        }
    }
}

impl Default for CheckedHeap {
    fn default() -> Self {
        Self::new()
    }
}
