//! Addresses as they travel in messages: IPv6, with IPv4 ones mapped into it; all zeros stands for any or none.

use core::net::IpAddr;
use smoltcp::wire::{IpAddress, Ipv6Address};

/// An address of a message; `None` for any.
pub fn to_ip(octets: [u8; 16]) -> Option<IpAddress> {
    let address = IpAddress::from(Ipv6Address::from_octets(octets).to_canonical());
    (!address.is_unspecified()).then_some(address)
}

/// An address for a message.
pub fn from_ip(address: IpAddress) -> [u8; 16] {
    match IpAddr::from(address) {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
