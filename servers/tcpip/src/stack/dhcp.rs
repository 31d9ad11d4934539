//! DHCP: interfaces ask for an IPv4 address, a gateway and name servers, and for the same again before they expire.

use super::Stack;
use super::configuration::is_possible;
use super::link::Link;
use smoltcp::socket::dhcpv4;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

/// The most name servers of an interface.
pub const NAME_SERVERS: usize = 3;

impl Link {
    /// The name servers that the interface was told, the best first.
    pub fn name_servers(&self) -> impl Iterator<Item = IpAddress> + '_ {
        self.name_servers.iter().flatten().copied()
    }

    /// Whether a DHCP server gave an address.
    pub fn is_by_dhcp(&self, cidr: &IpCidr) -> bool {
        self.leased == Some(*cidr)
    }

    /// Begins to ask for an address.
    pub(super) fn start_dhcp(&mut self, now: Instant) {
        if self.dhcp.is_none() {
            self.dhcp = Some(self.own.add(dhcpv4::Socket::new()));
        }
        self.deadline = Some(now);
    }

    /// Asks at once, if there is no address yet: what was sent before is lost.
    pub(super) fn hurry_dhcp(&mut self) {
        if let (Some(handle), None) = (self.dhcp, self.leased) {
            self.own.get_mut::<dhcpv4::Socket>(handle).reset();
        }
    }

    /// Does what the server has said, if it has said anything new.
    pub(super) fn apply_dhcp(&mut self) {
        let Some(handle) = self.dhcp else { return };
        let (address, router, servers) = match self.own.get_mut::<dhcpv4::Socket>(handle).poll() {
            None => return,
            Some(dhcpv4::Event::Deconfigured) => (None, None, [None; NAME_SERVERS]),
            Some(dhcpv4::Event::Configured(config)) => {
                let mut servers = [None; NAME_SERVERS];
                let offered = config.dns_servers.iter().map(|it| IpAddress::Ipv4(*it));
                let offered = offered.filter(|address| is_possible(*address));
                servers.iter_mut().zip(offered).for_each(|(place, server)| *place = Some(server));
                (Some(IpCidr::Ipv4(config.address)), config.router.map(IpAddress::Ipv4), servers)
            }
        };
        let before = self.leased;
        self.set_address(address, |own| Some(*own) == before);
        self.leased = address.filter(|address| self.has_address(address.address()));
        self.set_gateway(router, true);
        self.name_servers = servers;
    }
}

impl Stack {
    /// Has an interface give itself IPv6 addresses from now on, as routers advertise them.
    pub fn enable_slaac(&mut self, link: usize, now: Instant) {
        if let Some(link) = self.links.get_mut(link) {
            link.start_slaac(now);
        }
    }

    /// Has an interface ask for an address from now on.
    pub fn enable_dhcp(&mut self, link: usize, now: Instant) {
        if let Some(link) = self.links.get_mut(link) {
            link.start_dhcp(now);
        }
    }
}
