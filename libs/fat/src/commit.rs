//! What reaches the medium when, so that a power cut leaves at worst clusters that nothing points to.
//!
//! A commit writes out content first, then the tables with the new chains, then the directory entries. Only when those are
//! on the medium are the clusters freed that nothing points to any more; until then nobody gets them. So whatever an
//! entry on the medium points to is there, and nothing that it points to belongs to another.
//!
//! Before the first change the volume is marked as in use; [`Volume::finish`] takes the mark away.

use abi::Error;

use crate::bytes::put32;
use crate::geometry::{FIRST, Kind};
use crate::table::Link;
use crate::volume::{INFO_FREE, INFO_HINT, INFO_MARKS};
use crate::{Class, Storage, Volume};

/// Most things that are freed later, and most new clusters of directories. With more, a commit comes first.
const PENDING_MAX: usize = 64;

/// The bit of the boot sector's state that is set while the volume is in use.
const IN_USE: u8 = 1;

/// What is freed when the entries are on the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pending {
    /// A chain, from this cluster on.
    Chain(u32),
    /// What comes after this cluster, which becomes the last.
    Behind(u32),
}

/// What is known of the medium.
#[derive(Default, Debug)]
pub(crate) struct State {
    /// Marked as in use when it was mounted: somebody has to check it first.
    pub was_dirty: bool,
    /// Marked as in use since.
    marked: bool,
    /// Something was changed since the last commit.
    changed: bool,
    /// The count of free clusters on the medium is not the one known.
    stale: bool,
}

impl<S: Storage> Volume<S> {
    /// Reads whether the volume is marked as in use: in the boot sector, and in the table, where FAT12 has no room for it.
    pub(crate) fn read_state(&mut self) -> Result<(), Error> {
        let mut state = [0];
        self.storage.read(self.geometry.state_at, &mut state)?;
        let clean = self.clean_bit();
        let value = self.table.value(&mut self.storage, &self.geometry, 1)?;
        self.state.was_dirty = state[0] & IN_USE != 0 || value & clean != clean;
        Ok(())
    }

    /// The bit of the table's entry 1 that is set while the volume is not in use.
    fn clean_bit(&self) -> u32 {
        match self.geometry.kind {
            Kind::Fat12 => 0,
            Kind::Fat16 => 0x8000,
            Kind::Fat32 => 0x0800_0000,
        }
    }

