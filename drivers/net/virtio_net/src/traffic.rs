//! Frames on their way between the user's packet rings and the device's queues.
//!
//! Only numbers of buffers move; the device itself reads and writes the frames. Makes no system calls, touches no registers,
//! allocates nothing. What the device or the user has written can at most [`Stop`] it.

use core::fmt;
use packets::{Broken, Buffer, Driver, FRAME_MAX, HEADROOM, Wake, frame_offset};
use virtio::{Faulty, Full, Part, Queue};

/// Bytes of an Ethernet header: no frame is shorter.
const SHORTEST: usize = 14;

/// As many sent frames may stay with the device without an interrupt: their buffers come back when the driver has
/// something else to do. The user has many more. In a small queue it is half of it.
const LAZY: u16 = 32;

/// What the device puts before a frame, or wants to find there (5.1.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its length in bytes: at most [`HEADROOM`].
    pub length: usize,
    /// Whether it must be a part of its own: legacy devices without the feature `ANY_LAYOUT` (5.1.6.6).
    pub separate: bool,
}

impl Header {
    /// How many descriptors a frame takes.
    const fn descriptors(self) -> u16 {
        if self.separate { 2 } else { 1 }
    }
}

/// One of the device's two queues (5.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Frames from outside.
    Receive,
    /// Frames of the user.
    Transmit,
}

/// Why it cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The user has broken the rules of the packet rings: it must attach again.
    User(Broken),
    /// The device has broken the rules of its queues: it must be reset.
    Device(Faulty),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(broken) => broken.fmt(f),
            Self::Device(faulty) => write!(f, "the device is faulty: {faulty}"),
        }
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::User(broken)
    }
}

impl From<Faulty> for Stop {
    fn from(faulty: Faulty) -> Self {
        Self::Device(faulty)
    }
}

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Frames received.
    pub received: u64,
    /// Bytes of these.
    pub received_bytes: u64,
    /// Frames given to the device.
    pub sent: u64,
    /// Bytes of these.
    pub sent_bytes: u64,
    /// Frames with a length that no frame has, from either side.
    pub errors: u64,
}

/// What has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// Frames were received.
    pub frames: bool,
    /// Buffers of sent frames came back.
    pub buffers: bool,
    /// There may be more to do.
    pub more: bool,
}

/// The user's rings and the device's queues.
pub struct Traffic {
    rings: Driver,
    receive: Queue,
    transmit: Queue,
    header: Header,
    /// Physical address of the packet memory.
    physical: u64,
    counts: Counts,
}

impl Traffic {
    /// Empty rings and queues. `physical` is the address of the rings' memory.
    pub fn new(rings: Driver, [receive, transmit]: [Queue; 2], header: Header, physical: u64) -> Self {
        Self { rings, receive, transmit, header, physical, counts: Counts::default() }
    }

    /// Begins again, with new rings. The device was reset, so its queues are emptied.
    pub fn reset(&mut self, rings: Driver) {
        self.rings = rings;
        self.receive.reset();
        self.transmit.reset();
    }

    /// What was counted since the start.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Moves all there is to move, once. `notify` is called if the device wants to know of what is new in a queue. If there
    /// is no more afterwards, both the device and the user will say so when there is.
    ///
    /// Errors: [`Stop`]. It is of no use then until [`Traffic::reset`].
    #[inline]
    pub fn round(&mut self, mut notify: impl FnMut(Side)) -> Result<News, Stop> {
        self.receive.no_interrupts();
        let buffers = self.take_sent()? | self.send()?;
        if self.transmit.publish() {
            notify(Side::Transmit);
        }
        let frames = self.take_received()?;
        self.refill()?;
        if self.receive.publish() {
            notify(Side::Receive);
        }
        Ok(News { frames, buffers, more: self.await_more()? })
    }

    /// Whether the user waits to be notified of these news. It is asked once for each.
    ///
    /// Errors: [`Stop::User`].
    #[inline]
    pub fn must_wake(&mut self, news: News) -> Result<bool, Stop> {
        let wake = match (news.frames, news.buffers) {
            (false, false) => return Ok(false),
            (true, false) => Wake::FRAMES,
            (false, true) => Wake::BUFFERS,
            (true, true) => Wake::BOTH,
        };
        Ok(self.rings.must_wake(wake)?)
    }

