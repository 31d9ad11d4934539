//! Queues against the model of a device in random order: nothing is lost; and against a device that writes anything.

mod support;

use proptest::prelude::*;
use std::collections::VecDeque;
use support::{Pair, read, write};
use virtio::model::{Buffer, Memory};
use virtio::{Full, Layout, Part, Ring};

/// One step of a random run.
#[derive(Clone, Debug)]
enum Step {
    /// The driver adds a buffer with so many readable and writable parts.
    Add(u8, u8),
    Publish,
    /// The device does so much of its work, if it is awake.
    Device(u8),
    /// The driver goes to sleep until so many are used; the device does so much before it has done so.
    DriverSleeps(u16, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_u8, 0..3_u8).prop_map(|(reads, writes)| Step::Add(reads, writes)),
        2 => Just(Step::Publish),
        3 => (0..5_u8).prop_map(Step::Device),
        2 => (1..9_u16, 0..3_u8).prop_map(|(count, work)| Step::DriverSleeps(count, work)),
    ];
    proptest::collection::vec(step, 0..400)
}

/// Who is awake in a run, and what is on the way.
struct Run {
    pair: Pair,
    /// Buffers that the driver has added, by token, with what the device is to say it has written.
    outside: Vec<(u16, Vec<Part>)>,
    tokens: u16,
    held: VecDeque<Buffer>,
    device_awake: bool,
    driver_awake: bool,
    came_back: u32,
}

impl Run {
    fn new(layout: Layout, events: bool) -> Self {
        let pair = Pair::new(layout, events);
        let (outside, held) = (Vec::new(), VecDeque::new());
        let mut run =
            Self { pair, outside, tokens: 0, held, device_awake: false, driver_awake: true, came_back: 0 };
        assert!(!run.pair.device.sleep(&mut run.pair.memory));
        run
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Add(reads, writes) => self.add(reads, writes),
            Step::Publish => self.device_awake |= self.pair.queue.publish(),
            Step::Device(work) => self.device(work),
            Step::DriverSleeps(count, work) => self.driver_sleeps(count, work),
        }
    }

    fn add(&mut self, reads: u8, writes: u8) {
        let mut parts: Vec<Part> = (0..reads).map(|_| read(7)).collect();
        parts.extend((0..writes).map(|_| write(9)));
        let fits = !parts.is_empty() && parts.len() <= self.pair.queue.free().into();
        assert_eq!(self.pair.queue.add(&parts, self.tokens), if fits { Ok(()) } else { Err(Full) });
        if fits {
            self.outside.push((self.tokens, parts));
            self.tokens = self.tokens.wrapping_add(1);
        }
    }

    fn device(&mut self, work: u8) {
        if !self.device_awake {
            return;
        }
        let Self { pair: Pair { device, memory, .. }, held, .. } = self;
        device.wake(memory);
        held.extend(std::iter::from_fn(|| device.take(memory)));
        for turn in 0..work {
            // Sometimes the last one first.
            let next = if turn % 2 == 0 { held.pop_front() } else { held.pop_back() };
            let Some(buffer) = next else { break };
            let room: u32 = buffer.parts.iter().filter(|part| part.writable).map(|part| part.length).sum();
            device.give(memory, &buffer, room);
            self.driver_awake |= device.interrupts(memory);
        }
        self.device_awake = !held.is_empty() || device.sleep(memory);
    }

    fn pop_all(&mut self) {
        while let Some(used) = self.pair.queue.pop().expect("the device is well-behaved") {
            let place = self.outside.iter().position(|(token, _)| *token == used.token);
            let (_, parts) = self.outside.swap_remove(place.expect("it was outside"));
            let writable = parts.iter().filter(|part| part.writable);
            assert_eq!(used.written, writable.map(|part| part.length).sum::<u32>());
            self.came_back += 1;
        }
    }

    fn driver_sleeps(&mut self, count: u16, work: u8) {
        if !core::mem::take(&mut self.driver_awake) {
            return;
        }
        self.pair.queue.no_interrupts();
        self.pop_all();
        self.device(work);
        // Not more than can come, or there would be no interrupt.
        while self.pair.queue.interrupt_after(count.min(self.outside.len() as u16)) {
            self.pop_all();
        }
    }

    /// Lets both sides go on until nothing is left to do.
    fn finish(&mut self) {
        for _ in 0..100 {
            self.step(&Step::Publish);
            self.step(&Step::Device(u8::MAX));
            self.step(&Step::DriverSleeps(1, 0));
        }
        assert!(self.outside.is_empty(), "{:?} never came back", self.outside);
        assert_eq!(self.pair.queue.free(), self.pair.device.size);
        assert_eq!(self.pair.memory.get::<8>(self.pair.memory.0.len() as u64 - 8), u64::MAX);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Neither a buffer nor a wake-up is lost: both sides work only when the other one has woken them.
    #[test]
    fn everything_comes_back(
        packed: bool,
        legacy: bool,
        events: bool,
        size in prop_oneof![Just(2_u16), Just(4), Just(16), Just(64)],
        steps in steps(),
    ) {
        let layout = match (packed, legacy) {
            (true, _) => Layout::new(Ring::Packed, size),
            (false, true) => Layout::legacy(size),
            (false, false) => Layout::new(Ring::Split, size),
        };
        let mut run = Run::new(layout, events);
        steps.iter().for_each(|step| run.step(step));
        run.finish();
    }

    /// A device that writes anything anywhere: no panic, and no buffer comes back that it did not have.
    #[test]
    fn a_hostile_device_gets_nothing(
        packed: bool,
        events: bool,
        steps in steps(),
        garbage in proptest::collection::vec((0..50_usize, any::<u64>(), any::<u64>()), 0..50),
    ) {
        let layout = Layout::new(if packed { Ring::Packed } else { Ring::Split }, 8);
        let mut pair = Pair::new(layout, events);
        let (mut outside, mut garbage) = (0, garbage.into_iter());
        for step in steps {
            match step {
                Step::Add(reads, _) if pair.queue.add(&[write(9)], reads.into()).is_ok() => outside += 1,
                Step::Add(..) => {}
                Step::Publish => drop(pair.queue.publish()),
                Step::DriverSleeps(count, _) => drop(pair.queue.interrupt_after(count)),
                Step::Device(work) => {
                    for (place, value, mask) in garbage.by_ref().take(work.into()) {
                        // Small numbers are those that could be taken for good ones.
                        let value = if mask % 2 == 0 { value & 0x8082_0007_0000_0009 } else { value };
                        let offset = place * 8 % layout.length;
                        pair.memory.put::<8>(offset as u64, value);
                    }
                    while let Ok(Some(used)) = pair.queue.pop() {
                        prop_assert!(used.written <= 9 && used.token < 3);
                        outside -= 1;
                    }
                }
            }
            prop_assert_eq!(i32::from(8 - pair.queue.free()), outside);
        }
    }
}
