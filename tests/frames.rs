//! TCP from outside, frame by frame: what a friendly network does, and what no friendly network does.
//!
//! Each test boots the system with its network cable in the test's hand (`wire`) and talks to the web server on port 80.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use system_tests::wire::web::{
    REQUEST, assert_is_answer, assert_serves, boot, close, expect_acknowledged, gateway,
};
use system_tests::wire::{ACK, FIN, PSH, Peer, RST, SYN, Segment, Wire};

/// Long enough for everything that is sent at once or not at all.
const A_WHILE: Duration = Duration::from_millis(300);

fn is_silent(wire: &mut Wire, mut from: impl FnMut(&Segment) -> bool) -> bool {
    let end = Instant::now() + A_WHILE;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if wire.receive(left).is_some_and(|frame| frame.segment().is_some_and(&mut from)) {
            return false;
        }
    }
    true
}

#[test]
fn connections_close_in_every_order() {
    let (system, mut wire) = boot();
    // The server closes first.
    assert_serves(&mut wire, 1001);

    // The client closes first, with nothing said: the server closes too.
    let mut peer = Peer::connect(&mut wire, gateway(1002), 80);
    peer.send(&wire, FIN | ACK, b"");
    assert_eq!(peer.read_to_end(&mut wire), b"");

    // The client closes its half right behind the request: it still gets all of the answer.
    let mut peer = Peer::connect(&mut wire, gateway(1003), 80);
    peer.send(&wire, FIN | PSH | ACK, REQUEST);
    assert_is_answer(&peer.read_to_end(&mut wire));

    // Both close at the same time: the client's FIN does not acknowledge the server's.
    let mut peer = Peer::connect(&mut wire, gateway(1004), 80);
    peer.send(&wire, PSH | ACK, REQUEST);
    let end = peer.expect(&mut wire, "FIN", |segment| segment.has(FIN));
    peer.send(&wire, FIN | ACK, b"");
    expect_acknowledged(&mut wire, &peer);
    peer.expected = end.sequence.wrapping_add(end.payload.len() as u32 + 1);
    peer.send(&wire, ACK, b"");

    // A reset in the middle: nothing more comes.
    let mut peer = Peer::connect(&mut wire, gateway(1005), 80);
    peer.send(&wire, ACK | PSH, b"GET / HT");
    peer.send(&wire, RST | ACK, b"");
    wire.forget();
    assert!(is_silent(&mut wire, |segment| segment.destination == peer.local));
    assert_serves(&mut wire, 1006);
    system.halt();
}

#[test]
fn a_fin_that_comes_again_is_acknowledged_again() {
    let (system, mut wire) = boot();
    let mut peer = Peer::connect(&mut wire, gateway(1001), 80);
    peer.send(&wire, ACK | PSH, REQUEST);
    peer.read_to_end(&mut wire);
    let fin = peer.segment(FIN | ACK, b"");
    close(&mut wire, &mut peer);
    for _ in 0..3 {
        wire.forget();
        wire.send(&fin.frame());
        expect_acknowledged(&mut wire, &peer);
    }
    // The same ports again, with a later sequence number: a new connection (RFC 9293, 3.6.1).
    peer.sequence = peer.sequence.wrapping_add(1_000_000);
    wire.send(&peer.segment(SYN, b"").frame());
    peer.expect(&mut wire, "SYN and ACK", |segment| segment.has(SYN | ACK));
    system.halt();
}

#[test]
fn what_is_lost_doubled_or_out_of_order_does_no_harm() {
    let (system, mut wire) = boot();
    // The answer to the SYN is lost: the SYN comes again, and is answered again with the same number.
    let mut peer = Peer::new(gateway(1001), 80);
    let syn = peer.segment(SYN, b"");
    wire.send(&syn.frame());
    let first = peer.expect(&mut wire, "SYN and ACK", |segment| segment.has(SYN | ACK));
    wire.send(&syn.frame());
    let second = peer.expect(&mut wire, "SYN and ACK again", |segment| segment.has(SYN | ACK));
    assert_eq!((first.sequence, first.acknowledgement), (second.sequence, second.acknowledgement));
    peer.sequence = peer.sequence.wrapping_add(1);
    peer.expected = first.sequence.wrapping_add(1);
    // The request in pieces of three bytes: backwards, each twice.
    let pieces: Vec<_> = (0..REQUEST.len())
        .step_by(3)
        .map(|start| {
            let mut segment = peer.segment(ACK, &REQUEST[start..REQUEST.len().min(start + 3)]);
            segment.sequence = segment.sequence.wrapping_add(start as u32);
            segment
        })
        .collect();
    for piece in pieces.iter().rev().flat_map(|piece| [piece, piece]).chain(&pieces) {
        wire.send(&piece.frame());
    }
    peer.sequence = peer.sequence.wrapping_add(REQUEST.len() as u32);
    // The acknowledgements of the answer are lost: the guest sends again.
    let data = |segment: &Segment| !segment.payload.is_empty();
    let answer = peer.expect(&mut wire, "the answer", data);
    let again = peer.expect(&mut wire, "the answer again", |segment| {
        data(segment) && segment.sequence == answer.sequence
    });
    assert!(again.payload.starts_with(b"HTTP/1.1 200 OK"));
    assert_is_answer(&peer.read_to_end(&mut wire));
    close(&mut wire, &mut peer);
    system.halt();
}

