//! Storages for tests: bytes in memory, and a disk whose power can be cut.

use std::collections::BTreeMap;

use fat::{Class, Error, Storage};

/// Bytes in memory, and how many of them were read.
#[derive(Clone)]
pub struct Memory {
    pub bytes: Vec<u8>,
    pub bytes_read: u64,
    /// The most that was read at once.
    pub largest_read: usize,
    /// How many pieces may be written before it is pressed.
    pub room: usize,
    held: usize,
}

impl Memory {
    pub fn new(size: usize) -> Self {
        Self::of(vec![0; size])
    }

    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, bytes_read: 0, largest_read: 0, room: usize::MAX, held: 0 }
    }
}

/// The bytes of a piece.
fn range(size: usize, at: u64, length: usize) -> Result<std::ops::Range<usize>, Error> {
    let start = usize::try_from(at).map_err(|_| Error::OutOfBounds)?;
    let end = start.checked_add(length).filter(|end| *end <= size).ok_or(Error::OutOfBounds)?;
    Ok(start..end)
}

impl Storage for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.bytes_read += buffer.len() as u64;
        self.largest_read = self.largest_read.max(buffer.len());
        let range = range(self.bytes.len(), at, buffer.len())?;
        buffer.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], _: Class) -> Result<(), Error> {
        let range = range(self.bytes.len(), at, data.len())?;
        self.held += 1;
        self.bytes[range].copy_from_slice(data);
        Ok(())
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        if class == Class::Entry {
            self.held = 0;
        }
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        self.held > self.room
    }
}

const SECTOR: usize = 512;

/// A large volume, of which only sectors that are not zeros take memory.
#[derive(Default)]
pub struct Sparse {
    pub size: u64,
    pub sectors: BTreeMap<u64, [u8; SECTOR]>,
}

impl Storage for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        for (offset, byte) in (at..).zip(buffer) {
            let sector = self.sectors.get(&(offset / SECTOR as u64));
            *byte = sector.map_or(0, |sector| sector[offset as usize % SECTOR]);
        }
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], _: Class) -> Result<(), Error> {
        assert!(at + data.len() as u64 <= self.size);
        for (offset, byte) in (at..).zip(data) {
            let number = offset / SECTOR as u64;
            if *byte != 0 || self.sectors.contains_key(&number) {
                self.sectors.entry(number).or_insert([0; SECTOR])[offset as usize % SECTOR] = *byte;
            }
        }
        Ok(())
    }

    fn write_out(&mut self, _: Class) -> Result<(), Error> {
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

/// A disk with a cache before it. At some moment the power goes: of what has not been written out, any sectors are lost that may be.
pub struct Frail {
    /// What is on the medium.
    pub medium: Vec<u8>,
    /// What is held back, by sector.
    held: BTreeMap<usize, (Class, [u8; SECTOR])>,
    random: fastrand::Rng,
    /// How many writes, and how many times that something is written out, until the power goes.
    pub writes: u64,
    pub outs: u64,
}

impl Frail {
    pub fn new(medium: Vec<u8>, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { medium, held: BTreeMap::new(), random, writes: u64::MAX, outs: u64::MAX }
    }

    fn is_dead(&self) -> bool {
        self.writes == 0 || self.outs == 0
    }

    /// Some of the sectors of a class reach the medium.
    fn some(&mut self, class: Class, chance: f64) {
        let Self { medium, held, random, .. } = self;
        held.retain(|sector, (of, bytes)| {
            let stays = *of != class || random.f64() >= chance;
            if !stays {
                medium[sector * SECTOR..(sector + 1) * SECTOR].copy_from_slice(bytes);
            }
            stays
        });
    }

    /// The power goes, perhaps while sectors of a class are being written.
    fn die(&mut self, class: Option<Class>) -> Error {
        // None, few, most or all.
        for class in [Some(Class::Data), class].into_iter().flatten() {
            let chance = *self.random.choice(&[0.0, 0.1, 0.5, 0.9, 1.0]).expect("there are some");
            self.some(class, chance);
        }
        (self.writes, self.outs) = (0, 0);
        Error::InputOutput
    }
}

impl Storage for Frail {
    fn size(&self) -> u64 {
        self.medium.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        if self.is_dead() {
            return Err(Error::InputOutput);
        }
        let range = range(self.medium.len(), at, buffer.len())?;
        buffer.copy_from_slice(&self.medium[range.clone()]);
        for (sector, (_, bytes)) in self.held.range(range.start / SECTOR..range.end.div_ceil(SECTOR)) {
            for (offset, byte) in (sector * SECTOR..).zip(bytes) {
                if range.contains(&offset) {
                    buffer[offset - range.start] = *byte;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error> {
        if self.is_dead() {
            return Err(Error::InputOutput);
        }
        self.writes -= 1;
        if self.writes == 0 {
            return Err(self.die(None));
        }
        let range = range(self.medium.len(), at, data.len())?;
        for sector in range.start / SECTOR..range.end.div_ceil(SECTOR) {
            let mut bytes = [0; SECTOR];
            self.read((sector * SECTOR) as u64, &mut bytes)?;
            for (offset, byte) in (sector * SECTOR..).zip(&mut bytes) {
                if range.contains(&offset) {
                    *byte = data[offset - range.start];
                }
            }
            self.held.insert(sector, (class, bytes));
        }
        if self.random.u8(..) < 8 {
            self.some(Class::Data, 0.3);
        }
        Ok(())
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        if self.is_dead() {
            return Err(Error::InputOutput);
        }
        self.outs -= 1;
        if self.outs == 0 {
            return Err(self.die(Some(class)));
        }
        self.some(class, 1.1);
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        self.held.values().filter(|(class, _)| *class != Class::Data).count() > 40
    }
}
