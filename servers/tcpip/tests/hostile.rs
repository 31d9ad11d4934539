//! What hostile neighbours do: forged ARP and DHCP, fragments, windows of nothing, packets that must not be.

mod support;

use resea::Error;
use smoltcp::time::Duration;
use smoltcp::wire::{
    ArpOperation, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, IpAddress,
    IpProtocol, Ipv4Address, Ipv4Packet, UdpPacket,
};
use support::{Host, OUR_HARDWARE, OURS, PEER, PEER_HARDWARE, Seen, packet, tcp, udp};

const EVIL: EthernetAddress = EthernetAddress([0x66, 6, 6, 6, 6, 6]);

#[test]
fn only_the_network_can_tell_hardware_addresses() {
    let mut host = Host::new();
    let (_, place) = host.connected(5000, 80);
    // Not of this network, not of one host, of everybody.
    for (address, hardware) in [
        (Ipv4Address::new(99, 1, 2, 3), EVIL),
        (Ipv4Address::new(10, 0, 2, 255), EVIL),
        (Ipv4Address::BROADCAST, EVIL),
        (PEER, EthernetAddress::BROADCAST),
        (PEER, EthernetAddress([1, 0, 0, 0, 0, 1])),
        (Ipv4Address::UNSPECIFIED, EVIL),
    ] {
        host.arp(ArpOperation::Reply, address, hardware);
        host.arp(ArpOperation::Request, address, hardware);
        host.poll();
    }
    host.frames();
    host.write(place, b"to the peer");
    let frames = host.frames();
    assert_eq!(EthernetFrame::new_checked(&frames[0]).unwrap().dst_addr(), PEER_HARDWARE);
}

#[test]
fn a_flood_of_neighbours_is_survived() {
    let mut host = Host::new();
    let (_, place) = host.connected(5000, 80);
    for number in 3..250 {
        host.arp(ArpOperation::Request, Ipv4Address::new(10, 0, 2, number), EVIL);
    }
    host.poll();
    host.frames();
    host.write(place, b"data");
    // If the peer was forgotten, it is asked for, and everything goes on as soon as it answers.
    host.arp(ArpOperation::Reply, PEER, PEER_HARDWARE);
    host.pass(1500);
    assert!(host.segments().iter().any(|segment| segment.data == b"data"));
}

#[test]
fn a_window_of_nothing_is_probed() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    remote.window = 0;
    let closed = remote.segment("A", b"");
    host.send(&closed);
    assert_eq!(host.write(place, &[5; 3000]), Some(3000));
    host.pass(10_000);
    let probes = host.segments();
    assert!(probes.len() >= 3 && probes.len() < 10, "{}", probes.len());
    assert!(probes.iter().all(|probe| probe.data.len() <= 1 && probe.sequence == remote.acknowledgement));
    // The peer answers each probe, so it is not given up, however long this takes.
    for _ in 0..30 {
        let closed = remote.segment("A", b"");
        host.send(&closed);
        host.pass(10_000);
    }
    assert_eq!(host.stack.error(place), None);
    host.frames();
    remote.window = 9000;
    let open = remote.segment("A", b"");
    host.send(&open);
    let sent: usize = host.segments().iter().map(|segment| segment.data.len()).sum();
    assert!(sent >= 1460, "{sent}");
}

#[test]
fn a_silent_peer_is_given_up() {
    let mut host = Host::new();
    let (_, place) = host.connected(5000, 80);
    host.pass(3_600_000);
    assert_eq!(host.stack.error(place), None, "nobody waits for anything");
    host.write(place, b"hello?");
    host.pass(59_000);
    assert_eq!(host.stack.error(place), None);
    host.pass(2_000);
    assert_eq!(host.stack.error(place), Some(Error::TimedOut));
    assert_eq!(host.segments().last().unwrap().flags, "RA");
}

#[test]
fn a_host_that_is_not_there() {
    let mut host = Host::new();
    let place = host.stack.connect(IpAddress::v4(10, 0, 2, 77), 80, host.now).unwrap();
    host.pass(2_900);
    assert_eq!(host.stack.is_opening(place), Ok(true));
    host.pass(200);
    assert_eq!(host.stack.is_opening(place), Err(Error::Unreachable), "nobody knows its hardware address");
    host.stack.close(place, host.now);
    let place = host.stack.connect(IpAddress::v4(99, 0, 0, 1), 80, host.now).unwrap();
    host.pass(19_000);
    assert_eq!(host.stack.is_opening(place), Ok(true));
    host.pass(2_000);
    assert_eq!(host.stack.is_opening(place), Err(Error::TimedOut), "the router does not say");
    host.stack.close(place, host.now);
    assert_eq!(host.sockets(), 0);
}

