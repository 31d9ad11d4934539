//! The places for sockets, and what is in them.

use super::body::Body;
use super::index::NONE;
use super::peek::{Flow, Sent};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use ipc::Error;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::State;
use smoltcp::socket::udp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

/// A connection, from its first segment to the moment when its owner has given it up and the peer has nothing more to say.
pub struct Connection {
    /// smoltcp's part.
    pub body: Body,
    /// The interface that it goes through.
    pub link: usize,
    /// Its ends.
    pub flow: Flow,
    /// The flow's hash.
    pub hash: u32,
    /// Whether segments find it: until it is over.
    pub is_indexed: bool,
    /// smoltcp's state, as it was last seen.
    pub state: State,
    /// The listener that it waits at.
    pub parent: Option<u16>,
    /// Nobody owns it: it is freed when it is over.
    pub is_orphan: bool,
    /// What comes is thrown away.
    pub discards: bool,
    /// Why it is over, if not in order.
    pub error: Option<Error>,
    /// What was sent last.
    pub sent: Sent,
    /// The next sequence number expected of the peer.
    pub expected: u32,
    /// When the peer may be asked again whether it really means what it says.
    pub challenge: Instant,
    /// Whether anything was sent at all.
    pub has_sent: bool,
    /// When it came into the state in which it is; if nobody owns it, when the peer last took something.
    pub since: Instant,
    /// Bytes that the peer has not acknowledged.
    pub queued: usize,
    /// When the peer was last heard, or something began to wait for its answer.
    pub heard: Instant,
    /// Something waits for the peer's answer.
    pub is_waiting: bool,
    /// How long the peer may be silent while something waits; zero: for ever.
    pub timeout: Duration,
    /// After how much silence the peer is asked; zero: never.
    pub keep_alive: Duration,
}

impl Connection {
    /// Whether no more segments come or go.
    pub fn is_over(&self) -> bool {
        !self.is_indexed
    }
}

/// A listener.
pub struct Listener {
    /// Where it listens; `None`: at every address.
    pub address: Option<IpAddress>,
    /// Its port.
    pub port: u16,
    /// The hash of the port.
    pub hash: u32,
    /// How many connections, made or half made, may wait.
    pub backlog: usize,
    /// Connections that are half made, the oldest first.
    pub half_open: VecDeque<u16>,
    /// Connections to be accepted, the oldest first.
    pub ready: VecDeque<u16>,
}

/// A socket for datagrams.
pub struct Datagrams {
    /// smoltcp's part, in a set of its own.
    pub set: SocketSet<'static>,
    /// Its name in the set.
    pub handle: SocketHandle,
    /// Where it is bound; `None`: at every address.
    pub address: Option<IpAddress>,
    /// Its port.
    pub port: u16,
    /// The hash of the port.
    pub hash: u32,
    /// The interface that what waits to be sent goes through.
    pub link: usize,
    /// Since when the first datagram could not be sent, because nobody knows the next host's hardware address.
    pub stuck: Option<Instant>,
}

impl Datagrams {
    /// The socket.
    pub fn udp(&self) -> &udp::Socket<'static> {
        self.set.get(self.handle)
    }

    /// The socket, to change it.
    pub fn udp_mut(&mut self) -> &mut udp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

/// What is in a place.
#[derive(Default)]
pub enum Socket {
    /// Nothing.
    #[default]
    Free,
    /// A connection.
    Connection(Connection),
    /// A listener.
    Listener(Listener),
    /// A socket for datagrams.
    Datagrams(Datagrams),
}

/// All places.
pub struct Places {
    sockets: Vec<Socket>,
    free: Vec<u16>,
    /// For each place, when it has something to do.
    deadlines: Vec<Instant>,
    /// Not later than the earliest deadline.
    earliest: Instant,
}

/// No deadline.
pub const NEVER: Instant = Instant::from_micros_const(i64::MAX);

