//! Data from and to the owners of connections.

use super::Stack;
use super::places::Connection;
use ipc::Error;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

/// A property of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Property {
    /// How long the peer may be silent while something waits for its answer; zero: for ever.
    Timeout(Duration),
    /// After how much silence the peer is asked; zero: never.
    KeepAlive(Duration),
    /// Whether small pieces wait for the acknowledgement of those before.
    DelaySmall(bool),
    /// How many routers packets may pass, at least 1.
    HopLimit(u8),
}

impl Connection {
    const fn is_opening(&self) -> bool {
        matches!(self.state, State::SynSent | State::SynReceived | State::Listen)
    }
}

impl Stack {
    /// Takes up to `limit` bytes that have come: `take` gets them in pieces, each with the number of bytes before it. How
    /// many; 0 if the peer has sent all it had; `None` if there is nothing now.
    ///
    /// Errors: `NotSupported` (not a connection), why the connection is over, and those of `take`.
    pub fn receive(
        &mut self,
        place: u16,
        limit: usize,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), Error>,
    ) -> Result<Option<usize>, Error> {
        let connection = self.places.connection_mut(place).ok_or(Error::NotSupported)?;
        if connection.is_opening() {
            return Ok(None);
        }
        let queued = connection.body.tcp().recv_queue();
        let mut total = 0;
        // The buffer is a ring: what has come may be in two pieces.
        while total < limit && connection.body.tcp().can_recv() {
            let piece = connection.body.tcp_mut().recv(|data| {
                let data = data.get(..data.len().min(limit - total)).unwrap_or_default();
                match take(total, data) {
                    Ok(()) => (data.len(), Ok(data.len())),
                    Err(error) => (0, Err(error)),
                }
            });
            match piece {
                Ok(result) => total += result?,
                Err(_) => break,
            }
        }
        if total > 0 {
            // The peer is told of the room only if it may have been short of it.
            if queued * 2 >= connection.body.tcp().recv_capacity() {
                self.dirty.push(place);
            }
            return Ok(Some(total));
        }
        if queued > 0 || connection.discards {
            return Ok(Some(0));
        }
        match connection.error {
            Some(error) => Err(error),
            None if connection.body.tcp().may_recv() && !connection.is_over() => Ok(None),
            None => Ok(Some(0)),
        }
    }

    /// Takes up to `length` bytes to send: `give` is asked for them in pieces, each with the number of bytes before it. How
    /// many there was room for; `None` if there is none now.
    ///
    /// Errors: `NotSupported` (not a connection), why the connection is over, `NotConnected` (the sending half was shut
    /// down), and those of `give`.
    pub fn send(
        &mut self,
        place: u16,
        length: usize,
        mut give: impl FnMut(usize, &mut [u8]) -> Result<(), Error>,
    ) -> Result<Option<usize>, Error> {
        let connection = self.places.connection_mut(place).ok_or(Error::NotSupported)?;
        if connection.is_opening() {
            return Ok(None);
        }
        if connection.is_over() || !connection.body.tcp().may_send() {
            return Err(connection.error.unwrap_or(Error::NotConnected));
        }
        let mut total = 0;
        while total < length && connection.body.tcp().can_send() {
            let piece = connection.body.tcp_mut().send(|room| {
                let count = room.len().min(length - total);
                let (room, _) = room.split_at_mut(count);
                match give(total, room) {
                    Ok(()) => (count, Ok(count)),
                    Err(error) => (0, Err(error)),
                }
            });
            match piece {
                Ok(result) => total += result?,
                Err(_) => break,
            }
        }
        if total == 0 && length > 0 {
            return Ok(None);
        }
        self.dirty.push(place);
        Ok(Some(total))
    }

    /// Sets a property.
    ///
    /// Errors: `NotSupported` (not one of this kind of socket), `InvalidArgument`.
    pub fn set_property(&mut self, place: u16, property: Property, now: Instant) -> Result<(), Error> {
        if property == Property::HopLimit(0) {
            return Err(Error::InvalidArgument);
        }
        if let (Some(datagrams), Property::HopLimit(hops)) = (self.places.datagrams_mut(place), property) {
            datagrams.udp_mut().set_hop_limit(Some(hops));
            return Ok(());
        }
        let connection = self.places.connection_mut(place).ok_or(Error::NotSupported)?;
        match property {
            Property::Timeout(timeout) => {
                // It counts from now on.
                connection.heard = now;
                connection.timeout = timeout;
            }
            Property::KeepAlive(interval) => {
                connection.keep_alive = interval;
                let interval = Some(interval).filter(|interval| *interval != Duration::ZERO);
                connection.body.tcp_mut().set_keep_alive(interval);
            }
            Property::DelaySmall(delay) => connection.body.tcp_mut().set_nagle_enabled(delay),
            Property::HopLimit(hops) => connection.body.tcp_mut().set_hop_limit(Some(hops)),
        }
        self.dirty.push(place);
        Ok(())
    }

    /// Whether a connection is still being made; if not, and it has failed, why.
    ///
    /// Errors: why it has failed; `NotSupported` (not a connection).
    pub fn is_opening(&self, place: u16) -> Result<bool, Error> {
        let connection = self.places.connection(place).ok_or(Error::NotSupported)?;
        match connection.error {
            Some(error) => Err(error),
            None => Ok(connection.is_opening() && !connection.is_over()),
        }
    }

    /// Why a connection has failed, if it has.
    pub fn error(&self, place: u16) -> Option<Error> {
        self.places.connection(place).and_then(|connection| connection.error)
    }
}
