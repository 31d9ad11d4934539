//! What a channel is told to do: a request of a user, with the memory for its sectors.

use blocks::{MOST_PAGES, Operation, PAGE, SECTOR, Transfer};
use ipc::Region;

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// What to finish it by.
    pub token: u16,
    /// What is to be done.
    pub operation: Operation,
    /// The first sector.
    pub sector: u64,
    /// How many; none for a flush.
    pub sectors: u16,
    /// Where they are, in order; in the last one there may be fewer than a page has room for.
    pages: [Option<Region>; MOST_PAGES],
}

impl Order {
    /// The request of a user.
    pub fn new(token: u16, transfer: &Transfer) -> Self {
        let (operation, sector, sectors) = (transfer.operation(), transfer.sector(), transfer.sectors());
        let mut pages = [None; MOST_PAGES];
        let all = transfer.parts().flat_map(|part| {
            let memory = part.memory;
            let starts = (0..memory.len()).step_by(PAGE);
            starts.filter_map(move |at| memory.part(at, PAGE.min(memory.len() - at)).ok())
        });
        pages.iter_mut().zip(all).for_each(|(to, page)| *to = Some(page));
        Self { token, operation, sector, sectors, pages }
    }

    /// Puts the bytes of a sector, counted from the first one, into the user's memory.
    pub fn store(&self, sector: u16, bytes: &[u8; SECTOR]) {
        if let Some((page, at)) = self.place(sector) {
            // It cannot fail: the pages have room for all sectors.
            let _ = page.write(at, bytes);
        }
    }

    /// Takes the bytes of a sector from there.
    pub fn load(&self, sector: u16, bytes: &mut [u8; SECTOR]) {
        if let Some((page, at)) = self.place(sector) {
            let _ = page.read(at, bytes);
        }
    }

    fn place(&self, sector: u16) -> Option<(&Region, usize)> {
        let at = usize::from(sector) * SECTOR;
        Some((self.pages.get(at / PAGE)?.as_ref()?, at % PAGE))
    }
}
