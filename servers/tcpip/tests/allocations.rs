//! Nothing is allocated for a packet, nor for a connection that comes and goes, once as many were there before.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tcpip::stack::Stack;

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

/// A stack that talks to itself over the loopback interface.
struct Bench {
    stack: Stack,
    listener: u16,
    now: Instant,
}

impl Bench {
    fn poll(&mut self) {
        self.now += Duration::from_micros(50);
        while self.stack.poll(self.now) || self.stack.is_busy() {}
        while self.stack.changed().is_some() {}
    }

    /// Connects, sends so many pieces there and back, and closes.
    fn talk(&mut self, pieces: usize) {
        let loopback = IpAddress::v4(127, 0, 0, 1);
        let client = self.stack.connect(loopback, 80, self.now).unwrap();
        self.poll();
        let server = self.stack.accept(self.listener).unwrap().unwrap();
        for _ in 0..pieces {
            for (from, to) in [(client, server), (server, client)] {
                let sent = self.stack.send(from, 1000, |_, room| {
                    room.fill(7);
                    Ok(())
                });
                assert_eq!(sent, Ok(Some(1000)));
                self.poll();
                let mut taken = 0;
                let received = self.stack.receive(to, 2000, |_, data| {
                    taken += data.len();
                    Ok(())
                });
                assert_eq!((received, taken), (Ok(Some(1000)), 1000));
            }
        }
        for place in [client, server] {
            self.stack.close(place, self.now);
            self.poll();
        }
    }

    fn packets(&self) -> u64 {
        self.stack.links()[0].counters().received
    }
}

#[test]
fn ten_thousand_packets_allocate_nothing() {
    let now = Instant::from_millis(1);
    let mut stack = Stack::new(1, now);
    let (listener, _) = stack.listen(None, 80, 8).unwrap();
    let mut bench = Bench { stack, listener, now };
    bench.talk(10);
    let (allocations, packets) = (ALLOCATIONS.get(), bench.packets());
    bench.talk(5_000);
    assert!(bench.packets() - packets >= 10_000);
    assert_eq!(ALLOCATIONS.get() - allocations, 0, "for packets");
    let packets = bench.packets();
    for _ in 0..2_500 {
        bench.talk(1);
    }
    assert!(bench.packets() - packets >= 20_000);
    assert_eq!(ALLOCATIONS.get() - allocations, 0, "for connections");
}
