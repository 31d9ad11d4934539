//! Sending: only sockets that may have something to send are asked, and those whose time has come.

use super::listen::HALF_OPEN;
use super::places::{Connection, NEVER};
use super::settle::Cause;
use super::{Socket, Stack};
use ipc::Error;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

/// The most packets that one socket sends before others have their turn.
const PACKETS: usize = 64;

/// How long the hardware address of the next host may take to find.
const NEIGHBOUR: Duration = Duration::from_secs(3);

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(20);

/// How long a peer may take to close its half after nobody owns ours any more.
const ORPHAN: Duration = Duration::from_secs(30);

/// How long a peer may take nothing of what was sent after nobody owns our half any more, though it answers.
const STALLED: Duration = Duration::from_secs(60);

/// How long a reset may take to be sent.
const RESETTING: Duration = Duration::from_secs(2);

/// When a socket that smoltcp wants to be asked at once is asked again, though it has just been.
const AGAIN: Duration = Duration::from_millis(1);

/// How long smoltcp delays acknowledgements.
const ACK_DELAY: Duration = Duration::from_millis(10);

/// What a connection's time demands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Demand {
    /// It goes without a word.
    Release,
    /// It has failed.
    Fail(Error),
    /// It is reset.
    Reset(Error),
}

impl Connection {
    /// When its time has come, apart from what smoltcp wants, and what for.
    fn demand(&self) -> (Instant, Demand) {
        let silence = if self.is_waiting { self.timeout } else { self.keep_alive + self.timeout };
        let counts = self.timeout != Duration::ZERO && (self.is_waiting || self.keep_alive != Duration::ZERO);
        match self.state {
            State::Closed => (self.since + RESETTING, Demand::Release),
            State::SynReceived if self.parent.is_some() => (self.since + HALF_OPEN, Demand::Release),
            State::SynSent if !self.has_sent => (self.since + NEIGHBOUR, Demand::Fail(Error::Unreachable)),
            State::SynSent => (self.since + CONNECTING, Demand::Fail(Error::TimedOut)),
            // Silently: the peer may be about to read the end, and a reset would tell it of a failure.
            State::FinWait2 if self.is_orphan => (self.since + ORPHAN, Demand::Release),
            _ if self.is_orphan => (self.since + STALLED, Demand::Reset(Error::TimedOut)),
            _ if counts => (self.heard + silence, Demand::Reset(Error::TimedOut)),
            _ => (NEVER, Demand::Release),
        }
    }
}

impl Stack {
    /// Sends what there is.
    pub(super) fn transmit(&mut self, now: Instant) {
        for link in &mut self.links {
            if !link.blocked.is_empty() && link.has_room() {
                while let Some(place) = link.blocked.pop() {
                    self.dirty.push(place);
                }
            }
            if link.deadline.is_some_and(|deadline| deadline <= now) {
                link.transmit_own(now);
            }
        }
        for _ in 0..self.dirty.len() {
            let Some(place) = self.dirty.pop() else { break };
            match self.places.get(place) {
                Socket::Connection(_) => self.transmit_connection(place, now),
                Socket::Datagrams(_) => self.transmit_datagrams(place, now),
                Socket::Listener(_) | Socket::Free => {}
            }
        }
    }

    fn transmit_connection(&mut self, place: u16, now: Instant) {
        if !self.obey(place, now) {
            return;
        }
        let Some(connection) = self.places.connection_mut(place) else { return };
        let Some(link) = self.links.get_mut(connection.link) else { return };
        // The last acknowledgement of all is not delayed: it would keep the buffers. smoltcp is told that its time has come.
        let then = if connection.state == State::TimeWait { now + ACK_DELAY } else { now };
        for _ in 0..PACKETS {
            let (has_sent, sent) = link.transmit(&mut connection.body.set, then);
            connection.note(sent);
            if !has_sent {
                break;
            }
        }
        self.settle(place, Cause::Time, now);
        self.plan(place, now);
    }

    /// Does what a connection's time demands; whether it goes on.
    fn obey(&mut self, place: u16, now: Instant) -> bool {
        let Some(connection) = self.places.connection_mut(place).filter(|it| !it.is_over()) else {
            return false;
        };
        let (when, demand) = connection.demand();
        if now < when {
            return true;
        }
        match demand {
            Demand::Release if connection.is_orphan || connection.parent.is_some() => self.release(place),
            Demand::Release => self.leave(place),
            Demand::Fail(error) => self.give_up(place, error, now),
            Demand::Reset(error) => {
                connection.error.get_or_insert(error);
                connection.body.tcp_mut().abort();
                // The reset is sent now.
                return true;
            }
        }
        false
    }

    /// Sets when a connection has something to do again.
    fn plan(&mut self, place: u16, now: Instant) {
        let Some(connection) = self.places.connection_mut(place).filter(|it| !it.is_over()) else { return };
        let Some(link) = self.links.get_mut(connection.link) else { return };
        let mut wanted = link.interface.poll_at(now, &connection.body.set).unwrap_or(NEVER);
        if wanted <= now {
            // It is asked again when there is room.
            wanted = now + AGAIN;
            if !link.has_room() {
                link.blocked.push(place);
                wanted = NEVER;
            }
        } else if connection.state == State::TimeWait && wanted > now + RESETTING {
            // What remains is smoltcp's own timer for this state: the last acknowledgement was sent.
            return self.enter_time_wait(place, now);
        }
        if !connection.has_sent || link.has_asked {
            link.waiting.push(place);
        }
        let (demanded, _) = connection.demand();
        self.places.set_deadline(place, wanted.min(demanded));
    }

    fn transmit_datagrams(&mut self, place: u16, now: Instant) {
        let Some(datagrams) = self.places.datagrams_mut(place) else { return };
        let Some(link) = self.links.get_mut(datagrams.link) else { return };
        for _ in 0..PACKETS {
            if !link.transmit(&mut datagrams.set, now).0 {
                break;
            }
            datagrams.stuck = None;
        }
        let mut deadline = NEVER;
        let has_more = datagrams.udp().send_queue() > 0;
        if has_more && link.has_room() {
            let since = *datagrams.stuck.get_or_insert(now);
            deadline = link.interface.poll_at(now, &datagrams.set).unwrap_or(NEVER).max(now + AGAIN);
            link.waiting.push(place);
            if now >= since + NEIGHBOUR {
                // The first one is lost, so that those behind it, to other hosts perhaps, get on. smoltcp has just asked for
                // the hardware address and would not look at the socket for a second.
                datagrams.stuck = None;
                deadline = now + AGAIN;
                if let Some(loopback) = self.links.first_mut() {
                    loopback.discard(&mut datagrams.set, now + NEIGHBOUR);
                }
            }
        } else if has_more {
            datagrams.stuck = None;
            link.blocked.push(place);
        }
        self.places.set_deadline(place, deadline);
        self.changed.push(place);
    }
}
