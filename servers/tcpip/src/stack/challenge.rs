//! Segments that would end a connection, but may be forged by somebody who cannot see it, or come from a peer that has
//! forgotten it: the peer is asked what it means (RFC 9293, 3.10.7.4; RFC 5961).

use super::Stack;
use super::peek::{Segment, flag};
use super::places::Connection;
use super::timewait::Last;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

/// How often a peer is asked (RFC 5961, 7).
const OFTEN: Duration = Duration::from_secs(1);

/// Whether there are no sequence numbers of the peer's yet.
const fn is_beginning(state: State) -> bool {
    matches!(state, State::Closed | State::Listen | State::SynSent)
}

/// Whether the peer has sent its last.
const fn has_ended(state: State) -> bool {
    matches!(state, State::CloseWait | State::Closing | State::LastAck | State::TimeWait)
}

impl Connection {
    /// Takes note of which sequence number comes next, after smoltcp has processed a segment, or has put one together;
    /// `queued` bytes waited for the owner before. smoltcp does not tell.
    pub(super) fn expect(&mut self, segment: Option<&Segment>, queued: usize) {
        let state = self.body.tcp().state();
        if let (true, false, Some(segment)) = (is_beginning(self.state), is_beginning(state), segment) {
            self.expected = segment.sequence.wrapping_add(1);
            return;
        }
        let fresh = self.body.tcp().recv_queue().saturating_sub(queued) as u32;
        let end = u32::from(has_ended(state) && !has_ended(self.state));
        self.expected = self.expected.wrapping_add(fresh).wrapping_add(end);
    }
}

impl Stack {
    /// Whether a request, or a reset, is not believed: a request within a connection, a reset in the window that is not
    /// exactly the next segment. What is not in the window smoltcp throws away.
    pub(super) fn is_doubtful(&self, place: u16, segment: &Segment) -> bool {
        let Some(it) = self.places.connection(place) else { return false };
        if is_beginning(it.state) {
            return false;
        }
        if segment.has(flag::RST) {
            let distance = segment.sequence.wrapping_sub(it.expected) as usize;
            return distance != 0 && distance < it.body.tcp().recv_capacity();
        }
        it.state != State::SynReceived
    }

    /// Says to the peer of a connection what is expected of it. If it really has reset or forgotten the connection, it
    /// answers with a reset that is right.
    pub(super) fn challenge(&mut self, place: u16, link: usize, frame: &[u8], now: Instant) {
        let Some(it) = self.places.connection_mut(place).filter(|it| it.link == link && it.challenge <= now)
        else {
            return;
        };
        it.challenge = now + OFTEN;
        let (flow, last) = (it.flow, Last { sequence: it.sent.next, acknowledgement: it.expected });
        // That of a SYN is not scaled; the others are, by one bit at most.
        let window = if it.sent.flags & flag::SYN != 0 { it.sent.window / 2 } else { it.sent.window };
        self.acknowledge(link, &flow, last, window, frame);
    }
}
