//! One destination that does not answer, one peer that does not read: the others get on.

mod support;

use resea::Error;
use smoltcp::wire::{EthernetAddress, IpAddress, IpEndpoint, Ipv4Address};
use support::{Cable, Host, PEER, Remote, Seen, udp};
use tcpip::stack::Socket;

/// Nobody has this address.
const NOBODY: Ipv4Address = Ipv4Address::new(10, 0, 2, 77);

/// How many frames go to the peer itself.
fn to_peer(host: &mut Host) -> usize {
    host.frames().iter().filter(|frame| frame[12..14] == [8, 0] && frame[30..34] == PEER.octets()).count()
}

#[test]
fn a_datagram_to_nobody_does_not_stop_the_next() {
    let mut host = Host::new();
    let (place, _) = host.stack.bind(None, 9).unwrap();
    for to in [NOBODY, NOBODY, PEER] {
        let sent = host.stack.send_to(place, to.into(), 9, 5, |room| {
            room.fill(5);
            Ok(())
        });
        assert_eq!(sent, Ok(Some(())));
    }
    host.pass(10_000);
    assert_eq!(to_peer(&mut host), 1);
    host.pass(1000);
    assert_eq!(host.frames().len(), 0, "nobody is asked for any more");
}

#[test]
fn an_echo_of_nobody_does_not_stop_the_next() {
    let mut host = Host::new();
    for number in 0..20 {
        // Whoever asks gives up after a second.
        let asked = host.stack.ask_echo(NOBODY.into(), number, 8, host.now);
        assert_eq!(asked, Ok(()), "{number}");
        host.pass(1000);
    }
    host.frames();
    host.stack.ask_echo(PEER.into(), 99, 8, host.now).unwrap();
    host.pass(5_000);
    assert_eq!(to_peer(&mut host), 1);
}

/// Connections that their owner has given up, though the peer still has to get something.
fn give_up(host: &mut Host, remote: &mut Remote, place: u16) {
    remote.window = 0;
    let closed = remote.segment("A", b"");
    host.send(&closed);
    host.write(place, b"what nobody reads");
    host.stack.close(place, host.now);
    host.poll();
}

#[test]
fn a_peer_that_never_reads_does_not_keep_a_socket_for_ever() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    give_up(&mut host, &mut remote, place);
    for _ in 0..300 {
        // It is there, and says so.
        host.pass(1000);
        let closed = remote.segment("A", b"");
        host.send(&closed);
    }
    assert_eq!(host.sockets(), 0);
    assert_eq!(host.segments().last().map(|segment| segment.flags), Some("R"), "it knows");
}

#[test]
fn a_slow_peer_gets_everything() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    remote.window = 100;
    let small = remote.segment("A", b"");
    host.send(&small);
    host.write(place, &[1; 30_000]);
    host.stack.close(place, host.now);
    host.poll();
    let (mut received, mut is_over) = (0, false);
    for _ in 0..300 {
        for segment in host.segments() {
            if segment.sequence == remote.acknowledgement {
                received += segment.data.len();
                is_over |= segment.flags == "FA";
                remote.note(&segment);
            }
        }
        host.pass(4000);
        let ack = remote.segment("A", b"");
        host.send(&ack);
    }
    assert_eq!((received, is_over), (30_000, true), "for twenty minutes, if it takes that");
}

/// As `Host::connect_from`, though somebody else is reset for that.
fn connect_from(host: &mut Host, port: u16) -> Remote {
    let mut remote = Remote { port, to: 80, sequence: 100, acknowledgement: 0, window: 60_000 };
    let request = remote.segment("S", b"");
    host.send(&request);
    let segments = host.segments();
    let is_ours = |segment: &&Seen| segment.flags == "SA" && segment.to == port;
    assert!(segments.iter().all(|segment| segment.flags == "RA" || is_ours(&segment)), "{segments:?}");
    remote.note(segments.iter().find(is_ours).expect("there are places"));
    let ack = remote.segment("A", b"");
    host.send(&ack);
    remote
}

#[test]
fn peers_that_do_not_close_keep_nobody_out() {
    let mut host = Host::new();
    let (listener, _) = host.stack.listen(None, 80, 16).unwrap();
    for port in 5000..5600 {
        let mut remote = connect_from(&mut host, port);
        let place = host.stack.accept(listener).unwrap().expect("there are places");
        host.stack.close(place, host.now);
        host.poll();
        for segment in host.segments() {
            remote.note(&segment);
        }
        let ack = remote.segment("A", b"");
        host.send(&ack);
        host.pass(5);
        host.frames();
    }
    // The same with peers that do not even read.
    for port in 6000..6600 {
        let mut remote = connect_from(&mut host, port);
        let place = host.stack.accept(listener).unwrap().expect("there are places");
        give_up(&mut host, &mut remote, place);
        host.pass(5);
        host.frames();
    }
    assert_eq!(host.stack.statistics().backlog_dropped, 0);
    let place = host.stack.connect(PEER.into(), 80, host.now);
    assert!(place.is_ok_and(|place| host.stack.error(place) != Some(Error::TooManySockets)));
}

#[test]
fn nobody_connects_to_itself_by_chance() {
    let mut host = Host::new();
    let own = IpAddress::v4(127, 0, 0, 1);
    for port in 49_152..=u16::MAX {
        let Ok(place) = host.stack.connect(own, port, host.now) else { continue };
        let flow = host.stack.places().connection(place).map(|it| it.flow.local);
        assert_ne!(flow, Some(IpEndpoint::new(own, port)), "it would be connected to itself");
        host.stack.close(place, host.now);
    }
}

#[test]
fn a_flood_at_one_interface_leaves_the_others_their_turn() {
    let mut host = Host::new();
    let cable = Cable::new();
    let hardware = EthernetAddress([2, 0, 0, 0, 0, 9]);
    let other = host.stack.add("net1", Some(hardware), 1500, Box::new(cable.clone()), host.now);
    for _ in 0..1000 {
        host.inject(udp(PEER, 1, 1, b"flood"));
        cable.0.borrow_mut().incoming.push_back(udp(PEER, 1, 1, b"and here"));
    }
    assert!(host.stack.poll(host.now), "there are more");
    assert_eq!(host.stack.links()[other].counters().received, 128);
}

#[test]
fn connections_that_nobody_accepts_keep_no_others_out() {
    let mut host = Host::new();
    let mut places = 0;
    for to in 1..=4 {
        host.stack.listen(None, to, 128).unwrap();
        for port in 5000..5128 {
            places += 1;
            if host.sockets() < 512 {
                host.connect_from(port, to);
            }
        }
    }
    assert_eq!((places, host.sockets()), (512, 512));
    assert_eq!(host.stack.connect(PEER.into(), 80, host.now), Err(Error::TooManySockets));
    host.pass(11_000);
    host.stack.connect(PEER.into(), 80, host.now).unwrap();
    host.poll();
    assert_eq!(host.segments().first().map(|it| (it.flags, it.from, it.to)), Some(("RA", 1, 5000)));
    let waiting = host.stack.places().iter().find_map(|(_, socket)| match socket {
        Socket::Listener(listener) if listener.port == 1 => Some(listener.ready.len()),
        _ => None,
    });
    assert_eq!(waiting, Some(127));
}
