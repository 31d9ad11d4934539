//! What the server knows: interfaces, their addresses, all sockets of the system, and what it has counted.

use crate::address::from_wire;
use crate::error::{Action, Error, Result};
use crate::socket::server;
use core::net::{IpAddr, SocketAddr};
use interfaces::tcpip::SocketReply;

pub use interfaces::tcpip::{InterfaceResult, Kind, State, StatisticsReply};

/// `None` past the last.
fn unless_past_the_end<T>(result: core::result::Result<T, ipc::Error>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(ipc::Error::NotFound) => Ok(None),
        Err(kind) => Err(Error::new(Action::Control, None, kind)),
    }
}

/// The `index`-th interface, from 0; `name` is where its name goes, 16 bytes suffice.
pub fn interface(index: usize, name: &mut [u8]) -> Result<Option<InterfaceResult<'_>>> {
    unless_past_the_end(server()?.interface(number(index), name))
}

/// An address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// The address itself.
    pub address: IpAddr,
    /// The length of its prefix, in bits.
    pub prefix: u8,
    /// Whether a DHCP server gave it.
    pub by_dhcp: bool,
    /// Where packets for other networks go.
    pub gateway: Option<IpAddr>,
    /// Who knows names.
    pub name_server: Option<IpAddr>,
}

/// The `index`-th address of the `interface`-th interface.
pub fn address(interface: usize, index: usize) -> Result<Option<Address>> {
    let reply = unless_past_the_end(server()?.address(number(interface), number(index)))?;
    let known = |octets| (octets != [0; 16]).then(|| from_wire(octets));
    Ok(reply.map(|reply| Address {
        address: from_wire(reply.address),
        prefix: reply.prefix,
        by_dhcp: reply.by_dhcp,
        gateway: known(reply.gateway),
        name_server: known(reply.name_server),
    }))
}

/// A socket of the system, whoever's it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketStatus {
    /// The owner's task ID; 0 if it has given the socket up, or nobody has accepted it yet.
    pub task: u32,
    /// What it is.
    pub kind: Kind,
    /// Where a connection stands.
    pub state: State,
    /// This end; the unspecified address is any.
    pub local: SocketAddr,
    /// The other end, if there is one.
    pub remote: Option<SocketAddr>,
    /// Bytes received and not taken yet.
    pub receive_queue: u32,
    /// Bytes sent and not acknowledged yet.
    pub send_queue: u32,
}

/// All sockets, in the order of their places.
pub fn sockets() -> Result<impl Iterator<Item = Result<SocketStatus>>> {
    let server = server()?;
    let mut from = 0;
    Ok(core::iter::from_fn(move || {
        let reply = unless_past_the_end(server.socket(from)).transpose()?;
        Some(reply.map(|reply| {
            from = reply.index.saturating_add(1);
            socket(&reply)
        }))
    }))
}

fn socket(reply: &SocketReply) -> SocketStatus {
    let remote = SocketAddr::new(from_wire(reply.remote), reply.remote_port);
    SocketStatus {
        task: reply.task,
        kind: reply.kind,
        state: reply.state,
        local: SocketAddr::new(from_wire(reply.local), reply.local_port),
        remote: (remote.port() != 0).then_some(remote),
        receive_queue: reply.receive_queue,
        send_queue: reply.send_queue,
    }
}

/// What was counted since the server's start.
pub fn statistics() -> Result<StatisticsReply> {
    server()?.statistics().map_err(|kind| Error::new(Action::Control, None, kind))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
