//! Frames: made for the guest, and read from it.

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, NetSlice, PacketBuilder, SlicedPacket, TransportSlice,
};
use std::net::Ipv4Addr;

use super::tcp::Segment;
use super::{GUEST_HARDWARE, HARDWARE};

/// A frame of the guest, as far as tests look at it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The whole frame.
    pub bytes: Vec<u8>,
    /// What is in it.
    pub body: Body,
}

/// What is in a frame.
#[derive(Clone, Debug)]
pub enum Body {
    /// ARP: operation (1 asks, 2 answers), and the protocol addresses.
    Arp {
        /// 1: question, 2: answer.
        operation: u16,
        /// Whose it is.
        sender: Ipv4Addr,
        /// Who is asked, or told.
        target: Ipv4Addr,
    },
    /// TCP over IPv4.
    Tcp(Segment),
    /// UDP over IPv4.
    Udp {
        /// The sender.
        source: Ipv4Addr,
        /// Its port.
        source_port: u16,
        /// The receiver's port.
        destination_port: u16,
        /// The datagram.
        payload: Vec<u8>,
    },
    /// ICMP over IPv4: type, code, and what follows the checksum.
    Icmp {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
        /// From byte 4 on.
        rest: Vec<u8>,
    },
    /// Anything else.
    Other,
}

impl Frame {
    /// Reads a frame; what cannot be read is `Other`.
    pub fn read(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), body: body(bytes).unwrap_or(Body::Other) }
    }

    /// The TCP segment in it.
    pub fn segment(&self) -> Option<&Segment> {
        match &self.body {
            Body::Tcp(segment) => Some(segment),
            _ => None,
        }
    }
}

fn body(bytes: &[u8]) -> Option<Body> {
    let packet = SlicedPacket::from_ethernet(bytes).ok()?;
    let (source, destination) = match &packet.net {
        Some(NetSlice::Arp(arp)) => {
            let address = |bytes: &[u8]| Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?));
            return Some(Body::Arp {
                operation: arp.operation().0,
                sender: address(arp.sender_protocol_addr())?,
                target: address(arp.target_protocol_addr())?,
            });
        }
        Some(NetSlice::Ipv4(ip)) => (ip.header().source_addr(), ip.header().destination_addr()),
        _ => return None,
    };
    Some(match packet.transport? {
        TransportSlice::Tcp(tcp) => {
            Body::Tcp(Segment::of(source, destination, &tcp.to_header(), tcp.payload()))
        }
        TransportSlice::Udp(udp) => Body::Udp {
            source,
            source_port: udp.source_port(),
            destination_port: udp.destination_port(),
            payload: udp.payload().to_vec(),
        },
        TransportSlice::Icmpv4(icmp) => Body::Icmp {
            kind: icmp.type_u8(),
            code: icmp.code_u8(),
            rest: icmp.slice().get(4..).unwrap_or_default().to_vec(),
        },
        _ => return None,
    })
}

/// An ARP packet: `operation` 1 asks, 2 answers.
pub fn arp(
    operation: u16,
    sender_hardware: [u8; 6],
    sender: Ipv4Addr,
    target_hardware: [u8; 6],
    target: Ipv4Addr,
) -> Vec<u8> {
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation(operation),
        &sender_hardware,
        &sender.octets(),
        &target_hardware,
        &target.octets(),
    );
    let packet = packet.expect("the addresses have the right lengths");
    let to = if operation == 1 { [0xff; 6] } else { GUEST_HARDWARE };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(HARDWARE, to).arp(packet).write(&mut frame).expect("a Vec takes all");
    frame
}

/// An echo request (ICMP).
pub fn echo_request(from: Ipv4Addr, to: Ipv4Addr, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(HARDWARE, GUEST_HARDWARE)
        .ipv4(from.octets(), to.octets(), 64)
        .icmpv4_echo_request(7, sequence)
        .write(&mut frame, payload)
        .expect("a Vec takes all");
    frame
}

/// A datagram (UDP); to the broadcast address if `to` is.
pub fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let hardware = if to.0.is_broadcast() { [0xff; 6] } else { GUEST_HARDWARE };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(HARDWARE, hardware)
        .ipv4(from.0.octets(), to.0.octets(), 64)
        .udp(from.1, to.1)
        .write(&mut frame, payload)
        .expect("a Vec takes all");
    frame
}

/// A frame with an IPv4 packet that may be anything: header and payload as they are given.
pub fn ipv4(packet: &[u8]) -> Vec<u8> {
    [&GUEST_HARDWARE[..], &HARDWARE, &[8, 0], packet].concat()
}
