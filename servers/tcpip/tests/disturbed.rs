//! Two stacks on a wire that loses, doubles, reorders and changes frames: the data arrives, complete and in order.

mod support;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use support::Cable;
use tcpip::stack::Stack;

/// How a wire treats frames: of a hundred, so many.
#[derive(Clone, Copy, Default, Debug)]
struct Trouble {
    lost: u32,
    doubled: u32,
    delayed: u32,
    changed: u32,
}

struct Machine {
    stack: Stack,
    cable: Cable,
}

impl Machine {
    fn new(number: u8, now: Instant) -> Self {
        let (mut stack, cable) = (Stack::new(number.into(), now), Cable::new());
        let hardware = EthernetAddress([2, 0, 0, 0, 0, number]);
        let link = stack.add("net0", Some(hardware), 1500, Box::new(cable.clone()), now);
        stack.configure(link, IpCidr::new(IpAddress::v4(10, 0, 0, number), 24), None, now);
        Self { stack, cable }
    }

    fn poll(&mut self, now: Instant) {
        while self.stack.poll(now) || self.stack.is_busy() {
            while self.stack.changed().is_some() {}
        }
        while self.stack.changed().is_some() {}
    }
}

/// The wire between two machines.
struct Wire {
    random: fastrand::Rng,
    trouble: Trouble,
    /// Frames that come later: when, to which machine.
    delayed: Vec<(Instant, usize, Vec<u8>)>,
}

impl Wire {
    fn happens(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    fn carry(&mut self, machines: &[Machine; 2], now: Instant) -> bool {
        let mut moved = false;
        for from in 0..2 {
            let frames: Vec<_> = machines[from].cable.0.borrow_mut().sent.drain(..).collect();
            for mut frame in frames {
                moved = true;
                if self.happens(self.trouble.lost) {
                    continue;
                }
                if self.happens(self.trouble.changed) {
                    let place = self.random.usize(0..frame.len());
                    frame[place] ^= 1 << self.random.u32(0..8);
                }
                let to = 1 - from;
                if self.happens(self.trouble.doubled) {
                    machines[to].cable.0.borrow_mut().incoming.push_back(frame.clone());
                }
                if self.happens(self.trouble.delayed) {
                    let then = now + Duration::from_micros(self.random.u64(1..20_000));
                    self.delayed.push((then, to, frame));
                } else {
                    machines[to].cable.0.borrow_mut().incoming.push_back(frame);
                }
            }
        }
        for (_, to, frame) in self.delayed.extract_if(.., |(then, ..)| *then <= now) {
            machines[to].cable.0.borrow_mut().incoming.push_back(frame);
            moved = true;
        }
        moved
    }
}

/// Sends `length` bytes each way and closes; how long that took.
fn transfer(seed: u64, trouble: Trouble, length: usize) -> Duration {
    let start = Instant::from_millis(1);
    let mut now = start;
    let mut machines = [Machine::new(1, now), Machine::new(2, now)];
    let mut wire = Wire { random: fastrand::Rng::with_seed(seed), trouble, delayed: Vec::new() };
    let (listener, _) = machines[0].stack.listen(None, 80, 4).unwrap();
    let client = machines[1].stack.connect(IpAddress::v4(10, 0, 0, 1), 80, now).unwrap();
    let data: Vec<u8> = (0..length).map(|index| (index * 31 / 7) as u8).collect();
    let mut places = [None, Some(client)];
    let (mut sent, mut received, mut at_end) = ([0; 2], [Vec::new(), Vec::new()], [false; 2]);
    for _ in 0..2_000_000 {
        for machine in &mut machines {
            machine.poll(now);
        }
        let mut is_idle = true;
        places[0] = places[0].or_else(|| machines[0].stack.accept(listener).unwrap());
        for side in 0..2 {
            let Some(place) = places[side] else { continue };
            let (stack, rest) = (&mut machines[side].stack, length - sent[side]);
            if rest > 0 {
                let from = sent[side];
                let give = |offset: usize, room: &mut [u8]| {
                    room.copy_from_slice(&data[from + offset..from + offset + room.len()]);
                    Ok(())
                };
                if let Some(count) = stack.send(place, rest, give).unwrap() {
                    (sent[side], is_idle) = (sent[side] + count, false);
                    if sent[side] == length {
                        stack.shutdown(place, false, true, now).unwrap();
                    }
                }
            }
            let mut taken = Vec::new();
            let count = stack.receive(place, 5000, |_, piece| {
                taken.extend_from_slice(piece);
                Ok(())
            });
            at_end[side] |= count.unwrap() == Some(0);
            is_idle &= taken.is_empty();
            received[side].extend_from_slice(&taken);
        }
        if at_end == [true; 2] {
            break;
        }
        let has_carried = wire.carry(&machines, now);
        if is_idle && !has_carried && !machines.iter().any(|machine| machine.stack.is_busy()) {
            let deadlines = machines.iter().filter_map(|machine| machine.stack.deadline());
            let delayed = wire.delayed.iter().map(|(then, ..)| *then);
            let next = deadlines.chain(delayed).min().expect("something is to come");
            now = next.max(now + Duration::from_micros(10));
        } else {
            // A wire takes its time.
            now += Duration::from_micros(20);
        }
    }
    assert!(
        received[0] == data && received[1] == data,
        "seed {seed}, {trouble:?}: {:?}",
        received.map(|it| it.len())
    );
    now - start
}

#[test]
fn nothing_disturbs() {
    let time = transfer(1, Trouble::default(), 1_000_000);
    assert!(time < Duration::from_secs(1), "{time}");
}

#[test]
fn frames_are_lost() {
    for seed in 0..6 {
        transfer(seed, Trouble { lost: 5, ..Trouble::default() }, 100_000);
    }
}

#[test]
fn frames_come_twice() {
    for seed in 0..6 {
        transfer(seed, Trouble { doubled: 30, ..Trouble::default() }, 100_000);
    }
}

#[test]
fn frames_come_in_another_order() {
    for seed in 0..6 {
        transfer(seed, Trouble { delayed: 20, ..Trouble::default() }, 100_000);
    }
}

#[test]
fn frames_are_changed_on_the_way() {
    for seed in 0..6 {
        transfer(seed, Trouble { changed: 5, ..Trouble::default() }, 100_000);
    }
}

#[test]
fn all_at_once() {
    for seed in 0..10 {
        transfer(seed, Trouble { lost: 3, doubled: 3, delayed: 10, changed: 3 }, 60_000);
    }
}
