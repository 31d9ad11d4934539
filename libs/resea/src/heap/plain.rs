//! Two-level segregated fit: constant time, good fit. The algorithm is the crate `rlsf`; here are limits and counts.

use core::alloc::Layout;
use core::ptr::NonNull;
use rlsf::Tlsf;

/// Size classes: up to 8 GiB, in steps of 1/16.
type Classes = Tlsf<'static, u32, u32, 28, 16>;

/// How much of a heap is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Bytes of the heap.
    pub total: usize,
    /// Bytes that were asked for and not freed yet.
    pub used: usize,
}

/// A heap that trusts its users.
pub struct PlainHeap {
    classes: Classes,
    usage: Usage,
}

impl PlainHeap {
    /// A heap without memory.
    pub const fn new() -> Self {
        Self { classes: Classes::new(), usage: Usage { total: 0, used: 0 } }
    }

    /// Gives the heap memory to hand out.
    ///
    /// # Safety
    ///
    /// The memory must be readable and writable and nobody else's from now on.
    pub unsafe fn add(&mut self, memory: NonNull<[u8]>) {
        // SAFETY: the same promise.
        if unsafe { self.classes.insert_free_block_ptr(memory) }.is_some() {
            self.usage.total += memory.len();
        }
    }

    /// How much is in use.
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Memory of this layout; `None` if no free piece is large enough.
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let memory = self.classes.allocate(layout)?;
        self.usage.used += layout.size();
        Some(memory)
    }

    /// Takes memory back.
    ///
    /// # Safety
    ///
    /// It must be from [`PlainHeap::allocate`] or [`PlainHeap::reallocate`] of this heap, with this layout, not freed
    /// yet and not used any more.
    pub unsafe fn deallocate(&mut self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the same promise.
        unsafe { self.classes.deallocate(memory, layout.align()) };
        self.usage.used -= layout.size();
    }

    /// Changes the size of an allocation, which may move; `None` if no free piece is large enough, the old one stays.
    ///
    /// # Safety
    ///
    /// As [`PlainHeap::deallocate`] with the layout `old`; `new` has the same alignment.
    pub unsafe fn reallocate(
        &mut self,
        memory: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the same promise.
        let moved = unsafe { self.classes.reallocate(memory, new) }?;
        self.usage.used = self.usage.used - old.size() + new.size();
        Some(moved)
    }
}

impl Default for PlainHeap {
    fn default() -> Self {
        Self::new()
    }
}
