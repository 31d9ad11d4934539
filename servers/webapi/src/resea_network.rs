//! The network when this runs on Resea: libs/net.

use crate::network::{Interest, Network, Ready};
use abi::Error;
use alloc::vec::Vec;
use net::{Half, Ipv6Addr, Readiness, SocketAddr, SocketId, TcpListener, TcpStream};
use resea::TaskId;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// A listener at a port, with its connections.
pub struct Sockets {
    readiness: Readiness,
    listener: TcpListener,
}

impl Sockets {
    /// Listens at a port of all addresses.
    ///
    /// Errors: those of `listen`, and of looking up `tcpip`.
    pub fn listen(port: u16) -> net::Result<Self> {
        let readiness = Readiness::new()?;
        let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        let listener = TcpListener::bind_with(address, BACKLOG)?;
        readiness.watch(&listener, net::Interest::READ)?;
        Ok(Self { readiness, listener })
    }

    /// The task whose end is the end of all these sockets.
    pub fn server_task(&self) -> TaskId {
        self.readiness.server_task()
    }
}

/// What happened, without where.
const fn kind(error: net::Error) -> Error {
    error.kind
}

impl Network for Sockets {
    type Connection = TcpStream;
    type Id = SocketId;

    fn accept(&mut self) -> Result<Option<TcpStream>, Error> {
        self.listener.try_accept().map_err(kind)
    }

    fn id(connection: &TcpStream) -> SocketId {
        connection.id()
    }

    fn receive(&mut self, connection: &TcpStream, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        connection.try_read(buffer).map_err(kind)
    }

    fn send(&mut self, connection: &TcpStream, data: &[u8]) -> Result<Option<usize>, Error> {
        connection.try_write(data).map_err(kind)
    }

    fn finish(&mut self, connection: &TcpStream) -> Result<(), Error> {
        connection.shutdown(Half::Send).map_err(kind)
    }

    fn watch(&mut self, connection: &TcpStream, interest: Interest) -> Result<(), Error> {
        let interest = match interest {
            Interest::Read => net::Interest::READ,
            Interest::Write => net::Interest::WRITE,
        };
        self.readiness.watch(connection, interest).map_err(kind)
    }

    fn ready(&mut self, sockets: &mut Vec<Ready<SocketId>>) -> Result<(), Error> {
        let listener = self.listener.id();
        let events = self.readiness.ready().map_err(kind)?;
        sockets.extend(events.map(|event| match event.socket {
            id if id == listener => Ready::Listener,
            id => Ready::Connection(id),
        }));
        Ok(())
    }
}
