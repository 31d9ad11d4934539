//! Frames between a user and a device, both models, without a system around them.

mod support;

use packets::{FRAME_MAX, Wake};
use proptest::prelude::*;
use support::{Wire, all, frame};
use virtio::Faulty;
use virtio_net::{News, Side, Stop};

#[test]
fn frames_go_both_ways() {
    for (layout, events, header) in all(64) {
        let mut wire = Wire::new(layout, events, header);
        wire.device_sleeps();
        wire.fill(400);
        for number in 0..300 {
            let outgoing = frame(number, 14 + number * 5);
            assert!(wire.transmit(&outgoing));
            let (_, notified) = wire.work().unwrap();
            assert!(notified.contains(&Side::Transmit), "a device that sleeps is notified");
            wire.net.send(&mut wire.memory, 1);
            assert_eq!(wire.net.sent.pop(), Some(outgoing));
            let incoming = frame(number, 1514 - number);
            wire.net.waiting.push_back(incoming.clone());
            wire.net.deliver(&mut wire.memory);
            assert!(wire.net.receive.interrupts(&mut wire.memory), "the driver sleeps");
            assert!(wire.work().unwrap().0.frames);
            assert_eq!(wire.received(), [incoming]);
            wire.device_sleeps();
        }
        let counts = wire.traffic.counts();
        assert_eq!((counts.received, counts.sent, counts.errors), (300, 300, 0));
        assert_eq!(counts.received_bytes, (0..300).map(|number| 1514 - number).sum::<u64>());
    }
}

#[test]
fn the_longest_frame_fits() {
    for (layout, events, header) in all(16) {
        let mut wire = Wire::new(layout, events, header);
        wire.fill(500);
        wire.work().unwrap();
        let longest = frame(1, FRAME_MAX);
        wire.net.waiting.push_back(longest.clone());
        wire.net.deliver(&mut wire.memory);
        wire.work().unwrap();
        assert_eq!(wire.received(), std::slice::from_ref(&longest));
        wire.transmit(&longest);
        wire.work().unwrap();
        wire.net.send(&mut wire.memory, 1);
        assert_eq!(wire.net.sent, [longest]);
    }
}

#[test]
fn what_is_no_frame_is_counted_and_its_buffer_used_again() {
    for (layout, events, header) in all(16) {
        let mut wire = Wire::new(layout, events, header);
        wire.fill(511);
        wire.work().unwrap();
        for short in [0, 13] {
            wire.net.waiting.push_back(frame(1, short));
            wire.net.deliver(&mut wire.memory);
            assert!(!wire.work().unwrap().0.frames);
        }
        // A user's, too.
        wire.transmit(&[1; 13]);
        assert!(wire.work().unwrap().0.buffers);
        assert_eq!(wire.traffic.counts().errors, 3);
        wire.net.waiting.push_back(frame(2, 14));
        wire.net.deliver(&mut wire.memory);
        assert!(wire.work().unwrap().0.frames, "the only buffer is with the device");
        assert_eq!(wire.received(), [frame(2, 14)]);
    }
}

#[test]
fn few_frames_are_sent_without_an_interrupt_and_many_with_few() {
    for (layout, _, header) in all(256).into_iter().filter(|(_, events, _)| *events) {
        let mut wire = Wire::new(layout, true, header);
        for number in 0..32 {
            wire.transmit(&frame(number, 60));
        }
        wire.work().unwrap();
        wire.net.send(&mut wire.memory, 32);
        assert!(!wire.net.transmit.interrupts(&mut wire.memory));
        for number in 0..112 {
            wire.transmit(&frame(number, 60));
        }
        wire.work().unwrap();
        let mut interrupts = 0;
        for _ in 0..112 {
            wire.net.send(&mut wire.memory, 1);
            interrupts += u32::from(wire.net.transmit.interrupts(&mut wire.memory));
        }
        assert_eq!(interrupts, 1, "when all but 32 are sent");
        assert!(wire.work().unwrap().0.buffers);
    }
}

#[test]
fn the_user_is_woken_only_if_it_sleeps() {
    let (layout, events, header) = all(16)[0];
    let mut wire = Wire::new(layout, events, header);
    let frames = News { frames: true, ..News::default() };
    let buffers = News { buffers: true, ..News::default() };
    assert_eq!(wire.traffic.must_wake(frames), Ok(false));
    assert!(wire.user.sleep(Wake::FRAMES).unwrap());
    assert_eq!(wire.traffic.must_wake(News::default()), Ok(false));
    assert_eq!(wire.traffic.must_wake(buffers), Ok(false));
    assert_eq!(wire.traffic.must_wake(frames), Ok(true));
    assert_eq!(wire.traffic.must_wake(frames), Ok(false), "once");
}

#[test]
fn a_faulty_device_is_found_out() {
    for (layout, events, header) in all(16) {
        let mut wire = Wire::new(layout, events, header);
        wire.fill(0);
        wire.work().unwrap();
        let buffer = wire.net.receive.take(&mut wire.memory).unwrap();
        wire.net.receive.give(&mut wire.memory, &buffer, 3000);
        assert_eq!(wire.work().unwrap_err(), Stop::Device(Faulty::Length(3000)));
    }
}

#[test]
fn a_user_that_breaks_the_rules_is_found_out() {
    let (layout, events, header) = all(16)[0];
    let mut wire = Wire::new(layout, events, header);
    wire.fill(0);
    wire.packets.write(0, &[0x77; 4096]).unwrap();
    assert!(matches!(wire.work(), Err(Stop::User(_))));
}

