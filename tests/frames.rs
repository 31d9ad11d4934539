//! TCP/IP from outside, frame by frame: what a friendly network does, and what no friendly network does.
//!
//! Each test boots the system with its network cable in the test's hand (`wire`) and talks to the web server on port 80, or has
//! the guest talk to it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use system_tests::wire::{
    ACK, Body, FIN, GATEWAY, GUEST, HARDWARE, Message, PSH, Peer, RST, SYN, Segment, Wire, arp, echo_request,
    ipv4, udp,
};
use system_tests::{MachineOptions, NetworkOptions, Nic, Profile, System, built};

const REQUEST: &[u8] = b"GET /api/system HTTP/1.0\r\n\r\n";
/// Long enough for everything that is sent at once or not at all.
const A_WHILE: Duration = Duration::from_millis(300);

/// The system with its cable in hand, with an address and the web server listening.
fn boot() -> (System, Wire) {
    let (mut wire, qemu_args) = Wire::new("virtio-net-pci,disable-legacy=on");
    let machine = MachineOptions {
        qemu_args,
        network: NetworkOptions::new(Nic::None, &[]),
        ..MachineOptions::default()
    };
    let mut system = System::boot_build(&built(Profile::Debug), &machine);
    system.expect("webapi: listening on port 80", 0);
    wire.wait_for_address();
    (system, wire)
}

fn gateway(port: u16) -> (Ipv4Addr, u16) {
    (GATEWAY, port)
}

/// A whole request over a new connection works.
fn assert_serves(wire: &mut Wire, port: u16) {
    wire.forget();
    let mut peer = Peer::connect(wire, gateway(port), 80);
    peer.send(wire, ACK | PSH, REQUEST);
    assert_is_answer(&peer.read_to_end(wire));
    close(wire, &mut peer);
}

fn assert_is_answer(bytes: &[u8]) {
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(bytes));
}

/// Closes a connection whose other half the guest has closed.
fn close(wire: &mut Wire, peer: &mut Peer) {
    peer.send(wire, FIN | ACK, b"");
    expect_acknowledged(wire, peer);
}

/// Waits until everything that was sent is acknowledged, the FIN too.
fn expect_acknowledged(wire: &mut Wire, peer: &Peer) {
    let answer = peer
        .expect(wire, "an acknowledgement of everything", |segment| segment.acknowledgement == peer.sequence);
    assert!(answer.has(ACK) && !answer.has(RST), "{answer:?}");
}

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

#[test]
fn echoes_are_answered_whole_and_in_fragments() {
    let (system, mut wire) = boot();
    let echo = |length: usize| {
        move |frame: &system_tests::wire::Frame| match &frame.body {
            Body::Icmp { kind: 0, rest, .. } if rest.len() == 4 + length => Some(rest.clone()),
            _ => None,
        }
    };
    wire.send(&echo_request(GATEWAY, GUEST, 1, b"hello"));
    assert_eq!(wire.expect("an echo", echo(5))[4..], *b"hello");

    // In fragments of 24 bytes, out of order, the first twice.
    let whole = echo_request(GATEWAY, GUEST, 2, &[7; 100]);
    let (header, payload) = whole[14..].split_at(20);
    let mut fragments: Vec<Vec<u8>> = (0..payload.len())
        .step_by(24)
        .map(|start| fragment(header, &payload[start..payload.len().min(start + 24)], start, payload.len()))
        .collect();
    fragments.push(fragments[0].clone());
    fragments.rotate_left(2);
    fragments.iter().for_each(|fragment| wire.send(fragment));
    assert_eq!(wire.expect("an echo of fragments", echo(100))[4..], [7; 100]);

    // Fragments that overlap, end nowhere, or lie past the longest packet.
    for number in 0..500_usize {
        wire.send(&fragment(header, &payload[..24], number * 8, usize::MAX));
        wire.send(&fragment(header, &payload[..24], 65528, usize::MAX));
        if number % 16 == 0 {
            wire.let_it_take();
        }
    }
    wire.let_it_take();
    wire.send(&echo_request(GATEWAY, GUEST, 3, b"alive"));
    assert_eq!(wire.expect("an echo", echo(5))[4..], *b"alive");
    system.halt();
}

/// The fragment of an IPv4 packet at `start` of its payload, which has `length` bytes in all.
fn fragment(header: &[u8], part: &[u8], start: usize, length: usize) -> Vec<u8> {
    let mut packet = [header, part].concat();
    let more = u16::from(start + part.len() < length) << 13;
    packet[2..4].copy_from_slice(&((20 + part.len()) as u16).to_be_bytes());
    packet[4..6].copy_from_slice(&77_u16.to_be_bytes());
    packet[6..8].copy_from_slice(&(more | (start / 8) as u16).to_be_bytes());
    packet[10..12].fill(0);
    let words = packet[..20].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    ipv4(&packet)
}

#[test]
fn closed_ports_say_so() {
    let (system, mut wire) = boot();
    let peer = Peer::new(gateway(1001), 81);
    wire.send(&peer.segment(SYN, b"").frame());
    let answer = peer.expect(&mut wire, "RST", |segment| segment.has(RST));
    assert_eq!(answer.acknowledgement, peer.sequence.wrapping_add(1));
    wire.send(&udp(gateway(1001), (GUEST, 9), b"nobody there"));
    wire.expect("port unreachable", |frame| {
        matches!(frame.body, Body::Icmp { kind: 3, code: 3, .. }).then_some(())
    });
    system.halt();
}

