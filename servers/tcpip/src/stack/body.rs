//! smoltcp's part of a connection, with its buffers: made when first needed, used again and again.

use alloc::vec::Vec;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp};

/// Bytes of each of the two buffers of a body, large and small.
const BUFFER: (usize, usize) = (64 << 10, 8 << 10);

/// Bytes that all buffers may have together, of bodies and other sockets; the heap has more. Once there are so many, there are
/// only small buffers; so there is room for 512 connections, 256 of them with large ones.
const MEMORY: usize = 36 << 20;
const LARGE_UNTIL: usize = 32 << 20;

/// A buffer of zeros; `None` if the heap has no such piece. What clients ask for must not end the server.
pub(super) fn zeros<T: Clone>(zero: T, count: usize) -> Option<Vec<T>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(count).ok()?;
    buffer.resize(count, zero);
    Some(buffer)
}

/// A TCP socket in a set of its own.
pub struct Body {
    /// The set, for smoltcp's calls.
    pub set: SocketSet<'static>,
    handle: SocketHandle,
    is_large: bool,
}

impl Body {
    fn new(is_large: bool) -> Option<Self> {
        let size = Self::bytes(is_large) / 2;
        let (receive, send) = (zeros(0, size)?, zeros(0, size)?);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(tcp::Socket::new(tcp::SocketBuffer::new(receive), tcp::SocketBuffer::new(send)));
        Some(Self { set, handle, is_large })
    }

    /// Bytes of both buffers.
    const fn bytes(is_large: bool) -> usize {
        if is_large { 2 * BUFFER.0 } else { 2 * BUFFER.1 }
    }

    /// Makes the set forget what it knows of the socket besides: for which neighbour it waits.
    fn forget_neighbour(&mut self) {
        if let Socket::Tcp(socket) = self.set.remove(self.handle) {
            self.handle = self.set.add(socket);
        }
    }

    /// The socket.
    pub fn tcp(&self) -> &tcp::Socket<'static> {
        self.set.get(self.handle)
    }

    /// The socket, to change it.
    pub fn tcp_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

/// Bodies that nobody uses, and how much memory all buffers have, used or not.
pub struct Pool {
    large: Vec<Body>,
    small: Vec<Body>,
    bytes: usize,
}

impl Pool {
    /// A pool for at most `limit` bodies, none of which exists yet.
    pub fn new(limit: usize) -> Self {
        Self { large: Vec::with_capacity(limit), small: Vec::with_capacity(limit), bytes: 0 }
    }

    fn make(&mut self) -> Option<Body> {
        let is_large = self.bytes + Body::bytes(true) <= LARGE_UNTIL;
        let bytes = self.bytes + Body::bytes(is_large);
        let body = (bytes <= MEMORY).then(|| Body::new(is_large)).flatten()?;
        self.bytes = bytes;
        Some(body)
    }

    /// Takes so many bytes of the memory for something else, from bodies that nobody uses if need be; whether there were so
    /// many.
    pub fn reserve(&mut self, bytes: usize) -> bool {
        while self.bytes + bytes > MEMORY {
            let Some(body) = self.large.pop().or_else(|| self.small.pop()) else { return false };
            self.bytes -= Body::bytes(body.is_large);
        }
        self.bytes += bytes;
        true
    }

    /// Gives back what was taken with [`Pool::reserve`].
    pub fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// A closed body with the properties that every connection begins with; the one that was used last if possible, whose
    /// memory is there.
    pub fn take(&mut self) -> Option<Body> {
        let used = self.large.pop().or_else(|| self.small.pop());
        let mut body = used.or_else(|| self.make())?;
        body.forget_neighbour();
        let socket = body.tcp_mut();
        // What opening it does not set back.
        socket.abort();
        socket.set_timeout(None);
        socket.set_keep_alive(None);
        socket.set_hop_limit(None);
        socket.set_nagle_enabled(false);
        socket.set_congestion_control(tcp::CongestionControl::Reno);
        Some(body)
    }

    /// Takes a body back.
    pub fn give_back(&mut self, body: Body) {
        if body.is_large { self.large.push(body) } else { self.small.push(body) }
    }
}
