//! Segments and messages that somebody forges who cannot see the connection, and those of peers that have forgotten it.

mod support;

use resea::Error;
use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Packet};
use support::{Host, OUR_HARDWARE, OURS, PEER, Seen, packet, tcp, udp};
use tcpip::stack::{Peek, peek_frame};

/// A connection to which nothing can be said that is not exactly right.
#[test]
fn a_reset_has_to_be_exact() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    let data = remote.segment("PA", b"not acknowledged yet");
    host.send(&data);
    let mut forged = remote.segment("R", b"");
    forged.sequence = forged.sequence.wrapping_add(100);
    host.send(&forged);
    let challenge = host.segment();
    assert_eq!((challenge.flags, challenge.acknowledgement), ("A", remote.sequence), "RFC 5961, 3.2");
    assert_eq!(host.stack.error(place), None);
    for _ in 0..50 {
        host.send(&forged);
    }
    assert!(host.segments().len() < 3, "it cannot be made to flood the peer");
    // The peer meant it, and now knows the number.
    let reset = remote.segment("R", b"");
    host.send(&reset);
    assert_eq!(host.read(place), Ok(Some(b"not acknowledged yet".to_vec())));
    assert_eq!(host.read(place), Err(Error::Reset));
}

#[test]
fn a_peer_that_has_forgotten_a_connection() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 4).unwrap();
    let mut remote = host.connect_from(5000, 80);
    let place = host.stack.accept(listener).unwrap().unwrap();
    // It has started anew and uses the same port by chance, in the window or not.
    for distance in [100, 1_000_000_u32] {
        host.pass(2_000);
        let mut request = remote.segment("S", b"");
        remote.sequence = remote.sequence.wrapping_sub(1);
        request.sequence = request.sequence.wrapping_add(distance);
        (request.acknowledgement, request.window) = (0, 1000);
        host.send(&request);
        let challenge = host.segment();
        assert_eq!(challenge.flags, "A", "RFC 9293, 3.5.1: the peer answers with a reset");
        assert_eq!(challenge.acknowledgement, remote.sequence);
        assert_eq!(host.stack.error(place), None);
    }
    let reset = remote.segment("R", b"");
    host.send(&reset);
    assert_eq!(host.stack.error(place), Some(Error::Reset));
    host.connect_from(5000, 80);
}

/// Cuts the packet in a frame into two fragments, the first with `length` bytes of its payload.
fn fragments(frame: &[u8], length: usize) -> [Vec<u8>; 2] {
    let end = frame.len() - 34;
    [(0, length, true), (length, end, false)].map(|(from, to, more)| {
        let mut piece = frame[..34].to_vec();
        piece.extend_from_slice(&frame[34 + from..34 + to]);
        let mut header = Ipv4Packet::new_unchecked(&mut piece[14..]);
        header.set_total_len((20 + to - from) as u16);
        header.set_ident(7);
        header.set_dont_frag(false);
        header.set_more_frags(more);
        header.set_frag_offset(from as u16);
        header.fill_checksum();
        piece
    })
}

#[test]
fn segments_in_pieces() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    let [first, second] = fragments(&tcp(&remote.segment("PA", &[5; 1000])), 512);
    host.receive(first);
    host.receive(second);
    host.pass(20);
    assert_eq!(host.segment().flags, "A", "it is not a reset");
    assert_eq!(host.read(place), Ok(Some(vec![5; 1000])));
    let [first, second] = fragments(&tcp(&remote.segment("PA", &[6; 1000])), 512);
    host.receive(second);
    host.receive(first);
    assert_eq!(host.read(place), Ok(Some(vec![6; 1000])));
    host.pass(20);
    host.frames();
    // What is checked of whole segments is not got around with pieces.
    for length in [8, 16, 24] {
        let mut forged = remote.segment("R", &[0; 100]);
        remote.sequence = remote.sequence.wrapping_sub(100);
        forged.sequence = forged.sequence.wrapping_add(9);
        for piece in fragments(&tcp(&forged), length) {
            host.receive(piece);
        }
        assert_eq!((host.stack.error(place), host.segments()), (None, vec![]), "{length}");
    }
}

/// A message that a packet is unreachable, with its checksum.
fn unreachable(quoted: &[u8]) -> Vec<u8> {
    let mut message = vec![3, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&quoted[..28]);
    let sum = message.chunks(2).fold(0_u32, |sum, pair| sum + u32::from(pair[0]) * 256 + u32::from(pair[1]));
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

#[test]
fn a_forged_unreachable_is_not_believed() {
    let mut host = Host::new();
    let place = host.stack.connect(IpAddress::v4(99, 0, 0, 1), 80, host.now).unwrap();
    host.poll();
    let quoted = host.frames().last().unwrap()[14..].to_vec();
    let mut guessed = quoted.clone();
    guessed[24] ^= 0x40;
    host.receive(packet(PEER, IpProtocol::Icmp, &unreachable(&guessed)));
    assert_eq!(host.stack.is_opening(place), Ok(true), "another sequence number (RFC 5927, 4)");
    let mut broken = unreachable(&quoted);
    broken[2] ^= 1;
    host.receive(packet(PEER, IpProtocol::Icmp, &broken));
    assert_eq!(host.stack.is_opening(place), Ok(true), "a wrong checksum");
    host.receive(packet(PEER, IpProtocol::Icmp, &unreachable(&quoted)));
    assert_eq!(host.stack.is_opening(place), Err(Error::Unreachable));
}

#[test]
fn nobody_else_has_our_address() {
    let mut host = Host::new();
    host.stack.listen(None, 80, 4).unwrap();
    let (datagrams, _) = host.stack.bind(None, 9).unwrap();
    let request =
        Seen { flags: "S", from: 80, to: 80, sequence: 1, acknowledgement: 0, window: 9, data: vec![] };
    host.receive(support::tcp_from(OURS, &request));
    host.receive(udp(OURS, 9, 9, b"from ourselves?"));
    assert_eq!((host.frames().len(), host.sockets()), (0, 2));
    assert!(host.stack.receive_from(datagrams, |_, _| Ok(())).unwrap().is_none());
}

#[test]
fn an_ipv4_address_does_not_come_in_ipv6() {
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 2, 2];
    let own = [0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let frame = |from: [u8; 16], to: [u8; 16]| {
        let mut frame = udp(PEER, 9, 9, b"")[..14].to_vec();
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        frame.extend([0x60, 0, 0, 0, 0, 8, 17, 64]);
        frame.extend(from);
        frame.extend(to);
        frame.extend([0, 9, 0, 9, 0, 8, 0, 0]);
        frame
    };
    // RFC 4942, 2.2: whoever looks at the address would take it for a host of the IPv4 network.
    assert_eq!(peek_frame(&frame(mapped, own), Some(OUR_HARDWARE)), Peek::Martian);
    assert_eq!(peek_frame(&frame(own, mapped), Some(OUR_HARDWARE)), Peek::Martian);
    assert!(matches!(peek_frame(&frame(own, own), Some(OUR_HARDWARE)), Peek::Udp(_)));
}
