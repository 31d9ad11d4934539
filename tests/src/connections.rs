//! What became of the TCP connections in a file of packets: whether each end of each was acknowledged.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use resea_tool::pcap::Packet;

/// An address and a port.
type End = (Ipv4Addr, u16);

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
struct Way {
    /// The sequence number after the FIN, if one was sent.
    finished: Option<u32>,
    /// Whether the other side has acknowledged it.
    acknowledged: bool,
}

/// How all connections of a file ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ends {
    /// How many FINs there were, one for each direction of a connection.
    pub finished: usize,
    /// Those that were not acknowledged: from where to where.
    pub unacknowledged: Vec<(End, End)>,
    /// RSTs of the guest: from where to where.
    pub resets: Vec<(End, End)>,
}

/// Looks at all connections. A new SYN of the same ends is a new connection; the one before must be complete by then.
pub fn ends(packets: &[Packet]) -> Ends {
    let (mut ways, mut ends): (BTreeMap<(End, End), Way>, Ends) = Default::default();
    for packet in packets {
        let Ok(sliced) = SlicedPacket::from_ethernet(&packet.frame) else { continue };
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (&sliced.net, &sliced.transport)
        else {
            continue;
        };
        let from = (ip.header().source_addr(), tcp.source_port());
        let to = (ip.header().destination_addr(), tcp.destination_port());
        if tcp.syn() {
            take(&mut ends, (from, to), ways.insert((from, to), Way::default()));
        }
        if tcp.rst() && packet.from_guest() {
            ends.resets.push((from, to));
        }
        if tcp.ack()
            && let Some(other) = ways.get_mut(&(to, from))
        {
            // Numbers go round: what lies less than half of them behind is acknowledged.
            let reaches = |finished: u32| tcp.acknowledgment_number().wrapping_sub(finished) < 1 << 31;
            other.acknowledged |= other.finished.is_some_and(reaches);
        }
        if tcp.fin()
            && let Some(way) = ways.get_mut(&(from, to))
        {
            let length = tcp.payload().len() as u32 + u32::from(tcp.syn());
            way.finished = Some(tcp.sequence_number().wrapping_add(length + 1));
        }
    }
    ways.into_iter().for_each(|(key, way)| take(&mut ends, key, Some(way)));
    ends
}

fn take(ends: &mut Ends, key: (End, End), way: Option<Way>) {
    if let Some(way) = way.filter(|way| way.finished.is_some()) {
        ends.finished += 1;
        if !way.acknowledged {
            ends.unacknowledged.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const GUEST: [u8; 4] = [10, 0, 2, 15];
    const HOST: [u8; 4] = [10, 0, 2, 2];

    fn packet(from_guest: bool, sequence: u32, acknowledged: u32, flags: &str, payload: &[u8]) -> Packet {
        let ((source, source_port), (destination, port)) =
            if from_guest { ((GUEST, 80), (HOST, 999)) } else { ((HOST, 999), (GUEST, 80)) };
        let hardware = if from_guest { [0x52, 0x54, 0, 0, 0, 1] } else { [0x52, 0x55, 0, 0, 0, 1] };
        let mut builder = PacketBuilder::ethernet2(hardware, [0; 6]).ipv4(source, destination, 64).tcp(
            source_port,
            port,
            sequence,
            1000,
        );
        for flag in flags.chars() {
            builder = match flag {
                'S' => builder.syn(),
                'F' => builder.fin(),
                'R' => builder.rst(),
                _ => builder.ack(acknowledged),
            };
        }
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).expect("there is room");
        Packet { time: 0, frame, end: 0 }
    }

    #[test]
    fn a_fin_without_an_acknowledgement_is_found() {
        let first = u32::MAX - 1;
        let mut packets = vec![
            packet(false, first, 0, "S", b""),
            packet(true, 10, first.wrapping_add(1), "SA", b""),
            packet(true, 11, first.wrapping_add(1), "FA", b"answer"),
            packet(false, first.wrapping_add(1), 18, "FA", b""),
        ];
        let open = ends(&packets);
        assert_eq!((open.finished, open.unacknowledged.len()), (2, 1), "{open:?}");
        assert_eq!(open.unacknowledged[0].0.1, 999, "that of the host");
        packets.push(packet(true, 18, first.wrapping_add(2), "A", b""));
        assert_eq!(ends(&packets), Ends { finished: 2, ..Ends::default() });
        packets.push(packet(true, 18, 0, "R", b""));
        assert_eq!(ends(&packets).resets.len(), 1);
    }
}
