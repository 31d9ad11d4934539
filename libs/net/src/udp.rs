//! Datagrams.

use crate::address::{from_wire, to_wire};
use crate::error::{Action, Error, Result};
use crate::socket::{AsSocket, Property, Socket, SocketId, server, unless_waiting};
use core::net::SocketAddr;

/// A socket for datagrams (UDP).
#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
}

impl UdpSocket {
    /// A socket at an address and port; the unspecified address is any, port 0 any free one.
    ///
    /// Errors: `AddressInUse`, `Unreachable`, `TooManySockets`.
    pub fn bind(address: SocketAddr) -> Result<Self> {
        let server = server()?;
        let reply = server
            .bind(to_wire(address.ip()), address.port())
            .map_err(|kind| Error::new(Action::Listen, Some(address), kind))?;
        let address = SocketAddr::new(address.ip(), reply.bound);
        Ok(Self { socket: Socket { server, handle: reply.socket, address } })
    }

    /// Takes a datagram, and says whose it is; waits for one. What does not fit into the buffer is lost.
    pub fn receive_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        self.receive(buffer, true)
    }

    /// As [`UdpSocket::receive_from`], but `None` if there is none.
    pub fn try_receive_from(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>> {
        unless_waiting(self.receive(buffer, false))
    }

    fn receive(&self, buffer: &mut [u8], wait: bool) -> Result<(usize, SocketAddr)> {
        let result = self.socket.server.receive_from(self.socket.handle, wait, buffer);
        let reply = self.socket.check(Action::Receive, result)?;
        Ok((reply.data, SocketAddr::new(from_wire(reply.address), reply.port)))
    }

    /// Sends a datagram; waits for room.
    ///
    /// Errors: `TooLarge`, `Unreachable`, `InvalidArgument`.
    pub fn send_to(&self, data: &[u8], address: SocketAddr) -> Result<()> {
        self.send(data, address, true)
    }

    /// As [`UdpSocket::send_to`], but `None` if there is no room.
    pub fn try_send_to(&self, data: &[u8], address: SocketAddr) -> Result<Option<()>> {
        unless_waiting(self.send(data, address, false))
    }

    fn send(&self, data: &[u8], address: SocketAddr, wait: bool) -> Result<()> {
        let (ip, port) = (to_wire(address.ip()), address.port());
        let result = self.socket.server.send_to(self.socket.handle, ip, port, wait, data);
        result.map_err(|kind| Error::new(Action::Send, Some(address), kind))
    }

    /// Sets a property.
    ///
    /// Errors: `InvalidArgument`, `NotSupported` (one of connections).
    pub fn set(&self, property: Property) -> Result<()> {
        self.socket.set(property)
    }

    /// Where it is bound.
    pub const fn local_address(&self) -> SocketAddr {
        self.socket.address
    }

    /// Its number.
    pub const fn id(&self) -> SocketId {
        self.socket.id()
    }
}

impl AsSocket for UdpSocket {
    fn id(&self) -> SocketId {
        self.socket.id()
    }
}
