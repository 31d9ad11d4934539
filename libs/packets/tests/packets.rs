//! Both sides of the rings against a model, and each side against another that writes anything.

use ipc::{Error, Region};
use packets::{BUFFER_SIZE, BUFFERS, Buffer, Driver, FRAME_MAX, Frame, HEADROOM, SIZE, User, frame_offset};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

thread_local! {
    /// The memory of all runs of a thread: it cannot be freed.
    static MEMORY: Region = Region::leak(SIZE);
}

/// The memory, full of what an earlier run has left.
fn memory() -> Region {
    MEMORY.with(|memory| *memory)
}

fn both() -> (User, Driver) {
    // In this order: the driver empties the rings.
    let driver = Driver::new(memory()).unwrap();
    (User::new(memory()).unwrap(), driver)
}

#[test]
fn frames_go_both_ways() {
    let (mut user, mut driver) = both();
    let buffer = user.allocate().unwrap();
    user.write(&buffer, 0, b"to the network").unwrap();
    let number = buffer.number();
    user.transmit(buffer, 14).unwrap();
    assert_eq!(driver.next_transmit(), Some(Frame { buffer: number, length: 14 }));
    assert_eq!(driver.next_transmit(), None);
    let mut frame = [0; 14];
    driver.memory().read(frame_offset(number), &mut frame).unwrap();
    assert_eq!(&frame, b"to the network");
    assert_eq!(user.reclaim(), 0, "it is not sent yet");
    driver.completed(number).unwrap();
    assert_eq!(user.reclaim(), 1);
    assert_eq!(user.available(), BUFFERS);

    let buffer = user.allocate().unwrap();
    user.fill(buffer);
    assert_eq!(user.filling(), 1);
    let number = driver.next_fill().unwrap();
    driver.memory().write(frame_offset(number), b"from it").unwrap();
    driver.received(number, 7).unwrap();
    let (buffer, length) = user.receive().unwrap();
    let mut frame = [0; 7];
    user.read(&buffer, 0, &mut frame).unwrap();
    assert_eq!((length, &frame), (7, b"from it"));
    user.free(buffer);
    assert_eq!((user.available(), user.filling()), (BUFFERS, 0));
}

#[test]
fn buffers_are_apart_and_in_the_memory() {
    for number in 0..BUFFERS as u16 {
        let start = frame_offset(number) - HEADROOM;
        assert!(start.is_multiple_of(BUFFER_SIZE) && start >= 5 * 4096 && start + BUFFER_SIZE <= SIZE);
        assert!(number == 0 || start == frame_offset(number - 1) + FRAME_MAX);
    }
    assert!(frame_offset(u16::MAX) + FRAME_MAX <= SIZE, "whatever the number is");
}

#[test]
fn memory_that_is_too_small_or_unaligned_is_refused() {
    let region = Region::leak(SIZE + 8);
    assert_eq!(User::new(region.part(0, SIZE - 1).unwrap()).err(), Some(Error::OutOfBounds));
    assert_eq!(Driver::new(region.part(0, SIZE - 1).unwrap()).err(), Some(Error::OutOfBounds));
    assert_eq!(User::new(region.part(4, SIZE).unwrap()).err(), Some(Error::InvalidArgument));
    assert_eq!(Driver::new(region.part(4, SIZE).unwrap()).err(), Some(Error::InvalidArgument));
}

