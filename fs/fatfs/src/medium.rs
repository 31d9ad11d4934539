//! What the cache needs of a disk: pages that the device reads and writes, and requests.

use ipc::{Error, Region};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Bytes of a sector.
pub const SECTOR: u64 = 512;
/// Sectors of a page.
pub const PAGE_SECTORS: u64 = PAGE as u64 / SECTOR;
/// Most pages of a request.
pub const MOST_PAGES: usize = 24;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// From the disk to the pages.
    Read,
    /// From the pages to the disk.
    Write,
    /// What was written and answered before is on the medium when this is answered.
    Flush,
}

/// A request. Its sectors fill the pages in order, from the start of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// What.
    pub operation: Operation,
    /// The first sector.
    pub sector: u64,
    /// How many.
    pub sectors: u64,
    /// The pages, by number.
    pub pages: &'a [u16],
}

/// A disk.
pub trait Medium {
    /// How many sectors it has.
    fn sectors(&self) -> u64;

    /// Whether it cannot be written.
    fn is_read_only(&self) -> bool;

    /// Whether what was written may be lost until it is flushed.
    fn is_volatile(&self) -> bool;

    /// How many pages there are.
    fn pages(&self) -> u16;

    /// The memory of a page.
    fn page(&self, page: u16) -> Region;

    /// Makes a request; its answer comes with the tag, below [`Medium::most_requests`].
    ///
    /// Errors: `QueueFull`, and why the disk cannot be used any more.
    fn submit(&mut self, tag: u16, request: Request<'_>) -> Result<(), Error>;

    /// Waits for an answer, if a request is not answered: its tag, and whether it was done.
    ///
    /// Errors: why the disk cannot be used any more; all requests are gone then.
    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error>;

    /// How many requests there can be at once.
    fn most_requests(&self) -> u16;
}