#[test]
fn what_is_damaged_is_dropped() {
    let (system, mut wire) = boot();
    let mut peer = Peer::connect(&mut wire, gateway(1001), 80);
    let good = peer.segment(ACK | PSH, REQUEST).frame();
    for place in [14 + 10, 14 + 20 + 16, 14 + 20 + 20 + 3] {
        // The checksum of the IP header, that of the segment, the data.
        let mut bad = good.clone();
        bad[place] ^= 0x55;
        wire.send(&bad);
    }
    wire.forget();
    assert!(is_silent(&mut wire, |segment| segment.destination == peer.local && !segment.payload.is_empty()));
    // Every part of a frame: cut anywhere, and each header byte changed. Nothing of it makes the guest fall.
    // (None is empty: QEMU would take the cable for cut.)
    for length in 1..good.len() {
        wire.send(&good[..length]);
    }
    for place in 12..54 {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            wire.send(&bad);
        }
        wire.let_it_take();
    }
    peer.send(&wire, ACK | PSH, REQUEST);
    assert_is_answer(&peer.read_to_end(&mut wire));
    assert_serves(&mut wire, 1002);
    system.halt();
}

#[test]
fn a_window_of_zero_is_waited_for() {
    let (system, mut wire) = boot();
    let mut peer = Peer::connect(&mut wire, gateway(1001), 80);
    peer.window = 10;
    peer.send(&wire, ACK | PSH, b"GET / HTTP/1.0\r\n\r\n");
    let first = peer.expect(&mut wire, "as much as the window takes", |segment| !segment.payload.is_empty());
    assert!(first.payload.len() <= 10, "{first:?}");
    peer.expected = peer.expected.wrapping_add(first.payload.len() as u32);
    peer.window = 0;
    peer.send(&wire, ACK, b"");
    // The guest asks whether the window is still closed (RFC 9293, 3.8.6.1) and does not give up.
    for _ in 0..2 {
        let probe = peer.expect(&mut wire, "a probe", |segment| segment.payload.len() <= 1);
        assert!(!probe.has(RST), "{probe:?}");
        peer.send(&wire, ACK, b"");
    }
    peer.window = u16::MAX;
    peer.send(&wire, ACK, b"");
    let page = peer.read_to_end(&mut wire);
    assert!([first.payload, page].concat().starts_with(b"HTTP/1.1 200 OK"));
    close(&mut wire, &mut peer);
    system.halt();
}

#[test]
fn a_flood_of_syns_keeps_nobody_out() {
    let (mut system, mut wire) = boot();
    system.succeed("mem");
    for number in 0..3000_u32 {
        let address = Ipv4Addr::from(0x0a00_0300 + number % 250);
        let peer = Peer::new((address, 2000 + number as u16), 80);
        wire.send(&peer.segment(SYN, b"").frame());
        if number % 64 == 0 {
            wire.let_it_take();
        }
    }
    // Who behaves may have to try again, as every client does.
    let mut peer = Peer::new(gateway(1001), 80);
    let syn = peer.segment(SYN, b"").frame();
    let end = Instant::now() + Duration::from_secs(60);
    let answer = 'answered: loop {
        assert!(Instant::now() < end, "a client in a flood of SYNs should get through");
        wire.send(&syn);
        let again = Instant::now() + Duration::from_millis(500);
        while let Some(left) = again.checked_duration_since(Instant::now()) {
            let frame = wire.receive(left);
            if let Some(segment) = frame.as_ref().and_then(|frame| frame.segment())
                && segment.destination == peer.local
                && segment.has(SYN | ACK)
            {
                break 'answered segment.clone();
            }
        }
    };
    peer.sequence = peer.sequence.wrapping_add(1);
    peer.expected = answer.sequence.wrapping_add(1);
    peer.send(&wire, ACK | PSH, REQUEST);
    assert_is_answer(&peer.read_to_end(&mut wire));
    close(&mut wire, &mut peer);
    system.halt();
}
