//! A look at a frame before anybody processes it: whose it is.
//!
//! Only what is needed to find the socket is read here. Nothing is believed of the rest: lengths are checked for what is
//! read, checksums by smoltcp, or with [`Segment::is_intact`] where a decision is made before.

use smoltcp::wire::{
    EthernetAddress, Icmpv4Packet, Icmpv6Packet, IpAddress, IpEndpoint, Ipv4Address, Ipv6Address, TcpPacket,
};

/// Length of an Ethernet header (IEEE 802.3, 3.2).
pub const ETHERNET: usize = 14;

/// The flags of a segment (RFC 9293, 3.1).
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 1;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 2;
    /// Reset the connection.
    pub const RST: u8 = 4;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 16;
}

/// Both ends, as seen from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The destination of what comes in.
    pub local: IpEndpoint,
    /// Its source.
    pub remote: IpEndpoint,
}

/// A TCP segment's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Whose it is.
    pub flow: Flow,
    /// See [`flag`].
    pub flags: u8,
    /// Its first sequence number.
    pub sequence: u32,
    /// What it acknowledges, with [`flag::ACK`].
    pub acknowledgement: u32,
    /// How many sequence numbers it takes: data, SYN and FIN.
    pub length: u32,
    /// The window's field, not scaled.
    pub window: u16,
    /// Where the segment begins and ends in the frame.
    place: (usize, usize),
}

impl Segment {
    /// Whether any of these flags is set.
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Whether its checksum is right.
    pub fn is_intact(&self, frame: &[u8]) -> bool {
        let segment = frame.get(self.place.0..self.place.1).map(TcpPacket::new_checked);
        matches!(segment, Some(Ok(segment))
            if segment.verify_checksum(&self.flow.remote.addr, &self.flow.local.addr))
    }
}

/// What names the fragments of one packet (RFC 791, 3.2): identification, protocol, addresses.
pub type FragmentKey = (u16, u8, Ipv4Address, Ipv4Address);

/// Whose a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peek {
    /// A segment for this machine's hardware address.
    Tcp(Segment),
    /// A datagram.
    Udp(Flow),
    /// A fragment; the first one of a datagram or segment tells whose that is.
    Fragment(FragmentKey, Option<Flow>),
    /// That a segment of ours could not be delivered: its flow and sequence number.
    Undelivered(Flow, u32),
    /// Something else, for smoltcp.
    Other,
    /// It must not be on a network: to or from a loopback address or an IPv4 address in IPv6, or from none; or pieces of a segment that hide what it
    /// is.
    Martian,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// An IP packet's header: protocol, addresses, where the payload begins and ends.
struct Packet {
    protocol: u8,
    source: IpAddress,
    destination: IpAddress,
    payload: (usize, usize),
    /// Which packet it is a piece of, and where, in units of 8 bytes.
    fragment: Option<(FragmentKey, u16)>,
}

/// A frame from a network, `hardware` being the address it came to; or from the loopback interface, without an Ethernet
/// header.
pub fn peek(frame: &[u8], hardware: Option<EthernetAddress>) -> Peek {
    let start = if hardware.is_some() { ETHERNET } else { 0 };
    let kind = if hardware.is_some() { u16_at(frame, 12) } else { None };
    let Some(packet) = packet(frame, start, kind) else { return Peek::Other };
    // Who has no address yet asks a DHCP server; here is none.
    let from_nobody = matches!(packet.source, IpAddress::Ipv4(source) if source.is_unspecified());
    let is_martian = |address| is_loopback(address) || is_mapped(address);
    if hardware.is_some() && (is_martian(packet.source) || is_martian(packet.destination) || from_nobody) {
        return Peek::Martian;
    }
    if let Some((key, offset)) = packet.fragment {
        return fragment(frame, &packet, key, offset);
    }
    let ours = hardware.is_none_or(|address| frame.get(..6) == Some(address.as_bytes()));
    match packet.protocol {
        6 if ours => segment(frame, &packet).map_or(Peek::Other, Peek::Tcp),
        17 => flow(frame, &packet).map_or(Peek::Other, Peek::Udp),
        1 | 58 if ours => undelivered(frame, &packet)
            .map_or(Peek::Other, |(flow, sequence)| Peek::Undelivered(flow, sequence)),
        _ => Peek::Other,
    }
}

