//! A network interface: smoltcp's, the port that its frames travel through, and what was counted.
//!
//! smoltcp looks at every socket of the set that it is given. So it is given one socket at a time: each has a set of its
//! own, and the stack finds the right one before. A link's own set holds what belongs to the interface itself: DHCP
//! and echoes.

use super::echo::Echoes;
use super::peek::{self, Sent};
use super::port::{FRAME_MAX, Port};
use super::queue::Queue;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address, Ipv6Address};

/// How soon the interface's own sockets are asked again.
const OWN_AGAIN: Duration = Duration::from_millis(10);
/// How soon if there was no room to send.
const OWN_BLOCKED: Duration = Duration::from_millis(200);

/// What an interface has counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Frames received.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames that were not sent because there was no room, or received and not meant for a network.
    pub dropped: u64,
}

/// The longest name of an interface.
pub const NAME_MAX: usize = 16;

/// The wire's side of a link; apart, so that smoltcp can hold it while it holds the interface.
struct Wire {
    port: Box<dyn Port>,
    /// Where frames are written before they are sent.
    scratch: Box<[u8; FRAME_MAX]>,
    counters: Counters,
    capabilities: DeviceCapabilities,
    sent: Option<Sent>,
    /// What is sent goes nowhere.
    discards: bool,
}

/// An interface.
pub struct Link {
    name: ([u8; NAME_MAX], usize),
    /// smoltcp's side.
    pub interface: Interface,
    wire: Wire,
    /// The sockets of the interface itself.
    pub own: SocketSet<'static>,
    /// Its hardware address; the loopback interface has none.
    pub hardware: Option<EthernetAddress>,
    /// Sockets that have something to send and found no room.
    pub(super) blocked: Queue,
    /// Sockets that cannot send, perhaps, because the next host's hardware address is not known.
    pub(super) waiting: Queue,
    /// The last [`Link::transmit`] has sent nothing of its sockets, but asked for a hardware address.
    pub has_asked: bool,
    /// When the interface itself has something to do.
    pub deadline: Option<Instant>,
    /// Whether its driver works.
    pub is_up: bool,
    /// The router to other networks.
    pub(super) gateway4: Option<Ipv4Address>,
    /// The router to other networks.
    pub(super) gateway6: Option<Ipv6Address>,
    /// The DHCP client, among the own sockets.
    pub(super) dhcp: Option<SocketHandle>,
    /// The sockets for echoes, among the own ones.
    pub(super) echoes: Vec<Echoes>,
    /// The address that a DHCP server gave.
    pub(super) leased: Option<IpCidr>,
    /// What routers have advertised.
    pub(super) slaac: super::slaac::Slaac,
    /// Who knows names.
    pub(super) name_servers: [Option<IpAddress>; super::dhcp::NAME_SERVERS],
}

impl Link {
    /// An interface. With a hardware address it is one on Ethernet, without the loopback interface, which accepts every
    /// address. `mtu` is in bytes of IP packets.
    pub fn new(
        name: &str,
        hardware: Option<EthernetAddress>,
        mtu: usize,
        port: Box<dyn Port>,
        seed: u64,
        now: Instant,
    ) -> Self {
        let mut capabilities = DeviceCapabilities::default();
        if hardware.is_some() {
            capabilities.medium = Medium::Ethernet;
            capabilities.max_transmission_unit = mtu.clamp(576, FRAME_MAX - peek::ETHERNET) + peek::ETHERNET;
        } else {
            capabilities.medium = Medium::Ip;
            capabilities.max_transmission_unit = FRAME_MAX;
            // What never leaves the machine needs no checksums.
            capabilities.checksum = ChecksumCapabilities::ignored();
        }
        let scratch = Box::new([0; FRAME_MAX]);
        let counters = Counters::default();
        let mut wire = Wire { port, scratch, counters, capabilities, sent: None, discards: false };
        let mut config = Config::new(hardware.map_or(HardwareAddress::Ip, HardwareAddress::Ethernet));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut Shot { frame: None, wire: &mut wire }, now);
        interface.set_any_ip(hardware.is_none());
        let mut stored = [0; NAME_MAX];
        let length = name.len().min(NAME_MAX);
        stored.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        Self {
            name: (stored, length),
            interface,
            wire,
            own: SocketSet::new(vec![]),
            hardware,
            blocked: Queue::new(),
            waiting: Queue::new(),
            has_asked: false,
            deadline: None,
            is_up: true,
            gateway4: None,
            gateway6: None,
            dhcp: None,
            echoes: Vec::new(),
            leased: None,
            slaac: super::slaac::Slaac::default(),
            name_servers: [None; super::dhcp::NAME_SERVERS],
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.0.get(..self.name.1).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// What it has counted.
    pub const fn counters(&self) -> Counters {
        self.wire.counters
    }

    /// The longest IP packet, in bytes.
    pub fn mtu(&self) -> usize {
        self.wire.capabilities.ip_mtu()
    }

    /// Whether an address is this interface's own.
    pub fn has_address(&self, address: IpAddress) -> bool {
        self.interface.ip_addrs().iter().any(|own| own.address() == address)
    }

    /// Whether an address is in one of the networks of this interface.
    pub fn reaches(&self, address: IpAddress) -> bool {
        self.interface.ip_addrs().iter().any(|own: &IpCidr| own.contains_addr(&address))
    }

    /// The port, for whoever has made it to change it.
    pub fn set_port(&mut self, port: Box<dyn Port>) {
        self.wire.port = port;
    }

    /// The next frame that has come.
    pub fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        let length = self.wire.port.receive(buffer)?;
        self.wire.counters.received += 1;
        self.wire.counters.received_bytes += length as u64;
        Some(length)
    }

