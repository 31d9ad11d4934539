//! The queue of connections that nobody has accepted yet, also when somebody floods it; and the table for TIME-WAIT.

mod support;

use smoltcp::wire::{IpEndpoint, Ipv4Address};
use std::collections::VecDeque;
use support::{Host, Remote, Seen, tcp_from};
use tcpip::stack::{Flow, Hasher, Last, TIME_WAIT_MAX, TIME_WAIT_STAY, TimeWait};

fn request(port: u16) -> Seen {
    Seen { flags: "S", from: port, to: 80, sequence: 77, acknowledgement: 0, window: 1000, data: vec![] }
}

#[test]
fn as_many_wait_as_was_said_and_in_order() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 3).unwrap();
    for port in 5000..5003 {
        host.connect_from(port, 80);
    }
    host.send(&request(5003));
    assert_eq!(host.segments(), [], "no answer: it tries again");
    assert_eq!(host.stack.statistics().backlog_dropped, 1);
    for port in 5000..5003 {
        let place = host.stack.accept(listener).unwrap().unwrap();
        let connection = host.stack.places().connection(place).unwrap();
        assert_eq!(connection.flow.remote.port, port);
    }
    assert_eq!(host.stack.accept(listener), Ok(None));
    host.connect_from(5003, 80);
    assert!(host.stack.accept(listener).unwrap().is_some());
}

#[test]
fn half_made_connections_time_out() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 3).unwrap();
    host.send(&request(5000));
    assert_eq!((host.stack.half_open(), host.sockets()), (1, 2));
    host.pass(11_000);
    let repeated = host.segments();
    assert!(repeated.len() >= 3 && repeated.iter().all(|segment| segment.flags == "SA"), "{repeated:?}");
    assert_eq!((host.stack.half_open(), host.sockets()), (0, 1), "silently");
    // A reset frees it at once.
    host.send(&request(5001));
    let answer = host.segment();
    let reset = Seen { flags: "R", sequence: answer.acknowledgement, ..request(5001) };
    host.send(&reset);
    assert_eq!((host.stack.half_open(), host.sockets()), (0, 1));
    host.send(&request(5002));
    host.stack.close(listener, host.now);
    assert_eq!((host.stack.half_open(), host.sockets()), (0, 0));
}

#[test]
fn a_burst_keeps_nobody_out_for_long() {
    let mut host = Host::new();
    host.stack.listen(None, 80, 8).unwrap();
    for port in 5000..5020 {
        host.send(&request(port));
    }
    let answers = host.segments();
    let answered: Vec<_> = answers.iter().map(|segment| segment.to).collect();
    assert_eq!(answered, (5000..5008).collect::<Vec<_>>(), "the first ones keep their places");
    assert_eq!(host.stack.statistics().backlog_dropped, 12);
}

#[test]
fn a_flood_of_requests_does_not_keep_others_out() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 128).unwrap();
    let (mut served, mut random) = (0, fastrand::Rng::with_seed(3));
    for number in 0..40_000_u32 {
        let false_sender = Ipv4Address::from_bits(0x0a00_0210 + number % 200);
        let frame = tcp_from(false_sender, &request((number % 60_000) as u16 + 1));
        host.receive(frame);
        host.now += smoltcp::time::Duration::from_micros(random.u64(1..600));
        if number % 100 == 99 {
            // Somebody in earnest, whose answers take a millisecond.
            host.frames();
            let mut remote = Remote {
                port: 50_000 + (number / 100) as u16,
                to: 80,
                sequence: 1,
                acknowledgement: 0,
                window: 1000,
            };
            let syn = remote.segment("S", b"");
            host.send(&syn);
            if let Some(answer) = host.segments().iter().find(|answer| answer.to == remote.port) {
                host.now += smoltcp::time::Duration::from_millis(1);
                remote.note(answer);
                let ack = remote.segment("A", b"");
                host.send(&ack);
                served += 1;
            }
        }
        if let Some(place) = host.stack.accept(listener).unwrap() {
            host.stack.close(place, host.now);
        }
        assert!(host.stack.half_open() <= 128);
    }
    assert!(served > 350, "{served} of 400 at the first try");
    host.frames();
    host.pass(120_000);
    assert_eq!((host.stack.half_open(), host.sockets()), (0, 1), "and nothing is left");
}

