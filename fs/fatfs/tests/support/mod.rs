//! A disk in memory, with all that a device may do.

// Each test uses a part of it.
#![allow(dead_code)]

pub mod server;

use blocks::{MOST_PAGES, Operation, PAGE, Request};
use fatfs::medium::Medium;
use ipc::{Error, Region};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most requests at once.
const REQUESTS: u16 = 6;

struct Asked {
    tag: u16,
    operation: Operation,
    sector: u64,
    sectors: u64,
    pages: Vec<u16>,
    /// What the pages held when they were to be written.
    content: Vec<u8>,
}

struct Inner {
    image: Vec<u8>,
    asked: Vec<Asked>,
    order: fastrand::Rng,
    fails: bool,
    /// A sector that cannot be read or written.
    bad: Option<u64>,
    read_only: bool,
    unflushed: bool,
    /// What is on the medium for certain, and in which order sectors were written since.
    medium: Vec<u8>,
    since: Vec<(u64, Vec<u8>)>,
    /// Writes until the power is cut.
    left: Option<u32>,
}

/// A disk that answers in random order.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Mutex<Inner>>,
    memory: Region,
}

impl Disk {
    /// A disk of zeros.
    pub fn new(sectors: u64, pages: u16, seed: u64) -> Self {
        Self::of(vec![0; sectors as usize * 512], Region::leak(usize::from(pages) * PAGE), seed)
    }

    /// A disk with this content, and the memory of its pages.
    pub fn of(image: Vec<u8>, memory: Region, seed: u64) -> Self {
        let inner = Inner {
            asked: Vec::new(),
            order: fastrand::Rng::with_seed(seed),
            fails: false,
            bad: None,
            read_only: false,
            unflushed: false,
            medium: image.clone(),
            image,
            since: Vec::new(),
            left: None,
        };
        Self { inner: Arc::new(Mutex::new(inner)), memory }
    }

    /// The same disk, with pages in memory of somebody else.
    pub fn with_memory(&self, memory: Region) -> Self {
        Self { inner: self.inner.clone(), memory }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is on it.
    pub fn image(&self) -> Vec<u8> {
        self.inner().image.clone()
    }

    /// Whether it cannot read or write.
    pub fn fail(&self, fails: bool) {
        self.inner().fails = fails;
    }

    /// A sector that cannot be read or written from now on.
    pub fn spoil(&self, sector: Option<u64>) {
        self.inner().bad = sector;
    }

    /// It can only be read from now on.
    pub fn protect(&self) {
        self.inner().read_only = true;
    }

    /// Whether the power is cut.
    pub fn is_cut(&self) -> bool {
        self.inner().left == Some(0)
    }

    /// After so many more writes nothing reaches the disk any more.
    pub fn cut_after(&self, writes: u32) {
        self.inner().left = Some(writes);
    }

    /// The power comes back: of the sectors that were written and not flushed any may be there, in any order.
    pub fn restore_power(&self) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        inner.order.shuffle(&mut inner.since);
        let share = inner.order.u8(..);
        for (sector, content) in inner.since.drain(..) {
            if inner.order.u8(..) <= share {
                inner.medium[sector as usize * 512..][..512].copy_from_slice(&content);
            }
        }
        inner.image.clone_from(&inner.medium);
        inner.asked.clear();
        inner.left = None;
    }

    /// Whether all that was written is on the medium.
    pub fn is_flushed(&self) -> bool {
        !self.inner().unflushed
    }
}

/// What pages hold.
fn content(memory: &Region, pages: &[u16], length: usize) -> Vec<u8> {
    let mut content = vec![0; length];
    for (part, page) in content.chunks_mut(PAGE).zip(pages) {
        memory.read(usize::from(*page) * PAGE, part).unwrap();
    }
    content
}

impl Medium for Disk {
    fn sectors(&self) -> u64 {
        self.inner().image.len() as u64 / 512
    }

    fn is_read_only(&self) -> bool {
        self.inner().read_only
    }

    fn is_volatile(&self) -> bool {
        true
    }

    fn pages(&self) -> u16 {
        (self.memory.len() / PAGE) as u16
    }

    fn page(&self, page: u16) -> Region {
        self.memory.part(usize::from(page) * PAGE, PAGE).unwrap()
    }

    fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        let Request { operation, sector, sectors, pages } = *request;
        let sectors = u64::from(sectors);
        let mut inner = self.inner();
        assert!(tag < REQUESTS && inner.asked.iter().all(|asked| asked.tag != tag), "tag {tag}");
        assert!((sector + sectors) as usize * 512 <= inner.image.len(), "{request:?}");
        assert!(pages.len() <= MOST_PAGES && pages.len() == sectors.div_ceil(8) as usize, "{request:?}");
        let busy = |page| inner.asked.iter().any(|asked| asked.pages.contains(page));
        assert!(!pages.iter().any(busy), "a page is used twice at once: {request:?}");
        let content = match operation {
            Operation::Write => content(&self.memory, pages, sectors as usize * 512),
            _ => Vec::new(),
        };
        inner.asked.push(Asked { tag, operation, sector, sectors, pages: pages.to_vec(), content });
        Ok(())
    }

    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        assert!(!inner.asked.is_empty(), "nobody would answer");
        let count = inner.asked.len();
        let chosen = inner.order.usize(0..count);
        let asked = inner.asked.swap_remove(chosen);
        let is_bad = |sector| (asked.sector..asked.sector + asked.sectors).contains(&sector);
        if inner.fails || inner.bad.is_some_and(is_bad) {
            return Ok((asked.tag, Err(Error::InputOutput)));
        }
        let bytes = asked.sector as usize * 512..(asked.sector + asked.sectors) as usize * 512;
        match asked.operation {
            Operation::Read => {
                for (part, page) in inner.image[bytes].chunks(PAGE).zip(&asked.pages) {
                    self.memory.write(usize::from(*page) * PAGE, part).unwrap();
                }
            }
            Operation::Write => {
                let now = content(&self.memory, &asked.pages, bytes.len());
                assert!(now == asked.content, "a page was changed while the disk stored it");
                inner.image[bytes].copy_from_slice(&now);
                inner.unflushed = true;
                for (sector, content) in (asked.sector..).zip(now.chunks(512)) {
                    match &mut inner.left {
                        Some(0) => break,
                        Some(left) => *left -= 1,
                        None => {}
                    }
                    inner.since.push((sector, content.to_vec()));
                }
            }
            Operation::Flush => {
                assert!(inner.asked.iter().all(|asked| asked.operation != Operation::Write));
                inner.unflushed = false;
                if inner.left != Some(0) {
                    for (sector, content) in std::mem::take(&mut inner.since) {
                        inner.medium[sector as usize * 512..][..512].copy_from_slice(&content);
                    }
                }
            }
        }
        Ok((asked.tag, Ok(())))
    }

    fn most_requests(&self) -> u16 {
        REQUESTS
    }
}
