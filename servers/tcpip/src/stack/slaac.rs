//! IPv6 addresses without anybody's doing (RFC 4862): one for the link, and one in each network that a router advertises.
//!
//! smoltcp has this too, but believes routers that advertise addresses no host can have, and never rests if there is no
//! router. Here at most [`MOST`] prefixes are taken, and everything expires.

use super::configuration::is_possible;
use super::link::Link;
use super::peek::ETHERNET;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpAddress, IpCidr,
    IpProtocol, Ipv6Address, Ipv6Cidr, Ipv6Packet, Ipv6Repr, NdiscPrefixInfoFlags, NdiscPrefixInformation,
    NdiscRepr,
};

/// The most prefixes of an interface.
const MOST: usize = 3;

/// How often routers are asked for, and how long to wait between (RFC 4861, 10).
const TRIES: u8 = 3;
const BETWEEN: Duration = Duration::from_secs(4);

/// The longest time that an advertisement counts, a day: routers repeat them every few minutes.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What is left of an address's time cannot be made less than this: an advertisement is not signed (RFC 4862, 5.5.3).
const LEAST: Duration = Duration::from_secs(2 * 3600);

/// All routers of the link (RFC 4291, 2.7.1), and their hardware address (RFC 2464, 7).
const ROUTERS: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ROUTERS_HARDWARE: EthernetAddress = EthernetAddress([0x33, 0x33, 0, 0, 0, 2]);

/// What routers have advertised.
#[derive(Default)]
pub(super) struct Slaac {
    prefixes: [Option<(IpCidr, Instant)>; MOST],
    router: Option<(Ipv6Address, Instant)>,
    asked: u8,
    ask_at: Option<Instant>,
}

impl Slaac {
    /// When there is something to do.
    fn deadline(&self) -> Option<Instant> {
        let prefixes = self.prefixes.iter().flatten().map(|(_, until)| *until);
        prefixes.chain(self.router.map(|(_, until)| until)).chain(self.ask_at).min()
    }
}

/// The address of an interface in a network of 64 bits, from its hardware address (RFC 4291, appendix A).
fn address_in(prefix: Ipv6Address, hardware: EthernetAddress) -> Ipv6Address {
    let [a, b, c, d, e, f] = hardware.0;
    let own = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Address::from_bits((prefix.to_bits() >> 64 << 64) | u128::from(own))
}

