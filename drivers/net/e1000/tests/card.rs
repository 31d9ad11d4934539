//! The card and its driver without a kernel: reset, frames in and out, interrupts, what goes wrong.

mod model;
mod support;

use e1000::{Card, CardError, Registers, Trouble};
use model::{ADDRESS, Manner, Model};
use packets::Wake;
use std::cell::RefCell;
use std::rc::Rc;
use support::{Bench, Physical, Wires, frame};

fn bench() -> Bench {
    Bench::new(Model::default())
}

fn card(model: Model) -> Card<Wires> {
    let memory = e1000::Memory { region: ipc::Region::leak(8), physical: 0 };
    Card::new(Wires { model: Rc::new(RefCell::new(model)), physical: Physical([memory; 3]) })
}

#[test]
fn the_address_is_loaded_or_read_from_the_eeprom() {
    assert_eq!(card(Model::default()).reset(), Ok(ADDRESS));
    assert_eq!(card(Model::new(Manner { loads_address: false, ..Manner::default() })).reset(), Ok(ADDRESS));
}

#[test]
fn an_address_from_the_eeprom_is_one_that_the_card_listens_to() {
    let mut bench = Bench::new(Model::new(Manner { loads_address: false, ..Manner::default() }));
    bench.fill(1);
    bench.work();
    assert!(bench.receive(&frame(60, 1)));
}

#[test]
fn a_card_that_does_not_work_is_told() {
    let model = Model::new(Manner { resets: false, ..Manner::default() });
    assert_eq!(card(model).reset(), Err(CardError::InReset));
    let model = Model::new(Manner { address: [1, 0, 0, 0, 0, 1], loads_address: false, ..Manner::default() });
    assert_eq!(card(model).reset(), Err(CardError::Address([1, 0, 0, 0, 0, 1])));

    struct Nothing;
    impl Registers for Nothing {
        fn read(&self, _: usize) -> u32 {
            u32::MAX
        }
        fn write(&self, _: usize, _: u32) {}
        fn pause(&self) {}
    }
    assert_eq!(Card::new(Nothing).reset(), Err(CardError::Gone));
}

#[test]
fn frames_come_in_where_the_user_wants_them() {
    let mut bench = bench();
    bench.fill(2);
    bench.work();
    let (first, second) = (frame(60, 1), frame(1514, 2));
    assert!(bench.receive(&first) && bench.receive(&second));
    assert!(!bench.receive(&frame(60, 3)), "there are no more buffers");
    assert!(bench.wires.model.borrow().interrupts());
    assert!(!bench.nic.card().take_causes(), "the link has not changed");
    assert!(!bench.wires.model.borrow().interrupts());
    bench.work();
    assert_eq!(bench.next().unwrap().1, first);
    assert_eq!(bench.next().unwrap().1, second);
    assert_eq!(bench.next(), None);
    let counts = bench.nic.counts();
    assert_eq!((counts.received, counts.received_bytes, counts.dropped), (2, 1574, 1));
    assert_eq!(bench.nic.counts().dropped, 1, "what the card has counted is counted once");
}

#[test]
fn broadcast_and_multicast_come_in_and_frames_for_others_do_not() {
    let mut bench = bench();
    bench.fill(4);
    bench.work();
    for (address, is_wanted) in [
        ([0xff; 6], true),
        ([0x33, 0x33, 0, 0, 0, 1], true),
        ([0x01, 0, 0x5e, 0, 0, 1], true),
        ([0x52, 0x54, 0, 0x12, 0x34, 0x57], false),
    ] {
        let mut frame = frame(60, 0);
        frame[..6].copy_from_slice(&address);
        assert_eq!(bench.receive(&frame), is_wanted, "{address:02x?}");
    }
}

#[test]
fn frames_go_out_and_their_buffers_come_back() {
    let mut bench = bench();
    let (first, second) = (frame(60, 1), frame(1514, 2));
    assert!(bench.transmit(&first) && bench.transmit(&second));
    bench.work();
    assert_eq!(bench.wires.model.borrow().sent, [first, second]);
    bench.user.collect().unwrap();
    assert_eq!(bench.user.free(), packets::BUFFERS);
    assert!(!bench.wires.model.borrow().interrupts(), "what was sent at once needs no interrupt");
    assert_eq!((bench.nic.counts().sent, bench.nic.counts().sent_bytes), (2, 1574));
}

#[test]
fn a_card_that_sends_later_interrupts_when_it_has() {
    let mut bench = Bench::new(Model::new(Manner { sends_at_once: false, ..Manner::default() }));
    bench.transmit(&frame(60, 1));
    bench.work();
    assert!(!bench.wires.model.borrow().interrupts());
    bench.send();
    assert!(bench.wires.model.borrow().interrupts());
    bench.nic.card().take_causes();
    bench.work();
    bench.user.collect().unwrap();
    assert_eq!(bench.user.free(), packets::BUFFERS);
    bench.transmit(&frame(60, 2));
    bench.nic.round().unwrap();

    bench.send();
    assert!(bench.wires.model.borrow().interrupts(), "again");
    bench.transmit(&frame(60, 3));
    bench.work();
    bench.nic.restart().unwrap();
    bench.transmit(&frame(60, 4));
    bench.work();
    bench.send();
    assert!(bench.wires.model.borrow().interrupts(), "and after a reset");
}