fn is_loopback(address: IpAddress) -> bool {
    match address {
        IpAddress::Ipv4(address) => address.is_loopback(),
        IpAddress::Ipv6(address) => address.is_loopback(),
    }
}

/// IPv4 addresses do not travel in IPv6 packets: who sees one would take it for a host of the IPv4 network (RFC 4942, 2.2).
fn is_mapped(address: IpAddress) -> bool {
    matches!(address, IpAddress::Ipv6(address) if address.to_ipv4_mapped().is_some())
}

/// The packet that begins at `start`; `kind` is the Ethernet type, if there is one.
fn packet(frame: &[u8], start: usize, kind: Option<u16>) -> Option<Packet> {
    match (frame.get(start)? >> 4, kind) {
        (4, None | Some(0x0800)) => packet4(frame, start),
        (6, None | Some(0x86dd)) => packet6(frame, start),
        _ => None,
    }
}

fn packet4(frame: &[u8], start: usize) -> Option<Packet> {
    let header = usize::from(frame.get(start)? & 15) * 4;
    let end = start + usize::from(u16_at(frame, start + 2)?);
    if header < 20 || end > frame.len() || start + header > end {
        return None;
    }
    let protocol = *frame.get(start + 9)?;
    let source = Ipv4Address::from_bits(u32_at(frame, start + 12)?);
    let destination = Ipv4Address::from_bits(u32_at(frame, start + 16)?);
    let (identification, fragment) = (u16_at(frame, start + 4)?, u16_at(frame, start + 6)?);
    let key = (identification, protocol, source, destination);
    Some(Packet {
        protocol,
        source: source.into(),
        destination: destination.into(),
        payload: (start + header, end),
        // More fragments, or an offset.
        fragment: (fragment & 0x3fff != 0).then_some((key, fragment & 0x1fff)),
    })
}

fn packet6(frame: &[u8], start: usize) -> Option<Packet> {
    let end = start + 40 + usize::from(u16_at(frame, start + 4)?);
    if end > frame.len() {
        return None;
    }
    let address = |at: usize| -> Option<IpAddress> {
        let octets: [u8; 16] = frame.get(at..at + 16)?.try_into().ok()?;
        Some(Ipv6Address::from_octets(octets).into())
    };
    Some(Packet {
        protocol: *frame.get(start + 6)?,
        source: address(start + 8)?,
        destination: address(start + 24)?,
        payload: (start + 40, end),
        fragment: None,
    })
}

/// The ports of what comes in, which are the first things in TCP and UDP.
fn flow(frame: &[u8], packet: &Packet) -> Option<Flow> {
    let payload = frame.get(packet.payload.0..packet.payload.1)?;
    Some(Flow {
        local: IpEndpoint::new(packet.destination, u16_at(payload, 2)?),
        remote: IpEndpoint::new(packet.source, u16_at(payload, 0)?),
    })
}

/// A piece of a packet. The first piece of a segment must have its whole header, and no other may replace the flags
/// (RFC 3128): segments that say more than data come in one piece, so that nobody gets around what is checked of them.
fn fragment(frame: &[u8], packet: &Packet, key: FragmentKey, offset: u16) -> Peek {
    let is_segment = packet.protocol == 6;
    let flow = match (packet.protocol, offset) {
        (6, 0) => segment(frame, packet).filter(|it| !it.has(flag::SYN | flag::RST)).map(|it| it.flow),
        (17, 0) => flow(frame, packet),
        _ => None,
    };
    if is_segment && (offset == 1 || offset == 0 && flow.is_none()) {
        return Peek::Martian;
    }
    Peek::Fragment(key, flow)
}

