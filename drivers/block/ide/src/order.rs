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

    /// The user's memory for the sectors from `first` on, counted from that of the request, up to `end` or the end of its page.
    /// `None` if there are none.
    pub fn memory(&self, first: u16, end: u16) -> Option<Region> {
        let at = usize::from(first) * SECTOR;
        let page = self.pages.get(at / PAGE)?.as_ref()?;
        let length = usize::from(end.saturating_sub(first)) * SECTOR;
        page.part(at % PAGE, length.min(page.len().saturating_sub(at % PAGE)))
            .ok()
            .filter(|part| !part.is_empty())
    }
}
