//! The heaps over memory of the test: what they hand out never overlaps and is aligned, everything comes back, and
//! each kind of mistake is found.

use proptest::prelude::*;
use resea::heap::{CheckedHeap, Misuse, PlainHeap};
use std::alloc::Layout;
use std::ptr::NonNull;

const SIZE: usize = 256 * 1024;

fn memory() -> NonNull<[u8]> {
    NonNull::from(Box::leak(vec![0_u8; SIZE].into_boxed_slice()))
}

fn checked() -> CheckedHeap {
    let mut heap = CheckedHeap::new();
    // SAFETY: the memory is leaked for this heap.
    unsafe { heap.add(memory()) };
    heap
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn allocate(heap: &mut CheckedHeap, size: usize) -> NonNull<u8> {
    heap.allocate(layout(size)).unwrap().expect("there is room")
}

fn free(heap: &mut CheckedHeap, memory: NonNull<u8>, size: usize) -> Result<(), Misuse> {
    // SAFETY: the heap's memory holds only what it wrote and what the tests wrote in it.
    unsafe { heap.deallocate(memory, layout(size)) }
}

fn address(memory: NonNull<u8>) -> usize {
    memory.as_ptr() as usize
}

/// Writes one byte at an offset that may be wrong on purpose, but never outside of the heap's memory.
fn poke(memory: NonNull<u8>, offset: isize) {
    // SAFETY: the tests stay within the memory that was leaked for the heap.
    unsafe { memory.offset(offset).write(0x42) }
}

#[test]
fn a_write_past_the_end_is_found() {
    for offset in [100, 103, 131] {
        let mut heap = checked();
        let memory = allocate(&mut heap, 100);
        poke(memory, offset);
        let expected = Misuse::Overflow { address: address(memory), size: 100, offset: offset as usize };
        assert_eq!(free(&mut heap, memory, 100), Err(expected));
    }
}

#[test]
fn a_write_before_the_beginning_is_found() {
    for offset in [-1, -8, -16, -17] {
        let mut heap = checked();
        let memory = allocate(&mut heap, 100);
        poke(memory, offset);
        let error = free(&mut heap, memory, 100).unwrap_err();
        assert!(matches!(error, Misuse::Underflow { .. } | Misuse::NotAllocated { .. }), "{offset}: {error}");
    }
}

#[test]
fn a_double_free_is_found_at_once_and_later() {
    let mut heap = checked();
    let memory = allocate(&mut heap, 100);
    let expected = Misuse::DoubleFree { address: address(memory), size: 100 };
    assert_eq!(free(&mut heap, memory, 100), Ok(()));
    assert_eq!(free(&mut heap, memory, 100), Err(expected));
    // Past what is kept: the memory is in the free lists, but the mark is still there.
    for _ in 0..40 {
        let other = allocate(&mut heap, 1000);
        free(&mut heap, other, 1000).unwrap();
    }
    assert_eq!(free(&mut heap, memory, 100), Err(expected));
}

#[test]
fn a_write_after_the_free_is_found_before_the_memory_is_used_again() {
    let mut heap = checked();
    let memory = allocate(&mut heap, 100);
    free(&mut heap, memory, 100).unwrap();
    poke(memory, 7);
    let found = (0..40).find_map(|_| {
        let other = allocate(&mut heap, 100);
        free(&mut heap, other, 100).err()
    });
    assert_eq!(found, Some(Misuse::WriteAfterFree { address: address(memory), size: 100, offset: 7 }));
}

#[test]
fn what_was_never_allocated_cannot_be_freed() {
    let mut heap = checked();
    let memory = allocate(&mut heap, 100);
    // SAFETY: offsets within the heap's memory.
    let inside = unsafe { memory.add(16) };
    let mut other = 0_u64;
    for wrong in [inside, NonNull::from(&mut other).cast()] {
        let expected = Misuse::NotAllocated { address: address(wrong), size: 16 };
        assert_eq!(free(&mut heap, wrong, 16), Err(expected));
    }
}

#[test]
fn a_wrong_layout_is_found() {
    let mut heap = checked();
    let memory = allocate(&mut heap, 100);
    let expected = Misuse::WrongLayout { address: address(memory), allocated: 100, freed: 96 };
    assert_eq!(free(&mut heap, memory, 96), Err(expected));
    assert_eq!(free(&mut heap, memory, 100), Ok(()), "the allocation is still there");
}

#[test]
fn what_is_kept_does_not_run_the_heap_dry() {
    let mut heap = checked();
    for _ in 0..100 {
        let memory = allocate(&mut heap, SIZE / 2);
        free(&mut heap, memory, SIZE / 2).unwrap();
    }
    assert_eq!(heap.usage().used, 0);
}

#[test]
fn a_heap_without_memory_or_room_says_so() {
    assert_eq!(CheckedHeap::new().allocate(layout(1)), Ok(None));
    assert_eq!(PlainHeap::new().allocate(layout(1)), None);
    let mut heap = checked();
    assert_eq!(heap.allocate(layout(SIZE)), Ok(None));
    assert_eq!(heap.allocate(layout(isize::MAX as usize - 7)), Ok(None));
}

#[test]
fn mistakes_are_told_with_address_and_size() {
    let text = Misuse::Overflow { address: 0x4000_0040, size: 24, offset: 24 }.to_string();
    assert_eq!(text, "heap misuse: write past the end of 24 bytes at 0x40000040, at offset 24");
    let text = Misuse::DoubleFree { address: 0x4000_0040, size: 24 }.to_string();
    assert_eq!(text, "heap misuse: double free of 24 bytes at 0x40000040");
}

/// What both heaps can do, for one property test.
trait Heap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;
    /// # Safety
    /// `memory` is a living allocation of this layout.
    unsafe fn free(&mut self, memory: NonNull<u8>, layout: Layout);
    fn used(&self) -> usize;
}

