//! Datagrams.

use super::body::zeros;
use super::connect::{Bound, is_loopback};
use super::places::Datagrams;
use super::{Socket, Stack};
use alloc::vec::Vec;
use interfaces::tcpip::DATAGRAM_MAX;
use ipc::Error;
use smoltcp::iface::SocketSet;
use smoltcp::socket::udp;
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

/// How many datagrams wait to be taken, or sent, and how many bytes they may have together.
const RECEIVED: (usize, usize) = (32, 32 << 10);
const SENT: (usize, usize) = (16, 16 << 10);

/// Bytes of the buffers of a socket, and what describes the datagrams in them.
pub(super) const MEMORY: usize =
    RECEIVED.1 + SENT.1 + (RECEIVED.0 + SENT.0) * size_of::<udp::PacketMetadata>();

fn buffer((count, bytes): (usize, usize)) -> Option<udp::PacketBuffer<'static>> {
    Some(udp::PacketBuffer::new(zeros(udp::PacketMetadata::EMPTY, count)?, zeros(0, bytes)?))
}

fn socket() -> Option<udp::Socket<'static>> {
    Some(udp::Socket::new(buffer(RECEIVED)?, buffer(SENT)?))
}

impl Stack {
    /// A socket for datagrams at an address, or at all of them, and a port, or any free one: the place, and the port.
    ///
    /// Errors: `AddressInUse`, `Unreachable` (the address is not one of ours), `TooManySockets`.
    pub fn bind(&mut self, address: Option<IpAddress>, port: u16) -> Result<(u16, u16), Error> {
        let port = self.bind_port(Bound::Datagrams, address, port)?;
        let hash = self.hasher.port(port, true);
        if !self.pool.reserve(MEMORY) {
            return Err(Error::TooManySockets);
        }
        let end = IpListenEndpoint { addr: address, port };
        let Some(socket) = socket().and_then(|mut it| it.bind(end).is_ok().then_some(it)) else {
            self.pool.release(MEMORY);
            return Err(Error::TooManySockets);
        };
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        let datagrams = Datagrams { set, handle, address, port, hash, link: 0, stuck: None };
        let place = self.places.insert(Socket::Datagrams(datagrams)).ok_or(Error::TooManySockets)?;
        self.index.insert(hash, place);
        Ok((place, port))
    }

    /// The socket for datagrams to an address and port; one at that address comes before one at all.
    pub(super) fn datagrams_at(&self, address: IpAddress, port: u16) -> Option<u16> {
        let mut found = None;
        for place in self.index.candidates(self.hasher.port(port, true)) {
            match self.places.datagrams(place) {
                Some(it) if it.port != port => {}
                Some(it) if it.address == Some(address) => return Some(place),
                Some(it) if it.address.is_none() || !address.is_unicast() => found = Some(place),
                _ => {}
            }
        }
        found
    }

    /// Takes a datagram: `take` gets it and whose it is. Whose it is, and what `take` returned; `None` if there is none.
    ///
    /// Errors: `NotSupported` (not a socket for datagrams), and those of `take`.
    pub fn receive_from<T>(
        &mut self,
        place: u16,
        take: impl FnOnce(IpEndpoint, &[u8]) -> Result<T, Error>,
    ) -> Result<Option<(IpEndpoint, T)>, Error> {
        let datagrams = self.places.datagrams_mut(place).ok_or(Error::NotSupported)?;
        match datagrams.udp_mut().recv() {
            Ok((data, from)) => take(from.endpoint, data).map(|taken| Some((from.endpoint, taken))),
            Err(_) => Ok(None),
        }
    }

    /// Sends a datagram of `length` bytes, which `give` writes; `None` if there is no room.
    ///
    /// Errors: `NotSupported` (not a socket for datagrams), `TooLarge`, `InvalidArgument` (port 0, no address),
    /// `Unreachable`, and those of `give`.
    pub fn send_to(
        &mut self,
        place: u16,
        address: IpAddress,
        port: u16,
        length: usize,
        give: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Option<()>, Error> {
        let datagrams = self.places.datagrams(place).ok_or(Error::NotSupported)?;
        if length > DATAGRAM_MAX {
            return Err(Error::TooLarge);
        }
        if port == 0 || address.is_unspecified() {
            return Err(Error::InvalidArgument);
        }
        let (link, source) = self.way_of_datagram(address, datagrams.address).ok_or(Error::Unreachable)?;
        let datagrams = self.places.datagrams_mut(place).ok_or(Error::NotSupported)?;
        if datagrams.link != link {
            if datagrams.udp().send_queue() > 0 {
                // What waits goes another way: first that.
                return Ok(None);
            }
            datagrams.link = link;
        }
        let mut to = udp::UdpMetadata::from(IpEndpoint::new(address, port));
        to.local_address = Some(source);
        match datagrams.udp_mut().send(length, to) {
            Ok(room) => {
                // If the owner's memory is gone, so is the owner, and zeros are sent in place of its datagram.
                let result = give(room);
                self.dirty.push(place);
                result.map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    /// As `way_to`, for broadcasts and groups as well, and from the address to which the socket is bound.
    fn way_of_datagram(&self, to: IpAddress, from: Option<IpAddress>) -> Option<(usize, IpAddress)> {
        let (link, source) = if to.is_unicast() {
            self.way_to(to)?
        } else {
            // Broadcasts and groups: through the first interface that has an address of this kind.
            let mut links = self.links.iter().enumerate().skip(1);
            links.find_map(|(index, link)| {
                let source = link.interface.get_source_address(&to)?;
                link.has_address(source).then_some((index, source))
            })?
        };
        match from {
            // From a loopback address nothing leaves the machine, and nothing of another kind is sent from here.
            Some(from) if from.version() != to.version() || (is_loopback(from) && link != 0) => None,
            Some(from) => Some((link, from)),
            None => Some((link, source)),
        }
    }
}