    /// The parts of the device's buffer for a user's buffer: the header and the frame of `length` bytes, as two parts; and
    /// as one.
    #[inline(always)]
    fn parts(&self, buffer: Buffer, length: usize, writable: bool) -> ([Part; 2], [Part; 1]) {
        let header = self.header.length;
        let address = self.physical + (frame_offset(buffer) - header) as u64;
        let part = |address, length: usize| Part { address, length: length as u32, writable };
        let two = [part(address, header), part(address + header as u64, length)];
        (two, [part(address, header + length)])
    }

    /// Gives the device a buffer. The caller knows that there is room.
    #[inline(always)]
    fn add(&mut self, side: Side, buffer: Buffer, length: usize) {
        let (two, one) = self.parts(buffer, length, side == Side::Receive);
        let parts: &[Part] = if self.header.separate { &two } else { &one };
        let queue = match side {
            Side::Receive => &mut self.receive,
            Side::Transmit => &mut self.transmit,
        };
        let _: Result<(), Full> = queue.add(parts, buffer);
    }

    /// Gives the user the frames that the device has received.
    #[inline(always)]
    fn take_received(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        while let Some(used) = self.receive.pop()? {
            let length = (used.written as usize).saturating_sub(self.header.length);
            if length < SHORTEST {
                self.counts.errors += 1;
                self.add(Side::Receive, used.token, FRAME_MAX);
                continue;
            }
            self.rings.received(used.token, length)?;
            self.counts.received += 1;
            self.counts.received_bytes += length as u64;
            any = true;
        }
        Ok(any)
    }

    /// Gives the device the user's empty buffers, as many as it takes.
    #[inline(always)]
    fn refill(&mut self) -> Result<(), Stop> {
        while self.receive.free() >= self.header.descriptors() {
            let Some(buffer) = self.rings.next_fill()? else { break };
            self.add(Side::Receive, buffer, FRAME_MAX);
        }
        Ok(())
    }

    /// Gives the user back the buffers that the device has sent.
    #[inline(always)]
    fn take_sent(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        while let Some(used) = self.transmit.pop()? {
            self.rings.completed(used.token)?;
            any = true;
        }
        Ok(any)
    }

    /// Gives the device the user's frames, as many as it takes; whether buffers of others went back to the user.
    #[inline(always)]
    fn send(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        while self.transmit.free() >= self.header.descriptors() {
            let Some((buffer, length)) = self.rings.next_transmit()? else { break };
            if length < SHORTEST {
                self.counts.errors += 1;
                self.rings.completed(buffer)?;
                any = true;
                continue;
            }
            // Nothing for the device to do but to send it: all fields are 0 (5.1.6.2).
            let headroom = frame_offset(buffer) - HEADROOM;
            for offset in (0..HEADROOM).step_by(8) {
                self.rings.memory().write_u64(headroom + offset, 0).map_err(Broken::from)?;
            }
            self.add(Side::Transmit, buffer, length);
            self.counts.sent += 1;
            self.counts.sent_bytes += length as u64;
        }
        Ok(any)
    }

    /// Asks the device and the user to say when there is something to do; true: there is already.
    #[inline(always)]
    fn await_more(&mut self) -> Result<bool, Stop> {
        let mut more = self.receive.interrupt_after(1);
        let descriptors = self.header.descriptors();
        let (sending, room) = (self.transmit.taken() / descriptors, self.transmit.free() / descriptors);
        let lazy = LAZY.min((sending + room) / 2);
        if sending > lazy {
            more |= self.transmit.interrupt_after(sending - lazy);
        } else {
            self.transmit.no_interrupts();
        }
        // With more than half of the buffers that the device could have, it can wait until there is something else to do.
        let wants_buffers = self.receive.taken() < self.receive.free();
        let can_send = self.transmit.free() >= descriptors;
        let asleep = match (can_send, wants_buffers) {
            (true, true) => self.rings.sleep(Wake::BOTH)?,
            (true, false) => self.rings.sleep(Wake::FRAMES)?,
            (false, true) => self.rings.sleep(Wake::BUFFERS)?,
            (false, false) => true,
        };
        Ok(more || !asleep)
    }
}
