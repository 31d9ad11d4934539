//! A stack on a wire of the test's own, and a peer that says what the test wants: frames, without kernel or driver.
#![allow(dead_code, reason = "each test uses a part of it")]

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpCidr,
    IpProtocol, IpRepr, Ipv4Address, Ipv4Packet, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket,
    UdpRepr,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tcpip::stack::Stack;
use tcpip::stack::port::{FRAME_MAX, Port};

/// Both ends' addresses.
pub const OURS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
pub const PEER: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
pub const OUR_HARDWARE: EthernetAddress = EthernetAddress([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
pub const PEER_HARDWARE: EthernetAddress = EthernetAddress([0x52, 0x55, 10, 0, 2, 2]);

/// The two directions of a wire.
#[derive(Default)]
pub struct Frames {
    pub incoming: VecDeque<Vec<u8>>,
    pub sent: VecDeque<Vec<u8>>,
    /// Frames that can be sent at once.
    pub room: usize,
}

/// The stack's end of a wire.
#[derive(Clone)]
pub struct Cable(pub Rc<RefCell<Frames>>);

impl Cable {
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(Frames { room: 1000, ..Frames::default() })))
    }
}

impl Port for Cable {
    fn has_room(&mut self) -> bool {
        let frames = self.0.borrow();
        frames.sent.len() < frames.room
    }

    fn send(&mut self, frame: &[u8]) {
        self.0.borrow_mut().sent.push_back(frame.to_vec());
    }

    fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        let frame = self.0.borrow_mut().incoming.pop_front()?;
        buffer.get_mut(..frame.len())?.copy_from_slice(&frame);
        Some(frame.len())
    }
}

/// A segment, as the peer sends or sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    pub flags: &'static str,
    pub from: u16,
    pub to: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub window: u16,
    pub data: Vec<u8>,
}

/// A stack, its wire, and the time.
pub struct Host {
    pub stack: Stack,
    pub cable: Cable,
    pub link: usize,
    pub now: Instant,
}

impl Host {
    /// A stack with an interface that has an address, and knows the peer's hardware address.
    pub fn new() -> Self {
        let mut host = Self::without_address();
        let gateway = Some(IpAddress::Ipv4(PEER));
        host.stack.configure(host.link, IpCidr::new(OURS.into(), 24), gateway, host.now);
        host.arp(ArpOperation::Request, PEER, PEER_HARDWARE);
        host.poll();
        host.cable.0.borrow_mut().sent.clear();
        host
    }

    /// A stack with an interface that has no address yet.
    pub fn without_address() -> Self {
        let now = Instant::from_millis(1_000);
        let mut stack = Stack::new(1, now);
        let cable = Cable::new();
        let link = stack.add("net0", Some(OUR_HARDWARE), 1500, Box::new(cable.clone()), now);
        Self { stack, cable, link, now }
    }

    /// Has the stack do all that it can do now.
    pub fn poll(&mut self) {
        for _ in 0..1000 {
            let has_more = self.stack.poll(self.now);
            while self.stack.changed().is_some() {}
            if !has_more && !self.stack.is_busy() && !self.answer_arp() {
                return;
            }
        }
        panic!("the stack finds no end");
    }

    /// The peer says which hardware address it has, if it was asked for it.
    fn answer_arp(&mut self) -> bool {
        let asks_for_peer =
            |frame: &Vec<u8>| frame[12..14] == [8, 6] && frame[21] == 1 && frame[38..42] == PEER.octets();
        let mut frames = self.cable.0.borrow_mut();
        let before = frames.sent.len();
        frames.sent.retain(|frame| !asks_for_peer(frame));
        let was_asked = frames.sent.len() < before;
        drop(frames);
        if was_asked {
            self.arp(ArpOperation::Reply, PEER, PEER_HARDWARE);
        }
        was_asked
    }

