//! Everything of a file server that is the same for all file systems: the interface `fs` on top of [`FileSystem`].
//!
//! A file system knows directories, names and bytes. It knows nothing of messages, tasks and handles, so it runs in a test
//! as it does in its program. docs/files.md says what all file servers do alike.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod clients;
#[cfg(feature = "conformance")]
pub mod conformance;
mod data;
mod filesystem;
mod list;
mod map;
mod nodes;
mod path;
mod run;
mod server;
mod tree;

pub use data::{Sink, Source};
pub use filesystem::{Attributes, FileSystem, Statistics};
pub use interfaces::fs::Kind;
pub use run::{Failure, Mount, now, serve};
pub use server::Server;
