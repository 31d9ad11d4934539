//! Ending connections, in order: what was sent is delivered, then the peer is told.

use super::places::NEVER;
use super::settle::Cause;
use super::{Socket, Stack};
use ipc::Error;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

/// How long a peer may be idle before its connection, which nobody owns, can be reset to make room.
const IDLE: Duration = Duration::from_secs(1);

/// The same for one that nobody has accepted yet.
const UNACCEPTED: Duration = Duration::from_secs(10);

impl Stack {
    /// Ends the halves of a connection: `send`, so that the peer learns that no more comes; `receive`, so that what still
    /// comes is thrown away.
    ///
    /// Errors: `NotSupported` (not a connection), `NotConnected` (it is not made, or over).
    pub fn shutdown(&mut self, place: u16, receive: bool, send: bool, now: Instant) -> Result<(), Error> {
        let connection = self.places.connection_mut(place).ok_or(Error::NotSupported)?;
        if connection.is_over() || matches!(connection.state, State::SynSent | State::SynReceived) {
            return Err(Error::NotConnected);
        }
        if receive {
            connection.discards = true;
        }
        if send {
            connection.body.tcp_mut().close();
        }
        self.settle(place, Cause::Owner, now);
        self.dirty.push(place);
        Ok(())
    }

    /// Gives a socket up. A connection goes on by itself until everything sent is delivered and the peer has closed it too.
    pub fn close(&mut self, place: u16, now: Instant) {
        match self.places.get(place) {
            Socket::Free => {}
            Socket::Listener(_) => self.close_listener(place, now),
            Socket::Datagrams(_) => {
                if let Socket::Datagrams(datagrams) = self.places.remove(place) {
                    self.index.remove(datagrams.hash, place);
                    self.pool.release(super::datagrams::MEMORY);
                }
            }
            Socket::Connection(_) => self.close_connection(place, now),
        }
    }

    /// Whether there is a place for one more connection. If not, one is reset that nobody owns any more, or not yet, and that
    /// has been so for the longest time: peers that never close, and owners that never accept, must not keep others out.
    pub(super) fn make_place(&mut self, now: Instant) -> bool {
        if !self.places.is_full() {
            return true;
        }
        let unowned = self.places.iter().filter_map(|(place, socket)| match socket {
            Socket::Connection(it) if it.is_orphan => Some((it.since + IDLE, place)),
            Socket::Connection(it) if it.parent.is_some() && it.state != State::SynReceived => {
                Some((it.since + UNACCEPTED, place))
            }
            _ => None,
        });
        let Some((_, place)) = unowned.min().filter(|(until, _)| *until <= now) else { return false };
        let Some(connection) = self.places.connection_mut(place) else { return false };
        connection.body.tcp_mut().abort();
        if let Some(link) = self.links.get_mut(connection.link) {
            link.transmit(&mut connection.body.set, now);
        }
        let parent = connection.parent;
        if let Some(listener) = parent.and_then(|parent| self.places.listener_mut(parent)) {
            listener.ready.retain(|ready| *ready != place);
        }
        self.release(place);
        true
    }

    fn close_connection(&mut self, place: u16, now: Instant) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        if connection.is_over() || connection.state == State::SynSent {
            // Nobody knows of it any more, or nobody answered yet.
            return self.release(place);
        }
        connection.is_orphan = true;
        connection.discards = true;
        // The peer has that long from now on.
        connection.since = now;
        connection.body.tcp_mut().close();
        self.settle(place, Cause::Owner, now);
        self.places.set_deadline(place, NEVER);
        self.dirty.push(place);
    }
}
