//! Every order in which a connection can be closed, frame by frame.

mod support;

use resea::Error;
use support::{Host, Seen};

/// Nothing is left but, if `in_time_wait`, an entry in the table.
fn assert_gone(host: &mut Host, in_time_wait: bool) {
    assert_eq!(host.sockets(), 0);
    assert_eq!(host.stack.time_wait(host.now), usize::from(in_time_wait));
}

#[test]
fn we_close_first() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.stack.close(place, host.now);
    host.poll();
    let fin = host.segment();
    assert_eq!(fin.flags, "FA");
    remote.note(&fin);
    let ack = remote.segment("A", b"");
    host.send(&ack);
    assert_eq!(host.segments(), []);
    assert_eq!(host.sockets(), 1, "FIN-WAIT-2");
    let fin = remote.segment("FA", b"");
    host.send(&fin);
    assert_eq!(host.segment().acknowledgement, remote.sequence, "the FIN is acknowledged at once");
    assert_gone(&mut host, true);
    // It comes again: the acknowledgement was lost.
    host.send(&fin);
    let again = host.segment();
    assert_eq!(
        (again.flags, again.acknowledgement, again.sequence),
        ("A", remote.sequence, remote.acknowledgement)
    );
    // An acknowledgement of ours needs no answer, or there would be no end.
    let ack = remote.segment("A", b"");
    host.send(&ack);
    assert_eq!(host.segments(), []);
    host.pass(61_000);
    assert_gone(&mut host, false);
}

#[test]
fn the_peer_closes_first() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    let fin = remote.segment("FA", b"last words");
    host.send(&fin);
    host.pass(20);
    assert_eq!(host.segment().acknowledgement, remote.sequence, "the FIN is acknowledged");
    assert_eq!(host.read(place), Ok(Some(b"last words".to_vec())));
    assert_eq!(host.read(place), Ok(Some(Vec::new())), "the end");
    assert_eq!(host.write(place, b"answer"), Some(6), "the other half is open");
    let answer = host.segment();
    assert_eq!(answer.data, b"answer");
    remote.note(&answer);
    host.stack.close(place, host.now);
    host.poll();
    let fin = host.segment();
    assert_eq!(fin.flags, "FA");
    remote.note(&fin);
    let ack = remote.segment("A", b"");
    host.send(&ack);
    assert_eq!(host.segments(), []);
    assert_gone(&mut host, false);
}

#[test]
fn both_close_at_once() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    let fin = remote.segment("FA", b"");
    host.stack.close(place, host.now);
    host.poll();
    let ours = host.segment();
    assert_eq!(ours.flags, "FA");
    // It had not seen ours when it sent its own.
    host.send(&fin);
    let ack = host.segment();
    assert_eq!(ack.acknowledgement, remote.sequence);
    remote.note(&ours);
    let ack = remote.segment("A", b"");
    host.send(&ack);
    assert_gone(&mut host, true);
}

#[test]
fn the_peers_fin_acknowledges_ours() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.stack.close(place, host.now);
    host.poll();
    let ours = host.segment();
    remote.note(&ours);
    let fin = remote.segment("FA", b"");
    host.send(&fin);
    assert_eq!(host.segment().acknowledgement, remote.sequence);
    assert_gone(&mut host, true);
}

#[test]
fn what_was_sent_is_delivered_before_the_end() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    remote.window = 3000;
    let small = remote.segment("A", b"");
    host.send(&small);
    assert_eq!(host.write(place, &[7; 10_000]), Some(10_000));
    host.stack.close(place, host.now);
    let (mut received, mut is_over) = (0, false);
    for _ in 0..20 {
        host.poll();
        for segment in host.segments() {
            assert_eq!(segment.sequence, remote.acknowledgement);
            assert!(segment.data.iter().all(|byte| *byte == 7));
            received += segment.data.len();
            is_over |= segment.flags == "FA";
            remote.note(&segment);
        }
        let ack = remote.segment("A", b"");
        host.send(&ack);
    }
    assert_eq!((received, is_over), (10_000, true));
    let fin = remote.segment("FA", b"");
    host.send(&fin);
    assert_gone(&mut host, true);
}

