//! The file server of FAT volumes.
//!
//! `cache` keeps blocks in the pages that the disk itself reads and writes; [`fat`] knows the format and asks the cache
//! for what it needs; content goes from the cache's pages straight to the caller's memory and back. What is the same for all
//! file servers is `fileserver`'s.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod ahead;
mod asked;
pub mod cache;
pub mod files;
pub mod grid;
pub mod medium;
mod program;
mod slot;
mod storage;

use blocks::SECTOR;
use cache::Cache;
use fat::Volume;
use ipc::Error;
use medium::Medium;

pub use program::run;

/// Mounts the volume in the partition with this number; without one, in the first with FAT, or on the whole disk if it is not
/// divided. On a disk that cannot be written the volume cannot be either.
///
/// Errors: `NotFound` (no such partition), and those of [`Volume::mount`].
pub fn mount<M: Medium>(
    medium: M,
    partition: Option<u32>,
    read_only: bool,
) -> Result<Volume<Cache<M>>, Error> {
    let read_only = read_only || medium.is_read_only();
    let mut cache = Cache::new(medium, read_only);
    let partition = fat::select(&mut cache, partition)?;
    let sector = SECTOR as u64;
    let sectors = partition.at / sector..(partition.at + partition.size) / sector;
    cache.divide(sectors.clone(), 0)?;
    let mut volume = Volume::mount(cache, read_only)?;
    let first = volume.data_at() / sector;
    volume.storage().divide(sectors, first)?;
    Ok(volume)
}
