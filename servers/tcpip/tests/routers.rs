//! IPv6 addresses that routers advertise.

mod support;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{
    EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol, IpRepr, Ipv6Address, NdiscPrefixInfoFlags,
    NdiscPrefixInformation, NdiscRepr, NdiscRouterFlags,
};
use support::{Host, PEER_HARDWARE, ethernet};

const ROUTER: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const EVERYBODY: Ipv6Address = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn advertise(host: &mut Host, from: Ipv6Address, hops: u8, prefix: Ipv6Address, seconds: u64) {
    let message = Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert {
        hop_limit: 64,
        flags: NdiscRouterFlags::empty(),
        router_lifetime: Duration::from_secs(seconds),
        reachable_time: Duration::ZERO,
        retrans_time: Duration::ZERO,
        lladdr: None,
        mtu: None,
        prefix_info: Some(NdiscPrefixInformation {
            prefix_len: 64,
            flags: NdiscPrefixInfoFlags::ADDRCONF,
            valid_lifetime: Duration::from_secs(seconds),
            preferred_lifetime: Duration::from_secs(seconds),
            prefix,
        }),
    });
    let packet = IpRepr::new(from.into(), EVERYBODY.into(), IpProtocol::Icmpv6, message.buffer_len(), hops);
    let mut frame = vec![0; 54 + message.buffer_len()];
    ethernet(&mut frame, PEER_HARDWARE, EthernetProtocol::Ipv6);
    packet.emit(&mut frame[14..], &ChecksumCapabilities::default());
    let mut written = Icmpv6Packet::new_unchecked(&mut frame[54..]);
    message.emit(&from, &EVERYBODY, &mut written, &ChecksumCapabilities::default());
    host.receive(frame);
}

fn addresses(host: &Host) -> Vec<String> {
    host.stack.links()[1].addresses().map(|address| address.cidr.to_string()).collect()
}

#[test]
fn an_address_in_each_network_until_it_expires() {
    let mut host = Host::without_address();
    host.stack.enable_slaac(host.link, host.now);
    host.pass(60_000);
    assert_eq!(addresses(&host), ["fe80::5054:ff:fe12:3456/64"]);
    assert_eq!(host.frames().len(), 3, "routers are asked for three times, and then no more");
    assert_eq!(host.stack.deadline(), None);
    let prefix = Ipv6Address::new(0xfec0, 0, 0, 0, 0, 0, 0, 0);
    advertise(&mut host, ROUTER, 255, prefix, 1800);
    assert_eq!(addresses(&host)[1..], ["fec0::5054:ff:fe12:3456/64"]);
    let gateway = host.stack.links()[1].gateway(prefix.into());
    assert_eq!(gateway, Some(ROUTER.into()));
    host.pass(1_000_000);
    advertise(&mut host, ROUTER, 255, prefix, 1800);
    host.pass(1_700_000);
    assert_eq!(addresses(&host).len(), 2, "it was advertised again");
    host.pass(200_000);
    assert_eq!(addresses(&host).len(), 1);
    assert_eq!(host.stack.links()[1].gateway(prefix.into()), None);
}

#[test]
fn false_routers() {
    let mut host = Host::without_address();
    host.stack.enable_slaac(host.link, host.now);
    let prefix = Ipv6Address::new(0xfec0, 0, 0, 0, 0, 0, 0, 0);
    advertise(&mut host, ROUTER, 64, prefix, 1800);
    advertise(&mut host, Ipv6Address::new(0x2001, 0, 0, 0, 0, 0, 0, 2), 255, prefix, 1800);
    for bad in [0xff00, 0xff02, 0xfe80] {
        advertise(&mut host, ROUTER, 255, Ipv6Address::new(bad, 0, 0, 0, 0, 0, 0, 0), 1800);
    }
    assert_eq!(addresses(&host).len(), 1);
    for number in 0..100 {
        advertise(
            &mut host,
            ROUTER,
            255,
            Ipv6Address::new(0x2001, number, 0, 0, 0, 0, 0, 0),
            u64::from(number % 3) * 0x7fff_ffff,
        );
    }
    assert!(addresses(&host).len() <= 4);
    host.pass(10_000);
}

#[test]
fn a_forger_cannot_take_an_address_away() {
    let mut host = Host::without_address();
    host.stack.enable_slaac(host.link, host.now);
    let prefix = Ipv6Address::new(0xfec0, 0, 0, 0, 0, 0, 0, 0);
    advertise(&mut host, ROUTER, 255, prefix, 20_000);
    advertise(&mut host, ROUTER, 255, prefix, 0);
    host.pass(7_100_000);
    assert_eq!(addresses(&host).len(), 2, "for two hours at least");
    host.pass(200_000);
    assert_eq!(addresses(&host).len(), 1);
}
