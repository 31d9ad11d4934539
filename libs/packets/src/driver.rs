//! The driver's side.

use crate::ring::{Consumer, Name, Producer};
use crate::{BUFFERS, Broken, Buffer, DRIVER_SLEEPS, FRAME_MAX, RINGS_AT, SIZE, USER_SLEEPS, Wake};
use ipc::Region;

/// What the driver has a buffer for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// It does not have it.
    No,
    /// To receive into it.
    Filling,
    /// To send it.
    Sending,
}

/// The driver's side of the packet rings.
pub struct Driver {
    memory: Region,
    fill: Consumer,
    receive: Producer,
    transmit: Consumer,
    complete: Producer,
    held: [Held; BUFFERS],
}

impl Driver {
    /// The driver's side of `memory`, with empty rings: for each `attach`, before the user hears of it.
    ///
    /// Errors: [`Broken`] if the memory is too small.
    pub fn new(memory: Region) -> Result<Self, Broken> {
        if memory.len() < SIZE {
            return Err(Broken);
        }
        memory.part(0, RINGS_AT)?.zero();
        Ok(Self {
            memory,
            fill: Consumer::new(Name::Fill),
            receive: Producer::new(Name::Receive),
            transmit: Consumer::new(Name::Transmit),
            complete: Producer::new(Name::Complete),
            held: [Held::No; BUFFERS],
        })
    }

    /// The shared memory.
    pub const fn memory(&self) -> &Region {
        &self.memory
    }

    /// The next buffer to receive into; the driver has it until [`Driver::received`].
    ///
    /// Errors: [`Broken`].
    pub fn next_fill(&mut self) -> Result<Option<Buffer>, Broken> {
        let Some((buffer, _)) = self.fill.pop(&self.memory)? else { return Ok(None) };
        self.take(buffer, Held::Filling)?;
        Ok(Some(buffer))
    }

    /// Gives the user the frame of `length` bytes that was received into a buffer.
    ///
    /// Errors: [`Broken`] if the driver does not have the buffer for that, or the frame is too long.
    pub fn received(&mut self, buffer: Buffer, length: usize) -> Result<(), Broken> {
        if length > FRAME_MAX {
            return Err(Broken);
        }
        self.give(buffer, Held::Filling)?;
        self.receive.push(&self.memory, buffer, length)
    }

    /// The next frame to send: its buffer, which the driver has until [`Driver::completed`], and its length, at most
    /// [`FRAME_MAX`].
    ///
    /// Errors: [`Broken`].
    pub fn next_transmit(&mut self) -> Result<Option<(Buffer, usize)>, Broken> {
        let Some((buffer, length)) = self.transmit.pop(&self.memory)? else { return Ok(None) };
        if length > FRAME_MAX {
            return Err(Broken);
        }
        self.take(buffer, Held::Sending)?;
        Ok(Some((buffer, length)))
    }

    /// Gives the user back a buffer whose frame was sent.
    ///
    /// Errors: [`Broken`] if the driver does not have the buffer for that.
    pub fn completed(&mut self, buffer: Buffer) -> Result<(), Broken> {
        self.give(buffer, Held::Sending)?;
        self.complete.push(&self.memory, buffer, 0)
    }

    /// Says what to be woken for. True: there is none of it, so the driver may wait for `NOTIFY_DRIVER`.
    ///
    /// Errors: [`Broken`].
    pub fn sleep(&mut self, wake: Wake) -> Result<bool, Broken> {
        crate::sleep(&self.memory, DRIVER_SLEEPS, wake)?;
        let frames = wake != Wake::BUFFERS && !self.transmit.is_empty(&self.memory)?;
        let buffers = wake != Wake::FRAMES && !self.fill.is_empty(&self.memory)?;
        Ok(!frames && !buffers)
    }

    /// Whether the user wants to be notified of these news (`FRAMES`: in `receive`, `BUFFERS`: in `complete`). Asked once after
    /// putting something in; the answer is true once each time that it sleeps.
    ///
    /// Errors: [`Broken`].
    pub fn must_wake(&self, news: Wake) -> Result<bool, Broken> {
        crate::must_wake(&self.memory, USER_SLEEPS, news)
    }

    fn take(&mut self, buffer: Buffer, held: Held) -> Result<(), Broken> {
        match self.held.get_mut(usize::from(buffer)) {
            Some(place @ Held::No) => *place = held,
            _ => return Err(Broken),
        }
        Ok(())
    }

    fn give(&mut self, buffer: Buffer, held: Held) -> Result<(), Broken> {
        match self.held.get_mut(usize::from(buffer)) {
            Some(place) if *place == held => *place = Held::No,
            _ => return Err(Broken),
        }
        Ok(())
    }
}
