//! Both sides of the packet rings together, and each with another side that writes anything.

use ipc::Region;
use packets::{BUFFERS, Broken, Buffer, Driver, FRAME_MAX, SIZE, User, Wake, frame_offset};
use proptest::prelude::*;
use std::collections::VecDeque;

fn pair() -> (User, Driver, Region) {
    let memory = Region::leak(SIZE);
    let driver = Driver::new(memory).unwrap();
    (User::new(memory).unwrap(), driver, memory)
}

#[test]
fn frames_travel_both_ways() {
    let (mut user, mut driver, memory) = pair();
    let buffer = user.allocate().unwrap().unwrap();
    user.fill(buffer).unwrap();
    assert_eq!(driver.next_fill(), Ok(Some(buffer)));
    memory.write(frame_offset(buffer), b"ping").unwrap();
    driver.received(buffer, 4).unwrap();
    assert_eq!(user.receive(), Ok(Some((buffer, 4))));
    let mut frame = [0; 4];
    user.read(buffer, &mut frame).unwrap();
    assert_eq!(&frame, b"ping");
    user.write(buffer, b"pong!").unwrap();
    user.transmit(buffer, 5).unwrap();
    assert_eq!(driver.next_transmit(), Ok(Some((buffer, 5))));
    driver.completed(buffer).unwrap();
    assert_eq!(user.free(), BUFFERS - 1);
    user.collect().unwrap();
    assert_eq!(user.free(), BUFFERS);
    assert_eq!((user.receive(), driver.next_fill(), driver.next_transmit()), (Ok(None), Ok(None), Ok(None)));
}

#[test]
fn all_buffers_can_be_in_one_ring() {
    let (mut user, mut driver, _) = pair();
    for round in 0..3 {
        while let Some(buffer) = user.allocate().unwrap() {
            user.transmit(buffer, round).unwrap();
        }
        for _ in 0..BUFFERS {
            let (buffer, length) = driver.next_transmit().unwrap().unwrap();
            assert_eq!(length, round);
            driver.completed(buffer).unwrap();
        }
        assert_eq!(driver.next_transmit(), Ok(None));
    }
}

#[test]
fn who_sleeps_is_woken_once() {
    let (mut user, mut driver, _) = pair();
    assert_eq!(user.must_wake(Wake::FRAMES), Ok(false), "the driver has not gone to sleep");
    assert_eq!(driver.sleep(Wake::FRAMES), Ok(true));
    assert_eq!(user.must_wake(Wake::BUFFERS), Ok(false), "it does not care for buffers");
    let buffer = user.allocate().unwrap().unwrap();
    user.transmit(buffer, 1).unwrap();
    assert_eq!(user.must_wake(Wake::FRAMES), Ok(true));
    assert_eq!(user.must_wake(Wake::FRAMES), Ok(false));
    assert_eq!(driver.sleep(Wake::BOTH), Ok(false), "there is a frame to send");
    driver.next_transmit().unwrap();
    assert_eq!(user.sleep(Wake::BOTH), Ok(true));
    driver.completed(buffer).unwrap();
    assert_eq!(driver.must_wake(Wake::BUFFERS), Ok(true));
    assert_eq!(user.sleep(Wake::FRAMES), Ok(true));
    assert_eq!(user.sleep(Wake::BUFFERS), Ok(false));
}

#[test]
fn what_is_not_ones_own_cannot_be_given() {
    let (mut user, mut driver, _) = pair();
    let buffer = user.allocate().unwrap().unwrap();
    user.fill(buffer).unwrap();
    assert_eq!(user.fill(buffer), Err(Broken));
    assert_eq!(user.transmit(buffer, 1), Err(Broken));
    user.release(buffer);
    assert_eq!(user.free(), BUFFERS - 1, "it is the driver's");
    driver.next_fill().unwrap();
    assert_eq!(driver.completed(buffer), Err(Broken), "it is there to receive");
    assert_eq!(driver.received(buffer, FRAME_MAX + 1), Err(Broken));
    driver.received(buffer, FRAME_MAX).unwrap();
    assert_eq!(driver.received(buffer, 1), Err(Broken));
    assert_eq!(driver.completed(u16::MAX), Err(Broken));
    let other = user.allocate().unwrap().unwrap();
    assert_eq!(user.transmit(other, FRAME_MAX + 1), Err(Broken));
    assert!(User::new(Region::leak(SIZE - 8)).is_err() && Driver::new(Region::leak(8)).is_err());
}

