//! Listeners, and the queue of connections that wait at each: half made, and made but not accepted.
//!
//! smoltcp has no backlog: a socket of it listens for one connection. Here nothing listens in smoltcp until a request for a
//! connection comes; then a socket is taken from the pool for it. At most `backlog` of them wait at a listener. What comes
//! beyond that is not answered, so that the client tries again; only if the oldest half-made one has got no answer for a
//! while does it have to go, so that requests with false senders cannot keep the others out.

use super::connect::Bound;
use super::peek::Segment;
use super::places::{Connection, Listener};
use super::settle::Cause;
use super::{Socket, Stack};
use alloc::collections::VecDeque;
use interfaces::tcpip::BACKLOG_MAX;
use ipc::Error;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpListenEndpoint};

/// How long a half-made connection is kept when others need its place. An answer from anywhere near takes less; who is
/// farther away is served as long as nobody floods.
pub const RECYCLED_AFTER: Duration = Duration::from_millis(10);

/// How long a half-made connection is kept at all.
pub const HALF_OPEN: Duration = Duration::from_secs(10);

impl Stack {
    /// Listens at an address, or at all of them, and a port, or any free one: the place, and the port.
    ///
    /// Errors: `AddressInUse`, `Unreachable` (the address is not one of ours), `InvalidArgument` (the backlog),
    /// `TooManySockets`.
    pub fn listen(
        &mut self,
        address: Option<IpAddress>,
        port: u16,
        backlog: u32,
    ) -> Result<(u16, u16), Error> {
        if !(1..=BACKLOG_MAX).contains(&backlog) {
            return Err(Error::InvalidArgument);
        }
        let port = self.bind_port(Bound::Listener, address, port)?;
        let hash = self.hasher.port(port, false);
        let backlog = backlog as usize;
        let queue = || VecDeque::with_capacity(backlog);
        let listener = Listener { address, port, hash, backlog, half_open: queue(), ready: queue() };
        let place = self.places.insert(Socket::Listener(listener)).ok_or(Error::TooManySockets)?;
        self.index.insert(hash, place);
        Ok((place, port))
    }

    /// The listener for connections to an address and port; one at that address comes before one at all.
    pub(super) fn listener_at(&self, address: IpAddress, port: u16) -> Option<u16> {
        let mut found = None;
        for place in self.index.candidates(self.hasher.port(port, false)) {
            match self.places.listener(place) {
                Some(it) if it.port == port && it.address == Some(address) => return Some(place),
                Some(it) if it.port == port && it.address.is_none() => found = Some(place),
                _ => {}
            }
        }
        found
    }

    /// A request for a connection.
    pub(super) fn admit(
        &mut self,
        listener: u16,
        link: usize,
        segment: &Segment,
        hash: u32,
        frame: &[u8],
        now: Instant,
    ) {
        let has_room = self.make_room(listener, now) && self.make_place(now);
        let Some(mut body) = has_room.then(|| self.pool.take()).flatten() else {
            self.statistics.backlog_dropped += 1;
            return;
        };
        let flow = segment.flow;
        let endpoint = IpListenEndpoint { addr: Some(flow.local.addr), port: flow.local.port };
        if body.tcp_mut().listen(endpoint).is_err() {
            return self.pool.give_back(body);
        }
        let connection = Connection::new(body, link, flow, hash, Some(listener), now);
        let Some(place) = self.places.insert(Socket::Connection(connection)) else { return };
        self.index.insert(hash, place);
        self.half_open += 1;
        if let Some(listener) = self.places.listener_mut(listener) {
            listener.half_open.push_back(place);
        }
        self.segment_of(place, link, Some(segment), frame, now);
    }

    /// Whether one more connection may wait at a listener; the oldest half-made one may have to go for that.
    fn make_room(&mut self, listener: u16, now: Instant) -> bool {
        let Some(it) = self.places.listener(listener) else { return false };
        if it.half_open.len() + it.ready.len() < it.backlog {
            return true;
        }
        let Some(oldest) = it.half_open.front().copied() else { return false };
        let since = self.places.connection(oldest).map(|connection| connection.since);
        if since.is_some_and(|since| now < since + RECYCLED_AFTER) {
            return false;
        }
        self.statistics.backlog_dropped += 1;
        self.release(oldest);
        true
    }

    /// A half-made connection is made: it can be accepted.
    pub(super) fn promote(&mut self, place: u16) {
        let Some(parent) = self.places.connection(place).and_then(|it| it.parent) else { return };
        self.leave_half_open(parent, place);
        if let Some(listener) = self.places.listener_mut(parent) {
            listener.ready.push_back(place);
        }
        self.changed.push(parent);
    }

    /// A connection is no longer half made.
    pub(super) fn leave_half_open(&mut self, listener: u16, place: u16) {
        let Some(listener) = self.places.listener_mut(listener) else { return };
        if let Some(position) = listener.half_open.iter().position(|it| *it == place) {
            listener.half_open.remove(position);
            self.half_open -= 1;
        }
    }

    /// The next connection of a listener, if there is one: its place.
    ///
    /// Errors: `NotSupported` (not a listener).
    pub fn accept(&mut self, listener: u16) -> Result<Option<u16>, Error> {
        let it = self.places.listener_mut(listener).ok_or(Error::NotSupported)?;
        let Some(place) = it.ready.pop_front() else { return Ok(None) };
        if let Some(connection) = self.places.connection_mut(place) {
            connection.parent = None;
        }
        self.statistics.accepts += 1;
        Ok(Some(place))
    }

    /// Ends a listener: what waits at it is reset.
    pub(super) fn close_listener(&mut self, place: u16, now: Instant) {
        while let Some(waiting) = self.places.listener_mut(place).and_then(|it| it.half_open.front().copied())
        {
            self.release(waiting);
        }
        while let Ok(Some(waiting)) = self.accept(place) {
            self.statistics.accepts -= 1;
            self.abort(waiting, now);
        }
        if let Socket::Listener(listener) = self.places.remove(place) {
            self.index.remove(listener.hash, place);
        }
    }

    /// Gives a connection up with a reset.
    pub(super) fn abort(&mut self, place: u16, now: Instant) {
        if let Some(connection) = self.places.connection_mut(place) {
            connection.is_orphan = true;
            connection.body.tcp_mut().abort();
            if connection.is_over() {
                return self.release(place);
            }
        }
        self.settle(place, Cause::Owner, now);
        self.dirty.push(place);
    }
}
