//! What becomes of a frame: it is processed for the one socket whose it is.

use super::peek::{self, ETHERNET, Flow, Peek, Segment, flag};
use super::places::Connection;
use super::settle::Cause;
use super::timewait::{Last, Verdict};
use super::{Socket, Stack};
use alloc::vec;
use ipc::Error;
use smoltcp::iface::SocketSet;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, IpRepr, TcpControl, TcpPacket,
    TcpRepr, TcpSeqNumber,
};

impl Stack {
    /// Processes a frame that has come through an interface.
    pub(super) fn process(&mut self, link: usize, frame: &[u8], now: Instant) {
        let Some(hardware) = self.links.get(link).map(|link| link.hardware) else { return };
        match peek::peek(frame, hardware) {
            Peek::Tcp(segment) => self.segment(link, &segment, frame, now),
            Peek::Udp(flow) => self.datagram(link, &flow, frame, now),
            Peek::Fragment(key, flow) => match self.fragments.note(key, flow) {
                Some(flow) if key.1 == 6 => self.segment_piece(link, &flow, frame, now),
                Some(flow) => self.datagram(link, &flow, frame, now),
                None => self.process_own(link, frame, now),
            },
            Peek::Undelivered(flow, sequence) => self.undelivered(&flow, sequence, now),
            Peek::Other => self.process_own(link, frame, now),
            Peek::Martian => self.drop_frame(link),
        }
    }

    fn drop_frame(&mut self, link: usize) {
        self.statistics.malformed += 1;
        if let Some(link) = self.links.get_mut(link) {
            link.count_dropped();
        }
    }

    /// A frame for the interface itself: ARP, ICMP, DHCP, or what nobody wants.
    fn process_own(&mut self, link: usize, frame: &[u8], now: Instant) {
        let Some(link) = self.links.get_mut(link) else { return };
        link.process_own(frame, now);
        link.deadline = Some(now);
        // It may have been the answer to who has an address.
        while let Some(place) = link.waiting.pop() {
            self.dirty.push(place);
        }
    }

    fn segment(&mut self, link: usize, segment: &Segment, frame: &[u8], now: Instant) {
        let flow = segment.flow;
        let hash = self.hasher.connection(flow.local.port, flow.remote.addr, flow.remote.port);
        // The loopback interface fills in no checksums.
        let is_intact = || link == 0 || segment.is_intact(frame);
        if let Some(place) = self.find(hash, &flow) {
            if segment.has(flag::SYN | flag::RST) && self.is_doubtful(place, segment) {
                return if is_intact() {
                    self.challenge(place, link, frame, now)
                } else {
                    self.drop_frame(link)
                };
            }
            return self.segment_of(place, link, Some(segment), frame, now);
        }
        let intact = is_intact();
        if link != 0 && self.is_own(flow.remote.addr) {
            return self.drop_frame(link);
        }
        if self.time_wait.contains(hash, &flow) {
            if !intact {
                return self.drop_frame(link);
            }
            match self.time_wait.judge(hash, segment, now) {
                Verdict::Unknown | Verdict::Admit => {}
                Verdict::Ignore => return,
                Verdict::Acknowledge(last) => return self.acknowledge(link, &flow, last, 0, frame),
            }
        }
        let opens = segment.has(flag::SYN) && !segment.has(flag::ACK | flag::RST | flag::FIN);
        if opens
            && self.accepts(link, flow.local.addr)
            && let Some(listener) = self.listener_at(flow.local.addr, flow.local.port)
        {
            if !intact {
                return self.drop_frame(link);
            }
            return self.admit(listener, link, segment, hash, frame, now);
        }
        if intact && !segment.has(flag::RST) {
            self.statistics.refused += 1;
        }
        // smoltcp answers with a reset.
        if let Some(link) = self.links.get_mut(link) {
            link.process(frame, &mut SocketSet::new(vec![]), now);
        }
    }

    /// The connection between these ends.
    pub(super) fn find(&self, hash: u32, flow: &Flow) -> Option<u16> {
        self.index.candidates(hash).find(|place| {
            self.places.connection(*place).is_some_and(|it| it.flow.remote == flow.remote && it.flow == *flow)
        })
    }

    /// Whether packets to an address are for this machine, if they come through this interface.
    fn accepts(&self, link: usize, address: IpAddress) -> bool {
        self.links.get(link).is_some_and(|link| link.hardware.is_none() || link.has_address(address))
    }

