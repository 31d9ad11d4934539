//! Nothing is allocated while frames go to and fro.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{Wire, all, frame};

/// The host's allocator, which counts for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator, with a counter that allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller answers for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller answers for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn ten_thousand_frames_each_way_allocate_nothing() {
    for (layout, events, header) in all(256) {
        let mut wire = Wire::new(layout, events, header);
        wire.fill(256);
        let (mut allocated, mut received) = (0, 0);
        for number in 0..2500 {
            for _ in 0..4 {
                wire.transmit(&frame(number, 100));
                wire.net.waiting.push_back(frame(number, 100));
            }
            let before = ALLOCATIONS.get();
            while wire.traffic.round(|_| {}).unwrap().more {}
            allocated += ALLOCATIONS.get() - before;
            wire.net.deliver(&mut wire.memory);
            wire.net.send(&mut wire.memory, 4);
            received += wire.received().len();
            wire.net.sent.clear();
        }
        while wire.traffic.round(|_| {}).unwrap().more {}
        received += wire.received().len();
        assert_eq!((received, wire.traffic.counts().sent), (10_000, 10_000));
        assert_eq!(allocated, 0);
    }
}
