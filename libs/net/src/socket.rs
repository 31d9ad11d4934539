//! What all sockets have in common: their place in the server, which is given up when they are dropped.

use crate::address::from_wire;
use crate::error::{Action, Error, Result};
use core::net::SocketAddr;
use interfaces::tcpip;
use ipc::Handle;

/// A socket's number, by which [`crate::Readiness`] names it. Unique among the living sockets of the task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SocketId(pub(crate) u32);

impl SocketId {
    /// The number.
    pub const fn raw(self) -> u32 {
        self.0
    }
}

/// A property of a socket, with its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Property {
    /// Milliseconds without any answer of the peer after which a connection is given up; 0: never.
    Timeout(u32),
    /// Milliseconds of silence after which the peer is asked whether it is still there; 0: never.
    KeepAlive(u32),
    /// Whether small pieces of data wait for the acknowledgement of those before (Nagle's algorithm).
    DelaySmall(bool),
    /// Time to live of packets sent, 1 to 255.
    HopLimit(u8),
}

/// A socket of any kind.
pub trait AsSocket {
    /// Its number.
    fn id(&self) -> SocketId;
}

/// A socket in the server. Closed when dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) server: tcpip::Client,
    pub(crate) handle: Handle,
    /// Whom it is connected to, or where it listens; for errors.
    pub(crate) address: SocketAddr,
}

/// The server, found anew for every socket: it may have been restarted.
pub(crate) fn server() -> Result<tcpip::Client> {
    resea::lookup(tcpip::NAME)
        .map(tcpip::Client::new)
        .map_err(|failed| Error::new(Action::Find, None, failed.error))
}

/// `None` in place of `WouldBlock`.
pub(crate) fn unless_waiting<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error { kind: ipc::Error::WouldBlock, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Socket {
    pub(crate) const fn id(&self) -> SocketId {
        SocketId(self.handle.raw())
    }

    /// Adds to an error what it happened to.
    pub(crate) fn check<T>(&self, action: Action, result: core::result::Result<T, ipc::Error>) -> Result<T> {
        result.map_err(|kind| Error::new(action, Some(self.address), kind))
    }

    pub(crate) fn set(&self, property: Property) -> Result<()> {
        let (name, value) = match property {
            Property::Timeout(milliseconds) => (tcpip::Property::Timeout, milliseconds),
            Property::KeepAlive(milliseconds) => (tcpip::Property::KeepAlive, milliseconds),
            Property::DelaySmall(delay) => (tcpip::Property::DelaySmall, delay.into()),
            Property::HopLimit(hops) => (tcpip::Property::HopLimit, hops.into()),
        };
        self.check(Action::Control, self.server.set_property(self.handle, name, value))
    }

    pub(crate) fn local_address(&self) -> Result<SocketAddr> {
        let ends = self.check(Action::Control, self.server.endpoints(self.handle))?;
        Ok(SocketAddr::new(from_wire(ends.local), ends.local_port))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It fails only if the server has ended, and the socket with it.
        let _ = self.server.close(self.handle);
    }
}