    /// To be called before each change: there is room to note it, and the volume is marked as in use.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], those of the storage.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        let full = self.pending.len().max(self.fresh.len()) >= PENDING_MAX;
        if full || self.storage.is_pressed() {
            self.sync()?;
        }
        if !self.state.marked {
            self.mark(true)?;
            self.state.marked = true;
        }
        self.state.changed = true;
        Ok(())
    }

    /// Marks the volume as in use or not, on the medium.
    fn mark(&mut self, in_use: bool) -> Result<(), Error> {
        if self.state.was_dirty {
            return Ok(());
        }
        let mut state = [0];
        self.storage.read(self.geometry.state_at, &mut state)?;
        state[0] = state[0] & !IN_USE | if in_use { IN_USE } else { 0 };
        self.storage.write(self.geometry.state_at, &state, Class::Table)?;
        let clean = self.clean_bit();
        if clean != 0 {
            let value = self.table.value(&mut self.storage, &self.geometry, 1)?;
            let value = value & !clean | if in_use { 0 } else { clean };
            self.table.set_value(&mut self.storage, &self.geometry, 1, value)?;
        }
        self.write_tables()
    }

    /// Writes out what was changed of the tables.
    fn write_tables(&mut self) -> Result<(), Error> {
        self.table.flush(&mut self.storage, &self.geometry)?;
        self.storage.write_out(Class::Table)
    }

    /// Returns when everything that was done is on the medium, and stays there through a power cut.
    ///
    /// # Errors
    ///
    /// Those of the storage; then nothing is lost here and it can be tried again.
    pub fn sync(&mut self) -> Result<(), Error> {
        if !self.state.changed {
            return Ok(());
        }
        self.storage.write_out(Class::Data)?;
        self.write_tables()?;
        self.storage.write_out(Class::Entry)?;
        self.fresh.clear();
        // What is freed now need not be on the medium now: until it is, it is only not used.
        let freed = !self.pending.is_empty();
        while let Some(pending) = self.pending.first().copied() {
            self.release(pending)?;
            self.pending.remove(0);
        }
        self.state.changed = freed;
        Ok(())
    }

    /// As [`sync`](Volume::sync), and marks the volume as not in use, with the right number of free clusters: it can be
    /// taken away. The next change marks it again.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.read_only || !self.state.marked {
            return Ok(());
        }
        self.sync()?;
        self.write_info()?;
        self.write_tables()?;
        self.state.changed = false;
        self.mark(false)?;
        self.state.marked = false;
        Ok(())
    }

    /// Writes how many clusters are free, or that nobody knows.
    fn write_info(&mut self) -> Result<(), Error> {
        let Some(at) = self.geometry.info_at.filter(|_| self.state.stale) else { return Ok(()) };
        let mut info = [0; 512];
        self.storage.read(at, &mut info)?;
        INFO_MARKS.iter().for_each(|(at, mark)| put32(&mut info, *at, *mark));
        put32(&mut info, INFO_FREE, self.free.unwrap_or(u32::MAX));
        put32(&mut info, INFO_HINT, if self.geometry.is_cluster(self.hint) { self.hint } else { FIRST });
        self.storage.write(at, &info, Class::Table)?;
        self.state.stale = false;
        Ok(())
    }

    /// Frees what is pending. A chain that is damaged is freed up to where it is.
    fn release(&mut self, pending: Pending) -> Result<(), Error> {
        let mut cluster = match pending {
            Pending::Chain(first) => first,
            Pending::Behind(last) => {
                let link = self.table.get(&mut self.storage, &self.geometry, last)?;
                let Link::Next(next) = link else { return Ok(()) };
                self.table.set(&mut self.storage, &self.geometry, last, Link::End)?;
                self.go_on_from(next);
                next
            }
        };
        // Each step frees a cluster, so a loop ends it.
        while self.geometry.is_cluster(cluster) {
            let link = self.table.get(&mut self.storage, &self.geometry, cluster)?;
            if matches!(link, Link::Free | Link::Bad) {
                break;
            }
            self.set_free(cluster)?;
            let Link::Next(next) = link else { break };
            self.go_on_from(next);
            if self.storage.is_pressed() {
                self.write_tables()?;
            }
            cluster = next;
        }
        Ok(())
    }

    /// Of what is being freed only the chain from this cluster on is left, should the storage fail now.
    fn go_on_from(&mut self, next: u32) {
        if let Some(first) = self.pending.first_mut() {
            *first = Pending::Chain(next);
        }
    }

    /// Frees a cluster that nothing on the medium points to.
    pub(crate) fn set_free(&mut self, cluster: u32) -> Result<(), Error> {
        self.table.set(&mut self.storage, &self.geometry, cluster, Link::Free)?;
        let clusters = self.geometry.clusters;
        self.free = self.free.map(|free| free + 1).filter(|free| *free <= clusters);
        self.state.stale = true;
        Ok(())
    }

    /// Allocates a run of up to `wanted` clusters (1 at least), if possible from `near` on, as a chain of their own; the
    /// first and how many.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`] if none is free, those of the storage.
    pub(crate) fn allocate(&mut self, near: u32, wanted: u32) -> Result<(u32, u32), Error> {
        let mut found = self.search(near)?;
        if found.is_none() && !self.pending.is_empty() {
            self.sync()?;
            self.state.changed = true;
            found = self.search(near)?;
        }
        let first = found.ok_or(Error::NoSpace)?;
        let mut count = 1;
        while count < wanted
            && self.geometry.is_cluster(first + count)
            && self.table.value(&mut self.storage, &self.geometry, first + count)? == 0
        {
            count += 1;
        }
        for cluster in first..first + count - 1 {
            self.table.set(&mut self.storage, &self.geometry, cluster, Link::Next(cluster + 1))?;
        }
        self.table.set(&mut self.storage, &self.geometry, first + count - 1, Link::End)?;
        self.hint = first + count;
        self.free = self.free.and_then(|free| free.checked_sub(count));
        self.state.stale = true;
        Ok((first, count))
    }

    /// The first free cluster: `near` if it is free, else from where the last search ended.
    fn search(&mut self, near: u32) -> Result<Option<u32>, Error> {
        if self.geometry.is_cluster(near)
            && self.table.get(&mut self.storage, &self.geometry, near)? == Link::Free
        {
            return Ok(Some(near));
        }
        if self.free == Some(0) && self.is_counted {
            return Ok(None);
        }
        let found = self.table.find_free(&mut self.storage, &self.geometry, self.hint)?;
        if found.is_none() {
            (self.free, self.is_counted) = (Some(0), true);
        }
        Ok(found)
    }

    /// Whether so many clusters are free. What the medium says of it is not taken for a reason to say no.
    pub(crate) fn has_free(&mut self, wanted: u32) -> Result<bool, Error> {
        if wanted > self.free_clusters()? && !self.is_counted {
            self.free = None;
        }
        Ok(wanted <= self.free_clusters()?)
    }
}
