//! The memory that a device and its driver share.
//!
//! It is dm's, not the driver's: the device may write to it when the driver has died. It is never given back, and found
//! again by the next driver and by the next dm.

use crate::configuration::Place;
use ipc::{Error, Handle, Region, TaskId};
use resea::vm;

/// Pieces of memory that a device can have.
pub const MOST_PIECES: usize = 8;

const PAGE: usize = 4096;

/// A piece of it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    size: usize,
    handle: Handle,
    physical: u64,
    /// Where dm has mapped it, once it had to be zeroed.
    mapped: Option<Region>,
    /// The handle of the driver that lives now, if it has one.
    given: Option<Handle>,
}

/// The memory of one device.
#[derive(Debug)]
pub struct Memory {
    place: Place,
    pieces: [Option<Piece>; MOST_PIECES],
    /// How much is left of what the driver's manifest allows.
    left: usize,
}

impl Memory {
    /// No memory yet for the device at `place`, and never more than `most` bytes.
    pub const fn new(place: Place, most: u64) -> Self {
        Self { place, pieces: [None; MOST_PIECES], left: most as usize }
    }

    /// The driver's handle to the piece `index`, and where it is. Errors: as of dm's `memory`.
    pub fn give(
        &mut self,
        driver: TaskId,
        index: u32,
        size: usize,
        keep: bool,
    ) -> Result<(Handle, u64), Error> {
        let size =
            size.checked_next_multiple_of(PAGE).filter(|size| *size > 0).ok_or(Error::InvalidArgument)?;
        let slot = self.pieces.get_mut(index as usize).ok_or(Error::InvalidArgument)?;
        let piece = match slot {
            Some(piece) if piece.size != size => return Err(Error::InvalidArgument),
            Some(piece) => piece,
            None => {
                let left = self.left.checked_sub(size).ok_or(Error::TooLarge)?;
                let made = vm().dma_create(u64::from(self.place.0) << 8 | u64::from(index), size)?;
                self.left = left;
                let (handle, physical) = (made.handle, made.physical);
                slot.insert(Piece { size, handle, physical, mapped: None, given: None })
            }
        };
        // Once a life: until a driver has mapped it, a handle takes one of dm's places.
        if let Some(granted) = piece.given {
            return Ok((granted, piece.physical));
        }
        if !keep {
            piece.zero()?;
        }
        let granted = vm().share_grant(piece.handle, driver, true)?;
        piece.given = Some(granted);
        Ok((granted, piece.physical))
    }

    /// The driver has ended, and its handles with it.
    pub fn forget_driver(&mut self) {
        for piece in self.pieces.iter_mut().flatten() {
            piece.given = None;
        }
    }
}

impl Piece {
    /// Fills it with zeros.
    fn zero(&mut self) -> Result<(), Error> {
        let region = match self.mapped {
            Some(region) => region,
            None => {
                let map = vm().share_map(self.handle, true)?;
                Region::new(map.address, map.size)?
            }
        };
        self.mapped = Some(region);
        region.zero();
        Ok(())
    }
}
