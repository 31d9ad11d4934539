//! Names of hosts, and whether hosts are there.

use crate::address::{from_wire, to_wire};
use crate::error::{Action, Error, Result};
use crate::socket::server;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// The addresses of a host, four at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    octets: [u8; 64],
    count: usize,
}

impl Addresses {
    /// Each of them, the best first.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let (addresses, _) = self.octets.as_chunks::<16>();
        addresses.iter().take(self.count).map(|octets| from_wire(*octets))
    }

    /// The best.
    pub fn first(&self) -> Option<IpAddr> {
        self.iter().next()
    }
}

/// The addresses of a host, by its name or written as numbers; at least one.
///
/// Errors: `NotFound`, `TimedOut`, `Unreachable` (no name server is known), `InvalidArgument` (not a name), `TableFull`.
pub fn resolve(name: &str) -> Result<Addresses> {
    let fail = |kind| Error::new(Action::Resolve, None, kind);
    let reply = server()?.resolve(name).map_err(fail)?;
    let addresses = Addresses { octets: reply.addresses, count: reply.count as usize };
    if addresses.first().is_none() { Err(fail(ipc::Error::NotFound)) } else { Ok(addresses) }
}

/// The first address of a host, with a port.
///
/// Errors: as [`resolve`].
pub fn resolve_socket(name: &str, port: u16) -> Result<SocketAddr> {
    let addresses = resolve(name)?;
    let address = addresses.first().ok_or(Error::new(Action::Resolve, None, ipc::Error::NotFound))?;
    Ok(SocketAddr::new(address, port))
}

/// Asks a host for an echo of `length` bytes and waits: how long that took.
///
/// Errors: `TimedOut`, `Unreachable`, `TooLarge` (more than 1024 bytes), `TableFull`.
pub fn ping(address: IpAddr, sequence: u16, length: usize, timeout: Duration) -> Result<Duration> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let timeout = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    server()?
        .ping(to_wire(address), sequence, length, timeout)
        .map(Duration::from_nanos)
        .map_err(|kind| Error::new(Action::Ping, Some(SocketAddr::new(address, 0)), kind))
}