#[test]
fn data_can_be_taken_after_the_end() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.stack.shutdown(place, false, true, host.now).unwrap();
    host.poll();
    let fin = host.segment();
    remote.note(&fin);
    let fin = remote.segment("FA", b"still here");
    host.send(&fin);
    assert_eq!(host.stack.time_wait(host.now), 1);
    host.pass(120_000);
    assert_eq!(host.read(place), Ok(Some(b"still here".to_vec())));
    assert_eq!(host.read(place), Ok(Some(Vec::new())));
    assert_eq!(host.stack.send(place, 1, |_, _| Ok(())), Err(Error::NotConnected));
    host.stack.close(place, host.now);
    assert_gone(&mut host, false);
}

#[test]
fn what_comes_for_nobody_is_thrown_away() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.stack.close(place, host.now);
    host.poll();
    let fin = host.segment();
    remote.note(&fin);
    for _ in 0..200 {
        let data = remote.segment("PA", &[1; 1000]);
        host.send(&data);
    }
    host.pass(20);
    assert_eq!(host.segments().last().unwrap().acknowledgement, remote.sequence, "there is always room");
    let more = remote.segment("PA", b"more");
    host.pass(40_000);
    host.segments();
    assert_gone(&mut host, false);
    host.send(&more);
    assert_eq!(host.segment().flags, "R", "a peer that never closes its half is forgotten after a while");
}

#[test]
fn a_peer_that_reads_late_is_not_reset() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    assert_eq!(host.write(place, b"answer"), Some(6));
    remote.note(&host.segment());
    host.stack.close(place, host.now);
    host.poll();
    let fin = host.segment();
    assert_eq!(fin.flags, "FA");
    remote.note(&fin);
    let ack = remote.segment("A", b"");
    host.send(&ack);
    host.pass(40_000);
    assert_eq!(host.segments(), [], "it has the answer and its end: nothing is to be said");
    assert_gone(&mut host, false);
}

#[test]
fn resets() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    let mut blind = remote.segment("R", b"");
    blind.sequence = blind.sequence.wrapping_add(1_000_000);
    host.send(&blind);
    assert_eq!(host.read(place), Ok(None), "a reset out of the window is a forgery");
    let data = remote.segment("PA", b"before");
    host.send(&data);
    let reset = remote.segment("R", b"");
    host.send(&reset);
    assert_eq!(host.segments(), [], "a reset is not answered");
    assert_eq!(host.read(place), Ok(Some(b"before".to_vec())));
    assert_eq!(host.read(place), Err(Error::Reset));
    assert_eq!(host.stack.send(place, 1, |_, _| Ok(())), Err(Error::Reset));
    assert_eq!(host.stack.statistics().resets, 1);
    host.stack.close(place, host.now);
    assert_gone(&mut host, false);
}

#[test]
fn segments_for_nobody_are_refused() {
    let mut host = Host::new();
    let segment = |flags, sequence, acknowledgement| Seen {
        flags,
        from: 5000,
        to: 81,
        sequence,
        acknowledgement,
        window: 1000,
        data: vec![],
    };
    host.send(&segment("S", 100, 0));
    assert_eq!(host.segment(), Seen { window: 0, from: 81, to: 5000, ..segment("RA", 0, 101) });
    host.send(&segment("A", 100, 777));
    assert_eq!(host.segment().flags, "R");
    host.send(&segment("R", 100, 0));
    assert_eq!(host.segments(), []);
    assert_eq!(host.stack.statistics().refused, 2);
}

#[test]
fn a_new_connection_between_the_same_ends() {
    let mut host = Host::new();
    let (mut remote, place) = host.connected(5000, 80);
    host.stack.close(place, host.now);
    host.poll();
    let ours = host.segment();
    remote.note(&ours);
    let fin = remote.segment("FA", b"");
    host.send(&fin);
    host.segment();
    assert_gone(&mut host, true);
    let (listener, _) = host.stack.listen(None, 80, 4).unwrap();
    // An old request is answered with what was said last, a new one opens a connection.
    let mut old = remote.segment("S", b"");
    old.sequence = old.sequence.wrapping_sub(100);
    host.send(&old);
    assert_eq!(host.segment().flags, "A");
    let mut new = old;
    new.sequence = remote.sequence.wrapping_add(1000);
    host.send(&new);
    assert_eq!(host.segment().flags, "SA");
    assert_eq!(host.stack.time_wait(host.now), 0);
    host.stack.close(listener, host.now);
}