impl Heap for PlainHeap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout)
    }
    unsafe fn free(&mut self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the same promise.
        unsafe { self.deallocate(memory, layout) }
    }
    fn used(&self) -> usize {
        self.usage().used
    }
}

impl Heap for CheckedHeap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout).expect("nothing was misused")
    }
    unsafe fn free(&mut self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the same promise.
        unsafe { self.deallocate(memory, layout) }.expect("nothing was misused")
    }
    fn used(&self) -> usize {
        self.usage().used
    }
}

/// Each step allocates (size, alignment as a power of two) or frees the `which`-th allocation. Each allocation is
/// filled with its own byte, which must still be there when it is freed.
fn exercise(heap: &mut impl Heap, steps: &[(bool, usize, u32, usize)]) -> Result<(), TestCaseError> {
    let mut living: Vec<(NonNull<u8>, Layout, u8)> = Vec::new();
    let mut number = 0_u8;
    let drop_one = |heap: &mut _, living: &mut Vec<(NonNull<u8>, Layout, u8)>, which: usize| {
        let (memory, layout, byte) = living.swap_remove(which % living.len());
        // SAFETY: the allocation lives and was filled.
        let content = unsafe { std::slice::from_raw_parts(memory.as_ptr(), layout.size()) };
        prop_assert!(content.iter().all(|&content| content == byte), "an allocation was overwritten");
        // SAFETY: it lives and is not used any more.
        unsafe { Heap::free(heap, memory, layout) };
        Ok(())
    };
    for &(is_allocation, size, align, which) in steps {
        if is_allocation {
            let layout = Layout::from_size_align(size, 1 << align).unwrap();
            if let Some(memory) = heap.allocate(layout) {
                prop_assert_eq!(address(memory) % layout.align(), 0);
                number = number.wrapping_add(1);
                // SAFETY: just allocated with this size.
                unsafe { memory.write_bytes(number, size) };
                living.push((memory, layout, number));
            }
        } else if !living.is_empty() {
            drop_one(heap, &mut living, which)?;
        }
        prop_assert_eq!(heap.used(), living.iter().map(|(_, layout, _)| layout.size()).sum::<usize>());
    }
    while !living.is_empty() {
        drop_one(heap, &mut living, 0)?;
    }
    prop_assert_eq!(heap.used(), 0);
    prop_assert!(heap.allocate(layout(SIZE / 2)).is_some(), "everything came back");
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<(bool, usize, u32, usize)>> {
    let size = prop_oneof![4 => 1..200_usize, 1 => 1..20_000_usize];
    prop::collection::vec((prop::bool::weighted(0.6), size, 0..8_u32, any::<usize>()), 1..200)
}

proptest! {
    #[test]
    fn the_plain_heap_keeps_allocations_apart(steps in steps()) {
        let mut heap = PlainHeap::new();
        // SAFETY: the memory is leaked for this heap.
        unsafe { heap.add(memory()) };
        exercise(&mut heap, &steps)?;
    }

    #[test]
    fn the_checked_heap_keeps_allocations_apart(steps in steps()) {
        exercise(&mut checked(), &steps)?;
    }
}