#[test]
fn impossible_lengths_are_refused_on_the_own_side() {
    let (mut user, mut driver) = both();
    for (length, error) in
        [(0, Error::InvalidArgument), (FRAME_MAX + 1, Error::TooLarge), (usize::MAX, Error::TooLarge)]
    {
        let buffer = user.allocate().unwrap();
        assert_eq!(user.transmit(buffer, length), Err(error));
        assert_eq!(user.available(), BUFFERS, "the buffer is free");
    }
    let buffer = user.allocate().unwrap();
    user.fill(buffer);
    let number = driver.next_fill().unwrap();
    assert_eq!(driver.received(number, 0), Err(Error::InvalidArgument));
    assert_eq!(driver.received(number, FRAME_MAX + 1), Err(Error::TooLarge));
    assert_eq!(driver.completed(number), Err(Error::InvalidArgument), "it is not there to be sent");
    assert_eq!(driver.received(number + 1, 60), Err(Error::InvalidArgument));
    assert_eq!(driver.received(number, FRAME_MAX), Ok(()));
    assert_eq!(driver.received(number, FRAME_MAX), Err(Error::InvalidArgument), "it is given back");

    let buffer = user.allocate().unwrap();
    assert_eq!(user.write(&buffer, FRAME_MAX, b"a"), Err(Error::OutOfBounds));
    assert_eq!(user.read(&buffer, usize::MAX, &mut [0]), Err(Error::OutOfBounds));
    assert_eq!(user.write(&buffer, FRAME_MAX - 1, b"a"), Ok(()));
    user.free(buffer);
}

#[test]
fn a_header_ends_where_the_frame_starts() {
    let (mut user, mut driver) = both();
    let buffer = user.allocate().unwrap();
    user.write(&buffer, 0, b"frame").unwrap();
    driver.set_header(buffer.number(), [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);
    let mut bytes = [0; HEADROOM + 5];
    driver.memory().read(frame_offset(buffer.number()) - HEADROOM, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0fframe");
    user.free(buffer);
}

#[test]
fn who_sleeps_is_woken_once_and_only_for_what_it_waits_for() {
    let (mut user, mut driver) = both();
    let (first, second) = (user.allocate().unwrap(), user.allocate().unwrap());
    let (third, fourth) = (user.allocate().unwrap(), user.allocate().unwrap());
    user.transmit(first, 60).unwrap();
    assert!(!user.wakes_driver(), "it does not sleep");
    assert!(!driver.sleep(false), "there is a frame");
    let sent = driver.next_transmit().unwrap();
    assert!(driver.sleep(false));
    user.fill(second);
    assert!(!user.wakes_driver(), "it does not wait for buffers");
    assert!(!driver.sleep(true), "there is a buffer");
    assert!(driver.sleep(false));
    user.transmit(third, 60).unwrap();
    user.transmit(fourth, 60).unwrap();
    assert!(user.wakes_driver());
    assert!(!user.wakes_driver(), "it was woken already");

    assert!(user.sleep(true));
    driver.completed(sent.buffer).unwrap();
    assert!(driver.wakes_user());
    assert!(!driver.wakes_user());
    assert!(!user.sleep(true), "a buffer is back");
    assert!(user.sleep(false));
    user.awake();
    let number = driver.next_fill().unwrap();
    driver.received(number, 60).unwrap();
    assert!(!driver.wakes_user(), "it does not sleep any more");
    assert!(!user.sleep(false), "there is a frame");
}

#[test]
fn a_new_life_of_the_driver_starts_with_empty_rings() {
    let (mut user, mut driver) = both();
    for _ in 0..3 {
        let buffer = user.allocate().unwrap();
        user.fill(buffer);
        let buffer = user.allocate().unwrap();
        user.transmit(buffer, 60).unwrap();
    }
    let number = driver.next_fill().unwrap();
    driver.received(number, 60).unwrap();
    let mut driver = Driver::new(memory()).unwrap();
    user.reset();
    assert_eq!((driver.next_fill(), driver.next_transmit()), (None, None));
    assert_eq!((user.receive(), user.reclaim(), user.available(), user.filling()), (None, 0, BUFFERS, 0));
    let buffer = user.allocate().unwrap();
    user.fill(buffer);
    assert!(driver.next_fill().is_some());
    driver.reset();
    assert_eq!(driver.next_fill(), None);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Allocate,
    Free,
    Fill,
    Transmit(usize),
    NextFill,
    Received(usize),
    NextTransmit,
    Completed,
    Receive,
    Reclaim,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Allocate),
        1 => Just(Step::Free),
        2 => Just(Step::Fill),
        2 => (1..=FRAME_MAX).prop_map(Step::Transmit),
        2 => Just(Step::NextFill),
        2 => (1..=FRAME_MAX).prop_map(Step::Received),
        2 => Just(Step::NextTransmit),
        2 => Just(Step::Completed),
        2 => Just(Step::Receive),
        1 => Just(Step::Reclaim),
    ]
}

