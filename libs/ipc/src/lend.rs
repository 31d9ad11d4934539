//! The server's side of lends: memory of a client that waits for the server's reply.
//!
//! A lend is an allegation. The kernel checks each access against what the client lent and against its page tables;
//! what is wrong is an error for this request and never a fault here. A server never sees an address of its client.

use crate::{Error, Region, TaskId, calls};
use abi::{LendSelector, MAX_COPY};
use core::marker::PhantomData;

/// Which lend of which client, and how long the request says that it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) lender: TaskId,
    pub(crate) index: usize,
    pub(crate) length: usize,
}

impl Place {
    /// `OutOfBounds` unless `length` bytes from `offset` lie in the lend.
    #[inline]
    fn check(&self, offset: usize, length: usize) -> Result<(), Error> {
        if offset > self.length || length > self.length - offset { Err(Error::OutOfBounds) } else { Ok(()) }
    }

    #[inline]
    fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        self.check(offset, buffer.len())?;
        let selector = LendSelector { index: self.index, write: false };
        let mut at = offset;
        for chunk in buffer.chunks_mut(MAX_COPY) {
            calls::lend_read(self.lender, selector, at, chunk)?;
            at += chunk.len();
        }
        Ok(())
    }

    #[inline]
    fn write(&self, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.check(offset, data.len())?;
        let selector = LendSelector { index: self.index, write: true };
        let mut at = offset;
        for chunk in data.chunks(MAX_COPY) {
            calls::lend_write(self.lender, selector, at, chunk)?;
            at += chunk.len();
        }
        Ok(())
    }

    #[inline]
    fn read_region(&self, offset: usize, region: &Region) -> Result<(), Error> {
        self.check(offset, region.len())?;
        let selector = LendSelector { index: self.index, write: false };
        pieces(region, |at, piece| calls::lend_read_region(self.lender, selector, offset + at, piece))
    }

    #[inline]
    fn write_region(&self, offset: usize, region: &Region) -> Result<(), Error> {
        self.check(offset, region.len())?;
        let selector = LendSelector { index: self.index, write: true };
        pieces(region, |at, piece| calls::lend_write_region(self.lender, selector, offset + at, piece))
    }
}

/// The region in pieces that can be copied by one system call, and where each begins.
#[inline]
fn pieces(region: &Region, mut copy: impl FnMut(usize, Region) -> Result<(), Error>) -> Result<(), Error> {
    let mut at = 0;
    while at < region.len() {
        let length = MAX_COPY.min(region.len() - at);
        copy(at, region.part(at, length)?)?;
        at += length;
    }
    Ok(())
}

/// Bytes that the client lends for reading, until the reply.
#[derive(Clone, Copy, Debug)]
pub struct ReadLend<'a> {
    place: Place,
    request: PhantomData<&'a ()>,
}

impl<'a> ReadLend<'a> {
    pub(crate) const fn at(place: Place) -> Self {
        Self { place, request: PhantomData }
    }

    /// How many bytes, as the request says.
    #[inline]
    pub const fn len(&self) -> usize {
        self.place.length
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.place.length == 0
    }

    /// Copies `buffer.len()` bytes from `offset`.
    ///
    /// Errors: `OutOfBounds` (past the end), `BadLend` (the client's memory is not there), `NoTask`, `NotWaiting` (the
    /// client has ended). On an error the buffer may be partly filled.
    #[inline]
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        self.place.read(offset, buffer)
    }

    /// Copies `length` bytes from `offset` to `region`, from `at` on: the kernel does it, without a stop on the way.
    ///
    /// Errors: as [`ReadLend::read`], and `OutOfBounds` (past the end of the region).
    #[inline]
    pub fn read_region(&self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        self.place.read_region(offset, &region.part(at, length)?)
    }
}

/// Text that the client lends, until the reply. It is checked when it is read: the client could change it any time.
#[derive(Clone, Copy, Debug)]
pub struct StrLend<'a> {
    place: Place,
    request: PhantomData<&'a ()>,
}

impl<'a> StrLend<'a> {
    pub(crate) const fn at(place: Place) -> Self {
        Self { place, request: PhantomData }
    }

    /// How many bytes, as the request says.
    #[inline]
    pub const fn len(&self) -> usize {
        self.place.length
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.place.length == 0
    }

    /// Copies the whole text to `buffer` and gives it as `str`.
    ///
    /// Errors: `TooLarge` (longer than the buffer), `BadText` (not UTF-8, or contains NUL), and those of
    /// [`ReadLend::read`].
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b str, Error> {
        let buffer = buffer.get_mut(..self.place.length).ok_or(Error::TooLarge)?;
        self.place.read(0, buffer)?;
        crate::stub::checked_text(buffer)
    }
}

/// Memory that the client lends for the server to write to, until the reply.
#[derive(Clone, Copy, Debug)]
pub struct WriteLend<'a> {
    place: Place,
    request: PhantomData<&'a ()>,
}

impl<'a> WriteLend<'a> {
    pub(crate) const fn at(place: Place) -> Self {
        Self { place, request: PhantomData }
    }

    /// How much room there is in bytes, as the request says.
    #[inline]
    pub const fn len(&self) -> usize {
        self.place.length
    }

    /// Whether there is no room.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.place.length == 0
    }

    /// Copies `data` to the client's memory from `offset` on.
    ///
    /// Errors: as [`ReadLend::read`]. On an error part of the data may have been copied.
    #[inline]
    pub fn write(&self, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.place.write(offset, data)
    }

    /// Copies `length` bytes of `region`, from `at` on, to the client's memory from `offset` on: the kernel does it,
    /// without a stop on the way.
    ///
    /// Errors: as [`WriteLend::write`], and `OutOfBounds` (past the end of the region).
    #[inline]
    pub fn write_region(
        &self,
        offset: usize,
        region: &Region,
        at: usize,
        length: usize,
    ) -> Result<(), Error> {
        self.place.write_region(offset, &region.part(at, length)?)
    }
}

impl crate::Incoming {
    /// Lend `index` for reading; `length` is what the payload says of it. The dispatcher has checked that it exists.
    #[inline(always)]
    pub const fn read_lend(&self, index: usize, length: u32) -> ReadLend<'_> {
        ReadLend::at(Place { lender: self.sender, index, length: length as usize })
    }

    /// Lend `index` as text; otherwise as [`crate::Incoming::read_lend`].
    #[inline(always)]
    pub const fn str_lend(&self, index: usize, length: u32) -> StrLend<'_> {
        StrLend::at(Place { lender: self.sender, index, length: length as usize })
    }

    /// Lend `index` for writing; otherwise as [`crate::Incoming::read_lend`].
    #[inline(always)]
    pub const fn write_lend(&self, index: usize, length: u32) -> WriteLend<'_> {
        WriteLend::at(Place { lender: self.sender, index, length: length as usize })
    }
}
