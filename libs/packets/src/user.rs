//! The user's side: TCP/IP.

use crate::ring::{Consumer, Name, Producer};
use crate::{BUFFERS, Broken, Buffer, DRIVER_SLEEPS, FRAME_MAX, SIZE, USER_SLEEPS, Wake, frame_offset};
use ipc::Region;

/// Who has a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// The user, in its stock.
    Stock,
    /// The user, who has taken it out.
    Taken,
    /// The driver, to receive into it.
    Filling,
    /// The driver, to send it.
    Sending,
}

/// The user's side of the packet rings. Made after each `attach`, when the driver has emptied the rings.
pub struct User {
    memory: Region,
    fill: Producer,
    receive: Consumer,
    transmit: Producer,
    complete: Consumer,
    holders: [Holder; BUFFERS],
    /// The first `free` are the buffers in the stock.
    stock: [Buffer; BUFFERS],
    free: usize,
}

impl User {
    /// The user of `memory`, with all buffers in its stock.
    ///
    /// Errors: [`Broken`] if the memory is too small.
    pub fn new(memory: Region) -> Result<Self, Broken> {
        if memory.len() < SIZE {
            return Err(Broken);
        }
        Ok(Self {
            memory,
            fill: Producer::new(Name::Fill),
            receive: Consumer::new(Name::Receive),
            transmit: Producer::new(Name::Transmit),
            complete: Consumer::new(Name::Complete),
            holders: [Holder::Stock; BUFFERS],
            stock: core::array::from_fn(|buffer| buffer as Buffer),
            free: BUFFERS,
        })
    }

    /// How many buffers are in the stock.
    pub const fn free(&self) -> usize {
        self.free
    }

    /// Takes a buffer out of the stock; first those that the driver has sent are put back into it.
    ///
    /// Errors: [`Broken`].
    pub fn allocate(&mut self) -> Result<Option<Buffer>, Broken> {
        if self.free == 0 {
            self.collect()?;
        }
        let Some(place) = self.free.checked_sub(1) else { return Ok(None) };
        self.free = place;
        let buffer = self.stock.get(place).copied().unwrap_or_default();
        self.set_holder(buffer, Holder::Taken);
        Ok(Some(buffer))
    }

    /// Puts a buffer that was allocated or received back into the stock. Another one is left where it is.
    pub fn release(&mut self, buffer: Buffer) {
        if self.holder(buffer) == Some(Holder::Taken) {
            self.put_back(buffer);
        }
    }

    /// Puts the buffers that the driver has sent back into the stock.
    ///
    /// Errors: [`Broken`].
    pub fn collect(&mut self) -> Result<(), Broken> {
        while let Some((buffer, _)) = self.complete.pop(&self.memory)? {
            if self.holder(buffer) != Some(Holder::Sending) {
                return Err(Broken);
            }
            self.put_back(buffer);
        }
        Ok(())
    }

    /// Gives the driver a buffer that was allocated or received, to receive into.
    ///
    /// Errors: [`Broken`] if the buffer is not the caller's.
    pub fn fill(&mut self, buffer: Buffer) -> Result<(), Broken> {
        self.lend(buffer, Holder::Filling)?;
        self.fill.push(&self.memory, buffer, 0)
    }

    /// The next frame that was received: its buffer, which is the caller's now, and its length, at most [`FRAME_MAX`].
    ///
    /// Errors: [`Broken`].
    pub fn receive(&mut self) -> Result<Option<(Buffer, usize)>, Broken> {
        let Some((buffer, length)) = self.receive.pop(&self.memory)? else { return Ok(None) };
        if self.holder(buffer) != Some(Holder::Filling) || length > FRAME_MAX {
            return Err(Broken);
        }
        self.set_holder(buffer, Holder::Taken);
        Ok(Some((buffer, length)))
    }

    /// Gives the driver the frame of `length` bytes in a buffer that was allocated or received, to send it.
    ///
    /// Errors: [`Broken`] if the buffer is not the caller's or the frame is too long.
    pub fn transmit(&mut self, buffer: Buffer, length: usize) -> Result<(), Broken> {
        if length > FRAME_MAX {
            return Err(Broken);
        }
        self.lend(buffer, Holder::Sending)?;
        self.transmit.push(&self.memory, buffer, length)
    }

    /// Copies the start of a buffer's frame.
    ///
    /// Errors: [`Broken`] if `to` is longer than a frame can be.
    pub fn read(&self, buffer: Buffer, to: &mut [u8]) -> Result<(), Broken> {
        if to.len() > FRAME_MAX {
            return Err(Broken);
        }
        Ok(self.memory.read(frame_offset(buffer), to)?)
    }

    /// Writes the start of a buffer's frame.
    ///
    /// Errors: [`Broken`] if `frame` is longer than a frame can be.
    pub fn write(&self, buffer: Buffer, frame: &[u8]) -> Result<(), Broken> {
        if frame.len() > FRAME_MAX {
            return Err(Broken);
        }
        Ok(self.memory.write(frame_offset(buffer), frame)?)
    }

    /// Says what to be woken for. True: there is none of it, so the user may wait for `NOTIFY_USER`.
    ///
    /// Errors: [`Broken`].
    pub fn sleep(&mut self, wake: Wake) -> Result<bool, Broken> {
        crate::sleep(&self.memory, USER_SLEEPS, wake)?;
        let frames = wake != Wake::BUFFERS && !self.receive.is_empty(&self.memory)?;
        let buffers = wake != Wake::FRAMES && !self.complete.is_empty(&self.memory)?;
        Ok(!frames && !buffers)
    }

    /// Whether the driver wants to be notified of these news (`FRAMES`: in `transmit`, `BUFFERS`: in `fill`). Asked once after
    /// putting something in; the answer is true once each time that it sleeps.
    ///
    /// Errors: [`Broken`].
    pub fn must_wake(&self, news: Wake) -> Result<bool, Broken> {
        crate::must_wake(&self.memory, DRIVER_SLEEPS, news)
    }

    fn holder(&self, buffer: Buffer) -> Option<Holder> {
        self.holders.get(usize::from(buffer)).copied()
    }

    fn set_holder(&mut self, buffer: Buffer, holder: Holder) {
        if let Some(place) = self.holders.get_mut(usize::from(buffer)) {
            *place = holder;
        }
    }

    fn lend(&mut self, buffer: Buffer, holder: Holder) -> Result<(), Broken> {
        if self.holder(buffer) != Some(Holder::Taken) {
            return Err(Broken);
        }
        self.set_holder(buffer, holder);
        Ok(())
    }

    fn put_back(&mut self, buffer: Buffer) {
        self.set_holder(buffer, Holder::Stock);
        if let Some(place) = self.stock.get_mut(self.free) {
            *place = buffer;
            self.free += 1;
        }
    }
}