/// What must happen: rings are queues, and each buffer is in one place.
#[derive(Default)]
struct Model {
    held: Vec<Buffer>,
    fill: VecDeque<u16>,
    filling: VecDeque<u16>,
    receive: VecDeque<(u16, usize)>,
    transmit: VecDeque<(u16, usize)>,
    sending: VecDeque<u16>,
    complete: VecDeque<u16>,
    faults: u64,
}

impl Model {
    fn step(&mut self, user: &mut User, driver: &mut Driver, step: Step) {
        match step {
            Step::Allocate => match user.allocate() {
                Some(buffer) => self.held.push(buffer),
                None => assert_eq!(
                    self.held.len()
                        + self.fill.len()
                        + self.filling.len()
                        + self.receive.len()
                        + self.transmit.len()
                        + self.sending.len()
                        + self.complete.len(),
                    BUFFERS
                ),
            },
            Step::Free => self.held.pop().into_iter().for_each(|buffer| user.free(buffer)),
            Step::Fill => {
                for buffer in self.held.pop() {
                    self.fill.push_back(buffer.number());
                    user.fill(buffer);
                }
            }
            Step::Transmit(length) => {
                for buffer in self.held.pop() {
                    self.transmit.push_back((buffer.number(), length));
                    user.transmit(buffer, length).unwrap();
                }
            }
            Step::NextFill => {
                let number = driver.next_fill();
                assert_eq!(number, self.fill.pop_front());
                self.filling.extend(number);
            }
            Step::Received(length) => {
                for number in self.filling.pop_front() {
                    driver.received(number, length).unwrap();
                    self.receive.push_back((number, length));
                }
            }
            Step::NextTransmit => {
                let frame = driver.next_transmit();
                assert_eq!(frame.map(|frame| (frame.buffer, frame.length.into())), self.transmit.pop_front());
                self.sending.extend(frame.map(|frame| frame.buffer));
            }
            Step::Completed => {
                for number in self.sending.pop_back() {
                    driver.completed(number).unwrap();
                    self.complete.push_back(number);
                }
            }
            Step::Receive => {
                let received = user.receive();
                let seen = received.as_ref().map(|(buffer, length)| (buffer.number(), *length));
                assert_eq!(seen, self.receive.pop_front());
                self.held.extend(received.map(|(buffer, _)| buffer));
            }
            Step::Reclaim => {
                user.reclaim();
            }
        }
        // `allocate` reclaims as well.
        if user.available() > BUFFERS - self.elsewhere() {
            self.complete.clear();
        }
        assert_eq!(user.available(), BUFFERS - self.elsewhere());
        assert_eq!(user.filling(), self.fill.len() + self.filling.len() + self.receive.len());
        assert_eq!((user.faults(), driver.faults()), (self.faults, self.faults));
    }