#[test]
fn a_request_with_a_wrong_checksum_takes_no_place() {
    let mut host = Host::new();
    host.stack.listen(None, 80, 1).unwrap();
    let mut frame = support::tcp(&request(5000));
    *frame.last_mut().unwrap() ^= 1;
    host.receive(frame);
    assert_eq!(host.segments(), []);
    assert_eq!((host.sockets(), host.stack.statistics().malformed), (1, 1));
}

#[test]
fn all_sockets_may_be_taken_and_come_back() {
    let mut host = Host::new();
    let mut listeners = Vec::new();
    for port in 80..90 {
        listeners.push(host.stack.listen(None, port, 128).unwrap().0);
    }
    let mut refused = 0;
    for number in 0..1000_u16 {
        host.send(&Seen { to: 80 + number % 10, ..request(5000 + number) });
        refused += usize::from(host.segments().is_empty());
    }
    assert_eq!((host.sockets(), refused), (512, 498));
    host.pass(20_000);
    assert_eq!(host.sockets(), 10);
    host.frames();
    host.connect_from(60_000, 80);
}

#[test]
fn twenty_thousand_connections_at_full_speed() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 16).unwrap();
    for number in 0..20_000_u32 {
        let mut remote = host.connect_from(1024 + (number % 60_000) as u16, 80);
        let place = host.stack.accept(listener).unwrap().expect("always");
        let question = remote.segment("PA", b"GET");
        host.send(&question);
        assert_eq!(host.read(place), Ok(Some(b"GET".to_vec())));
        host.stack
            .send(place, 4, |_, room| {
                room.copy_from_slice(b"here");
                Ok(())
            })
            .unwrap();
        host.stack.close(place, host.now);
        host.poll();
        let answer = host.segment();
        assert_eq!((answer.flags, &answer.data[..]), ("FA", &b"here"[..]));
        remote.note(&answer);
        let fin = remote.segment("FA", b"");
        host.send(&fin);
        assert_eq!(host.segment().acknowledgement, remote.sequence);
        assert_eq!(host.sockets(), 1);
    }
    assert_eq!(host.stack.time_wait(host.now), TIME_WAIT_MAX);
}

/// The table does what a list would do, which is too slow.
#[test]
fn the_table_for_time_wait_is_a_list() {
    let mut random = fastrand::Rng::with_seed(11);
    let (mut table, hasher) = (TimeWait::new(), Hasher::new(5));
    let mut list: VecDeque<(Flow, u32, i64)> = VecDeque::new();
    let mut now = smoltcp::time::Instant::from_millis(0);
    for round in 0..60_000 {
        now += smoltcp::time::Duration::from_millis(random.u64(0..30));
        while list.front().is_some_and(|(_, _, until)| *until <= now.total_millis()) {
            list.pop_front();
        }
        let local = IpEndpoint::new(support::OURS.into(), 80);
        let remote = IpEndpoint::new(support::PEER.into(), random.u16(0..5000));
        let flow = Flow { local, remote };
        let hash = hasher.connection(80, remote.addr, remote.port);
        let known = list.iter().position(|(other, ..)| *other == flow);
        if random.bool() {
            let last = Last { sequence: 9, acknowledgement: round };
            table.insert(hash, flow, last, now);
            if let Some(known) = known {
                list.remove(known);
            } else if list.len() == TIME_WAIT_MAX {
                list.pop_front();
            }
            list.push_back((flow, round, now.total_millis() + TIME_WAIT_STAY.total_millis() as i64));
        } else {
            // Those that have expired are gone as soon as somebody looks.
            assert_eq!(table.len(now), list.len());
            assert_eq!(table.contains(hash, &flow), known.is_some());
        }
        if round % 1000 == 0 {
            assert!(table.iter().eq(list.iter().map(|(flow, ..)| flow)), "the same order");
        }
    }
}