#[test]
fn a_router_says_that_a_host_is_unreachable() {
    let mut host = Host::new();
    let place = host.stack.connect(IpAddress::v4(99, 0, 0, 1), 80, host.now).unwrap();
    host.poll();
    let frames = host.frames();
    let quoted = &frames.last().unwrap()[14..];
    let mut message = vec![3, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&quoted[..28]);
    let sum = !message.chunks(2).fold(0_u32, |sum, pair| sum + u32::from(pair[0]) * 256 + u32::from(pair[1]));
    let sum = ((sum & 0xffff) as u16).wrapping_sub((!sum >> 16) as u16);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    host.receive(packet(PEER, IpProtocol::Icmp, &message));
    assert_eq!(host.stack.is_opening(place), Err(Error::Unreachable));
}

#[test]
fn a_datagram_in_pieces() {
    let mut host = Host::new();
    let (place, _) = host.stack.bind(None, 9).unwrap();
    let whole = udp(PEER, 5000, 9, &[9; 1400]);
    let piece = |from: usize, to: usize, more: bool| {
        let mut frame = whole[..34].to_vec();
        frame.extend_from_slice(&whole[34 + from..34 + to]);
        let mut header = Ipv4Packet::new_unchecked(&mut frame[14..]);
        header.set_total_len((20 + to - from) as u16);
        header.set_ident(99);
        header.set_dont_frag(false);
        header.set_more_frags(more);
        header.set_frag_offset(from as u16);
        header.fill_checksum();
        frame
    };
    let pieces = [piece(0, 800, true), piece(800, 1200, true), piece(1200, 1408, false)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        for index in order {
            host.receive(pieces[index].clone());
        }
        let taken = host.stack.receive_from(place, |from, data| Ok((from.port, data.len())));
        assert_eq!(taken.unwrap().map(|(_, taken)| taken), Some((5000, 1400)), "{order:?}");
    }
    // Pieces of things that never end, overlap, or are too long.
    for number in 0..2000_u16 {
        let mut frame = piece(0, 800, true);
        let mut header = Ipv4Packet::new_unchecked(&mut frame[14..]);
        header.set_ident(number);
        header.set_frag_offset((number % 97) * 8 * 80);
        header.fill_checksum();
        host.receive(frame);
    }
    host.pass(120_000);
    for piece in &pieces {
        host.receive(piece.clone());
    }
    assert!(host.stack.receive_from(place, |_, _| Ok(())).unwrap().is_some(), "there is room again");
}

#[test]
fn what_must_not_come_from_a_network() {
    let mut host = Host::new();
    host.stack.listen(None, 80, 4).unwrap();
    let request =
        Seen { flags: "S", from: 5000, to: 80, sequence: 1, acknowledgement: 0, window: 9, data: vec![] };
    for from in [
        Ipv4Address::LOCALHOST,
        Ipv4Address::UNSPECIFIED,
        Ipv4Address::BROADCAST,
        Ipv4Address::new(224, 0, 0, 1),
    ] {
        host.receive(support::tcp_from(from, &request));
        assert_eq!(host.frames(), Vec::<Vec<u8>>::new(), "{from}");
    }
    // For another host, though it came here.
    let mut foreign = tcp(&request);
    foreign[0..6].copy_from_slice(&[0x52, 0x54, 0, 9, 9, 9]);
    host.receive(foreign);
    assert_eq!((host.frames().len(), host.sockets()), (0, 1));
}

/// What a DHCP client has sent: what kind of message, and its number.
fn asked(host: &mut Host) -> Option<(DhcpMessageType, u32)> {
    let frames = host.frames();
    frames.iter().rev().find_map(|frame| {
        let packet = Ipv4Packet::new_checked(frame.get(14..)?).ok()?;
        if packet.next_header() != IpProtocol::Udp {
            return None;
        }
        let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
        let message = DhcpPacket::new_checked(datagram.payload()).ok()?;
        let message = DhcpRepr::parse(&message).ok()?;
        Some((message.message_type, message.transaction_id))
    })
}

struct Offer {
    kind: DhcpMessageType,
    number: u32,
    address: Ipv4Address,
    router: Ipv4Address,
    lease: u32,
    from: Ipv4Address,
}

