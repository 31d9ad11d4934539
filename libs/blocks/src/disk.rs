//! A disk, for those that use it.
//!
//! A driver that dies is started again by dm. Then the disk attaches to it again and repeats what was not answered, without
//! its user noticing more than that it takes longer; but not for ever.

use crate::{Broken, Ended, REQUESTS, Request, User};
use interfaces::{blk, dm};
use ipc::{Error, Region};
use resea::SharedMemory;

/// How often it is tried to find and attach to a driver that has died before the disk is given up.
const ATTEMPTS: u32 = 200;
/// How many drivers may die one after the other without having answered anything.
const DEATHS: u32 = 8;
/// Most bytes of a disk's name.
const NAME: usize = dm::NAME_MAX;

/// A disk: its sectors are read to and written from data pages that its driver shares.
#[derive(Debug)]
pub struct Disk {
    name: [u8; NAME],
    length: usize,
    driver: blk::Client,
    unit: u32,
    user: User,
    shared: SharedMemory,
    /// What the driver has said of the disk.
    sectors: u64,
    read_only: bool,
    volatile: bool,
    /// Drivers that have died since the last answer.
    deaths: u32,
}

/// A driver that was attached to.
struct Attached {
    driver: blk::Client,
    unit: u32,
    shared: SharedMemory,
    reply: blk::AttachReply,
}

impl Disk {
    /// The disk with this name, as dm calls it (`disk0`). Waits while its driver is being started.
    ///
    /// Errors: `NotFound` (there is no such disk), `TooLarge` (the name), `TableFull` (its driver has too many users),
    /// `InputOutput` (its driver does not work).
    pub fn open(name: &str) -> Result<Self, Error> {
        let mut place = [0; NAME];
        place.get_mut(..name.len()).ok_or(Error::TooLarge)?.copy_from_slice(name.as_bytes());
        let Attached { driver, unit, shared, reply } = find(name)?;
        let user = User::new(*shared.region()).map_err(|Broken| Error::InputOutput)?;
        let blk::AttachReply { sectors, read_only, volatile, .. } = reply;
        let (name, length) = (place, name.len());
        Ok(Self { name, length, driver, unit, user, shared, sectors, read_only, volatile, deaths: 0 })
    }

    /// How many sectors of [`SECTOR`](crate::SECTOR) bytes it has.
    pub const fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Whether it cannot be written.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether what was written may be lost until it is flushed.
    pub const fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// How many data pages there are.
    pub const fn pages(&self) -> u16 {
        self.user.pages()
    }

    /// A page of data; one that does not exist is empty. It may lie elsewhere after [`Disk::submit`] and [`Disk::wait`].
    pub fn page(&self, page: u16) -> Region {
        self.user.page(page)
    }

    /// How many requests there can be at once; tags are below this.
    pub const fn most_requests(&self) -> u16 {
        REQUESTS as u16
    }

    /// Makes a request. Its pages are the device's until [`Disk::wait`] returns the tag.
    ///
    /// Errors: `InvalidArgument` (the tag is in use or too high, or the request contradicts itself); `InputOutput`: the
    /// disk cannot be used, and all requests are gone. The next one tries to find a driver again.
    pub fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        self.user.submit(tag, request)?;
        let woken = match self.user.must_wake() {
            Ok(true) => ipc::notify(self.driver.task(), blk::NOTIFY_DRIVER as usize),
            Ok(false) => Ok(()),
            Err(Broken) => Err(Error::InputOutput),
        };
        woken.or_else(|_| self.recover())
    }

    /// Waits until a request is answered: its tag, and whether it was done.
    ///
    /// Errors: `Empty` (no request is in flight); `InputOutput` as of [`Disk::submit`].
    pub fn wait(&mut self) -> Result<Ended, Error> {
        loop {
            let is_broken = match self.user.answer() {
                Ok(Some(answer)) => {
                    self.deaths = 0;
                    return Ok(answer);
                }
                Ok(None) if !self.user.is_waiting() => return Err(Error::Empty),
                Ok(None) => self.driver.wait(self.unit).is_err(),
                Err(Broken) => true,
            };
            if is_broken {
                self.recover()?;
            }
        }
    }

    /// The next answer, if there is one already.
    ///
    /// Errors: as [`Disk::wait`], without `Empty`.
    pub fn poll(&mut self) -> Result<Option<Ended>, Error> {
        match self.user.answer() {
            Ok(answer) => Ok(answer),
            Err(Broken) => self.recover().map(|()| None),
        }
    }

    /// Attaches to the driver that comes after the one that has died, and repeats all requests.
    #[cold]
    fn recover(&mut self) -> Result<(), Error> {
        self.deaths += 1;
        let result = if self.deaths > DEATHS { Err(Error::InputOutput) } else { self.attach_again() };
        if result.is_err() {
            // Somebody may have the driver started again, so the next request tries once more.
            self.deaths = 0;
            self.user.forget();
        }
        result
    }

    fn attach_again(&mut self) -> Result<(), Error> {
        let name = self.name.get(..self.length).and_then(|name| str::from_utf8(name).ok());
        let Attached { driver, unit, shared, reply } =
            find(name.unwrap_or_default()).map_err(|_| Error::InputOutput)?;
        let is_same = (reply.sectors, reply.read_only) == (self.sectors, self.read_only);
        if !is_same || self.user.attached_again(*shared.region()).is_err() {
            return Err(Error::InputOutput);
        }
        // What was mapped before is unmapped only now: its content may have been needed.
        (self.driver, self.unit, self.shared, self.volatile) = (driver, unit, shared, reply.volatile);
        if self.user.is_waiting() {
            // Should it have died again, the next call notices.
            let _ = ipc::notify(driver.task(), blk::NOTIFY_DRIVER as usize);
        }
        Ok(())
    }
}

/// Finds the driver of a disk and attaches to it. One that dies meanwhile is followed by another.
fn find(name: &str) -> Result<Attached, Error> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match attach(name) {
            Ok(attached) => return Ok(attached),
            // dm tells of another only when it works, so this does not keep the processor busy. Nor may it sleep: the caller is a
            // server, and to wait for its timer it would have to receive its clients' messages.
            Err(Error::NoTask | Error::Aborted | Error::BadHandle) if attempts < ATTEMPTS => {}
            Err(Error::NoTask | Error::Aborted | Error::BadHandle) => return Err(Error::InputOutput),
            Err(error) => return Err(error),
        }
    }
}

fn attach(name: &str) -> Result<Attached, Error> {
    let manager = resea::lookup(dm::NAME).map_err(|failed| failed.error)?;
    let found = dm::Client::new(manager).driver_of(name)?;
    let driver = blk::Client::new(found.task);
    let reply = driver.attach(found.unit)?;
    let shared = SharedMemory::open(reply.blocks, true)?;
    Ok(Attached { driver, unit: found.unit, shared, reply })
}
