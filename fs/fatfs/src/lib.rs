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
mod slot;
mod storage;

use cache::Cache;
use fat::Volume;
use ipc::Error;
use medium::Medium;

/// Mounts the volume in a cache, which is aligned to it.
///
/// Errors: as [`Volume::mount`].
pub fn mount<M: Medium>(cache: Cache<M>, read_only: bool) -> Result<Volume<Cache<M>>, Error> {
    let mut volume = Volume::mount(cache, read_only)?;
    let at = volume.data_at();
    volume.storage().align(at)?;
    Ok(volume)
}
