//! The TCP/IP stack: interfaces, sockets and the way of packets between them. It makes no system calls, so tests drive it
//! with frames.
//!
//! * [`Stack::poll`] takes the frames that have come, has each processed for the one socket whose it is, and sends what
//!   sockets have to send. Only sockets to which something happened are looked at.
//! * The rest of the methods are what the owners of sockets do. What they caused is sent by the next `poll`.
//! * [`Stack::changed`] names the sockets to which something happened that their owner may want to know.
//!
//! TCP itself is smoltcp's. What is added here: finding the socket of a segment in constant time, a backlog, a table for
//! connections in TIME-WAIT, timeouts, and what an error was.

pub mod body;
mod challenge;
mod close;
mod configuration;
mod connect;
mod datagrams;
mod dhcp;
mod echo;
mod fragments;
mod index;
mod ingress;
pub mod link;
mod listen;
mod peek;
mod places;
pub mod port;
mod queue;
mod resume;
mod settle;
mod slaac;
mod timewait;
mod transfer;
mod transmit;

pub use body::Pool;
pub use configuration::Address;
pub use echo::{ECHO_MAX, Echo};
pub use index::{Hasher, Index};
pub use peek::{Flow, Peek, Segment, flag, peek as peek_frame};
pub use places::{Connection, Datagrams, Listener, Places, Socket};
pub use settle::Readiness;
pub use timewait::{ENTRIES as TIME_WAIT_MAX, Last, STAY as TIME_WAIT_STAY, TimeWait, Verdict};
pub use transfer::Property;

use alloc::boxed::Box;
use alloc::vec::Vec;
use fragments::Fragments;
use link::Link;
use port::{FRAME_MAX, Loopback};
use queue::Queue;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

/// How many sockets there can be.
pub const PLACES: usize = interfaces::tcpip::SOCKETS_MAX;

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Statistics {
    /// Frames that were no packets, or must not come from a network.
    pub malformed: u64,
    /// Connections that were opened from here.
    pub connects: u64,
    /// Connections that were accepted.
    pub accepts: u64,
    /// Connections that ended with a reset of the peer.
    pub resets: u64,
    /// Segments for which there was neither a connection nor a listener.
    pub refused: u64,
    /// Requests for a connection that were not answered, because too many waited.
    pub backlog_dropped: u64,
}

/// The stack.
pub struct Stack {
    links: Vec<Link>,
    places: Places,
    index: Index,
    hasher: Hasher,
    pool: Pool,
    time_wait: TimeWait,
    fragments: Fragments,
    statistics: Statistics,
    half_open: usize,
    random: fastrand::Rng,
    /// Tells our echoes from those of others.
    identification: u16,
    /// Sockets that may have something to send.
    dirty: Queue,
    /// Sockets to which something happened.
    changed: Queue,
    /// Where frames are put that have come.
    buffer: Option<Box<[u8; FRAME_MAX]>>,
}

/// The most frames of one interface that are processed before others have their turn.
const BURST: usize = 128;

impl Stack {
    /// A stack with the loopback interface. `seed` is for sequence numbers and ports: nobody outside must know it.
    pub fn new(seed: u64, now: Instant) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut stack = Self {
            links: Vec::new(),
            places: Places::new(PLACES),
            index: Index::new(PLACES, 2 * PLACES),
            hasher: Hasher::new(random.u64(..)),
            pool: Pool::new(PLACES),
            time_wait: TimeWait::new(),
            fragments: Fragments::default(),
            statistics: Statistics::default(),
            half_open: 0,
            identification: random.u16(..),
            random,
            dirty: Queue::new(),
            changed: Queue::new(),
            buffer: Some(Box::new([0; FRAME_MAX])),
        };
        let loopback = stack.add("lo", None, FRAME_MAX, Box::new(Loopback::new()), now);
        if let Some(link) = stack.links.get_mut(loopback) {
            link.interface.update_ip_addrs(|addresses| {
                // There is room for several; these are the first.
                let _ = addresses.push(IpCidr::new(IpAddress::v4(127, 0, 0, 1), 8));
                let _ = addresses.push(IpCidr::new(IpAddress::v6(0, 0, 0, 0, 0, 0, 0, 1), 128));
            });
        }
        stack
    }

    /// Adds an interface; its number.
    pub fn add(
        &mut self,
        name: &str,
        hardware: Option<EthernetAddress>,
        mtu: usize,
        port: Box<dyn port::Port>,
        now: Instant,
    ) -> usize {
        let seed = self.random.u64(..);
        self.links.push(Link::new(name, hardware, mtu, port, seed, now));
        self.links.len() - 1
    }

    /// The interfaces.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// An interface, to change it.
    pub fn link_mut(&mut self, link: usize) -> Option<&mut Link> {
        self.links.get_mut(link)
    }

    /// The sockets.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// What was counted.
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Connections that are half made.
    pub const fn half_open(&self) -> usize {
        self.half_open
    }

    /// Connections in TIME-WAIT.
    pub fn time_wait(&mut self, now: Instant) -> usize {
        self.time_wait.len(now)
    }

    /// A random number, from the stack's seed.
    pub fn random(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// The next socket to which something happened that its owner may want to know.
    pub fn changed(&mut self) -> Option<u16> {
        self.changed.pop()
    }

    /// Whether there is something for [`Stack::poll`] to do at once.
    pub fn is_busy(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Takes frames, sends frames, and does what the time demands; whether there are more frames, so that it has to be
    /// called again after others had their turn.
    pub fn poll(&mut self, now: Instant) -> bool {
        let Self { places, dirty, .. } = self;
        places.expired(now, |place| dirty.push(place));
        let mut left = BURST;
        loop {
            let received = self.take_frames(now, left);
            left -= received;
            self.transmit(now);
            if left == 0 || received == 0 && !self.has_looped() {
                break;
            }
        }
        let mut has_more = left == 0;
        for link in &mut self.links {
            has_more |= link.flush();
        }
        has_more
    }

    /// Whether something was sent to the loopback interface that has not been taken yet.
    fn has_looped(&self) -> bool {
        let counters = self.links.first().map(Link::counters).unwrap_or_default();
        counters.sent != counters.received
    }

    /// When [`Stack::poll`] has to be called at the latest, even if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        let links = self.links.iter().filter_map(|link| link.deadline);
        let sockets = Some(self.places.earliest()).filter(|earliest| *earliest != places::NEVER);
        links.chain(sockets).min()
    }

    /// Takes up to `most` frames of each interface; how many there were at the one with the most.
    fn take_frames(&mut self, now: Instant, most: usize) -> usize {
        // It is apart from the rest of the stack meanwhile.
        let Some(mut buffer) = self.buffer.take() else { return 0 };
        let mut most_received = 0;
        for link in 0..self.links.len() {
            let mut received = 0;
            while received < most
                && let Some(length) = self.links.get_mut(link).and_then(|it| it.receive(&mut buffer))
            {
                self.process(link, buffer.get(..length).unwrap_or_default(), now);
                received += 1;
            }
            most_received = received.max(most_received);
        }
        self.buffer = Some(buffer);
        most_received
    }
}
