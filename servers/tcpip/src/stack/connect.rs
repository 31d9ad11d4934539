//! Ways and ends: which interface leads to an address, which ports are free, and opening connections.

use super::peek::Flow;
use super::places::Connection;
use super::{Socket, Stack};
use ipc::Error;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

/// What is to be bound to a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    /// A listener.
    Listener,
    /// A socket for datagrams.
    Datagrams,
}

/// The first port for those who want any (RFC 6335, 6).
const FIRST_ANY: u16 = 49_152;

/// How often a random port is tried before there is said to be none.
const TRIES: usize = 256;

/// The ports of a DHCP client and server, which belong to the interfaces (RFC 2131, 4.1).
const DHCP: [u16; 2] = [67, 68];

impl Stack {
    /// The interface that leads to an address, and the own address to use with it.
    pub(super) fn way_to(&self, address: IpAddress) -> Option<(usize, IpAddress)> {
        if self.is_own(address) || is_loopback(address) {
            // What is for this machine does not leave it; it comes from where it goes.
            return Some((0, address));
        }
        let others = || self.links.iter().enumerate().skip(1);
        let direct = others().find(|(_, link)| link.reaches(address));
        let (index, link) = direct.or_else(|| others().find(|(_, link)| link.leads_to(address)))?;
        let source = link.interface.get_source_address(&address)?;
        link.has_address(source).then_some((index, source))
    }

    /// Whether an address is one of this machine's.
    pub(super) fn is_own(&self, address: IpAddress) -> bool {
        self.links.iter().any(|link| link.has_address(address))
    }

    fn any_port(&mut self) -> u16 {
        self.random.u16(FIRST_ANY..)
    }

    /// A port for a listener or a socket for datagrams: the one that is wanted, or any free one for 0.
    ///
    /// Errors: `Unreachable` (the address is not one of ours), `AddressInUse`, `TooManySockets`.
    pub(super) fn bind_port(
        &mut self,
        what: Bound,
        address: Option<IpAddress>,
        port: u16,
    ) -> Result<u16, Error> {
        if address.is_some_and(|address| !self.is_own(address) && !is_loopback(address)) {
            return Err(Error::Unreachable);
        }
        if self.places.is_full() {
            return Err(Error::TooManySockets);
        }
        if port != 0 {
            let is_taken = self.is_bound(what, address, port);
            return if is_taken { Err(Error::AddressInUse) } else { Ok(port) };
        }
        for _ in 0..TRIES {
            let port = self.any_port();
            if !self.is_bound(what, None, port) {
                return Ok(port);
            }
        }
        Err(Error::AddressInUse)
    }

    /// Whether somebody has a port at an address that overlaps with this one.
    fn is_bound(&self, what: Bound, address: Option<IpAddress>, port: u16) -> bool {
        if what == Bound::Datagrams && DHCP.contains(&port) {
            return true;
        }
        let overlaps = |other: Option<IpAddress>| other.is_none() || address.is_none() || other == address;
        let hash = self.hasher.port(port, what == Bound::Datagrams);
        self.index.candidates(hash).any(|place| match self.places.get(place) {
            Socket::Listener(it) if what == Bound::Listener => it.port == port && overlaps(it.address),
            Socket::Datagrams(it) if what == Bound::Datagrams => it.port == port && overlaps(it.address),
            _ => false,
        })
    }

    /// Begins to open a connection: its place.
    ///
    /// Errors: `InvalidArgument` (no address, or port 0), `Unreachable`, `AddressInUse` (no port is free),
    /// `TooManySockets`.
    pub fn connect(&mut self, address: IpAddress, port: u16, now: Instant) -> Result<u16, Error> {
        if port == 0 || !address.is_unicast() {
            return Err(Error::InvalidArgument);
        }
        let (link, source) = self.way_to(address).ok_or(Error::Unreachable)?;
        let remote = IpEndpoint::new(address, port);
        let (flow, hash) = self.free_flow(source, remote)?;
        if !self.make_place(now) {
            return Err(Error::TooManySockets);
        }
        let mut body = self.pool.take().ok_or(Error::TooManySockets)?;
        let Some(it) = self.links.get_mut(link) else { return Err(Error::Unreachable) };
        let local = IpListenEndpoint { addr: Some(source), port: flow.local.port };
        if body.tcp_mut().connect(it.interface.context(), remote, local).is_err() {
            self.pool.give_back(body);
            return Err(Error::InvalidArgument);
        }
        let connection = Connection::new(body, link, flow, hash, None, now);
        let place = self.places.insert(Socket::Connection(connection)).ok_or(Error::TooManySockets)?;
        self.index.insert(hash, place);
        self.statistics.connects += 1;
        self.dirty.push(place);
        Ok(place)
    }

    /// A local port with which there is no connection to the other end yet.
    fn free_flow(&mut self, source: IpAddress, remote: IpEndpoint) -> Result<(Flow, u32), Error> {
        for _ in 0..TRIES {
            let flow = Flow { local: IpEndpoint::new(source, self.any_port()), remote };
            let hash = self.hasher.connection(flow.local.port, remote.addr, remote.port);
            // An end is not its own peer: both would open the connection at once (RFC 9293, 3.5).
            let is_free = flow.local != remote
                && self.find(hash, &flow).is_none()
                && !self.time_wait.contains(hash, &flow)
                && !self.is_bound(Bound::Listener, None, flow.local.port);
            if is_free {
                return Ok((flow, hash));
            }
        }
        Err(Error::AddressInUse)
    }
}

pub(super) fn is_loopback(address: IpAddress) -> bool {
    match address {
        IpAddress::Ipv4(address) => address.is_loopback(),
        IpAddress::Ipv6(address) => address.is_loopback(),
    }
}
