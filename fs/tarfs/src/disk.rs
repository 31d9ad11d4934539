//! Archives on disks: a whole disk is one, or a partition.

use crate::archive::Bytes;
use crate::cache::Cache;
use crate::medium::Medium;
use crate::store::Store;
use blocks::SECTOR;
use fat::{Class, Storage};
use fileserver::Sink;
use ipc::Error;

/// The bytes of an archive on a disk. It may be followed by anything: a disk is seldom as long as its archive.
#[derive(Debug)]
pub struct Disk<M> {
    cache: Cache<M>,
    /// Where they begin on the disk, and how many there are.
    at: u64,
    size: u64,
}

impl<M: Medium> Disk<M> {
    /// The partition of a disk with this number, or all of it.
    ///
    /// Errors: `NotFound` (no such partition), `WrongFormat` (nothing is stored there), `Damaged` (a partition table), and those of
    /// [`Cache::memory`].
    pub fn new(medium: M, partition: Option<u32>) -> Result<Self, Error> {
        let cache = Cache::new(medium);
        let mut disk = Self { at: 0, size: cache.size(), cache };
        if let Some(number) = partition {
            let partitions = fat::partitions(&mut disk)?.partitions;
            let found = partitions.iter().find(|partition| partition.number == number);
            (disk.at, disk.size) = found.map(|found| (found.at, found.size)).ok_or(Error::NotFound)?;
        }
        let mut first = [0; SECTOR];
        if disk.size < SECTOR as u64 {
            return Err(Error::WrongFormat);
        }
        disk.cache.read(disk.at, &mut first)?;
        // An archive of nothing looks the same, but is a disk that somebody has forgotten to fill.
        if first == [0; SECTOR] { Err(Error::WrongFormat) } else { Ok(disk) }
    }

    /// `OutOfBounds` unless all these bytes are there.
    fn check(&self, at: u64, length: u64) -> Result<(), Error> {
        let end = at.checked_add(length).filter(|end| *end <= self.size);
        end.map(drop).ok_or(Error::OutOfBounds)
    }
}

impl<M: Medium> Bytes for Disk<M> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.check(at, buffer.len() as u64)?;
        self.cache.read(self.at + at, buffer)
    }
}

/// As what [`fat`] reads partition tables from.
impl<M: Medium> Storage for Disk<M> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        Bytes::read(self, at, buffer)
    }

    fn write(&mut self, _: u64, _: &[u8], _: Class) -> Result<(), Error> {
        Err(Error::ReadOnly)
    }

    fn write_out(&mut self, _: Class) -> Result<(), Error> {
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

impl<M: Medium> Store for Disk<M> {
    fn read(&mut self, _: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        Bytes::read(self, at, buffer)
    }

    fn send(
        &mut self,
        _: u32,
        at: u64,
        length: usize,
        sink: &mut dyn Sink,
        offset: usize,
    ) -> Result<(), Error> {
        self.check(at, length as u64)?;
        let mut done = 0;
        while done < length {
            let memory = self.cache.memory(self.at + at + done as u64, (length - done) as u64)?;
            sink.put_region(offset + done, &memory, 0, memory.len())?;
            done += memory.len();
        }
        Ok(())
    }
}
