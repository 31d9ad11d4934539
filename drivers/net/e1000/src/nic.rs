//! The card at work: moves buffers between the packet rings of the user and the descriptors of the card.
//!
//! Frames are written and read by the card itself, in the user's buffers; here only numbers move. Relies on nothing that
//! the card or the user has written: both can at most cause a [`Trouble`]. Allocates nothing, and makes no system calls but
//! for memory that is not mapped yet: whom to wake is the caller's to do.

use crate::Memory;
use crate::card::{Card, CardError, Registers};
use crate::frame::{self, Received};
use crate::ring::{ENTRIES, Ring};
use core::fmt;
use packets::{Broken, Driver, Wake, frame_offset};

/// With fewer buffers than this to receive into, the driver wants to be woken for more. With more, it takes them when it
/// has something else to do.
const ENOUGH: usize = ENTRIES / 2;

/// Why it cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The user has broken the rules of the packet rings; it must attach again.
    User,
    /// The card says that it has received so many bytes into a buffer, the end of the frame or not; it must be reset.
    Card(usize, bool),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => Broken.fmt(f),
            Self::Card(length, true) => {
                write!(f, "the card says that it has received a frame of {length} bytes")
            }
            Self::Card(..) => write!(f, "the card says that it has received the beginning of a frame"),
        }
    }
}

impl From<Broken> for Trouble {
    fn from(_: Broken) -> Self {
        Self::User
    }
}

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Frames received, and their bytes.
    pub received: u64,
    /// See `received`.
    pub received_bytes: u64,
    /// Frames sent, and their bytes.
    pub sent: u64,
    /// See `sent`.
    pub sent_bytes: u64,
    /// Frames that came while no buffer was free.
    pub dropped: u64,
    /// Frames, or what was said to be one, that were faulty.
    pub errors: u64,
}

/// What there is for the user since it was last told.
#[derive(Clone, Copy, Default)]
struct News {
    frames: bool,
    buffers: bool,
}

/// The card at work for a user. While it has none, the card is stopped.
pub struct Nic<R> {
    card: Card<R>,
    receive: Ring,
    transmit: Ring,
    /// The receive ring's tail, as the card knows it.
    receive_tail: u32,
    packets: Memory,
    user: Option<Driver>,
    news: News,
    /// Whether the card interrupts when it has sent.
    awaits_sent: bool,
    counts: Counts,
}

impl<R: Registers> Nic<R> {
    /// A card, reset. The memory for the rings has [`crate::RING_SIZE`] bytes each and a physical address that is a
    /// multiple of 16; `packets` has [`packets::SIZE`] bytes.
    ///
    /// Errors: those of [`Card::reset`].
    pub fn new(card: Card<R>, receive: Memory, transmit: Memory, packets: Memory) -> Result<Self, CardError> {
        card.reset()?;
        Ok(Self {
            card,
            receive: Ring::new(receive),
            transmit: Ring::new(transmit),
            receive_tail: 0,
            packets,
            user: None,
            news: News::default(),
            awaits_sent: false,
            counts: Counts::default(),
        })
    }

    /// Resets the card and begins with a new user, who has all buffers; the card's address.
    ///
    /// Errors: those of [`Card::reset`]; then there is no user.
    pub fn attach(&mut self) -> Result<[u8; 6], CardError> {
        let address = self.detach()?;
        // It fails only if the memory is too small.
        self.user = Driver::new(self.packets.region).ok();
        self.start();
        Ok(address)
    }

    /// Stops the card: there is no user any more. Returns the card's address.
    ///
    /// Errors: those of [`Card::reset`].
    pub fn detach(&mut self) -> Result<[u8; 6], CardError> {
        self.user = None;
        self.receive.clear();
        self.transmit.clear();
        self.card.reset()
    }

    /// Resets the card and goes on with the same user: frames to be sent are lost, buffers to receive into stay with the
    /// card.
    ///
    /// Errors: those of [`Card::reset`].
    pub fn restart(&mut self) -> Result<(), CardError> {
        self.card.reset()?;
        while let Some(buffer) = self.transmit.take_oldest() {
            self.news.buffers = true;
            // It cannot fail: the user has given the buffer, and it was not given back.
            let _ = self.user.as_mut().map(|user| user.completed(buffer));
        }
        self.start();
        Ok(())
    }

    /// Takes what the card has done and gives it what the user wants done, once; true if there is nothing left to do, so
    /// that the driver can wait for an interrupt or for `NOTIFY_DRIVER`.
    ///
    /// Errors: [`Trouble`]. After it, [`Nic::detach`] or [`Nic::restart`].
    pub fn round(&mut self) -> Result<bool, Trouble> {
        let Some(mut user) = self.user.take() else { return Ok(true) };
        let done = self.serve(&mut user);
        self.user = Some(user);
        done
    }

