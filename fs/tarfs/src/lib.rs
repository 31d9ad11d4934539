//! The file server of trees in memory: `/tmp`, which is empty at first; the boot image, as `/boot`; tar archives.
//!
//! What is changed is in memory, and gone when the server ends. What an archive or the boot image has stays there and is copied
//! only when somebody writes to it; of an archive on a disk, as much is kept as the pages hold that the disk fills. Memory is bounded
//! by the program's heap: when it is full there is `NoSpace`, and everything stays as it was.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod archive;
pub mod cache;
pub mod content;
pub mod disk;
mod files;
pub mod fill;
pub mod medium;
mod run;
mod source;
pub mod space;
pub mod store;
pub mod tree;

pub use files::Files;
pub use run::run;
