//! Connections that are over, but whose last segments may still be on their way (RFC 9293, 3.3.2, TIME-WAIT).
//!
//! A connection in this state has no data and no owner; all it does is to acknowledge a FIN that comes again, and to keep old
//! segments out of a new connection between the same ends. So it needs 64 bytes here in place of a socket with
//! buffers. The table is bounded: if it is full the oldest goes. Nothing here needs a timer.

use super::index::{Index, NONE};
use super::peek::{Flow, Segment, flag};
use alloc::boxed::Box;
use alloc::vec;
use smoltcp::time::{Duration, Instant};

/// How many connections there is room for.
pub const ENTRIES: usize = 2048;

/// How long a connection stays, twice the time that a segment may live in the network.
pub const STAY: Duration = Duration::from_secs(60);

/// What to do with a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It belongs to no connection that was here.
    Unknown,
    /// Nothing.
    Ignore,
    /// Say again what was said last.
    Acknowledge(Last),
    /// It opens a new connection; the old one is forgotten.
    Admit,
}

/// What a connection has said last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Last {
    /// The next sequence number to send.
    pub sequence: u32,
    /// The next sequence number expected.
    pub acknowledgement: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    flow: Flow,
    last: Last,
    until: Instant,
    hash: u32,
    /// Neighbours in the order of expiry.
    older: u16,
    newer: u16,
}

/// The table.
pub struct TimeWait {
    entries: Box<[Option<Entry>]>,
    index: Index,
    oldest: u16,
    newest: u16,
    /// Places that are free; the first `free_count`.
    free: Box<[u16]>,
    free_count: usize,
}

impl Default for TimeWait {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeWait {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            entries: vec![None; ENTRIES].into_boxed_slice(),
            index: Index::new(ENTRIES, ENTRIES),
            oldest: NONE,
            newest: NONE,
            free: (0..ENTRIES as u16).rev().collect(),
            free_count: ENTRIES,
        }
    }

    /// How many connections are here at `now`.
    pub fn len(&mut self, now: Instant) -> usize {
        self.expire(now);
        ENTRIES - self.free_count
    }

    /// Whether there is a connection between these ends.
    pub fn contains(&self, hash: u32, flow: &Flow) -> bool {
        self.find(hash, flow).is_some()
    }

    /// Keeps a connection; in place of the oldest if there is no room.
    pub fn insert(&mut self, hash: u32, flow: Flow, last: Last, now: Instant) {
        self.expire(now);
        if let Some(place) = self.find(hash, &flow) {
            self.remove(place);
        }
        if self.free_count == 0 {
            self.remove(self.oldest);
        }
        let Some(count) = self.free_count.checked_sub(1) else { return };
        let Some(place) = self.free.get(count).copied() else { return };
        self.free_count = count;
        let entry = Entry { flow, last, until: now + STAY, hash, older: self.newest, newer: NONE };
        if let Some(slot) = self.entries.get_mut(usize::from(place)) {
            *slot = Some(entry);
        }
        self.index.insert(hash, place);
        self.link(self.newest, place);
        self.newest = place;
        if self.oldest == NONE {
            self.oldest = place;
        }
    }

    /// What to do with a segment for which there is no socket.
    pub fn judge(&mut self, hash: u32, segment: &Segment, now: Instant) -> Verdict {
        self.expire(now);
        let Some(place) = self.find(hash, &segment.flow) else { return Verdict::Unknown };
        let Some(entry) = self.entry(place).copied() else { return Verdict::Unknown };
        // A reset does not end this state before its time (RFC 1337).
        if segment.has(flag::RST) {
            return Verdict::Ignore;
        }
        let is_newer = (segment.sequence.wrapping_sub(entry.last.acknowledgement) as i32) >= 0;
        if segment.has(flag::SYN) && !segment.has(flag::ACK) && is_newer {
            self.remove(place);
            return Verdict::Admit;
        }
        if segment.length == 0 && segment.sequence == entry.last.acknowledgement {
            return Verdict::Ignore;
        }
        if segment.has(flag::FIN) {
            // The other end has not got the acknowledgement: the time begins again.
            self.remove(place);
            self.insert(hash, entry.flow, entry.last, now);
        }
        Verdict::Acknowledge(entry.last)
    }

    /// All connections, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        let next = |entry: &&Entry| self.entry(entry.newer);
        core::iter::successors(self.entry(self.oldest), next).map(|entry| &entry.flow)
    }

    fn entry(&self, place: u16) -> Option<&Entry> {
        self.entries.get(usize::from(place))?.as_ref()
    }

    fn find(&self, hash: u32, flow: &Flow) -> Option<u16> {
        self.index.candidates(hash).find(|place| self.entry(*place).is_some_and(|entry| entry.flow == *flow))
    }

    fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.entry(self.oldest)
            && entry.until <= now
        {
            self.remove(self.oldest);
        }
    }

    /// Makes two places neighbours.
    fn link(&mut self, older: u16, newer: u16) {
        if let Some(Some(entry)) = self.entries.get_mut(usize::from(older)) {
            entry.newer = newer;
        }
        if let Some(Some(entry)) = self.entries.get_mut(usize::from(newer)) {
            entry.older = older;
        }
    }

    fn remove(&mut self, place: u16) {
        let Some(entry) = self.entries.get_mut(usize::from(place)).and_then(Option::take) else { return };
        self.index.remove(entry.hash, place);
        self.link(entry.older, entry.newer);
        if self.oldest == place {
            self.oldest = entry.newer;
        }
        if self.newest == place {
            self.newest = entry.older;
        }
        if let Some(slot) = self.free.get_mut(self.free_count) {
            *slot = place;
            self.free_count += 1;
        }
    }
}