#[test]
fn a_hostile_neighbour_is_not_believed_for_ever() {
    let (system, mut wire) = boot();
    let other = [2, 0, 0, 0, 0, 9];
    // That it is the guest itself; that thousands of hosts moved; what makes no sense.
    for number in 0..2000_u32 {
        wire.send(&arp(2, other, Ipv4Addr::from(0x0a00_0200 + number % 256), [0; 6], GUEST));
        wire.send(&arp(1, other, GUEST, [0; 6], GUEST));
        wire.send(&arp(
            (number % 70) as u16,
            [0xff; 6],
            Ipv4Addr::BROADCAST,
            [0xff; 6],
            Ipv4Addr::from(number),
        ));
        if number % 64 == 0 {
            wire.let_it_take();
        }
    }
    // The true gateway says who it is, as its own requests do.
    wire.send(&arp(1, HARDWARE, GATEWAY, [0; 6], GUEST));
    assert_serves(&mut wire, 1001);
    system.halt();
}

#[test]
fn dhcp_goes_on_whatever_the_server_says() {
    let (mut wire, qemu_args) = Wire::new("virtio-net-pci,disable-legacy=on");
    wire.change(|services| services.dhcp = None);
    let machine = MachineOptions {
        qemu_args,
        network: NetworkOptions::new(Nic::None, &[]),
        ..MachineOptions::default()
    };
    let mut system = System::boot_build(&built(Profile::Debug), &machine);
    let asked = |kind: u8| {
        move |frame: &system_tests::wire::Frame| match &frame.body {
            Body::Udp { destination_port: 67, payload, .. } => {
                Message::read(payload).filter(|message| message.kind == kind)
            }
            _ => None,
        }
    };
    let discover = wire.expect("a DHCP discover", asked(1));
    // Offers that are cut, of other transactions, with options that lie about their length, or for nobody's address.
    let server = system_tests::wire::Dhcp::default();
    let offer = server.message(2, discover.transaction);
    let to = (Ipv4Addr::BROADCAST, 68);
    for length in (0..offer.len()).step_by(7) {
        wire.send(&udp((GATEWAY, 67), to, &offer[..length]));
    }
    for place in 240..offer.len() {
        for value in [0, 1, 0xfe, 0xff] {
            let mut bad = offer.clone();
            bad[place] = value;
            wire.send(&udp((GATEWAY, 67), to, &bad));
        }
    }
    wire.send(&server.frame(2, [0xde, 0xad, 0xbe, 0xef]));
    wire.send(&server.frame(6, discover.transaction));
    for address in
        [Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(224, 0, 0, 1), Ipv4Addr::LOCALHOST]
    {
        let hostile = system_tests::wire::Dhcp { address, ..server.clone() };
        wire.send(&hostile.frame(2, discover.transaction));
        wire.send(&hostile.frame(5, discover.transaction));
    }
    // Then the network is friendly, with a short lease: the guest gets its address, and renews it.
    wire.change(|services| services.dhcp = Some(system_tests::wire::Dhcp { lease: 10, ..server.clone() }));
    wire.wait_for_address();
    wire.expect("a renewal", |frame| asked(3)(frame).filter(|message| message.client == GUEST));
    system.expect("webapi: listening on port 80", 0);
    assert_serves(&mut wire, 1001);
    system.halt();
}

#[test]
fn what_the_guest_tries_fails_for_the_right_reason() {
    let (mut system, mut wire) = boot();
    // Nobody listens.
    wire.forget();
    system.start("http-get http://10.0.2.2:81/");
    let syn = wire.expect("SYN", |frame| frame.segment().filter(|segment| segment.has(SYN)).cloned());
    wire.send(&answer(&syn, RST | ACK).frame());
    system.wait_for_prompt();
    assert!(system.transcript().contains("the connection was refused"), "{}", system.transcript());

    // Broken off in the middle.
    system.start("http-get http://10.0.2.2:82/");
    let syn = wire.expect("SYN", |frame| {
        frame.segment().filter(|segment| segment.has(SYN) && segment.destination.1 == 82).cloned()
    });
    wire.send(&answer(&syn, SYN | ACK).frame());
    let request = wire.expect("the request", |frame| {
        frame.segment().filter(|segment| segment.payload.starts_with(b"GET")).cloned()
    });
    let mut reset = answer(&request, RST | ACK);
    reset.sequence = request.acknowledgement;
    wire.send(&reset.frame());
    system.wait_for_prompt();
    assert!(system.transcript().contains("the connection was reset"), "{}", system.transcript());

    // Nobody is there at all.
    wire.change(|services| services.arp = false);
    let place = system.place();
    system.run("ping -c 1 -w 1 10.0.2.77");
    assert!(system.printed(place).contains("no echo from 10.0.2.77"), "{}", system.printed(place));
    system.halt();
}

/// The answer to a segment of the guest with nothing in it.
fn answer(segment: &Segment, flags: u8) -> Segment {
    let length = segment.payload.len() as u32 + u32::from(segment.has(SYN));
    Segment {
        source: segment.destination,
        destination: segment.source,
        sequence: 5000,
        acknowledgement: segment.sequence.wrapping_add(length),
        flags,
        window: u16::MAX,
        payload: Vec::new(),
    }
}
