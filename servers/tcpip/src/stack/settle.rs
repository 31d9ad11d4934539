//! What follows from what has happened to a connection: it is made, it is over, somebody wants to know.

use super::peek::{Flow, Sent};
use super::places::Connection;
use super::timewait::Last;
use super::{Socket, Stack};
use crate::stack::body::Body;
use interfaces::tcpip::{CLOSED, READABLE, WRITABLE};
use ipc::Error;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

/// Why a connection is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// A segment has come.
    Segment,
    /// Its time has come, or it had something to send.
    Time,
    /// Its owner has done something.
    Owner,
}

/// What an owner can do with a socket without having to wait.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Readiness(pub u8);

impl Readiness {
    const READABLE: u8 = READABLE as u8;
    const WRITABLE: u8 = WRITABLE as u8;
    const CLOSED: u8 = CLOSED as u8;
}

/// How long a peer may be silent, if the owner does not say otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Connection {
    /// A connection that has just begun.
    pub(super) fn new(
        body: Body,
        link: usize,
        flow: Flow,
        hash: u32,
        parent: Option<u16>,
        now: Instant,
    ) -> Self {
        Self {
            state: body.tcp().state(),
            body,
            link,
            flow,
            hash,
            is_indexed: true,
            parent,
            is_orphan: false,
            discards: false,
            error: None,
            sent: Sent::default(),
            expected: 0,
            challenge: now,
            has_sent: false,
            since: now,
            queued: 0,
            heard: now,
            is_waiting: true,
            timeout: TIMEOUT,
            keep_alive: Duration::ZERO,
        }
    }

    /// Something was sent, perhaps.
    pub(super) fn note(&mut self, sent: Option<Sent>) {
        if let Some(sent) = sent {
            self.sent = sent;
            self.has_sent = true;
        }
    }

    /// Throws away what has come.
    pub(super) fn drain(&mut self) {
        // An error means that there is nothing.
        while self.body.tcp().can_recv()
            && self.body.tcp_mut().recv(|data| (data.len(), data.len())).is_ok_and(|length| length > 0)
        {
        }
    }

    /// Whether something was sent that the peer has to answer.
    fn waits(&self) -> bool {
        matches!(
            self.state,
            State::SynSent | State::SynReceived | State::FinWait1 | State::Closing | State::LastAck
        ) || self.body.tcp().send_queue() > 0
    }

    /// What its owner can do.
    fn readiness(&self) -> u8 {
        let socket = self.body.tcp();
        let is_opening = matches!(self.state, State::SynSent | State::SynReceived | State::Listen);
        let over = self.is_over();
        let at_end = !is_opening && !socket.may_recv();
        let readable = socket.can_recv() || at_end || over;
        let writable = !is_opening && (socket.can_send() || !socket.may_send()) || over;
        let mut bits = 0;
        if readable {
            bits |= Readiness::READABLE;
        }
        if writable {
            bits |= Readiness::WRITABLE;
        }
        if over {
            bits |= Readiness::CLOSED;
        }
        bits
    }
}

impl Stack {
    /// What the owner of a socket can do with it now.
    pub fn readiness(&self, place: u16) -> Readiness {
        Readiness(match self.places.get(place) {
            Socket::Free => 0,
            Socket::Connection(connection) => connection.readiness(),
            Socket::Listener(listener) if listener.ready.is_empty() => 0,
            Socket::Listener(_) => Readiness::READABLE,
            Socket::Datagrams(datagrams) => {
                let socket = datagrams.udp();
                let readable = if socket.can_recv() { Readiness::READABLE } else { 0 };
                readable | if socket.can_send() { Readiness::WRITABLE } else { 0 }
            }
        })
    }

    /// Looks at a connection to which something has happened, and does what follows.
    pub(super) fn settle(&mut self, place: u16, cause: Cause, now: Instant) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        if connection.is_over() {
            return;
        }
        if cause == Cause::Segment {
            connection.heard = now;
        }
        if connection.discards {
            connection.drain();
        }
        let state = connection.body.tcp().state();
        let before = core::mem::replace(&mut connection.state, state);
        let queued = connection.body.tcp().send_queue();
        let before_that = core::mem::replace(&mut connection.queued, queued);
        if state != before || queued < before_that && connection.is_orphan {
            connection.since = now;
        }
        let waits = connection.waits();
        if waits && !connection.is_waiting {
            connection.heard = now;
        }
        connection.is_waiting = waits;
        let has_reset_to_send = connection.body.tcp().remote_endpoint().is_some();
        match state {
            State::Listen => return self.release(place),
            State::Closed if !has_reset_to_send => return self.finish(place, before, cause),
            State::Closed | State::SynReceived | State::SynSent => {}
            _ if matches!(before, State::Listen | State::SynReceived) => self.promote(place),
            _ => {}
        }
        self.changed.push(place);
    }

    /// A connection is over: no more segments come or go.
    fn finish(&mut self, place: u16, before: State, cause: Cause) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        if connection.error.is_none() {
            connection.error = match (before, cause) {
                (State::SynSent, Cause::Segment) => Some(Error::Refused),
                (State::LastAck | State::Closing | State::TimeWait | State::Closed, _)
                | (_, Cause::Owner) => None,
                (_, Cause::Segment) => Some(Error::Reset),
                // smoltcp closes a connection by itself only if the interface has lost the address.
                (_, Cause::Time) => Some(Error::Unreachable),
            };
        }
        if connection.error == Some(Error::Reset) {
            self.statistics.resets += 1;
        }
        self.leave(place);
    }

    /// Takes a connection out of the index; frees it, if nobody owns it.
    pub(super) fn leave(&mut self, place: u16) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        if core::mem::take(&mut connection.is_indexed) {
            let hash = connection.hash;
            self.index.remove(hash, place);
        }
        let (is_orphan, parent) = (connection.is_orphan, connection.parent);
        self.places.set_deadline(place, super::places::NEVER);
        if let Some(parent) = parent {
            let is_half_open = self.places.listener(parent).is_some_and(|it| it.half_open.contains(&place));
            if is_half_open {
                return self.release(place);
            }
        }
        if is_orphan {
            return self.release(place);
        }
        self.changed.push(place);
    }

    /// Frees a connection at once and silently.
    pub(super) fn release(&mut self, place: u16) {
        let parent = self.places.connection(place).and_then(|it| it.parent);
        if let Some(parent) = parent {
            self.leave_half_open(parent, place);
        }
        if let Socket::Connection(connection) = self.places.remove(place) {
            if connection.is_indexed {
                self.index.remove(connection.hash, place);
            }
            self.pool.give_back(connection.body);
        }
    }

    /// Ends a connection with an error, without a word to the peer.
    pub(super) fn give_up(&mut self, place: u16, error: Error, _now: Instant) {
        if let Some(connection) = self.places.connection_mut(place) {
            connection.error.get_or_insert(error);
            connection.state = State::Closed;
            connection.body.tcp_mut().abort();
        }
        self.leave(place);
    }

    /// A connection is in TIME-WAIT and has said everything: from now on the table answers for it. What has come and was
    /// not taken yet stays.
    pub(super) fn enter_time_wait(&mut self, place: u16, now: Instant) {
        let Some(connection) = self.places.connection_mut(place) else { return };
        let last = Last { sequence: connection.sent.next, acknowledgement: connection.sent.acknowledgement };
        self.time_wait.insert(connection.hash, connection.flow, last, now);
        self.leave(place);
    }
}
