//! A queue of either kind.

use crate::packed::Packed;
use crate::split::Split;
use crate::{Faulty, Full, Layout, Part, Ring, Used};
use ipc::{Error, Region};

/// A queue, the driver's side (2.6). Buffers that were [added](Queue::add) come back by [`Queue::pop`].
///
/// Notifications in both directions are suppressed where the device allows it: [`Queue::publish`] says whether to notify
/// the device, [`Queue::interrupt_after`] says when it is to interrupt.
pub struct Queue(Kind);

enum Kind {
    Split(Split),
    Packed(Packed),
}

/// The same call for either kind.
macro_rules! either {
    ($queue:expr, $name:ident($($argument:expr),*)) => {
        match $queue {
            Kind::Split(queue) => queue.$name($($argument),*),
            Kind::Packed(queue) => queue.$name($($argument),*),
        }
    };
}

impl Queue {
    /// An empty queue in memory that nothing else uses. The device is not asked to interrupt. `events`: `EVENT_IDX` was negotiated.
    ///
    /// Errors: `OutOfBounds` (the memory is smaller than the layout), `InvalidArgument` (it is not a multiple of 8).
    pub fn new(memory: Region, layout: Layout, events: bool) -> Result<Self, Error> {
        let memory = memory.part(0, layout.length)?;
        memory.load(0)?;
        Ok(Self(match layout.ring {
            Ring::Split => Kind::Split(Split::new(memory, layout, events)),
            Ring::Packed => Kind::Packed(Packed::new(memory, layout, events)),
        }))
    }

    /// Empties it. The device must have been reset before.
    pub fn reset(&mut self) {
        either!(&mut self.0, reset());
    }

    /// How many descriptors are free. A buffer takes one for each part.
    #[inline(always)]
    pub fn free(&self) -> u16 {
        either!(&self.0, free())
    }

    /// How many descriptors are taken.
    #[inline(always)]
    pub fn taken(&self) -> u16 {
        either!(&self.0, size()) - self.free()
    }

    /// Adds a buffer. The device may take it before [`Queue::publish`], and will after it. `token` comes back with the
    /// buffer and need not be unique.
    ///
    /// Errors: [`Full`]; also if there are no parts.
    #[inline(always)]
    pub fn add(&mut self, parts: &[Part], token: u16) -> Result<(), Full> {
        either!(&mut self.0, add(parts, token))
    }

    /// Shows the device all that was added. True: it is to be notified.
    #[inline(always)]
    pub fn publish(&mut self) -> bool {
        either!(&mut self.0, publish())
    }

    /// The next buffer that the device has given back.
    ///
    /// Errors: [`Faulty`]. The queue is of no use then, until it is reset with the device.
    #[inline(always)]
    pub fn pop(&mut self) -> Result<Option<Used>, Faulty> {
        either!(&mut self.0, pop())
    }

    /// Asks the device to interrupt once it has given back so many more buffers (each counts as many as it has parts, in
    /// a packed queue), or any if it cannot count. True: there are some already, and it may not interrupt because of
    /// them: [pop](Queue::pop) them and ask again.
    #[inline(always)]
    #[must_use = "if there are buffers already, no interrupt may come"]
    pub fn interrupt_after(&mut self, buffers: u16) -> bool {
        either!(&mut self.0, interrupt_after(buffers))
    }

    /// Asks the device not to interrupt until [`Queue::interrupt_after`]. It may do so nevertheless.
    #[inline(always)]
    pub fn no_interrupts(&mut self) {
        either!(&mut self.0, no_interrupts());
    }
}