    fn elsewhere(&self) -> usize {
        self.held.len()
            + self.fill.len()
            + self.filling.len()
            + self.receive.len()
            + self.transmit.len()
            + self.sending.len()
            + self.complete.len()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rings_are_queues(steps in prop::collection::vec(step(), 1..4000)) {
        let (mut user, mut driver) = both();
        let mut model = Model::default();
        for step in steps {
            model.step(&mut user, &mut driver, step);
        }
    }

    #[test]
    fn a_user_bears_any_driver(
        steps in prop::collection::vec((step(), prop::option::of(hostile(&[2, 4, 1, 3]))), 1..600),
    ) {
        let (mut user, _) = both();
        let mut held: BTreeMap<u16, Buffer> = BTreeMap::new();
        for (step, hostile) in steps {
            hostile.into_iter().for_each(write);
            match step {
                Step::Allocate => {
                    if let Some(buffer) = user.allocate() {
                        prop_assert_eq!(held.insert(buffer.number(), buffer), None, "it is nobody else's");
                    }
                }
                Step::Free => held.pop_first().into_iter().for_each(|(_, buffer)| user.free(buffer)),
                Step::Fill => held.pop_first().into_iter().for_each(|(_, buffer)| user.fill(buffer)),
                Step::Transmit(length) => {
                    held.pop_first().into_iter().for_each(|(_, buffer)| user.transmit(buffer, length).unwrap());
                }
                Step::Reclaim => drop(user.reclaim()),
                _ => {
                    if let Some((buffer, length)) = user.receive() {
                        prop_assert!((1..=FRAME_MAX).contains(&length));
                        prop_assert_eq!(held.insert(buffer.number(), buffer), None, "it is nobody else's");
                    }
                }
            }
            let _ = (user.sleep(true), user.wakes_driver());
            prop_assert!(held.len() + user.filling() + user.available() <= BUFFERS);
        }
    }

    #[test]
    fn a_driver_bears_any_user(
        steps in prop::collection::vec((step(), prop::option::of(hostile(&[1, 3, 2, 4]))), 1..600),
    ) {
        let (_, mut driver) = both();
        let (mut filling, mut sending) = (BTreeSet::new(), BTreeSet::new());
        for (step, hostile) in steps {
            hostile.into_iter().for_each(write);
            match step {
                Step::Received(length) => {
                    if let Some(number) = filling.pop_first() {
                        prop_assert_eq!(driver.received(number, length), Ok(()));
                    }
                }
                Step::Completed => {
                    if let Some(number) = sending.pop_first() {
                        prop_assert_eq!(driver.completed(number), Ok(()));
                    }
                }
                Step::NextFill | Step::Fill | Step::Allocate => {
                    if let Some(number) = driver.next_fill() {
                        prop_assert!(usize::from(number) < BUFFERS && !sending.contains(&number));
                        prop_assert!(filling.insert(number), "it has it already");
                    }
                }
                _ => {
                    if let Some(Frame { buffer, length }) = driver.next_transmit() {
                        prop_assert!((1..=FRAME_MAX).contains(&length.into()));
                        prop_assert!(usize::from(buffer) < BUFFERS && !filling.contains(&buffer));
                        prop_assert!(sending.insert(buffer), "it has it already");
                    }
                }
            }
            let _ = (driver.sleep(true), driver.wakes_user());
        }
    }
}

/// What a hostile side writes: an entry of a ring (its page, its place, lap, length, number), as it might be or not.
type Hostile = (usize, usize, u32, u16, u16);

/// `pages` are the rings' pages, the more interesting ones first.
fn hostile(pages: &'static [usize]) -> impl Strategy<Value = Hostile> {
    let page = prop_oneof![8 => 0..2_usize, 1 => 0..pages.len()].prop_map(|index| pages[index]);
    let page = prop_oneof![20 => page, 1 => Just(0)];
    let lap = prop_oneof![20 => Just(1), 1 => 0..4_u32, 1 => any::<u32>()];
    let length = prop_oneof![4 => 1..=FRAME_MAX as u16, 1 => any::<u16>()];
    let number = prop_oneof![8 => 0..16_u16, 1 => any::<u16>()];
    // Mostly where the reader is.
    let place = prop_oneof![8 => 0..64_usize, 1 => 0..BUFFERS];
    (page, place, lap, length, number)
}

fn write((page, place, lap, length, number): Hostile) {
    let entry = u64::from(lap) << 32 | u64::from(length) << 16 | u64::from(number);
    memory().store(page * 4096 + place * 8, entry).unwrap();
}
