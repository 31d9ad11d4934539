//! What a block driver allocates while it serves, for the tests of every such driver: part of them, not of the crate.

use blocks::{Disk, Operation, Request};
use sim::Program;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The host's allocator, which counts what drivers allocate: their own threads, but not the simulated machine in them.
struct Counting;

thread_local! {
    static IS_DRIVER: Cell<bool> = const { Cell::new(false) };
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: it is the system's allocator, with a counter that allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_DRIVER.get() && !ipc::host::is_in_backend() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
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

/// The driver with this crate's name, whose allocations are counted.
pub fn driver<O: resea::Outcome>(crate_name: &str, run: impl Fn() -> O + Send + Sync + 'static) -> Program {
    let counted = move || {
        IS_DRIVER.set(true);
        run()
    };
    Program::of_package(env!("CARGO_MANIFEST_DIR"), crate_name, counted)
}

/// Has 10,000 requests done, up to 64 at once: reads, writes, flushes, and some that are refused. Panics if anything is
/// allocated for them.
pub fn nothing_is_allocated(name: &str) {
    let mut disk = Disk::open(name).unwrap();
    // What is made once is made for the first ones.
    round(&mut disk, 0);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(before > 0, "the driver is counted");
    for number in 1..=10_000 / 64 + 1 {
        round(&mut disk, number);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
}

fn round(disk: &mut Disk, number: u64) {
    for tag in 0..64 {
        let pages = [tag, 100 + tag];
        let sector = (u64::from(tag) * 7 + number) % (disk.sectors() - 16);
        let request = match tag % 8 {
            0 => Request { operation: Operation::Flush, sector: 0, sectors: 0, pages: &[] },
            1 => Request { operation: Operation::Read, sector: u64::MAX, sectors: 9, pages: &pages },
            2 => Request { operation: Operation::Read, sector, sectors: 9, pages: &pages },
            3 => Request { operation: Operation::Write, sector, sectors: 9, pages: &pages },
            number => Request {
                operation: if number % 2 == 0 { Operation::Read } else { Operation::Write },
                sector,
                sectors: 1,
                pages: &pages[..1],
            },
        };
        disk.submit(tag, &request).unwrap();
    }
    for _ in 0..64 {
        let (tag, result) = disk.wait().unwrap();
        assert_eq!(result.is_ok(), tag % 8 != 1, "{tag}: {result:?}");
    }
}