    /// A piece of a segment.
    fn segment_piece(&mut self, link: usize, flow: &Flow, frame: &[u8], now: Instant) {
        let hash = self.hasher.connection(flow.local.port, flow.remote.addr, flow.remote.port);
        match self.find(hash, flow) {
            Some(place) => self.segment_of(place, link, None, frame, now),
            None => self.drop_frame(link),
        }
    }

    /// A segment of a connection, or with none a piece of one.
    pub(super) fn segment_of(
        &mut self,
        place: u16,
        link: usize,
        segment: Option<&Segment>,
        frame: &[u8],
        now: Instant,
    ) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        if connection.link != link {
            // It came another way than the connection goes: from somebody who only says that he is the peer.
            return self.drop_frame(link);
        }
        let Some(link) = self.links.get_mut(link) else { return };
        let queued = connection.body.tcp().recv_queue();
        let sent = link.process(frame, &mut connection.body.set, now);
        connection.note(sent);
        connection.expect(segment, queued);
        self.settle(place, Cause::Segment, now);
        self.dirty.push(place);
    }

    fn datagram(&mut self, link: usize, flow: &Flow, frame: &[u8], now: Instant) {
        if link != 0 && self.is_own(flow.remote.addr) {
            return self.drop_frame(link);
        }
        let place = self.datagrams_at(flow.local.addr, flow.local.port);
        let socket = place.and_then(|place| self.places.get_mut(place));
        if let (Some(place), Some(Socket::Datagrams(datagrams)), Some(it)) =
            (place, socket, self.links.get_mut(link))
        {
            it.process(frame, &mut datagrams.set, now);
            self.changed.push(place);
        } else {
            self.process_own(link, frame, now);
        }
    }

    /// A router says that a segment could not be delivered. Only a connection that is just being opened believes it, and
    /// only of its request (RFC 5927, 4 and 5.2).
    fn undelivered(&mut self, flow: &Flow, sequence: u32, now: Instant) {
        let hash = self.hasher.connection(flow.local.port, flow.remote.addr, flow.remote.port);
        let Some(place) = self.find(hash, flow) else { return };
        let is_request = |it: &Connection| {
            it.state == State::SynSent && it.has_sent && it.sent.next == sequence.wrapping_add(1)
        };
        if self.places.connection(place).is_some_and(is_request) {
            self.give_up(place, Error::Unreachable, now);
        }
    }

    /// Says once more what a connection has said last, to whom `frame` came from.
    pub(super) fn acknowledge(&mut self, link: usize, flow: &Flow, last: Last, window: u16, frame: &[u8]) {
        let Some(link) = self.links.get_mut(link) else { return };
        let segment = TcpRepr {
            src_port: flow.local.port,
            dst_port: flow.remote.port,
            control: TcpControl::None,
            seq_number: TcpSeqNumber(last.sequence as i32),
            ack_number: Some(TcpSeqNumber(last.acknowledgement as i32)),
            window_len: window,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let (local, remote) = (flow.local.addr, flow.remote.addr);
        let packet = IpRepr::new(local, remote, IpProtocol::Tcp, segment.buffer_len(), 64);
        let hardware =
            link.hardware.map(|own| (own, EthernetFrame::new_checked(frame).map(|it| it.src_addr())));
        let start = if hardware.is_some() { ETHERNET } else { 0 };
        link.send_with(start + packet.buffer_len(), |buffer| {
            let (header, rest) = buffer.split_at_mut(start);
            if let Some((own, Ok(sender))) = hardware {
                write_header(header, own, sender, &packet);
            }
            packet.emit(&mut *rest, &ChecksumCapabilities::default());
            let (_, rest) = rest.split_at_mut(packet.header_len());
            let mut written = TcpPacket::new_unchecked(rest);
            segment.emit(&mut written, &local, &remote, &ChecksumCapabilities::default());
        });
    }
}

/// Writes an Ethernet header for a packet.
fn write_header(header: &mut [u8], from: EthernetAddress, to: EthernetAddress, packet: &IpRepr) {
    let mut frame = EthernetFrame::new_unchecked(header);
    frame.set_src_addr(from);
    frame.set_dst_addr(to);
    frame.set_ethertype(match packet {
        IpRepr::Ipv4(_) => EthernetProtocol::Ipv4,
        IpRepr::Ipv6(_) => EthernetProtocol::Ipv6,
    });
}