    /// A frame was not even looked at.
    pub fn count_dropped(&mut self) {
        self.wire.counters.dropped += 1;
    }

    /// Whether there is room to send.
    pub fn has_room(&mut self) -> bool {
        self.wire.port.has_room()
    }

    /// Frames were sent or received; whether there is more to do at once.
    pub fn flush(&mut self) -> bool {
        self.wire.port.flush(!self.blocked.is_empty())
    }

    /// Whether the port can no longer be used.
    pub fn is_broken(&self) -> bool {
        self.wire.port.is_broken()
    }

    /// Has smoltcp process a frame for these sockets; the answer, if there is one, is sent.
    pub fn process(&mut self, frame: &[u8], sockets: &mut SocketSet<'static>, now: Instant) -> Option<Sent> {
        self.wire.sent = None;
        let mut shot = Shot { frame: Some(frame), wire: &mut self.wire };
        self.interface.poll_ingress_single(now, &mut shot, sockets);
        self.wire.sent
    }

    /// As [`Link::process`], for the link's own sockets.
    pub fn process_own(&mut self, frame: &[u8], now: Instant) {
        self.hear_router(frame, now);
        let mut shot = Shot { frame: Some(frame), wire: &mut self.wire };
        self.interface.poll_ingress_single(now, &mut shot, &mut self.own);
    }

    /// Sends one packet of these sockets, if they have one. Whether they had, and what it was if it was a segment.
    pub fn transmit(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> (bool, Option<Sent>) {
        self.wire.sent = None;
        let frames = self.wire.counters.sent;
        let mut shot = Shot { frame: None, wire: &mut self.wire };
        let result = self.interface.poll_egress(now, &mut shot, sockets);
        let has_sent = result == PollResult::SocketStateChanged;
        self.has_asked = !has_sent && self.wire.counters.sent != frames;
        (has_sent, self.wire.sent)
    }

    /// Has the next packet of these sockets, which another interface cannot deliver, go nowhere. Works with the loopback
    /// interface, which asks nobody for a hardware address.
    pub fn discard(&mut self, sockets: &mut SocketSet<'static>, now: Instant) {
        self.wire.discards = true;
        let mut shot = Shot { frame: None, wire: &mut self.wire };
        self.interface.poll_egress(now, &mut shot, sockets);
        self.wire.discards = false;
    }

    /// Sends what the link's own sockets have, and says when they have to be asked again.
    pub fn transmit_own(&mut self, now: Instant) {
        let mut shot = Shot { frame: None, wire: &mut self.wire };
        self.interface.poll_maintenance(now);
        for _ in 0..8 {
            if self.interface.poll_egress(now, &mut shot, &mut self.own) == PollResult::None {
                break;
            }
        }
        self.apply_dhcp();
        // Not at once again: nobody outside must be able to keep us busy.
        let soonest = now + if self.wire.port.has_room() { OWN_AGAIN } else { OWN_BLOCKED };
        let slaac = self.advance_slaac(now);
        let own = self.interface.poll_at(now, &self.own);
        self.deadline = own.into_iter().chain(slaac).min().map(|deadline| deadline.max(soonest));
    }

    /// Sends a frame that `write` makes of a zeroed buffer of `length` bytes.
    pub fn send_with(&mut self, length: usize, write: impl FnOnce(&mut [u8])) {
        let frame = self.wire.scratch.get_mut(..length);
        if let Some(frame) = frame {
            frame.fill(0);
            write(frame);
        }
        self.wire.send(length);
    }
}

impl Wire {
    /// Sends the first `length` bytes of the scratch buffer.
    fn send(&mut self, length: usize) {
        let Some(frame) = self.scratch.get(..length) else { return };
        if self.discards || !self.port.has_room() {
            self.counters.dropped += 1;
            return;
        }
        self.port.send(frame);
        self.counters.sent += 1;
        self.counters.sent_bytes += length as u64;
    }
}

/// smoltcp's view of a wire: at most one frame comes in.
struct Shot<'a> {
    frame: Option<&'a [u8]>,
    wire: &'a mut Wire,
}

struct Incoming<'a>(&'a [u8]);
struct Outgoing<'a>(&'a mut Wire);

impl phy::Device for Shot<'_> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        Some((Incoming(self.frame.take()?), Outgoing(self.wire)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        if self.wire.discards || self.wire.port.has_room() { Some(Outgoing(self.wire)) } else { None }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.wire.capabilities.clone()
    }
}

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, process: F) -> R {
        process(self.0)
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        // smoltcp keeps to the MTU, which is less than the buffer.
        let length = length.min(FRAME_MAX);
        let (frame, _) = self.0.scratch.split_at_mut(length);
        let result = write(frame);
        let is_ethernet = self.0.capabilities.medium == Medium::Ethernet;
        if let Some(sent) = peek::sent(frame, is_ethernet) {
            self.0.sent = Some(sent);
        }
        self.0.send(length);
        result
    }
}
