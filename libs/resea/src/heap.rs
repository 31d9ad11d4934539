//! The heap: behind `alloc` on bare metal, over the memory that the start record names.
//!
//! [`PlainHeap`] allocates in constant time with little fragmentation (TLSF). Debug builds use [`CheckedHeap`] on top,
//! which finds mistakes. Both are ordinary types that are tested on the host; only the global allocator knows Resea.

mod checked;
mod global;
mod plain;

pub use checked::{CheckedHeap, Misuse};
pub use global::Failure;
#[cfg(target_os = "none")]
pub(crate) use global::failure;
#[cfg(target_os = "none")]
pub use global::usage;
pub use plain::{PlainHeap, Usage};
