//! smoltcp's part of a connection, with its buffers: made when first needed, used again and again.

use alloc::vec;
use alloc::vec::Vec;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp};

/// How many bodies have large buffers. The others keep memory bounded when very many connections are open.
const LARGE: usize = 256;

/// Bytes of each of the two buffers of a body, large and small.
const BUFFER: (usize, usize) = (64 << 10, 8 << 10);

/// A TCP socket in a set of its own.
pub struct Body {
    /// The set, for smoltcp's calls.
    pub set: SocketSet<'static>,
    handle: SocketHandle,
    is_large: bool,
}

impl Body {
    fn new(is_large: bool) -> Self {
        let size = if is_large { BUFFER.0 } else { BUFFER.1 };
        let buffer = || tcp::SocketBuffer::new(vec![0; size]);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(tcp::Socket::new(buffer(), buffer()));
        Self { set, handle, is_large }
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

/// Bodies that nobody uses.
pub struct Pool {
    large: Vec<Body>,
    small: Vec<Body>,
    made: usize,
    limit: usize,
}

impl Pool {
    /// A pool of at most `limit` bodies, none of which exists yet.
    pub fn new(limit: usize) -> Self {
        Self { large: Vec::with_capacity(limit), small: Vec::with_capacity(limit), made: 0, limit }
    }

    /// A closed body with the properties that every connection begins with; the one that was used last if possible, whose
    /// memory is there.
    pub fn take(&mut self) -> Option<Body> {
        let used = self.large.pop().or_else(|| self.small.pop());
        let mut body = used.or_else(|| {
            (self.made < self.limit).then(|| {
                self.made += 1;
                Body::new(self.made <= LARGE)
            })
        })?;
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
