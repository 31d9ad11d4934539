//! What the cache needs of a disk: [`blocks::Disk`], or what tests put in its place.

use blocks::{Disk, Request};
use ipc::{Error, Region};

/// A disk that is only read, as [`blocks::Disk`] is one.
pub trait Medium {
    /// How many sectors it has.
    fn sectors(&self) -> u64;

    /// How many pages there are; at least one.
    fn pages(&self) -> u16;

    /// The memory of a page. It may lie elsewhere after [`Medium::submit`] and [`Medium::wait`].
    fn page(&self, page: u16) -> Region;

    /// Makes a request.
    ///
    /// Errors: why the disk cannot be used any more; all requests are gone then.
    fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error>;

    /// Waits for an answer: its tag, and whether it was done.
    ///
    /// Errors: `Empty` (no request is unanswered), and why the disk cannot be used any more; all requests are gone then.
    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error>;
}

impl Medium for Disk {
    fn sectors(&self) -> u64 {
        self.sectors()
    }

    fn pages(&self) -> u16 {
        self.pages()
    }

    fn page(&self, page: u16) -> Region {
        self.page(page)
    }

    fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        self.submit(tag, request)
    }

    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error> {
        self.wait()
    }
}
