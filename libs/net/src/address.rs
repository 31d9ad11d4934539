//! Addresses as they travel: IPv6, with IPv4 ones mapped into it (RFC 4291, 2.5.5.2). All zeros stands for any.

use core::net::{IpAddr, Ipv6Addr};

/// An address as the interface `tcpip` wants it.
pub const fn to_wire(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => [0; 16],
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// An address as the interface `tcpip` says it; all zeros is the unspecified IPv6 address.
pub const fn from_wire(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from_octets(octets).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for text in ["10.0.2.15", "127.0.0.1", "::1", "fec0::5054:ff:fe12:3456", "::"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(from_wire(to_wire(address)), address, "{text}");
        }
        assert_eq!(to_wire("0.0.0.0".parse().unwrap()), [0; 16], "any is any");
    }
}
