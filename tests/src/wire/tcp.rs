//! TCP by hand: a peer that sends what a test wants, at the moment and in the order that it wants.

use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement};
use std::net::Ipv4Addr;

use super::{GUEST, GUEST_HARDWARE, HARDWARE, Wire};

/// No more data.
pub const FIN: u8 = 1;
/// Synchronise sequence numbers.
pub const SYN: u8 = 2;
/// Reset.
pub const RST: u8 = 4;
/// Push.
pub const PSH: u8 = 8;
/// The acknowledgement counts.
pub const ACK: u8 = 16;

/// A segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The sender.
    pub source: (Ipv4Addr, u16),
    /// The receiver.
    pub destination: (Ipv4Addr, u16),
    /// Number of its first byte.
    pub sequence: u32,
    /// Number of the byte that is expected next.
    pub acknowledgement: u32,
    /// Sum of [`FIN`], [`SYN`], [`RST`], [`PSH`], [`ACK`].
    pub flags: u8,
    /// The window, not scaled.
    pub window: u16,
    /// The data.
    pub payload: Vec<u8>,
}

impl Segment {
    pub(super) fn of(source: Ipv4Addr, destination: Ipv4Addr, header: &TcpHeader, payload: &[u8]) -> Self {
        let flags = [header.fin, header.syn, header.rst, header.psh, header.ack];
        Self {
            source: (source, header.source_port),
            destination: (destination, header.destination_port),
            sequence: header.sequence_number,
            acknowledgement: header.acknowledgment_number,
            flags: flags.iter().enumerate().map(|(bit, set)| u8::from(*set) << bit).sum(),
            window: header.window_size,
            payload: payload.to_vec(),
        }
    }

    /// Whether all of `flags` are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// The frame that carries it to the guest.
    pub fn frame(&self) -> Vec<u8> {
        let mut header = TcpHeader::new(self.source.1, self.destination.1, self.sequence, self.window);
        header.acknowledgment_number = self.acknowledgement;
        header.fin = self.has(FIN);
        header.syn = self.has(SYN);
        header.rst = self.has(RST);
        header.psh = self.has(PSH);
        header.ack = self.has(ACK);
        if header.syn {
            let options = [TcpOptionElement::MaximumSegmentSize(1460)];
            header.set_options(&options).expect("there is room for one option");
        }
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(HARDWARE, GUEST_HARDWARE)
            .ipv4(self.source.0.octets(), self.destination.0.octets(), 64)
            .tcp_header(header)
            .write(&mut frame, &self.payload)
            .expect("a Vec takes all");
        frame
    }
}

/// One end of a connection with the guest. It does nothing by itself.
pub struct Peer {
    /// This end.
    pub local: (Ipv4Addr, u16),
    /// The guest's end.
    pub remote: (Ipv4Addr, u16),
    /// Number of the next byte to send.
    pub sequence: u32,
    /// Number of the next byte expected.
    pub expected: u32,
    /// The window that it offers.
    pub window: u16,
}

impl Peer {
    /// An end that is not connected, with this address and port, and a port of the guest.
    pub fn new(local: (Ipv4Addr, u16), port: u16) -> Self {
        let sequence = u32::from(local.1).wrapping_mul(0x0123_4567);
        Self { local, remote: (GUEST, port), sequence, expected: 0, window: u16::MAX }
    }

    /// A connection made in the usual way.
    pub fn connect(wire: &mut Wire, local: (Ipv4Addr, u16), port: u16) -> Self {
        let mut peer = Self::new(local, port);
        wire.send(&peer.segment(SYN, b"").frame());
        let answer = peer.expect(wire, "SYN and ACK", |segment| segment.has(SYN | ACK));
        peer.sequence = peer.sequence.wrapping_add(1);
        assert_eq!(answer.acknowledgement, peer.sequence, "the SYN is acknowledged");
        peer.expected = answer.sequence.wrapping_add(1);
        peer.send(wire, ACK, b"");
        peer
    }

    /// The next segment, with these flags and data. It is not sent, and nothing is counted.
    pub fn segment(&self, flags: u8, payload: &[u8]) -> Segment {
        Segment {
            source: self.local,
            destination: self.remote,
            sequence: self.sequence,
            acknowledgement: if flags & ACK != 0 { self.expected } else { 0 },
            flags,
            window: self.window,
            payload: payload.to_vec(),
        }
    }

    /// Sends a segment and counts what it takes of the sequence numbers.
    pub fn send(&mut self, wire: &Wire, flags: u8, payload: &[u8]) {
        wire.send(&self.segment(flags, payload).frame());
        let length = payload.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.sequence = self.sequence.wrapping_add(length);
    }

    /// Waits for a segment of this connection that `wanted` takes.
    pub fn expect(&self, wire: &mut Wire, what: &str, mut wanted: impl FnMut(&Segment) -> bool) -> Segment {
        let what = format!("{what} for {}:{}", self.local.0, self.local.1);
        wire.expect(&what, |frame| {
            let segment = frame.segment()?;
            let ours = segment.source == self.remote && segment.destination == self.local;
            (ours && wanted(segment)).then(|| segment.clone())
        })
    }

    /// Takes the guest's data in order, acknowledging it, until its FIN has come or `enough` says so; all of the data. The
    /// FIN is acknowledged too.
    pub fn read_until(&mut self, wire: &mut Wire, mut enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let mut data = Vec::new();
        loop {
            let segment = self.expect(wire, "data or FIN", |segment| {
                !segment.payload.is_empty() || segment.has(FIN) || segment.has(RST)
            });
            assert!(!segment.has(RST), "the guest has reset the connection: {segment:?}");
            if segment.sequence != self.expected {
                // Sent again, or out of order: said again what is expected.
                self.send(wire, ACK, b"");
                continue;
            }
            data.extend_from_slice(&segment.payload);
            let fin = segment.has(FIN);
            let length = segment.payload.len() as u32 + u32::from(fin);
            self.expected = self.expected.wrapping_add(length);
            self.send(wire, ACK, b"");
            if fin || enough(&data) {
                return data;
            }
        }
    }

    /// Takes the guest's data until its FIN.
    pub fn read_to_end(&mut self, wire: &mut Wire) -> Vec<u8> {
        self.read_until(wire, |_| false)
    }
}
