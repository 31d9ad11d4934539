//! Event loops: one task, many sockets, and never a call that waits.
//!
//! A loop looks like this. `NOTIFY_READY` is among the bits that [`resea::wait`] returns, or a server's
//! `Events::notified` gets.
//!
//! ```ignore
//! let readiness = net::Readiness::new()?;
//! readiness.watch(&listener, net::Interest::READ)?;
//! loop {
//!     resea::wait();
//!     while let events = readiness.ready()? && !events.is_empty() {
//!         for event in events { /* try_accept, try_read, try_write */ }
//!     }
//! }
//! ```

use crate::error::{Action, Error, Result};
use crate::socket::{AsSocket, SocketId, server};
use interfaces::tcpip;
use ipc::{Handle, TaskId};

/// The notification that a watched socket has become ready.
pub const NOTIFY_READY: usize = tcpip::NOTIFY_READY as usize;

/// What to be told about. The end of a connection is always told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u32);

impl Interest {
    /// Nothing: the socket is no longer watched.
    pub const NONE: Self = Self(0);
    /// Data, a connection to accept, or the end of the peer's data.
    pub const READ: Self = Self(tcpip::READABLE);
    /// Room to send, or that connecting has worked or failed.
    pub const WRITE: Self = Self(tcpip::WRITABLE);
    /// Both.
    pub const BOTH: Self = Self(tcpip::READABLE | tcpip::WRITABLE);
}

/// A socket that has become ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Which socket.
    pub socket: SocketId,
    /// `try_read` or `try_accept` has something to tell.
    pub readable: bool,
    /// `try_write` has room, or connecting has worked or failed.
    pub writable: bool,
    /// The connection is over, by an error or from both sides.
    pub closed: bool,
}

/// Some of the sockets that have become ready.
#[derive(Debug)]
pub struct Events {
    reply: tcpip::ReadyReply,
    next: usize,
}

impl Events {
    /// Whether there is none: wait for the next notification.
    pub const fn is_empty(&self) -> bool {
        self.next >= self.reply.count as usize
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.is_empty() {
            return None;
        }
        let socket = SocketId(*self.reply.sockets.get(self.next)?);
        let bits = u32::from(*self.reply.readiness.get(self.next)?);
        self.next += 1;
        Some(Event {
            socket,
            readable: bits & tcpip::READABLE != 0,
            writable: bits & tcpip::WRITABLE != 0,
            closed: bits & tcpip::CLOSED != 0,
        })
    }
}

/// The sockets that the task watches.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    server: tcpip::Client,
}

impl Readiness {
    /// Finds the server.
    ///
    /// Errors: those of looking up a service.
    pub fn new() -> Result<Self> {
        Ok(Self { server: server()? })
    }

    /// The server's task, to [`resea::watch`] it: its end is told by no socket.
    pub fn server_task(&self) -> TaskId {
        self.server.task()
    }

    /// Has the task notified of what becomes ready from now on, and of what is ready already.
    pub fn watch(&self, socket: &impl AsSocket, interest: Interest) -> Result<()> {
        self.watch_id(socket.id(), interest)
    }

    /// As [`Readiness::watch`], by the socket's number.
    pub fn watch_id(&self, socket: SocketId, interest: Interest) -> Result<()> {
        let result = self.server.watch(Handle::from_raw(socket.raw()), interest.0);
        result.map_err(|kind| Error::new(Action::Control, None, kind))
    }

    /// The sockets that have become ready, 16 at most: call it until there are none. Each is told once, and again when
    /// there is something new, or something left, after a call that receives or accepts, or room after a call
    /// that found too little.
    pub fn ready(&self) -> Result<Events> {
        let reply = self.server.ready().map_err(|kind| Error::new(Action::Control, None, kind))?;
        Ok(Events { reply, next: 0 })
    }
}
