//! A card and a user that write anything anywhere: whatever they do, the driver lives, every buffer is in one place, and an
//! honest user gets only its own buffers back, with lengths that frames have.

mod model;
mod support;

use e1000::Trouble;
use model::{Dma, Manner, Model};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::{Bench, frame};

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// The user gives so many buffers to receive into.
    Fill(usize),
    /// The user sends a frame of this length.
    Transmit(usize),
    /// The user takes what has come.
    Take,
    /// A frame of this length comes, with these errors.
    Receive(usize, u8),
    /// The card sends.
    Send,
    /// The card interrupts for nothing.
    Lie,
    /// The card writes the second word of a descriptor: receive or transmit.
    Descriptor(bool, u64, u64),
    /// The driver works.
    Round,
}

fn event() -> impl Strategy<Value = Event> {
    // Words that look like what the card would write, and any.
    let word = prop_oneof![
        2 => (0..2100_u64, 0..4_u64, 0..3_u64).prop_map(|(length, status, errors)| length | status << 32 | errors << 40),
        1 => any::<u64>(),
    ];
    prop_oneof![
        1 => (1..300_usize).prop_map(Event::Fill),
        1 => (0..1600_usize).prop_map(Event::Transmit),
        1 => Just(Event::Take),
        4 => (14..1519_usize, prop_oneof![8 => Just(0_u8), 1 => any::<u8>()]).prop_map(|(length, errors)| Event::Receive(length, errors)),
        2 => Just(Event::Send),
        1 => Just(Event::Lie),
        1 => (any::<bool>(), 0..256_u64, word).prop_map(|(transmit, place, word)| Event::Descriptor(transmit, place, word)),
        6 => Just(Event::Round),
    ]
}

/// The honest user's account of its buffers.
struct Account {
    received: usize,
    counted: u64,
}

fn run(sends_at_once: bool, events: Vec<Event>) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(Model::new(Manner { sends_at_once, ..Manner::default() }));
    let mut account = Account { received: 0, counted: 0 };
    for event in events {
        step(&mut bench, &mut account, event)?;
    }
    // Whatever was done: after a reset everything works.
    bench.nic.attach().unwrap();
    bench.user = packets::User::new(bench.wires.physical.0[2].region).unwrap();
    bench.fill(1);
    bench.work();
    let last = frame(100, 7);
    prop_assert!(bench.receive(&last));
    bench.work();
    prop_assert_eq!(bench.next().unwrap().1, last);
    Ok(())
}

fn step(bench: &mut Bench, account: &mut Account, event: Event) -> Result<(), TestCaseError> {
    let mut physical = bench.wires.physical.clone();
    match event {
        Event::Fill(count) => bench.fill(count),
        Event::Transmit(length) => {
            bench.transmit(&vec![0xee; length]);
        }
        Event::Receive(length, errors) => {
            bench.wires.model.borrow_mut().receive_as(&frame(length, 1), errors, &mut physical);
        }
        Event::Send => bench.send(),
        Event::Lie => bench.wires.model.borrow_mut().lie(),
        Event::Descriptor(transmit, place, word) => {
            let descriptor = bench.wires.model.borrow().descriptor(transmit, place);
            // A frame to send stays as short as a buffer: what the card would read behind it is its own doing.
            let word = if transmit { word & !(0xffff - 0x7ff) } else { word };
            physical.write(descriptor + 8, &word.to_le_bytes());
        }
        Event::Take => {
            let mut seen = BTreeSet::new();
            // An honest user: each error here would be the driver's.
            while let Some((buffer, length)) = bench.user.receive().expect("the driver keeps the rules") {
                prop_assert!((14..=1518).contains(&length), "a frame of {} bytes", length);
                prop_assert!(seen.insert(buffer));
                account.received += 1;
                bench.user.release(buffer);
            }
            bench.user.collect().expect("the driver keeps the rules");
        }
        Event::Round => match bench.nic.round() {
            Ok(_) => {}
            Err(Trouble::Card(length, is_end)) => {
                prop_assert!(!is_end || length > 1518);
                bench.nic.restart().unwrap();
            }
            Err(Trouble::User) => prop_assert!(false, "the user keeps the rules"),
        },
    }
    let received = bench.nic.counts().received;
    prop_assert!(received >= account.counted && received >= account.received as u64);
    account.counted = received;
    Ok(())
}

proptest! {
    #[test]
    fn a_hostile_card_cannot_harm(
        sends_at_once in any::<bool>(),
        events in proptest::collection::vec(event(), 1..200),
    ) {
        run(sends_at_once, events)?;
    }

    #[test]
    fn a_hostile_user_cannot_harm(
        words in proptest::collection::vec((0..(4096 + 4 * 512 * 8) / 8_usize, prop_oneof![
            0..1024_u64, any::<u64>(), (0..600_u64, 0..3000_u64).prop_map(|(buffer, length)| buffer | length << 16)
        ]), 1..200),
    ) {
        let mut bench = Bench::new(Model::default());
        bench.fill(100);
        for (place, word) in words {
            bench.wires.physical.0[2].region.store(place * 8, word).unwrap();
            bench.receive(&frame(60, 1));
            if bench.nic.round() == Err(Trouble::User) {
                bench.nic.detach().unwrap();
                bench.nic.attach().unwrap();
                bench.user = packets::User::new(bench.wires.physical.0[2].region).unwrap();
                bench.fill(100);
            }
        }
    }

    /// The honest case: everything arrives, in order, once; the buffers return.
    #[test]
    fn every_frame_arrives_in_order(
        sends_at_once in any::<bool>(),
        lengths in proptest::collection::vec((14..1515_usize, any::<bool>(), any::<bool>()), 1..600),
    ) {
        let mut bench = Bench::new(Model::new(Manner { sends_at_once, ..Manner::default() }));
        let (mut expected_in, mut expected_out, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (length, incoming, work)) in lengths.into_iter().enumerate() {
            let frame = frame(length, number as u8);
            if incoming {
                if bench.receive(&frame) {
                    expected_in.push(frame);
                }
            } else if bench.transmit(&frame) {
                let mut padded = frame;
                padded.resize(padded.len().max(60), 0);
                expected_out.push(padded);
            }
            if work {
                bench.send();
                bench.work();
                while let Some((buffer, frame)) = bench.next() {
                    found.push(frame);
                    bench.user.release(buffer);
                }
                bench.fill(3);
            }
        }
        for _ in 0..3 {
            bench.work();
            bench.send();
        }
        bench.work();
        found.extend(std::iter::from_fn(|| bench.next()).map(|(_, frame)| frame));
        prop_assert!(found == expected_in);
        prop_assert!(bench.wires.model.borrow().sent == expected_out);
    }
}
