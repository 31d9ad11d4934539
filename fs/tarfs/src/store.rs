//! Where the content of files comes from that nobody has changed.

use fileserver::Sink;
use ipc::Error;

/// Something that has content and is only read: an archive, the boot image.
pub trait Store {
    /// Fills the buffer with the content of part `part` from `at` on. An archive is one part, the boot image has one for each
    /// file.
    ///
    /// Errors: `InputOutput`, `Damaged` (it ends before).
    fn read(&mut self, part: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// Puts `length` bytes of content from `at` on into a sink, where they begin at `offset`.
    ///
    /// Errors: as [`Store::read`], and those of the sink.
    fn send(
        &mut self,
        part: u32,
        at: u64,
        length: usize,
        sink: &mut dyn Sink,
        offset: usize,
    ) -> Result<(), Error>;
}

/// Content in a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// In which part.
    pub part: u32,
    /// Where it begins there.
    pub at: u64,
    /// How many bytes.
    pub length: u64,
}