    /// Lets time pass, with all that is due in it.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        self.poll();
        for _ in 0..10_000 {
            match self.stack.deadline().filter(|deadline| *deadline <= end) {
                Some(deadline) => self.now = deadline.max(self.now + Duration::from_micros(100)),
                None => {
                    self.now = end;
                    return self.poll();
                }
            }
            self.poll();
        }
        panic!("the stack is never idle");
    }

    /// A frame comes in.
    pub fn inject(&mut self, frame: Vec<u8>) {
        self.cable.0.borrow_mut().incoming.push_back(frame);
    }

    /// A frame comes in and is processed.
    pub fn receive(&mut self, frame: Vec<u8>) {
        self.inject(frame);
        self.poll();
    }

    /// All frames that were sent.
    pub fn frames(&mut self) -> Vec<Vec<u8>> {
        self.cable.0.borrow_mut().sent.drain(..).collect()
    }

    /// All segments that were sent.
    pub fn segments(&mut self) -> Vec<Seen> {
        self.frames().iter().filter_map(|frame| seen(frame)).collect()
    }

    /// The one segment that was sent.
    pub fn segment(&mut self) -> Seen {
        let mut segments = self.segments();
        assert_eq!(segments.len(), 1, "{segments:?}");
        segments.remove(0)
    }

    /// The peer sends a segment.
    pub fn send(&mut self, segment: &Seen) {
        self.receive(tcp(segment));
    }

    /// An ARP packet comes in.
    pub fn arp(&mut self, operation: ArpOperation, address: Ipv4Address, hardware: EthernetAddress) {
        let packet = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: hardware,
            source_protocol_addr: address,
            target_hardware_addr: OUR_HARDWARE,
            target_protocol_addr: OURS,
        };
        let mut frame = vec![0; 14 + packet.buffer_len()];
        ethernet(&mut frame, hardware, EthernetProtocol::Arp);
        packet.emit(&mut ArpPacket::new_unchecked(&mut frame[14..]));
        self.inject(frame);
    }
}

pub fn ethernet(frame: &mut [u8], from: EthernetAddress, protocol: EthernetProtocol) {
    let mut frame = EthernetFrame::new_unchecked(frame);
    frame.set_src_addr(from);
    frame.set_dst_addr(OUR_HARDWARE);
    frame.set_ethertype(protocol);
}

/// A frame with a packet of the peer's.
pub fn packet(from: Ipv4Address, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let header = IpRepr::new(from.into(), OURS.into(), protocol, payload.len(), 64);
    let mut frame = vec![0; 34];
    ethernet(&mut frame, PEER_HARDWARE, EthernetProtocol::Ipv4);
    header.emit(&mut frame[14..], &ChecksumCapabilities::default());
    frame.extend_from_slice(payload);
    frame
}

/// A frame with a segment of the peer's.
pub fn tcp(segment: &Seen) -> Vec<u8> {
    tcp_from(PEER, segment)
}

pub fn tcp_from(from: Ipv4Address, segment: &Seen) -> Vec<u8> {
    let control = match segment.flags {
        "S" | "SA" => TcpControl::Syn,
        "FA" => TcpControl::Fin,
        "R" | "RA" => TcpControl::Rst,
        "A" => TcpControl::None,
        "PA" => TcpControl::Psh,
        other => panic!("no such flags: {other}"),
    };
    let repr = TcpRepr {
        src_port: segment.from,
        dst_port: segment.to,
        control,
        seq_number: TcpSeqNumber(segment.sequence as i32),
        ack_number: segment.flags.contains('A').then_some(TcpSeqNumber(segment.acknowledgement as i32)),
        window_len: segment.window,
        window_scale: None,
        max_seg_size: (control == TcpControl::Syn).then_some(1460),
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &segment.data,
    };
    let mut payload = vec![0; repr.buffer_len()];
    let (from_address, to) = (IpAddress::Ipv4(from), IpAddress::Ipv4(OURS));
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut payload),
        &from_address,
        &to,
        &ChecksumCapabilities::default(),
    );
    packet(from, IpProtocol::Tcp, &payload)
}

/// A frame with a datagram of the peer's.
pub fn udp(from: Ipv4Address, from_port: u16, to_port: u16, data: &[u8]) -> Vec<u8> {
    let repr = UdpRepr { src_port: from_port, dst_port: to_port };
    let mut payload = vec![0; 8 + data.len()];
    repr.emit(
        &mut UdpPacket::new_unchecked(&mut payload),
        &from.into(),
        &OURS.into(),
        data.len(),
        |room| room.copy_from_slice(data),
        &ChecksumCapabilities::default(),
    );
    packet(from, IpProtocol::Udp, &payload)
}