fn offer(host: &mut Host, offer: &Offer) {
    let message = DhcpRepr {
        message_type: offer.kind,
        transaction_id: offer.number,
        secs: 0,
        client_hardware_address: OUR_HARDWARE,
        client_ip: Ipv4Address::UNSPECIFIED,
        your_ip: offer.address,
        server_ip: PEER,
        router: Some(offer.router),
        subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
        relay_agent_ip: Ipv4Address::UNSPECIFIED,
        broadcast: false,
        requested_ip: None,
        client_identifier: None,
        server_identifier: Some(PEER),
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: Some(offer.lease),
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut data = vec![0; message.buffer_len()];
    message.emit(&mut DhcpPacket::new_unchecked(&mut data)).unwrap();
    let mut frame = udp(offer.from, 67, 68, &data);
    // To the address that is being given, or to everybody.
    frame[30..34].copy_from_slice(&[255; 4]);
    Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    frame[0..6].copy_from_slice(&[255; 6]);
    // No checksum is allowed for IPv4 (RFC 768).
    frame[40..42].copy_from_slice(&[0, 0]);
    host.receive(frame);
}

fn lease(host: &mut Host, address: Ipv4Address, router: Ipv4Address, lease: u32, from: Ipv4Address) {
    host.pass(20_000);
    let Some((_, number)) = asked(host) else { return };
    let mut it = Offer { kind: DhcpMessageType::Offer, number, address, router, lease, from };
    offer(host, &it);
    host.pass(100);
    if let Some((DhcpMessageType::Request, number)) = asked(host) {
        (it.kind, it.number) = (DhcpMessageType::Ack, number);
        offer(host, &it);
    }
}

#[test]
fn an_address_is_leased_and_renewed() {
    let mut host = Host::without_address();
    host.stack.enable_dhcp(host.link, host.now);
    lease(&mut host, OURS, PEER, 1000, PEER);
    let addresses = |host: &Host| {
        host.stack.links()[1].addresses().map(|it| (it.cidr.address(), it.gateway)).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&host), [(OURS.into(), Some(PEER.into()))]);
    host.arp(ArpOperation::Request, PEER, PEER_HARDWARE);
    host.poll();
    let (mut remote, place) = host.connected(5000, 80);
    host.frames();
    host.pass(520_000);
    let (kind, number) = asked(&mut host).expect("it asks for the same again");
    assert_eq!(kind, DhcpMessageType::Request);
    let kind = DhcpMessageType::Ack;
    offer(&mut host, &Offer { kind, number, address: OURS, router: PEER, lease: 1000, from: PEER });
    host.pass(400_000);
    assert_eq!(addresses(&host).len(), 1, "beyond the first lease");
    let data = remote.segment("PA", b"still connected");
    host.send(&data);
    assert_eq!(host.read(place).unwrap().unwrap(), b"still connected");
    // Nobody renews it any more: it is given back, and what used it ends.
    host.pass(1_100_000);
    assert_eq!(addresses(&host), []);
}

#[test]
fn impossible_leases() {
    let mut addresses = vec![
        Ipv4Address::UNSPECIFIED,
        Ipv4Address::BROADCAST,
        Ipv4Address::LOCALHOST,
        Ipv4Address::new(224, 0, 0, 1),
        Ipv4Address::new(250, 1, 2, 3),
    ];
    for bad in addresses.clone() {
        let mut host = Host::without_address();
        host.stack.enable_dhcp(host.link, host.now);
        lease(&mut host, bad, PEER, 1000, PEER);
        assert_eq!(host.stack.links()[1].addresses().count(), 0, "{bad}");
        host.pass(2_000_000);
    }
    addresses.push(Ipv4Address::new(9, 9, 9, 9));
    for bad in addresses {
        // As a router, and as the server's own address, with leases that end at once or never.
        for time in [0, 1, u32::MAX] {
            let mut host = Host::without_address();
            host.stack.enable_dhcp(host.link, host.now);
            lease(&mut host, OURS, bad, time, PEER);
            let _ = host.stack.connect(IpAddress::v4(99, 0, 0, 1), 80, host.now);
            host.pass(30_000);
            lease(&mut host, OURS, PEER, time, bad);
            host.pass(30_000);
            assert!(host.frames().len() < 2000, "it does not flood the network: {bad}, {time}");
        }
    }
}

#[test]
fn a_full_wire_stops_nothing_for_good() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.cable.0.borrow_mut().room = 2;
    assert_eq!(host.write(place, &[3; 20_000]), Some(20_000));
    let mut received = 0;
    for _ in 0..100 {
        for segment in host.segments() {
            received += segment.data.len();
            remote.note(&segment);
        }
        let ack = remote.segment("A", b"");
        host.send(&ack);
    }
    assert_eq!(received, 20_000);
}

#[test]
fn a_driver_that_was_started_again() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    // The driver is gone: what is sent is lost, then there is no room.
    host.write(place, b"first");
    host.frames();
    host.cable.0.borrow_mut().room = 0;
    host.write(place, b" second");
    host.now += Duration::from_millis(50);
    let fresh = support::Cable::new();
    host.stack.resume(host.link, OUR_HARDWARE, Box::new(fresh.clone()), host.now);
    host.cable = fresh;
    host.poll();
    let segments = host.segments();
    let is_repeated =
        |segment: &Seen| segment.sequence == remote.acknowledgement && segment.data.starts_with(b"first");
    assert!(segments.iter().any(is_repeated), "at once: {segments:?}");
    let data = remote.segment("PA", b"answer");
    host.send(&data);
    assert_eq!(host.read(place).unwrap().unwrap(), b"answer");
}