    /// Whether the user must be woken for what it was given since this was last asked.
    pub fn must_wake(&mut self) -> bool {
        let News { frames, buffers } = core::mem::take(&mut self.news);
        let Some(user) = &self.user else { return false };
        // It fails only if the memory is too small.
        let wanted = |wake| user.must_wake(wake).unwrap_or(false);
        match (frames, buffers) {
            (true, true) => wanted(Wake::BOTH),
            (true, false) => wanted(Wake::FRAMES),
            (false, true) => wanted(Wake::BUFFERS),
            (false, false) => false,
        }
    }

    /// The card's registers.
    pub const fn card(&self) -> &Card<R> {
        &self.card
    }

    /// What was counted so far. The card counts too: it is asked.
    pub fn counts(&mut self) -> Counts {
        self.counts.dropped += u64::from(self.card.take_lost());
        self.counts.errors += u64::from(self.card.take_damaged());
        self.counts
    }

    /// Starts the card, which was reset, with the buffers that it has.
    fn start(&mut self) {
        let base = self.packets.physical;
        self.receive.restart(|buffer| (base + frame_offset(buffer) as u64, 0));
        self.awaits_sent = false;
        self.card.start(self.receive.physical(), self.transmit.physical());
        self.receive_tail = self.receive.tail();
        self.card.set_receive_tail(self.receive_tail);
    }

    fn serve(&mut self, user: &mut Driver) -> Result<bool, Trouble> {
        self.take_sent(user)?;
        self.take_received(user)?;
        self.give_empty(user)?;
        self.give_frames(user)?;
        // What was sent at once needs no interrupt.
        self.take_sent(user)?;
        let awaits_sent = !self.transmit.is_empty();
        if awaits_sent != self.awaits_sent {
            self.awaits_sent = awaits_sent;
            self.card.interrupt_when_sent(awaits_sent);
        }
        // Frames that the ring has no room for wait until it has, which is an interrupt.
        let wake = match (self.transmit.is_full(), self.receive.len() < ENOUGH) {
            (false, true) => Wake::BOTH,
            (false, false) => Wake::FRAMES,
            (true, true) => Wake::BUFFERS,
            (true, false) => return Ok(true),
        };
        Ok(user.sleep(wake)?)
    }

    fn take_sent(&mut self, user: &mut Driver) -> Result<(), Trouble> {
        while let Some((buffer, control)) = self.transmit.done() {
            user.completed(buffer)?;
            self.news.buffers = true;
            self.counts.sent += 1;
            self.counts.sent_bytes += control & 0xffff;
        }
        Ok(())
    }

    fn take_received(&mut self, user: &mut Driver) -> Result<(), Trouble> {
        // At most once around, as a faulty card could go on for ever.
        for _ in 0..self.receive.len() {
            let Some((buffer, control)) = self.receive.done() else { break };
            match frame::received(control) {
                Received::Frame(length) => {
                    user.received(buffer, length)?;
                    self.news.frames = true;
                    self.counts.received += 1;
                    self.counts.received_bytes += length as u64;
                }
                Received::Damaged => {
                    self.counts.errors += 1;
                    self.give_buffer(buffer);
                }
                Received::Impossible(length, is_end) => {
                    self.counts.errors += 1;
                    self.give_buffer(buffer);
                    return Err(Trouble::Card(length, is_end));
                }
            }
        }
        Ok(())
    }

    /// Gives the card buffers to receive into, as many as there are and as it can take.
    fn give_empty(&mut self, user: &mut Driver) -> Result<(), Trouble> {
        while !self.receive.is_full()
            && let Some(buffer) = user.next_fill()?
        {
            self.give_buffer(buffer);
        }
        if self.receive.tail() != self.receive_tail {
            self.receive_tail = self.receive.tail();
            self.card.set_receive_tail(self.receive_tail);
        }
        Ok(())
    }

    /// Gives the card a buffer to receive into. It has room: the caller has looked, or has just taken one.
    fn give_buffer(&mut self, buffer: u16) {
        self.receive.push(buffer, self.packets.physical + frame_offset(buffer) as u64, 0);
    }

    fn give_frames(&mut self, user: &mut Driver) -> Result<(), Trouble> {
        let before = self.transmit.tail();
        // At most once around, as a faulty user could go on for ever with frames that are not sent.
        for _ in 0..ENTRIES {
            if self.transmit.is_full() {
                break;
            }
            let Some((buffer, length)) = user.next_transmit()? else { break };
            match frame::transmit(length) {
                Some(control) => {
                    let address = self.packets.physical + frame_offset(buffer) as u64;
                    self.transmit.push(buffer, address, control);
                }
                None => {
                    self.counts.errors += 1;
                    user.completed(buffer)?;
                    self.news.buffers = true;
                }
            }
        }
        if self.transmit.tail() != before {
            self.card.set_transmit_tail(self.transmit.tail());
        }
        Ok(())
    }
}
