//! Everything around TCP, frame by frame: echoes, fragments, neighbours, DHCP, and what the guest is told when it tries in
//! vain. As `frames.rs`, with the network cable in the test's hand.

use std::net::Ipv4Addr;

use system_tests::wire::web::{assert_serves, boot, gateway};
use system_tests::wire::{
    ACK, Body, Dhcp, Frame, GATEWAY, GUEST, HARDWARE, Message, Peer, RST, SYN, Segment, Wire, arp,
    echo_request, ipv4, udp,
};
use system_tests::{MachineOptions, NetworkOptions, Nic, Profile, System, built};

#[test]
fn echoes_are_answered_whole_and_in_fragments() {
    let (system, mut wire) = boot();
    let echo = |length: usize| {
        move |frame: &Frame| match &frame.body {
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
        move |frame: &Frame| match &frame.body {
            Body::Udp { destination_port: 67, payload, .. } => {
                Message::read(payload).filter(|message| message.kind == kind)
            }
            _ => None,
        }
    };
    let discover = wire.expect("a DHCP discover", asked(1));
    // Offers that are cut, of other transactions, with options that lie about their length, or for nobody's address.
    let server = Dhcp::default();
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
        let hostile = Dhcp { address, ..server.clone() };
        wire.send(&hostile.frame(2, discover.transaction));
        wire.send(&hostile.frame(5, discover.transaction));
    }
    // Then the network is friendly, with a short lease: the guest gets its address, and renews it.
    wire.change(|services| services.dhcp = Some(Dhcp { lease: 10, ..server.clone() }));
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
