//! The allocation table: for each cluster what comes after it (the specification, "FAT Data Structure").
//!
//! A piece of the table is held in memory; changes are gathered in it and written into all copies when another piece is
//! needed, or by [`Table::flush`].

use alloc::vec::Vec;
use core::ops::Range;

use abi::Error;

use crate::geometry::{FIRST, Geometry, Kind};
use crate::{Class, Storage};

/// Bytes of the piece. All of a FAT12 table, whose entries could lie across the border of two pieces.
const PIECE: u64 = 4096;
const PIECE_FAT12: u64 = 8192;

/// What the table says of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    Free,
    Next(u32),
    End,
    /// It cannot be used, or the number is none of a cluster.
    Bad,
}

/// The piece in memory.
#[derive(Default)]
pub(crate) struct Table {
    /// Empty if there is none.
    piece: Vec<u8>,
    /// Where it begins in the table.
    at: u64,
    /// What has been changed of it.
    dirty: Range<usize>,
}

impl Table {
    /// What the table says of a cluster. The number must be one of a cluster, or 0 or 1.
    pub fn get<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        cluster: u32,
    ) -> Result<Link, Error> {
        let value = self.value(storage, geometry, cluster)?;
        let end = match geometry.kind {
            Kind::Fat12 => 0xff8,
            Kind::Fat16 => 0xfff8,
            Kind::Fat32 => 0x0fff_fff8,
        };
        Ok(match value {
            0 => Link::Free,
            next if geometry.is_cluster(next) => Link::Next(next),
            value if value >= end => Link::End,
            _ => Link::Bad,
        })
    }

    /// The number in the table.
    pub fn value<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        cluster: u32,
    ) -> Result<u32, Error> {
        let at = self.load(storage, geometry, cluster)?;
        let byte = |at: usize| u32::from(self.piece.get(at).copied().unwrap_or(0));
        let two = byte(at) | byte(at + 1) << 8;
        Ok(match geometry.kind {
            Kind::Fat12 if cluster % 2 == 1 => two >> 4,
            Kind::Fat12 => two & 0xfff,
            Kind::Fat16 => two,
            Kind::Fat32 => (two | byte(at + 2) << 16 | byte(at + 3) << 24) & 0x0fff_ffff,
        })
    }

    /// Says in the table what comes after a cluster.
    pub fn set<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        cluster: u32,
        link: Link,
    ) -> Result<(), Error> {
        let value = match link {
            Link::Free => 0,
            Link::Next(next) => next,
            Link::End => 0x0fff_ffff,
            Link::Bad => 0x0fff_fff7,
        };
        self.set_value(storage, geometry, cluster, value)
    }

    /// Puts a number into the table. Of 32 bits the upper 4 are kept.
    pub fn set_value<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        cluster: u32,
        value: u32,
    ) -> Result<(), Error> {
        let at = self.load(storage, geometry, cluster)?;
        let (mask, value, width) = match geometry.kind {
            Kind::Fat12 if cluster % 2 == 1 => (0xfff0, value << 4, 2),
            Kind::Fat12 => (0x0fff, value, 2),
            Kind::Fat16 => (0xffff, value, 2),
            Kind::Fat32 => (0x0fff_ffff, value, 4),
        };
        for (number, byte) in self.piece.iter_mut().skip(at).take(width).enumerate() {
            let (mask, value) = ((mask >> (8 * number)) as u8, (value >> (8 * number)) as u8);
            *byte = *byte & !mask | value & mask;
        }
        self.dirty = match self.dirty.is_empty() {
            true => at..at + width,
            false => self.dirty.start.min(at)..self.dirty.end.max(at + width),
        };
        Ok(())
    }

    /// Writes what was changed into all copies.
    pub fn flush<S: Storage>(&mut self, storage: &mut S, geometry: &Geometry) -> Result<(), Error> {
        let Some(data) = self.piece.get(self.dirty.start..self.dirty.end.min(self.piece.len())) else {
            return Ok(());
        };
        if data.is_empty() {
            return Ok(());
        }
        for copy in 0..geometry.tables {
            let at = geometry.table_at + copy * geometry.table_size + self.at + self.dirty.start as u64;
            storage.write(at, data, Class::Table)?;
        }
        self.dirty = 0..0;
        Ok(())
    }

    /// Makes the piece the one with a cluster's entry; where that begins in it.
    fn load<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        cluster: u32,
    ) -> Result<usize, Error> {
        let offset = match geometry.kind {
            Kind::Fat12 => u64::from(cluster) * 3 / 2,
            Kind::Fat16 => u64::from(cluster) * 2,
            Kind::Fat32 => u64::from(cluster) * 4,
        };
        if let Some(at) = offset.checked_sub(self.at)
            && at < self.piece.len() as u64
        {
            return Ok(at as usize);
        }
        self.flush(storage, geometry)?;
        let size = if geometry.kind == Kind::Fat12 { PIECE_FAT12 } else { PIECE };
        let at = offset / size * size;
        let length = size.min(geometry.table_size.saturating_sub(at));
        self.piece.clear();
        let mut piece = core::mem::take(&mut self.piece);
        piece.resize(length as usize, 0);
        storage.read(geometry.table_at + at, &mut piece)?;
        (self.piece, self.at) = (piece, at);
        Ok((offset - at) as usize)
    }

    /// The first free cluster from `start` on, then from the first cluster on.
    pub fn find_free<S: Storage>(
        &mut self,
        storage: &mut S,
        geometry: &Geometry,
        start: u32,
    ) -> Result<Option<u32>, Error> {
        let start = if geometry.is_cluster(start) { start } else { FIRST };
        for cluster in (start..geometry.end()).chain(FIRST..start) {
            if self.value(storage, geometry, cluster)? == 0 {
                return Ok(Some(cluster));
            }
        }
        Ok(None)
    }

    /// How many clusters are free.
    pub fn count_free<S: Storage>(&mut self, storage: &mut S, geometry: &Geometry) -> Result<u32, Error> {
        let mut free = 0;
        for cluster in FIRST..geometry.end() {
            free += u32::from(self.value(storage, geometry, cluster)? == 0);
        }
        Ok(free)
    }
}