/// One step of a random run.
#[derive(Clone, Debug)]
enum Step {
    /// The user sends so many frames.
    Transmit(u8),
    /// The user takes what was received.
    Receive,
    /// The user goes to sleep.
    UserSleeps,
    /// The device sends so many.
    Device(u8),
    /// So many frames come from outside.
    Arrive(u8),
    Driver,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..200_u8).prop_map(Step::Transmit),
        Just(Step::Receive),
        Just(Step::UserSleeps),
        (0..100_u8).prop_map(Step::Device),
        (0..100_u8).prop_map(Step::Arrive),
        Just(Step::Driver),
    ];
    proptest::collection::vec(step, 0..120)
}

/// Who is awake in a run, and what has come through.
struct Run {
    wire: Wire,
    driver: bool,
    device: bool,
    user: bool,
    transmitted: usize,
    arrived: usize,
    received: usize,
}

impl Run {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Transmit(count) => self.transmit(count),
            Step::Receive => self.receive(),
            Step::UserSleeps if self.user => {
                self.receive();
                self.user = !self.wire.user_sleeps();
            }
            Step::UserSleeps => {}
            Step::Device(count) => self.device(count),
            Step::Arrive(count) => {
                for _ in 0..count {
                    self.wire.net.waiting.push_back(frame(self.arrived, 60));
                    self.arrived += 1;
                }
                // What comes from outside wakes the device.
                self.device(0);
            }
            Step::Driver => self.driver(),
        }
    }

    fn transmit(&mut self, count: u8) {
        if !self.user {
            return;
        }
        for _ in 0..count {
            self.transmitted += usize::from(self.wire.transmit(&frame(self.transmitted, 60)));
        }
        self.driver |= self.wire.user.must_wake(Wake::FRAMES).unwrap();
    }

    fn receive(&mut self) {
        if self.user {
            for got in self.wire.received() {
                assert_eq!(got, frame(self.received, 60), "in order");
                self.received += 1;
            }
            self.wire.user.collect().unwrap();
            self.driver |= self.wire.user.must_wake(Wake::BUFFERS).unwrap();
        }
    }

    /// A device delivers at once, and sends when it is awake.
    fn device(&mut self, count: u8) {
        let Wire { net, memory, .. } = &mut self.wire;
        net.deliver(memory);
        self.driver |= net.receive.interrupts(memory);
        // It wants to hear of new buffers only if it needs one.
        if net.waiting.is_empty() {
            net.receive.wake(memory);
        } else if net.receive.sleep(memory) {
            return self.device(count);
        }
        if self.device {
            net.transmit.wake(memory);
            net.send(memory, count.into());
            self.driver |= net.transmit.interrupts(memory);
            self.device = net.transmit.sleep(memory);
        }
    }

    fn driver(&mut self) {
        if !std::mem::take(&mut self.driver) {
            return;
        }
        let (news, notified) = self.wire.work().unwrap();
        self.user |= self.wire.traffic.must_wake(news).unwrap();
        for side in notified {
            match side {
                Side::Transmit => self.device = true,
                Side::Receive => self.device(0),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Neither a frame nor a wake-up is lost: everyone works only when woken.
    #[test]
    fn everything_comes_through(kind in 0..8_usize, small: bool, steps in steps()) {
        let (layout, events, header) = all(if small { 8 } else { 256 })[kind];
        let mut wire = Wire::new(layout, events, header);
        wire.device_sleeps();
        wire.fill(256);
        let (transmitted, arrived, received) = (0, 0, 0);
        let mut run = Run { wire, driver: true, device: false, user: true, transmitted, arrived, received };
        steps.iter().for_each(|step| run.step(step));
        let mut count = 0;
        while run.driver || run.device || run.user {
            for step in [Step::Driver, Step::Device(200), Step::UserSleeps, Step::Driver] {
                run.step(&step);
            }
            count += 1;
            prop_assert!(count < 1000, "it ends");
        }
        prop_assert_eq!(run.received, run.arrived);
        prop_assert_eq!(run.wire.net.sent.len(), run.transmitted);
        for (number, sent) in run.wire.net.sent.iter().enumerate() {
            prop_assert_eq!(sent, &frame(number, 60));
        }
        // Some sent ones may stay with the driver.
        prop_assert!(run.wire.user.free() >= 256 - 32, "{} are free", run.wire.user.free());
    }

    /// Whatever the two others write: at worst the driver stops.
    #[test]
    fn nothing_makes_it_panic(
        kind in 0..8_usize,
        garbage in proptest::collection::vec((any::<bool>(), 0..5000_usize, any::<u64>(), any::<u64>()), 0..100),
    ) {
        let (layout, events, header) = all(8)[kind];
        let mut wire = Wire::new(layout, events, header);
        wire.fill(256);
        let areas = [wire.net.receive.areas[0], wire.net.transmit.areas[0]];
        for (user, place, value, mask) in garbage {
            // Small numbers are those that could be taken for good ones.
            let value = if mask % 2 == 0 { value & 0x8082_0007_0000_00ff } else { value };
            if user {
                wire.packets.store(place * 8, value).unwrap();
            } else {
                let address = areas[place % 2] + (place * 8 % layout.length) as u64;
                virtio::model::Memory::write(&mut wire.memory, address, &value.to_le_bytes());
            }
            for _ in 0..3 {
                if let Ok(news) = wire.traffic.round(|_| {}) {
                    let _ = wire.traffic.must_wake(news);
                }
            }
        }
    }
}