#[test]
fn a_new_attach_begins_anew() {
    let (mut user, mut driver, memory) = pair();
    for _ in 0..10 {
        let buffer = user.allocate().unwrap().unwrap();
        user.fill(buffer).unwrap();
        driver.next_fill().unwrap();
        driver.received(buffer, 60).unwrap();
    }
    let mut driver = Driver::new(memory).unwrap();
    let mut user = User::new(memory).unwrap();
    assert_eq!((user.free(), user.receive(), driver.next_fill()), (BUFFERS, Ok(None), Ok(None)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Fill,
    Transmit(usize),
    Receive,
    Collect,
    NextFill,
    Received(usize),
    NextTransmit,
    Completed,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Fill),
        (0..=FRAME_MAX).prop_map(Step::Transmit),
        Just(Step::Receive),
        Just(Step::Collect),
        Just(Step::NextFill),
        (0..=FRAME_MAX).prop_map(Step::Received),
        Just(Step::NextTransmit),
        Just(Step::Completed),
    ]
}

proptest! {
    /// The rings behave as queues, and no buffer is ever lost or doubled.
    #[test]
    fn rings_are_queues(steps in prop::collection::vec(step(), 1..2000)) {
        let (mut user, mut driver, _) = pair();
        let (mut fill, mut receive) = (VecDeque::new(), VecDeque::new());
        let (mut transmit, mut complete) = (VecDeque::new(), VecDeque::new());
        let (mut filling, mut sending) = (VecDeque::<Buffer>::new(), VecDeque::<Buffer>::new());
        for step in steps {
            match step {
                Step::Fill | Step::Transmit(_) => if let Some(buffer) = user.allocate().unwrap() {
                    if let Step::Transmit(length) = step {
                        user.transmit(buffer, length).unwrap();
                        transmit.push_back((buffer, length));
                    } else {
                        user.fill(buffer).unwrap();
                        fill.push_back(buffer);
                    }
                } else {
                    complete.clear();
                },
                Step::Receive => {
                    let received = user.receive().unwrap();
                    prop_assert_eq!(received, receive.pop_front());
                    received.inspect(|(buffer, _)| user.release(*buffer));
                }
                Step::Collect => {
                    let before = user.free();
                    user.collect().unwrap();
                    prop_assert_eq!(user.free() - before, complete.len());
                    complete.clear();
                }
                Step::NextFill => {
                    let next = driver.next_fill().unwrap();
                    prop_assert_eq!(next, fill.pop_front());
                    filling.extend(next);
                }
                Step::Received(length) => if let Some(buffer) = filling.pop_front() {
                    driver.received(buffer, length).unwrap();
                    receive.push_back((buffer, length));
                },
                Step::NextTransmit => {
                    let next = driver.next_transmit().unwrap();
                    prop_assert_eq!(next, transmit.pop_front());
                    sending.extend(next.map(|(buffer, _)| buffer));
                }
                Step::Completed => if let Some(buffer) = sending.pop_front() {
                    driver.completed(buffer).unwrap();
                    complete.push_back(buffer);
                },
            }
            let elsewhere = fill.len() + receive.len() + transmit.len() + complete.len() + filling.len() + sending.len();
            prop_assert!(user.free() + elsewhere == BUFFERS || user.free() + elsewhere == BUFFERS + complete.len());
        }
    }

    /// Whatever the driver writes into the memory: the user gets only buffers that it had given away, never one twice.
    #[test]
    fn a_hostile_driver_fools_nobody(words in prop::collection::vec((0..600usize, any::<u64>(), 0..3u8), 1..300)) {
        let (mut user, _, memory) = pair();
        let mut given = std::collections::HashSet::new();
        for _ in 0..100 {
            let buffer = user.allocate().unwrap().unwrap();
            user.fill(buffer).unwrap();
            given.insert(buffer);
        }
        for (place, word, kind) in words {
            // Counts and entries; often nearly right.
            let word = if kind == 0 { word } else { word % 700 };
            memory.store(if kind == 2 { place % 16 * 64 } else { 4096 + place * 8 }, word).unwrap();
            while let Ok(Some((buffer, length))) = user.receive() {
                prop_assert!(given.remove(&buffer) && length <= FRAME_MAX);
            }
            let _ = (user.collect(), user.sleep(Wake::BOTH), user.must_wake(Wake::BOTH));
        }
    }

    /// Whatever the user writes: the driver gets only buffers that exist and that it does not have.
    #[test]
    fn a_hostile_user_fools_nobody(words in prop::collection::vec((0..2048usize, any::<u64>(), 0..3u8), 1..300)) {
        let (_, mut driver, memory) = pair();
        let mut held = std::collections::HashSet::new();
        for (place, word, kind) in words {
            let word = if kind == 0 { word } else { word % 700 };
            memory.store(if kind == 2 { place % 16 * 64 } else { 4096 + place * 8 }, word).unwrap();
            while let Ok(Some((buffer, length))) = driver.next_transmit() {
                prop_assert!(usize::from(buffer) < BUFFERS && length <= FRAME_MAX && held.insert(buffer));
            }
            while let Ok(Some(buffer)) = driver.next_fill() {
                prop_assert!(usize::from(buffer) < BUFFERS && held.insert(buffer));
            }
            let _ = (driver.sleep(Wake::BOTH), driver.must_wake(Wake::BOTH));
        }
    }
}
