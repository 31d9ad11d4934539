//! Frames with the right lengths and checksums around bytes of the fuzzer's.

use crate::input::Input;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Hardware addresses.
pub const OURS: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const PEER: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
/// Internet addresses.
pub const OURS4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub const PEER4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub const OURS6: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0x15);
pub const PEER6: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 2);

/// What kind of frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Udp,
    Icmp,
    Arp,
    Dhcp,
}

/// What was seen last of the stack's: a peer's answer begins from there.
#[derive(Default)]
pub struct Numbers {
    ours: u32,
    theirs: u32,
    our_port: u16,
    their_port: u16,
    /// The number of the DHCP client's last message.
    dhcp: [u8; 4],
}

impl Numbers {
    /// Takes note of a frame that was sent.
    pub fn note(&mut self, frame: &[u8]) {
        let start = match frame.get(12..14) {
            Some([8, 0]) => 34,
            Some([0x86, 0xdd]) => 54,
            _ => return,
        };
        let protocol = frame[if start == 34 { 23 } else { 20 }];
        let Some(rest) = frame.get(start..) else { return };
        let port = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
        if protocol == 6 && rest.len() >= 20 {
            (self.our_port, self.their_port) = (port(0), port(2));
            let number = |at: usize| u32::from_be_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
            (self.ours, self.theirs) = (number(4), number(8));
        } else if protocol == 17 && rest.len() >= 16 && port(0) == 68 {
            self.dhcp.copy_from_slice(&rest[12..16]);
        }
    }
}

/// A frame of this kind, made of the fuzzer's bytes.
pub fn frame(kind: Kind, input: &Input, last: &Numbers) -> Vec<u8> {
    let choices = input.byte();
    let mut payload = match kind {
        Kind::Tcp => tcp(input, last),
        Kind::Udp => udp(input, 0),
        Kind::Icmp => input.some(400),
        Kind::Dhcp => dhcp(input, last),
        Kind::Arp => return arp(input),
    };
    let protocol = match kind {
        Kind::Tcp => 6,
        Kind::Udp | Kind::Dhcp => 17,
        Kind::Icmp | Kind::Arp => 1,
    };
    if choices & 1 == 1 && kind != Kind::Dhcp {
        packet6(&mut payload, if protocol == 1 { 58 } else { protocol }, choices, input)
    } else {
        packet4(&mut payload, protocol, choices, input)
    }
}

fn tcp(input: &Input, last: &Numbers) -> Vec<u8> {
    let [flags, ports, options] = input.bytes();
    let (sequence, acknowledgement): (i16, i16) = (input.value::<u16>() as i16, input.value::<u16>() as i16);
    let is_answer = ports & 4 == 0;
    let from = if is_answer { last.their_port } else { 5000 + u16::from(ports >> 4) };
    let to = if is_answer { last.our_port } else { 80 + u16::from(ports & 3) };
    // Near what is expected; exactly that for a zero.
    let near = |number: u32, distance: i16| number.wrapping_add((distance >> 3) as u32);
    let mut segment = Vec::new();
    segment.extend(from.to_be_bytes());
    segment.extend(to.to_be_bytes());
    segment.extend(near(last.theirs, sequence).to_be_bytes());
    segment.extend(near(last.ours, acknowledgement).wrapping_add(u32::from(ports >> 3 & 1)).to_be_bytes());
    segment.extend([(5 + (options & 3)) << 4, flags & 0x3f]);
    segment.extend(input.bytes::<2>());
    segment.extend([0; 4]);
    (0..options & 3).for_each(|_| segment.extend(input.bytes::<4>()));
    segment.extend(input.some(1400));
    segment
}