fn segment(frame: &[u8], packet: &Packet) -> Option<Segment> {
    let payload = frame.get(packet.payload.0..packet.payload.1)?;
    let header = usize::from(payload.get(12)? >> 4) * 4;
    let flags = *payload.get(13)?;
    let data = payload.len().checked_sub(header).filter(|_| header >= 20)? as u32;
    let controls = u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
    Some(Segment {
        flow: flow(frame, packet)?,
        flags,
        sequence: u32_at(payload, 4)?,
        acknowledgement: u32_at(payload, 8)?,
        length: data + controls,
        window: u16_at(payload, 14)?,
        place: packet.payload,
    })
}

/// The flow and sequence number of our segment that came back in a "destination unreachable" (RFC 792, RFC 4443 3.1).
fn undelivered(frame: &[u8], outer: &Packet) -> Option<(Flow, u32)> {
    let is_unreachable = matches!((outer.protocol, frame.get(outer.payload.0)?), (1, 3) | (58, 1));
    let start = outer.payload.0 + 8;
    if !is_unreachable || start >= outer.payload.1 {
        return None;
    }
    let message = frame.get(outer.payload.0..outer.payload.1)?;
    let is_intact = match (outer.source, outer.destination) {
        (IpAddress::Ipv6(from), IpAddress::Ipv6(to)) => {
            Icmpv6Packet::new_checked(message).is_ok_and(|message| message.verify_checksum(&from, &to))
        }
        _ => Icmpv4Packet::new_checked(message).is_ok_and(|message| message.verify_checksum()),
    };
    let inner = quoted(frame.get(..outer.payload.1)?, start)?;
    // It is seen from the other side here: the source of what was sent is the local end.
    let ours = flow(frame, &inner)?;
    let sequence = u32_at(frame, inner.payload.0 + 4)?;
    let is_ours = is_intact && inner.protocol == 6;
    is_ours.then_some((Flow { local: ours.remote, remote: ours.local }, sequence))
}

/// A packet that is quoted in a message: its length says how long it was, not how much of it is here.
fn quoted(frame: &[u8], start: usize) -> Option<Packet> {
    let end = frame.len();
    match frame.get(start)? >> 4 {
        4 => {
            let header = usize::from(frame.get(start)? & 15) * 4;
            Some(Packet {
                protocol: *frame.get(start + 9)?,
                source: Ipv4Address::from_bits(u32_at(frame, start + 12)?).into(),
                destination: Ipv4Address::from_bits(u32_at(frame, start + 16)?).into(),
                payload: (start + header, end),
                fragment: None,
            })
        }
        6 => {
            let octets = |at: usize| -> Option<[u8; 16]> { frame.get(at..at + 16)?.try_into().ok() };
            Some(Packet {
                protocol: *frame.get(start + 6)?,
                source: Ipv6Address::from_octets(octets(start + 8)?).into(),
                destination: Ipv6Address::from_octets(octets(start + 24)?).into(),
                payload: (start + 40, end),
                fragment: None,
            })
        }
        _ => None,
    }
}

/// What a segment that was sent says: kept for connections that end up in TIME-WAIT, whose numbers smoltcp keeps to
/// itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sent {
    /// The sequence number after it.
    pub next: u32,
    /// What it acknowledged.
    pub acknowledgement: u32,
    /// The window's field, not scaled.
    pub window: u16,
    /// See [`flag`].
    pub flags: u8,
}

/// Reads a segment that smoltcp has just written, so it is well-formed; `None` if it is none.
pub fn sent(frame: &[u8], ethernet: bool) -> Option<Sent> {
    let start = if ethernet { ETHERNET } else { 0 };
    let packet = packet(frame, start, if ethernet { u16_at(frame, 12) } else { None })?;
    if packet.protocol != 6 || packet.fragment.is_some() {
        return None;
    }
    let segment = segment(frame, &packet)?;
    Some(Sent {
        next: segment.sequence.wrapping_add(segment.length),
        acknowledgement: segment.acknowledgement,
        window: segment.window,
        flags: segment.flags,
    })
}