impl Places {
    /// So many free places.
    pub fn new(count: usize) -> Self {
        let mut sockets = Vec::with_capacity(count);
        sockets.resize_with(count, Socket::default);
        let mut deadlines = Vec::with_capacity(count);
        deadlines.resize(count, NEVER);
        let free = (0..count.min(usize::from(NONE)) as u16).rev().collect();
        Self { sockets, free, deadlines, earliest: NEVER }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.sockets.len() - self.free.len()
    }

    /// Whether none is free.
    pub fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// Puts a socket in a free place; `None` if there is none, which [`Places::is_full`] tells before.
    pub fn insert(&mut self, socket: Socket) -> Option<u16> {
        let place = self.free.pop()?;
        *self.sockets.get_mut(usize::from(place))? = socket;
        Some(place)
    }

    /// Frees a place.
    pub fn remove(&mut self, place: u16) -> Socket {
        let socket = self.sockets.get_mut(usize::from(place)).map(core::mem::take).unwrap_or_default();
        if !matches!(socket, Socket::Free) {
            self.free.push(place);
            self.set_deadline(place, NEVER);
        }
        socket
    }

    /// What is in a place.
    pub fn get(&self, place: u16) -> &Socket {
        self.sockets.get(usize::from(place)).unwrap_or(&Socket::Free)
    }

    /// What is in a place, to change it.
    pub fn get_mut(&mut self, place: u16) -> Option<&mut Socket> {
        self.sockets.get_mut(usize::from(place))
    }

    /// The connection in a place.
    pub fn connection(&self, place: u16) -> Option<&Connection> {
        if let Socket::Connection(connection) = self.get(place) { Some(connection) } else { None }
    }

    /// The connection in a place, to change it.
    pub fn connection_mut(&mut self, place: u16) -> Option<&mut Connection> {
        if let Some(Socket::Connection(connection)) = self.get_mut(place) { Some(connection) } else { None }
    }

    /// The listener in a place.
    pub fn listener(&self, place: u16) -> Option<&Listener> {
        if let Socket::Listener(listener) = self.get(place) { Some(listener) } else { None }
    }

    /// The listener in a place, to change it.
    pub fn listener_mut(&mut self, place: u16) -> Option<&mut Listener> {
        if let Some(Socket::Listener(listener)) = self.get_mut(place) { Some(listener) } else { None }
    }

    /// The socket for datagrams in a place.
    pub fn datagrams(&self, place: u16) -> Option<&Datagrams> {
        if let Socket::Datagrams(datagrams) = self.get(place) { Some(datagrams) } else { None }
    }

    /// The socket for datagrams in a place, to change it.
    pub fn datagrams_mut(&mut self, place: u16) -> Option<&mut Datagrams> {
        if let Some(Socket::Datagrams(datagrams)) = self.get_mut(place) { Some(datagrams) } else { None }
    }

    /// All sockets with their places.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Socket)> {
        self.sockets.iter().enumerate().map(|(place, socket)| (place as u16, socket))
    }

    /// Sets when a place has something to do.
    pub fn set_deadline(&mut self, place: u16, deadline: Instant) {
        if let Some(slot) = self.deadlines.get_mut(usize::from(place)) {
            *slot = deadline;
            self.earliest = self.earliest.min(deadline);
        }
    }

    /// When the next place has something to do, at the earliest.
    pub const fn earliest(&self) -> Instant {
        self.earliest
    }

    /// Tells each place whose time has come, and forgets that time. Looks at all deadlines, but only if one can have come.
    pub fn expired(&mut self, now: Instant, mut tell: impl FnMut(u16)) {
        if self.earliest > now {
            return;
        }
        self.earliest = NEVER;
        for (place, deadline) in self.deadlines.iter_mut().enumerate() {
            if *deadline <= now {
                *deadline = NEVER;
                tell(place as u16);
            } else if *deadline < self.earliest {
                self.earliest = *deadline;
            }
        }
    }
}