fn udp(input: &Input, ports: u32) -> Vec<u8> {
    let ports = if ports == 0 { (5000 << 16) | (80 + u32::from(input.byte() & 3)) } else { ports };
    let data = input.some(1500);
    let mut datagram = ports.to_be_bytes().to_vec();
    datagram.extend((8 + data.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    datagram
}

/// A DHCP server's message (RFC 2131, 2), with options of the fuzzer's.
fn dhcp(input: &Input, last: &Numbers) -> Vec<u8> {
    let mut datagram = vec![0, 67, 0, 68, 0, 0, 0, 0];
    let mut message = vec![2, 1, 6, 0];
    message.extend(last.dhcp);
    message.extend([0; 8]);
    let address: [u8; 4] = input.bytes();
    message.extend(if address[0] & 1 == 0 { OURS4.octets() } else { address });
    message.extend(PEER4.octets());
    message.extend([0; 4]);
    message.extend(OURS);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99]);
    message.extend([53, 1, [2, 5, 6, 1][input.below(4)]]);
    message.extend([54, 4, 10, 0, 2, 2]);
    if input.byte() & 1 == 0 {
        message.extend([1, 4, 255, 255, 255, 0]);
    }
    if input.byte() & 1 == 0 {
        message.extend([51, 4, 0, 0]);
        message.extend(input.bytes::<2>());
    }
    message.extend(input.some(60));
    message.push(255);
    datagram.extend(message);
    let length = datagram.len() as u16;
    datagram[4..6].copy_from_slice(&length.to_be_bytes());
    datagram
}

fn arp(input: &Input) -> Vec<u8> {
    let mut frame = OURS.to_vec();
    frame.extend(PEER);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1 + (input.byte() & 1)]);
    frame.extend(if input.byte() & 1 == 0 { PEER } else { input.bytes() });
    frame.extend(if input.byte() & 1 == 0 { PEER4.octets() } else { input.bytes() });
    frame.extend(OURS);
    frame.extend(OURS4.octets());
    frame
}

fn header(choices: u8, kind: [u8; 2]) -> Vec<u8> {
    let mut frame = if choices & 2 == 0 { OURS } else { [0xff; 6] }.to_vec();
    frame.extend(PEER);
    frame.extend(kind);
    frame
}

fn packet4(payload: &mut [u8], protocol: u8, choices: u8, input: &Input) -> Vec<u8> {
    let source = if choices & 4 == 0 { PEER4.octets() } else { input.bytes() };
    let destination = if choices & 8 == 0 { OURS4.octets() } else { input.bytes() };
    let fragment: [u8; 2] = if choices & 0x30 == 0x30 { input.bytes() } else { [0, 0] };
    if choices & 0x40 == 0 {
        let mut pseudo = [source, destination].concat();
        pseudo.extend([0, protocol]);
        pseudo.extend((payload.len() as u16).to_be_bytes());
        fill_checksum(payload, protocol, if protocol == 1 { &[] } else { &pseudo });
    }
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend([0, input.byte() & 3]);
    packet.extend(fragment);
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    let sum = checksum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    [header(choices, [8, 0]), packet, payload.to_vec()].concat()
}

fn packet6(payload: &mut [u8], protocol: u8, choices: u8, input: &Input) -> Vec<u8> {
    let source = if choices & 4 == 0 { PEER6.octets() } else { input.bytes() };
    let destination = if choices & 8 == 0 { OURS6.octets() } else { input.bytes() };
    if choices & 0x40 == 0 {
        let mut pseudo = [source, destination].concat();
        pseudo.extend((payload.len() as u32).to_be_bytes());
        pseudo.extend([0, 0, 0, protocol]);
        fill_checksum(payload, protocol, &pseudo);
    }
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([if choices & 0x80 == 0 { protocol } else { input.byte() }, 255]);
    packet.extend(source);
    packet.extend(destination);
    [header(choices, [0x86, 0xdd]), packet, payload.to_vec()].concat()
}

/// Fills in the checksum of a segment, datagram or message, where its protocol has it.
fn fill_checksum(payload: &mut [u8], protocol: u8, pseudo: &[u8]) {
    let at = match protocol {
        6 => 16,
        17 => 6,
        _ => 2,
    };
    if payload.len() < at + 2 {
        return;
    }
    payload[at..at + 2].fill(0);
    let sum = checksum(&[pseudo, payload]);
    payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum (RFC 1071).
fn checksum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 =
        pairs.map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