#[test]
fn more_frames_than_the_ring_has_room_for_all_go_out() {
    let mut bench = Bench::new(Model::new(Manner { sends_at_once: false, ..Manner::default() }));
    for number in 0..400 {
        assert!(bench.transmit(&frame(60 + number % 7, number as u8)));
    }
    for _ in 0..4 {
        bench.work();
        bench.send();
    }
    let sent = bench.wires.model.borrow().sent.clone();
    let expected: Vec<_> = (0..400).map(|number| frame(60 + number % 7, number as u8)).collect();
    assert!(sent == expected, "{} were sent", sent.len());
}

#[test]
fn what_is_no_frame_is_not_sent() {
    let mut bench = bench();
    for length in [0, 13, 1515, packets::FRAME_MAX] {
        let buffer = bench.user.allocate().unwrap().unwrap();
        bench.user.transmit(buffer, length).unwrap();
    }
    bench.work();
    assert!(bench.wires.model.borrow().sent.is_empty());
    bench.user.collect().unwrap();
    assert_eq!((bench.user.free(), bench.nic.counts().errors), (packets::BUFFERS, 4));
}

#[test]
fn a_short_frame_is_padded_by_the_card() {
    let mut bench = bench();
    bench.transmit(&frame(42, 1));
    bench.work();
    assert_eq!(bench.wires.model.borrow().sent[0].len(), 60);
}

#[test]
fn the_user_is_woken_only_if_it_wants_to_be() {
    let mut bench = bench();
    bench.fill(4);
    bench.work();
    assert!(!bench.nic.must_wake(), "nothing has happened");
    bench.receive(&frame(60, 1));
    bench.work();
    assert!(!bench.nic.must_wake(), "it does not sleep");
    while bench.next().is_some() {}
    assert!(bench.user.sleep(Wake::FRAMES).unwrap());
    bench.transmit(&frame(60, 1));
    bench.work();
    assert!(!bench.nic.must_wake(), "it does not care for what was sent");
    bench.receive(&frame(60, 2));
    bench.work();
    assert!(bench.nic.must_wake());
    bench.receive(&frame(60, 3));
    bench.work();
    assert!(!bench.nic.must_wake(), "once is enough");
}

#[test]
fn a_damaged_frame_is_counted_and_its_buffer_used_again() {
    let mut bench = bench();
    bench.fill(1);
    bench.work();
    for number in 0..600 {
        let mut physical = bench.wires.physical.clone();
        assert!(bench.wires.model.borrow_mut().receive_as(&frame(60, 1), 1, &mut physical), "{number}");
        bench.work();
    }
    assert_eq!((bench.next(), bench.nic.counts().errors), (None, 600));
    assert!(bench.receive(&frame(60, 2)));
}

#[test]
fn after_an_impossible_length_the_card_is_reset_and_goes_on() {
    let mut bench = Bench::new(Model::new(Manner { sends_at_once: false, ..Manner::default() }));
    bench.fill(300);
    bench.transmit(&frame(60, 9));
    bench.work();
    bench.receive(&frame(60, 1));
    let mut physical = bench.wires.physical.clone();
    let descriptor = bench.wires.model.borrow().descriptor(false, 1);
    model::Dma::write(&mut physical, descriptor + 8, &[0xff, 0xff, 0, 0, 3, 0, 0, 0]);
    assert_eq!(bench.nic.round(), Err(Trouble::Card(0xffff, true)));
    bench.nic.restart().unwrap();
    bench.work();
    assert_eq!(bench.next().unwrap().1, frame(60, 1), "what came before is there");
    bench.user.collect().unwrap();
    assert_eq!(bench.user.free(), packets::BUFFERS - 300, "frames that were not sent come back");
    assert_eq!(bench.wires.model.borrow().room(), 255, "all buffers are the card's again");
    for number in 0..250 {
        assert!(bench.receive(&frame(60, number)));
    }
    bench.work();
    for number in 0..250 {
        assert_eq!(bench.next().unwrap().1, frame(60, number));
    }
}

#[test]
fn a_user_that_breaks_the_rules_is_dropped_and_can_begin_again() {
    let mut bench = bench();
    bench.fill(10);
    bench.work();
    // The count of the ring `fill` jumps.
    bench.wires.physical.0[2].region.store(0, 1 << 40).unwrap();
    assert_eq!(bench.nic.round(), Err(Trouble::User));
    bench.nic.detach().unwrap();
    assert!(!bench.receive(&frame(60, 1)), "the card is stopped");
    assert_eq!(bench.nic.round(), Ok(true));
    bench.nic.attach().unwrap();
    bench.user = packets::User::new(bench.wires.physical.0[2].region).unwrap();
    bench.fill(10);
    bench.work();
    assert!(bench.receive(&frame(60, 1)));
    bench.work();
    assert_eq!(bench.next().unwrap().1, frame(60, 1));
}

#[test]
fn the_link_is_told() {
    let bench = bench();
    assert!(bench.nic.card().link());
    bench.wires.model.borrow_mut().set_link(false);
    assert!(bench.wires.model.borrow().interrupts());
    assert!(bench.nic.card().take_causes());
    assert!(!bench.nic.card().link());
}
