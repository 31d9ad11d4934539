//! The port of an interface whose driver is another task: frames travel through the packet rings (libs/packets).

use crate::stack::port::{FRAME_MAX, Port};
use alloc::boxed::Box;
use interfaces::nic::{AttachReply, Client, NOTIFY_DRIVER};
use ipc::{Error, TaskId};
use packets::{BUFFERS, Broken, User, Wake};
use resea::SharedMemory;

/// Buffers that wait at the driver for frames; the others are for sending.
const RECEIVING: usize = BUFFERS / 2;

/// The user's end of a driver's rings.
pub struct Card {
    driver: TaskId,
    user: Box<User>,
    /// Mapped as long as this lives.
    _memory: SharedMemory,
    /// Frames were sent, or buffers given back, since the driver was last asked whether it has to be woken.
    has_sent: bool,
    has_filled: bool,
    is_broken: bool,
}

impl Card {
    /// Becomes the user of a driver's card. All buffers are ours then, whatever was before.
    ///
    /// Errors: those of `nic.attach` and of mapping its memory; `BadMessage` if that is too small.
    pub fn attach(driver: TaskId) -> Result<(Self, AttachReply), Error> {
        let reply = Client::new(driver).attach()?;
        let memory = SharedMemory::open(reply.packets, true)?;
        let user = User::new(*memory.region()).map_err(|Broken| Error::BadMessage)?;
        let mut card = Self {
            driver,
            user: Box::new(user),
            _memory: memory,
            has_sent: false,
            has_filled: false,
            is_broken: false,
        };
        card.fill_all().map_err(|Broken| Error::BadMessage)?;
        Ok((card, reply))
    }

    fn fill_all(&mut self) -> Result<(), Broken> {
        for _ in 0..RECEIVING {
            if let Some(buffer) = self.user.allocate()? {
                self.user.fill(buffer)?;
                self.has_filled = true;
            }
        }
        Ok(())
    }

    fn try_receive(&mut self, to: &mut [u8; FRAME_MAX]) -> Result<Option<usize>, Broken> {
        let Some((buffer, length)) = self.user.receive()? else { return Ok(None) };
        let length = length.min(FRAME_MAX);
        let (frame, _) = to.split_at_mut(length);
        self.user.read(buffer, frame)?;
        self.user.fill(buffer)?;
        self.has_filled = true;
        Ok(Some(length))
    }

    fn try_send(&mut self, frame: &[u8]) -> Result<(), Broken> {
        let Some(buffer) = self.user.allocate()? else { return Ok(()) };
        self.user.write(buffer, frame)?;
        self.user.transmit(buffer, frame.len())?;
        self.has_sent = true;
        Ok(())
    }

    fn try_has_room(&mut self) -> Result<bool, Broken> {
        if self.user.free() == 0 {
            self.user.collect()?;
        }
        Ok(self.user.free() > 0)
    }

    /// Wakes the driver if it has to know, and says that this side goes to sleep; whether it should not, because there is
    /// more.
    fn try_flush(&mut self, needs_room: bool) -> Result<bool, Broken> {
        let news = match (core::mem::take(&mut self.has_sent), core::mem::take(&mut self.has_filled)) {
            (true, true) => Some(Wake::BOTH),
            (true, false) => Some(Wake::FRAMES),
            (false, true) => Some(Wake::BUFFERS),
            (false, false) => None,
        };
        if let Some(news) = news
            && self.user.must_wake(news)?
        {
            // It fails only if the driver has ended, which dm will tell.
            let _ = ipc::notify(self.driver, NOTIFY_DRIVER as usize);
        }
        let wanted = if needs_room { Wake::BOTH } else { Wake::FRAMES };
        self.user.sleep(wanted).map(|is_asleep| !is_asleep)
    }

    /// Keeps in mind that the driver has written what cannot be.
    fn check<T>(&mut self, result: Result<T, Broken>, otherwise: T) -> T {
        result.unwrap_or_else(|Broken| {
            self.is_broken = true;
            otherwise
        })
    }
}

impl Port for Card {
    fn has_room(&mut self) -> bool {
        if self.is_broken {
            return false;
        }
        let result = self.try_has_room();
        self.check(result, false)
    }

    fn send(&mut self, frame: &[u8]) {
        let result = self.try_send(frame);
        self.check(result, ());
    }

    fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        if self.is_broken {
            return None;
        }
        let result = self.try_receive(buffer);
        self.check(result, None)
    }

    fn flush(&mut self, needs_room: bool) -> bool {
        if self.is_broken {
            return false;
        }
        let result = self.try_flush(needs_room);
        self.check(result, false)
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

/// The port of an interface whose driver has ended. What is sent waits: there is no room.
pub struct Unplugged;

impl Port for Unplugged {
    fn has_room(&mut self) -> bool {
        false
    }

    fn send(&mut self, _: &[u8]) {}

    fn receive(&mut self, _: &mut [u8; FRAME_MAX]) -> Option<usize> {
        None
    }
}
