//! Whatever clients do, the server's heap suffices: its end would be everybody's.

use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tcpip::stack::{PLACES, Stack};

/// The host's allocator, which knows how much each thread has.
struct Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator, with counters that allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size());
        MOST.set(MOST.get().max(BYTES.get()));
        // SAFETY: as the caller answers for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get().saturating_sub(layout.size()));
        // SAFETY: as the caller answers for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The heap in the manifest, in bytes.
fn heap() -> usize {
    let manifest = include_str!("../Cargo.toml");
    let (_, rest) = manifest.split_once("\nheap = \"").unwrap();
    rest.split_once("MiB").unwrap().0.parse::<usize>().unwrap() << 20
}

#[test]
fn all_sockets_of_every_kind_in_turn() {
    let now = Instant::from_millis(1);
    let mut stack = Stack::new(1, now);
    let loopback = IpAddress::v4(127, 0, 0, 1);
    let mut counts = Vec::new();
    for round in 0..4 {
        let mut places = Vec::new();
        let connections = [PLACES, 0, PLACES / 2, PLACES][round];
        for _ in 0..connections {
            places.extend(stack.connect(loopback, 80, now));
        }
        // For datagrams what is left.
        while let Ok((place, _)) = stack.bind(None, 0) {
            places.push(place);
        }
        counts.push(places.len());
        for place in places {
            stack.close(place, now);
        }
    }
    assert!(counts.iter().all(|count| *count >= 256), "{counts:?}");
    assert_eq!(counts[3], PLACES, "{counts:?}");
    // Something is needed for clients, names, and what the allocator itself has.
    assert!(MOST.get() + (3 << 20) < heap(), "{} MiB", MOST.get() >> 20);
}
