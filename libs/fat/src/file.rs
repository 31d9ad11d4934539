//! Writing files: space for what is written, sizes, and the copying that tools and tests do.

use abi::Error;

use crate::commit::Pending;
use crate::open::{Open, Run};
use crate::slot::{ARCHIVE, ATTRIBUTES_AT, SLOT, Slot};
use crate::table::Link;
use crate::time::Stamp;
use crate::{Class, Extent, Kind, Node, Storage, Volume};

/// Largest size of a file.
pub(crate) const SIZE_MAX: u64 = u32::MAX as u64;
/// How much of a gap is filled at once.
const FILL: u64 = 1 << 20;
/// From this many clusters on it is checked first whether they are free.
const MANY: u32 = 64;

static ZEROS: [u8; 4096] = [0; 4096];

impl<S: Storage> Volume<S> {
    /// Where up to `length` bytes can be written at `offset`: allocates what is missing, if possible in one piece with
    /// what is there, and fills a gap between the file's end and `offset` with zeros. When the bytes are there,
    /// [`written`](Volume::written) must be called. `length` must not be 0.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`] (the size stays as it was), [`Error::TooLarge`] from 4 GiB on, [`Error::ReadOnly`] (also if the
    /// attributes say so), [`Error::IsADirectory`], [`Error::InvalidArgument`] (no length), [`Error::Damaged`], those of the storage.
    pub fn prepare(&mut self, open: &mut Open, offset: u64, length: u64) -> Result<Extent, Error> {
        self.check_writable(open)?;
        let length = length.min(SIZE_MAX.saturating_sub(offset));
        if length == 0 {
            return Err(if offset >= SIZE_MAX { Error::TooLarge } else { Error::InvalidArgument });
        }
        let old = open.size;
        if offset > open.size() {
            self.fill(open, offset)?;
        }
        self.begin()?;
        let result = self.space(open, offset, length);
        if result == Err(Error::NoSpace) && open.size != old {
            self.shrink(open, old)?;
        }
        result
    }

    /// Says that what was prepared has been written up to `end`: raises the file's size to it, and sets the times.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], those of the storage.
    pub fn written(&mut self, open: &mut Open, end: u64, now: i64) -> Result<(), Error> {
        if end > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        let stamp = Stamp { hundredths: 0, ..Stamp::new(now) };
        let grows = end > open.size();
        if !grows && open.modified == Some(stamp) {
            return Ok(());
        }
        if grows {
            open.size = end as u32;
        }
        self.store(open, Some(stamp))
    }

    /// Sets a file's size; what is added is zeros.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Volume::prepare). If there is no space, the size stays as it was.
    pub fn resize(&mut self, open: &mut Open, size: u64, now: i64) -> Result<(), Error> {
        self.check_writable(open)?;
        if size > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        if size > open.size() {
            self.fill(open, size)?;
        } else {
            self.begin()?;
            self.shrink(open, size as u32)?;
        }
        self.begin()?;
        self.store(open, Some(Stamp { hundredths: 0, ..Stamp::new(now) }))
    }

