//! Nothing is allocated for a packet, nor for a connection that comes and goes, once as many were there before.

use allocation_counter::measure;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;
use tcpip::stack::Stack;

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
    let packets = bench.packets();
    assert_eq!(measure(|| bench.talk(5_000)).count_total, 0, "for packets");
    assert!(bench.packets() - packets >= 10_000);
    let packets = bench.packets();
    assert_eq!(measure(|| (0..2_500).for_each(|_| bench.talk(1))).count_total, 0, "for connections");
    assert!(bench.packets() - packets >= 20_000);
}