/// What a frame says, if it is a segment.
pub fn seen(frame: &[u8]) -> Option<Seen> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    assert!(packet.verify_checksum());
    if packet.next_header() != IpProtocol::Tcp {
        return None;
    }
    let segment = TcpPacket::new_checked(packet.payload()).ok()?;
    assert!(segment.verify_checksum(&packet.src_addr().into(), &packet.dst_addr().into()));
    let flags = match (segment.syn(), segment.fin(), segment.rst(), segment.psh(), segment.ack()) {
        (true, false, false, false, false) => "S",
        (true, false, false, false, true) => "SA",
        (false, true, false, _, true) => "FA",
        (false, false, true, false, false) => "R",
        (false, false, true, false, true) => "RA",
        (false, false, false, true, true) => "PA",
        (false, false, false, false, true) => "A",
        other => panic!("strange flags: {other:?}"),
    };
    Some(Seen {
        flags,
        from: segment.src_port(),
        to: segment.dst_port(),
        sequence: segment.seq_number().0 as u32,
        acknowledgement: segment.ack_number().0 as u32,
        window: segment.window_len(),
        data: segment.payload().to_vec(),
    })
}

/// The peer's side of a connection, which says what the test wants.
pub struct Remote {
    pub port: u16,
    pub to: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub window: u16,
}

impl Remote {
    /// A segment; its data and control flags take sequence numbers.
    pub fn segment(&mut self, flags: &'static str, data: &[u8]) -> Seen {
        let segment = Seen {
            flags,
            from: self.port,
            to: self.to,
            sequence: self.sequence,
            acknowledgement: self.acknowledgement,
            window: self.window,
            data: data.to_vec(),
        };
        let controls = u32::from(flags.contains(['S', 'F']));
        self.sequence = self.sequence.wrapping_add(data.len() as u32 + controls);
        segment
    }

    /// Takes note of a segment of the stack's.
    pub fn note(&mut self, segment: &Seen) {
        let controls = u32::from(segment.flags.contains(['S', 'F']));
        self.acknowledgement = segment.sequence.wrapping_add(segment.data.len() as u32 + controls);
    }
}

impl Host {
    /// The peer connects to a port at which somebody listens; the connection is made, but not accepted.
    pub fn connect_from(&mut self, port: u16, to: u16) -> Remote {
        let mut remote = Remote { port, to, sequence: 0xffff_fff0, acknowledgement: 0, window: 60_000 };
        let syn = remote.segment("S", b"");
        self.send(&syn);
        let answer = self.segment();
        assert_eq!((answer.flags, answer.acknowledgement), ("SA", remote.sequence));
        remote.note(&answer);
        let ack = remote.segment("A", b"");
        self.send(&ack);
        assert_eq!(self.segments(), []);
        remote
    }

    /// As `connect_from`, with a listener, which accepts it: its place.
    pub fn connected(&mut self, port: u16, to: u16) -> (Remote, u16) {
        let listener = match self.stack.listen(None, to, 16) {
            Ok((listener, _)) => listener,
            Err(error) => panic!("{error}"),
        };
        let remote = self.connect_from(port, to);
        let place = self.stack.accept(listener).unwrap().expect("it is made");
        self.stack.close(listener, self.now);
        (remote, place)
    }

    /// Sends data of the stack's.
    pub fn write(&mut self, place: u16, data: &[u8]) -> Option<usize> {
        let sent = self.stack.send(place, data.len(), |offset, room| {
            room.copy_from_slice(&data[offset..offset + room.len()]);
            Ok(())
        });
        self.poll();
        sent.unwrap()
    }

    /// Takes what the stack has received.
    pub fn read(&mut self, place: u16) -> Result<Option<Vec<u8>>, resea::Error> {
        let mut data = Vec::new();
        let taken = self.stack.receive(place, 1 << 20, |_, piece| {
            data.extend_from_slice(piece);
            Ok(())
        });
        self.poll();
        taken.map(|taken| taken.map(|_| data))
    }

    /// How many sockets there are.
    pub fn sockets(&self) -> usize {
        self.stack.places().taken()
    }
}