    /// Forgets an open file. Gives back what was prepared and not written.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn close(&mut self, mut open: Open) -> Result<(), Error> {
        self.settle(&mut open)
    }

    /// Makes an open file as if it were just opened: gives back what was prepared and not written, and its time may be
    /// [set](Volume::set_modified).
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn settle(&mut self, open: &mut Open) -> Result<(), Error> {
        open.modified = None;
        if !open.excess || self.read_only {
            return Ok(());
        }
        let is_longer = match self.geometry.clusters_for(open.size()).checked_sub(1) {
            None => open.first != 0,
            Some(last) => {
                self.seek(open, last)? && self.next(open.run.cluster + (last - open.run.index))?.is_some()
            }
        };
        if is_longer {
            self.begin()?;
            self.shrink(open, open.size)?;
        }
        open.excess = false;
        Ok(())
    }

    /// Reads from `offset` on: less than `buffer` takes only at the file's end. How much.
    ///
    /// # Errors
    ///
    /// As [`extent`](Volume::extent).
    pub fn read(&mut self, open: &mut Open, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0;
        while done < buffer.len() {
            let Some(extent) = self.extent(open, offset.saturating_add(done as u64))? else { break };
            let rest = &mut buffer[done..];
            let count = extent.length.min(rest.len() as u64) as usize;
            self.storage.read(extent.at, &mut rest[..count])?;
            done += count;
        }
        Ok(done)
    }

    /// Writes at `offset`; a gap before it is filled with zeros. How much: less than all only if no space is left.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Volume::prepare).
    pub fn write(&mut self, open: &mut Open, offset: u64, data: &[u8], now: i64) -> Result<usize, Error> {
        let mut done = 0;
        while done < data.len() {
            let at = offset.saturating_add(done as u64);
            let extent = match self.prepare(open, at, (data.len() - done) as u64) {
                Err(Error::NoSpace | Error::TooLarge) if done > 0 => break,
                result => result?,
            };
            let count = extent.length as usize;
            self.storage.write(extent.at, &data[done..done + count], Class::Data)?;
            done += count;
            self.written(open, at + count as u64, now)?;
        }
        Ok(done)
    }

    /// Says that an open file or directory was renamed: its node is now `node`.
    pub fn moved(&mut self, open: &mut Open, node: Node) {
        open.node = node;
    }

    fn check_writable(&self, open: &Open) -> Result<(), Error> {
        match open.kind {
            Kind::Directory => Err(Error::IsADirectory),
            Kind::File if self.read_only || open.is_read_only() => Err(Error::ReadOnly),
            Kind::File => Ok(()),
        }
    }

    /// The place of `offset`, which is not behind the file's end, clipped to `length`; allocated if it must be.
    fn space(&mut self, open: &mut Open, offset: u64, length: u64) -> Result<Extent, Error> {
        let index = (offset >> self.geometry.shift) as u32;
        let held = self.geometry.clusters_for(open.size());
        if index >= held {
            self.free_behind(open, held)?;
            if !self.seek(open, index)? {
                if open.run.end() != index {
                    return Err(Error::Damaged);
                }
                let end = self.geometry.clusters_for(offset + length);
                self.append(open, end - index)?;
            }
            open.excess = true;
        }
        let end = if index < held { held } else { u32::MAX };
        let extent = self.locate(open, offset, end)?.ok_or(Error::Damaged)?;
        Ok(Extent { length: extent.length.min(length), ..extent })
    }

    /// If what lies behind the first `held` clusters is still to be freed, frees it.
    fn free_behind(&mut self, open: &mut Open, held: u32) -> Result<(), Error> {
        let Some(last) = held.checked_sub(1).filter(|_| !self.pending.is_empty()) else { return Ok(()) };
        if self.seek(open, last)? {
            let cluster = open.run.cluster + (last - open.run.index);
            if self.pending.contains(&Pending::Behind(cluster)) {
                self.sync()?;
                self.begin()?;
                open.run = Run::default();
            }
        }
        Ok(())
    }

    /// Allocates up to `wanted` clusters (1 at least) behind the last, which must be in the run if there is any.
    pub(crate) fn append(&mut self, open: &mut Open, wanted: u32) -> Result<(), Error> {
        let last = open.run.last();
        let near = last.map_or(self.hint, |last| last + 1);
        let (first, _) = self.allocate(near, wanted)?;
        match last {
            Some(last) => self.table.set(&mut self.storage, &self.geometry, last, Link::Next(first)),
            None => {
                open.first = first;
                Ok(())
            }
        }
    }

    /// Raises the size with zeros, in steps between which the storage can write out what it holds back.
    fn fill(&mut self, open: &mut Open, size: u64) -> Result<(), Error> {
        if size > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        let old = open.size;
        let missing = self.geometry.clusters_for(size) - self.geometry.clusters_for(open.size());
        if missing > MANY && !self.has_free(missing)? {
            // What is pending counts when it is free.
            self.sync()?;
            if !self.has_free(missing)? {
                return Err(Error::NoSpace);
            }
        }
        while open.size() < size {
            let result = self.fill_step(open, size);
            if result == Err(Error::NoSpace) {
                self.shrink(open, old)?;
            }
            result?;
        }
        Ok(())
    }

    fn fill_step(&mut self, open: &mut Open, size: u64) -> Result<(), Error> {
        self.begin()?;
        let length = (size - open.size()).min(FILL);
        let extent = self.space(open, open.size(), length)?;
        self.zero(extent.at, extent.length)?;
        open.size += extent.length as u32;
        self.store(open, None)
    }

    /// Writes zeros where nothing on the medium points to.
    pub(crate) fn zero(&mut self, at: u64, length: u64) -> Result<(), Error> {
        let mut done = 0;
        while done < length {
            let count = (length - done).min(ZEROS.len() as u64);
            self.storage.write(at + done, &ZEROS[..count as usize], Class::Data)?;
            done += count;
        }
        Ok(())
    }

    /// Lowers the size to one not above the present one, and frees what lies behind when that is on the medium.
    fn shrink(&mut self, open: &mut Open, size: u32) -> Result<(), Error> {
        let kept = self.geometry.clusters_for(size.into());
        let pending = match kept.checked_sub(1) {
            None if open.first == 0 => None,
            None => Some(Pending::Chain(open.first)),
            Some(last) => {
                if !self.seek(open, last)? {
                    return Err(Error::Damaged);
                }
                let cluster = open.run.cluster + (last - open.run.index);
                let more = self.next(cluster)?.is_some();
                more.then_some(Pending::Behind(cluster)).filter(|pending| !self.pending.contains(pending))
            }
        };
        if kept == 0 {
            open.first = 0;
        }
        (open.size, open.run, open.excess) = (size, Run::default(), false);
        self.store(open, None)?;
        self.pending.extend(pending);
        Ok(())
    }

    /// Writes what changes in the directory entry of an open file; the time only if it was written to.
    fn store(&mut self, open: &mut Open, modified: Option<Stamp>) -> Result<(), Error> {
        let at = open.node.0;
        let mut slot = Slot([0; SLOT]);
        self.storage.read(at, &mut slot.0)?;
        if !slot.is_file_or_directory() {
            return Err(Error::NotFound);
        }
        if let Some(stamp) = modified {
            slot.set_modified(stamp);
            open.modified = modified;
        }
        slot.set_first(if open.size == 0 { 0 } else { open.first });
        slot.set_size(open.size);
        slot.0[ATTRIBUTES_AT] |= ARCHIVE;
        open.bits = slot.attribute_bits();
        self.put_slot(open.node, &slot)
    }
}
