//! A disk in memory that answers in any order, cannot read some sectors, and may be lost.

use blocks::{MOST_PAGES, Operation, PAGE, Request};
use ipc::{Error, Region};
use std::cell::RefCell;
use std::rc::Rc;
use tarfs::medium::Medium;

struct Asked {
    tag: u16,
    sector: u64,
    sectors: u64,
    pages: Vec<u16>,
}

/// What the disk and the test know.
pub struct Inner {
    image: Vec<u8>,
    memory: Region,
    asked: Vec<Asked>,
    order: fastrand::Rng,
    /// Sectors that cannot be read.
    pub bad: Vec<u64>,
    /// Nothing can be done with it.
    pub is_lost: bool,
    /// How many requests there were, and of how many sectors in all.
    pub requests: u64,
    /// See `requests`.
    pub sectors: u64,
}

/// A disk.
#[derive(Clone)]
pub struct Model {
    /// What the disk and the test know.
    pub inner: Rc<RefCell<Inner>>,
    pages: u16,
}

impl Model {
    /// A disk with this content, of which what is no whole sector is not there.
    pub fn new(image: Vec<u8>, pages: u16, seed: u64) -> Self {
        let inner = Inner {
            image,
            memory: Region::leak(usize::from(pages) * PAGE),
            asked: Vec::new(),
            order: fastrand::Rng::with_seed(seed),
            bad: Vec::new(),
            is_lost: false,
            requests: 0,
            sectors: 0,
        };
        Self { inner: Rc::new(RefCell::new(inner)), pages }
    }
}

impl Medium for Model {
    fn sectors(&self) -> u64 {
        self.inner.borrow().image.len() as u64 / 512
    }

    fn pages(&self) -> u16 {
        self.pages
    }

    fn page(&self, page: u16) -> Region {
        self.inner.borrow().memory.part(usize::from(page) * PAGE, PAGE).unwrap()
    }

    fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        let mut inner = self.inner.borrow_mut();
        let Request { operation, sector, sectors, pages } = *request;
        let sectors = u64::from(sectors);
        assert_eq!(operation, Operation::Read, "an archive is only read");
        assert!(inner.asked.iter().all(|asked| asked.tag != tag), "tag {tag}");
        assert!(sectors > 0 && (sector + sectors) as usize * 512 <= inner.image.len(), "{request:?}");
        assert!(pages.len() <= MOST_PAGES && pages.len() == sectors.div_ceil(8) as usize, "{request:?}");
        let busy = |page| inner.asked.iter().any(|asked| asked.pages.contains(page));
        assert!(!pages.iter().any(busy), "a page is used twice at once: {request:?}");
        if inner.is_lost {
            inner.asked.clear();
            return Err(Error::InputOutput);
        }
        // Until it is answered nobody may look at it.
        pages.iter().for_each(|page| {
            inner.memory.write(usize::from(*page) * PAGE, &[0xdb; PAGE]).unwrap();
        });
        inner.asked.push(Asked { tag, sector, sectors, pages: pages.to_vec() });
        inner.requests += 1;
        inner.sectors += sectors;
        Ok(())
    }

    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error> {
        let mut inner = self.inner.borrow_mut();
        if inner.is_lost {
            inner.asked.clear();
            return Err(Error::InputOutput);
        }
        assert!(!inner.asked.is_empty(), "nobody would answer");
        let count = inner.asked.len();
        let chosen = inner.order.usize(0..count);
        let Asked { tag, sector, sectors, pages } = inner.asked.swap_remove(chosen);
        if inner.bad.iter().any(|bad| (sector..sector + sectors).contains(bad)) {
            return Ok((tag, Err(Error::InputOutput)));
        }
        let bytes = &inner.image[sector as usize * 512..(sector + sectors) as usize * 512];
        for (part, page) in bytes.chunks(PAGE).zip(pages) {
            inner.memory.write(usize::from(page) * PAGE, part).unwrap();
        }
        Ok((tag, Ok(())))
    }
}