impl Link {
    /// Gives the interface its address for the link, and begins to ask for routers.
    pub(super) fn start_slaac(&mut self, now: Instant) {
        let Some(hardware) = self.hardware else { return };
        let local = address_in(Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), hardware);
        self.set_address(Some(IpCidr::new(local.into(), 64)), |_| false);
        (self.slaac.asked, self.slaac.ask_at) = (0, Some(now));
        self.deadline = Some(now);
    }

    /// Asks for routers again, if none was heard: what was sent before is lost.
    pub(super) fn hurry_slaac(&mut self, now: Instant) {
        if self.slaac.asked > 0 && self.slaac.router.is_none() {
            (self.slaac.asked, self.slaac.ask_at) = (0, Some(now));
        }
    }

    /// Asks for routers if it is time, and forgets what has expired; when it is time again.
    pub(super) fn advance_slaac(&mut self, now: Instant) -> Option<Instant> {
        if self.slaac.ask_at.is_some_and(|at| at <= now) {
            self.ask_for_routers();
            self.slaac.asked += 1;
            self.slaac.ask_at = (self.slaac.asked < TRIES).then(|| now + BETWEEN);
        }
        for index in 0..MOST {
            if let Some(Some((cidr, until))) = self.slaac.prefixes.get(index).copied()
                && until <= now
            {
                self.slaac.prefixes.iter_mut().skip(index).take(1).for_each(|place| *place = None);
                self.set_address(None, |own| *own == cidr);
            }
        }
        if self.slaac.router.is_some_and(|(_, until)| until <= now) {
            self.slaac.router = None;
            self.set_gateway(None, false);
        }
        self.slaac.deadline()
    }

    fn ask_for_routers(&mut self) {
        let Some(hardware) = self.hardware else { return };
        let question = Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit { lladdr: Some(hardware.into()) });
        let source = address_in(Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), hardware);
        let packet = Ipv6Repr {
            src_addr: source,
            dst_addr: ROUTERS,
            next_header: IpProtocol::Icmpv6,
            payload_len: question.buffer_len(),
            hop_limit: 255,
        };
        self.send_with(ETHERNET + packet.buffer_len() + question.buffer_len(), |buffer| {
            let mut frame = EthernetFrame::new_unchecked(buffer);
            frame.set_src_addr(hardware);
            frame.set_dst_addr(ROUTERS_HARDWARE);
            frame.set_ethertype(EthernetProtocol::Ipv6);
            let mut written = Ipv6Packet::new_unchecked(frame.payload_mut());
            packet.emit(&mut written);
            let mut message = Icmpv6Packet::new_unchecked(written.payload_mut());
            question.emit(&source, &ROUTERS, &mut message, &ChecksumCapabilities::default());
        });
    }

    /// Takes note of what a router advertises, if the frame is such an advertisement and may be one (RFC 4861, 6.1.2).
    pub(super) fn hear_router(&mut self, frame: &[u8], now: Instant) {
        let Some(hardware) = self.hardware else { return };
        let Ok(frame) = EthernetFrame::new_checked(frame) else { return };
        let Ok(packet) = Ipv6Packet::new_checked(frame.payload()) else { return };
        let is_candidate = frame.ethertype() == EthernetProtocol::Ipv6
            && packet.next_header() == IpProtocol::Icmpv6
            && packet.hop_limit() == 255
            && packet.src_addr().is_unicast_link_local();
        if !is_candidate {
            return;
        }
        let (source, destination) = (packet.src_addr(), packet.dst_addr());
        let Ok(message) = Icmpv6Packet::new_checked(packet.payload()) else { return };
        let checksums = ChecksumCapabilities::default();
        if let Ok(Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert { router_lifetime, prefix_info, .. })) =
            Icmpv6Repr::parse(&source, &destination, &message, &checksums)
        {
            self.slaac.ask_at = None;
            self.use_router(source, now + router_lifetime.min(LONGEST));
            if let Some(prefix) = prefix_info {
                self.use_prefix(&prefix, hardware, now);
            }
        }
    }

    /// Uses a router until then; the one that is used already comes before others.
    fn use_router(&mut self, router: Ipv6Address, until: Instant) {
        if self.slaac.router.is_none_or(|(used, _)| used == router) {
            self.slaac.router = Some((router, until));
            if self.gateway6 != Some(router) {
                self.set_gateway(Some(IpAddress::Ipv6(router)), false);
            }
        }
    }

    fn use_prefix(&mut self, prefix: &NdiscPrefixInformation, hardware: EthernetAddress, now: Instant) {
        let address = address_in(prefix.prefix, hardware);
        let is_usable = prefix.flags.contains(NdiscPrefixInfoFlags::ADDRCONF)
            && prefix.prefix_len == 64
            && is_possible(address.into())
            && !address.is_unicast_link_local();
        if !is_usable {
            return;
        }
        let cidr = IpCidr::Ipv6(Ipv6Cidr::new(address, 64));
        let is_this = |known: &Option<(IpCidr, Instant)>| known.is_some_and(|(known, _)| known == cidr);
        let known = self.slaac.prefixes.iter().position(is_this);
        let place = known.or_else(|| self.slaac.prefixes.iter().position(Option::is_none));
        if let Some(place) = place.and_then(|place| self.slaac.prefixes.get_mut(place)) {
            let least = place.map_or(now, |(_, until)| until.min(now + LEAST));
            *place = Some((cidr, least.max(now + prefix.valid_lifetime.min(LONGEST))));
            self.set_address(Some(cidr), |_| false);
        }
    }
}
