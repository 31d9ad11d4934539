//! Connections, and listeners that wait for them.

use crate::address::{from_wire, to_wire};
use crate::error::{Action, Error, Result};
use crate::socket::{AsSocket, Property, Socket, SocketId, server, unless_waiting};
use core::net::SocketAddr;
use interfaces::tcpip::Direction;
use ipc::Handle;

/// Half of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// What comes: it is thrown away from now on.
    Receive,
    /// What goes: no more will be sent, and the peer learns that.
    Send,
    /// Both.
    Both,
}

/// A connection. Dropping it closes it: what was written is still delivered.
#[derive(Debug)]
pub struct TcpStream {
    socket: Socket,
}

impl TcpStream {
    /// Connects, and waits until it has worked or failed.
    ///
    /// Errors: `Refused`, `Reset`, `TimedOut`, `Unreachable`, `InvalidArgument`, `TooManySockets`, `OutOfMemory`.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        Self::open(address, true)
    }

    /// Begins to connect. The stream becomes writable when that has worked or failed; [`TcpStream::error`] tells which.
    ///
    /// Errors: as [`TcpStream::connect`], as far as they are known at once.
    pub fn start_connect(address: SocketAddr) -> Result<Self> {
        Self::open(address, false)
    }

    fn open(address: SocketAddr, wait: bool) -> Result<Self> {
        let server = server()?;
        let handle = server
            .connect(to_wire(address.ip()), address.port(), wait)
            .map_err(|kind| Error::new(Action::Connect, Some(address), kind))?;
        Ok(Self { socket: Socket { server, handle, address } })
    }

    /// Receives what there is, at least one byte; waits if there is nothing. 0: the peer will send no more.
    ///
    /// Errors: `Reset`, `TimedOut`, `NotConnected`.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        let result = self.socket.server.receive(self.socket.handle, true, buffer);
        self.socket.check(Action::Receive, result)
    }

    /// As [`TcpStream::read`], but `None` if there is nothing now.
    pub fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let result = self.socket.server.receive(self.socket.handle, false, buffer);
        unless_waiting(self.socket.check(Action::Receive, result))
    }

    /// Fills the buffer; how much of it, less than all only if the peer has sent no more.
    ///
    /// Errors: as [`TcpStream::read`].
    pub fn read_full(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest)? {
                0 => break,
                length => filled += length,
            }
        }
        Ok(filled)
    }

    /// Sends as much as there is room for, at least one byte; waits if there is none.
    ///
    /// Errors: `Reset`, `TimedOut`, `NotConnected` (also after the sending half was shut down).
    pub fn write(&self, data: &[u8]) -> Result<usize> {
        self.socket.check(Action::Send, self.socket.server.send(self.socket.handle, true, data))
    }

    /// As [`TcpStream::write`], but `None` if there is no room now.
    pub fn try_write(&self, data: &[u8]) -> Result<Option<usize>> {
        let result = self.socket.server.send(self.socket.handle, false, data);
        unless_waiting(self.socket.check(Action::Send, result))
    }

    /// Sends everything.
    ///
    /// Errors: as [`TcpStream::write`]; how much was sent before is not known then.
    pub fn write_all(&self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let sent = self.write(data)?;
            data = data.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends one half of the connection, or both.
    ///
    /// Errors: `NotConnected`.
    pub fn shutdown(&self, half: Half) -> Result<()> {
        let half = match half {
            Half::Receive => Direction::Receive,
            Half::Send => Direction::Send,
            Half::Both => Direction::Both,
        };
        self.socket.check(Action::Control, self.socket.server.shutdown(self.socket.handle, half))
    }

    /// Why connecting has failed or the connection has ended, if so; an error of the call itself is one as well.
    pub fn error(&self) -> Option<Error> {
        match self.socket.check(Action::Control, self.socket.server.error(self.socket.handle)) {
            Ok(reply) if reply.ok => None,
            Ok(reply) => {
                let kind = ipc::Error::from_code(reply.error as usize);
                Some(Error::new(Action::Connect, Some(self.socket.address), kind))
            }
            Err(error) => Some(error),
        }
    }

    /// Sets a property.
    ///
    /// Errors: `InvalidArgument`.
    pub fn set(&self, property: Property) -> Result<()> {
        self.socket.set(property)
    }

    /// The other end.
    pub const fn peer_address(&self) -> SocketAddr {
        self.socket.address
    }

    /// This end.
    ///
    /// Errors: only if the server has ended.
    pub fn local_address(&self) -> Result<SocketAddr> {
        self.socket.local_address()
    }

    /// Its number.
    pub const fn id(&self) -> SocketId {
        self.socket.id()
    }
}

impl AsSocket for TcpStream {
    fn id(&self) -> SocketId {
        self.socket.id()
    }
}

/// A socket that waits for connections.
#[derive(Debug)]
pub struct TcpListener {
    socket: Socket,
}

impl TcpListener {
    /// Connections that wait to be accepted, if a program does not say otherwise.
    pub const BACKLOG: u32 = 64;

    /// Listens at an address and port, with [`TcpListener::BACKLOG`]. The unspecified address is any, of IPv4 and IPv6;
    /// port 0 is any free one.
    ///
    /// Errors: `AddressInUse`, `Unreachable`, `TooManySockets`.
    pub fn bind(address: SocketAddr) -> Result<Self> {
        Self::bind_with(address, Self::BACKLOG)
    }

    /// As [`TcpListener::bind`], with at most `backlog` connections, made or half made, that wait to be accepted.
    ///
    /// Errors: also `InvalidArgument` (`backlog` is not 1 to `BACKLOG_MAX`).
    pub fn bind_with(address: SocketAddr, backlog: u32) -> Result<Self> {
        let server = server()?;
        let reply = server
            .listen(to_wire(address.ip()), address.port(), backlog)
            .map_err(|kind| Error::new(Action::Listen, Some(address), kind))?;
        let address = SocketAddr::new(address.ip(), reply.bound);
        Ok(Self { socket: Socket { server, handle: reply.listener, address } })
    }

    /// The next connection; waits for one. Its [`TcpStream::peer_address`] says who it is.
    ///
    /// Errors: `TooManySockets`.
    pub fn accept(&self) -> Result<TcpStream> {
        self.next(true)
    }

    /// As [`TcpListener::accept`], but `None` if no connection waits.
    pub fn try_accept(&self) -> Result<Option<TcpStream>> {
        unless_waiting(self.next(false))
    }

    fn next(&self, wait: bool) -> Result<TcpStream> {
        let result = self.socket.server.accept(self.socket.handle, wait);
        let reply = self.socket.check(Action::Accept, result)?;
        let handle: Handle = reply.socket;
        let address = SocketAddr::new(from_wire(reply.address), reply.port);
        Ok(TcpStream { socket: Socket { server: self.socket.server, handle, address } })
    }

    /// Where it listens.
    pub const fn local_address(&self) -> SocketAddr {
        self.socket.address
    }

    /// Its number.
    pub const fn id(&self) -> SocketId {
        self.socket.id()
    }
}

impl AsSocket for TcpListener {
    fn id(&self) -> SocketId {
        self.socket.id()
    }
}
