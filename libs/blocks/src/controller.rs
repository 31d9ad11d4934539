//! What a driver adds to what all have.

use crate::request::Taken;
use crate::{Ended, Operation, PAGE, PAGE_SECTORS, SECTOR, page_offset};
use core::fmt::Display;
use ipc::{Error, Region};

/// A disk of a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// How many sectors of [`SECTOR`] bytes it has.
    pub sectors: u64,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// Whether what was written may be lost until it is flushed.
    pub volatile: bool,
}

/// What has become of a request that was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The device has it; [`Controller::finished`] tells of its end.
    Accepted,
    /// The device has no room for requests of this disk now; it is offered again when another one has finished.
    Busy,
    /// It has ended already.
    Done(Result<(), Error>),
}

/// A driver of a device with disks. Tokens are below [`REQUESTS`](crate::REQUESTS), each of one request at a time.
///
/// The fault that ends the driver is shown in a line: "the device …".
pub trait Controller {
    /// What a device can do that makes it useless.
    type Fault: Display;

    /// How many interrupts it has: 0, 1, or 2 for two channels.
    fn interrupts(&self) -> u32;

    /// The disk with this number, from 0 to [`UNITS`](crate::UNITS) - 1, if there is one.
    fn unit(&self, unit: u32) -> Option<Unit>;

    /// Starts a request: of a unit that exists, with sectors that exist, no write to what is read-only, and no flush of what
    /// is not volatile.
    ///
    /// Errors: the fault that ends the driver.
    fn start(&mut self, token: u16, transfer: &Transfer) -> Result<Start, Self::Fault>;

    /// Everything was started that can be for now, and all that has ended was told: the device is to hear of what there is to do.
    fn started(&mut self) {}

    /// The device has interrupted: makes it lower its line, if it has one.
    fn interrupted(&mut self) {}

    /// The next request that has ended, and whether it was done. After `None` the device interrupts when there is one.
    ///
    /// Errors: the fault that ends the driver.
    fn finished(&mut self) -> Result<Option<Ended>, Self::Fault>;

    /// Resets the device: it touches no memory any more, and no request is started. After this it works again.
    ///
    /// Errors: the fault that ends the driver.
    fn reset(&mut self) -> Result<(), Self::Fault>;
}

/// A request, and the memory of its user.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Which disk.
    pub unit: u32,
    pub(crate) request: Taken,
    pub(crate) memory: Region,
    pub(crate) physical: u64,
}

/// Memory of a request, as long as it is in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferPart {
    /// The memory, a multiple of [`SECTOR`] bytes.
    pub memory: Region,
    /// Its physical address.
    pub physical: u64,
}

impl Transfer {
    /// A request of the user of `memory`, which begins at the physical address `physical`. For tests of controllers; else a
    /// [`Server`](crate::Server) makes them.
    pub const fn new(unit: u32, request: Taken, memory: Region, physical: u64) -> Self {
        Self { unit, request, memory, physical }
    }

    /// What is to be done.
    pub const fn operation(&self) -> Operation {
        self.request.operation
    }

    /// The first sector.
    pub const fn sector(&self) -> u64 {
        self.request.sector
    }

    /// How many sectors; 0 for a flush.
    pub const fn sectors(&self) -> u16 {
        self.request.sectors
    }

    /// The memory that the sectors fill, in order: pages that lie one after the other are one part.
    pub fn parts(&self) -> impl Iterator<Item = TransferPart> + '_ {
        let mut pages = self.request.pages();
        let mut left = usize::from(self.request.sectors);
        core::iter::from_fn(move || {
            let &first = pages.first()?;
            let follows = |(page, next): (&u16, usize)| usize::from(*page) == usize::from(first) + next;
            let count = pages.iter().zip(0..).take_while(|&place| follows(place)).count();
            let sectors = left.min(count * PAGE_SECTORS);
            (left, pages) = (left - sectors, pages.get(count..)?);
            let offset = page_offset(first);
            // Cannot fail: the pages were checked when the request was taken.
            let memory = self.memory.part(offset, sectors * SECTOR).ok()?;
            Some(TransferPart { memory, physical: self.physical + offset as u64 })
        })
    }
}

const _: () = assert!(PAGE.is_multiple_of(SECTOR));
