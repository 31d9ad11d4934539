//! Addresses, gateways and name servers of interfaces.

use super::Stack;
use super::link::Link;
use alloc::vec::Vec;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

/// An address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// The address and the length of its network's prefix.
    pub cidr: IpCidr,
    /// Where packets for other networks go.
    pub gateway: Option<IpAddress>,
}

/// Whether an address can be one of this machine's.
pub(super) fn is_possible(address: IpAddress) -> bool {
    let is_loopback = super::connect::is_loopback(address);
    let is_reserved = match address {
        IpAddress::Ipv4(address) => address.is_broadcast() || address.octets()[0] >= 240,
        IpAddress::Ipv6(address) => address.to_ipv4_mapped().is_some(),
    };
    address.is_unicast() && !is_loopback && !is_reserved
}

impl Link {
    /// Whether a gateway leads to an address.
    pub(super) fn leads_to(&self, address: IpAddress) -> bool {
        self.gateway(address).is_some()
    }

    /// The gateway to other networks, for addresses of the kind of this one.
    pub fn gateway(&self, like: IpAddress) -> Option<IpAddress> {
        match like {
            IpAddress::Ipv4(_) => self.gateway4.map(IpAddress::Ipv4),
            IpAddress::Ipv6(_) => self.gateway6.map(IpAddress::Ipv6),
        }
    }

    /// The addresses of the interface.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.interface
            .ip_addrs()
            .iter()
            .map(|cidr| Address { cidr: *cidr, gateway: self.gateway(cidr.address()) })
    }

    /// Sets the gateway to other networks; whether it is another one than before.
    pub fn set_gateway(&mut self, gateway: Option<IpAddress>, is_ipv4: bool) {
        let routes = self.interface.routes_mut();
        if is_ipv4 {
            self.gateway4 = match gateway {
                Some(IpAddress::Ipv4(gateway)) if is_possible(gateway.into()) => Some(gateway),
                _ => None,
            };
            routes.remove_default_ipv4_route();
            if let Some(gateway) = self.gateway4 {
                // There is room: nothing else makes routes.
                let _ = routes.add_default_ipv4_route(gateway);
            }
        } else {
            self.gateway6 = match gateway {
                Some(IpAddress::Ipv6(gateway)) if is_possible(gateway.into()) => Some(gateway),
                _ => None,
            };
            routes.remove_default_ipv6_route();
            if let Some(gateway) = self.gateway6 {
                let _ = routes.add_default_ipv6_route(gateway);
            }
        }
    }

    /// Gives the interface an address, in place of all others for which `replaces` says so. What is no address of a host is
    /// ignored. Addresses that stay the same are not touched: connections go on.
    pub fn set_address(&mut self, address: Option<IpCidr>, replaces: impl Fn(&IpCidr) -> bool) {
        let address = address.filter(|cidr| is_possible(cidr.address()));
        let own = self.interface.ip_addrs();
        let mut wanted: Vec<IpCidr> = own.iter().filter(|own| !replaces(own)).copied().collect();
        if let Some(address) = address
            && !wanted.contains(&address)
        {
            wanted.push(address);
        }
        if wanted.as_slice() == own {
            return;
        }
        self.interface.update_ip_addrs(|own| {
            own.clear();
            for address in wanted {
                // There is room for 8; more than that nobody has offered.
                let _ = own.push(address);
            }
        });
    }
}

impl Stack {
    /// Gives an interface a fixed IPv4 address and gateway, as DHCP would.
    pub fn configure(&mut self, link: usize, address: IpCidr, gateway: Option<IpAddress>, now: Instant) {
        let Some(link) = self.links.get_mut(link) else { return };
        let is_ipv4 = matches!(address, IpCidr::Ipv4(_));
        link.set_address(Some(address), |own| matches!(own, IpCidr::Ipv4(_)) == is_ipv4);
        link.set_gateway(gateway, is_ipv4);
        link.deadline = Some(now);
    }
}
