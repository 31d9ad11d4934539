//! Where the content of files goes to and comes from: a client's memory, mostly, without a stop on the way.

use ipc::{Error, ReadLend, Region, WriteLend};

/// Takes what is read from a file.
pub trait Sink {
    /// `data` is the content from `offset` on; 0 is where reading began.
    ///
    /// Errors: `OutOfBounds` (more than was asked for), and those of [`WriteLend::write`]: the client's memory is not there.
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error>;

    /// As [`Sink::put`], with `length` bytes of `region` from `at` on.
    fn put_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error>;
}

/// Gives what is written to a file.
pub trait Source {
    /// Fills the buffer with the content from `offset` on; 0 is where writing begins.
    ///
    /// Errors: `OutOfBounds` (more than there is), and those of [`ReadLend::read`]: the client's memory is not there.
    fn take(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Error>;

    /// As [`Source::take`], to `length` bytes of `region` from `at` on.
    fn take_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error>;
}

impl Sink for WriteLend<'_> {
    #[inline]
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.write(offset, data)
    }

    #[inline]
    fn put_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        self.write_region(offset, region, at, length)
    }
}

impl Source for ReadLend<'_> {
    #[inline]
    fn take(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        self.read(offset, buffer)
    }

    #[inline]
    fn take_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        self.read_region(offset, region, at, length)
    }
}
