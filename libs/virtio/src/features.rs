//! The features that are not of one kind of device (section 6), as bits of the 64-bit feature words.

/// The device takes buffers however they are cut into parts (legacy; 6.3). Always so since version 1.
pub const ANY_LAYOUT: u64 = 1 << 27;
/// Each side tells the other at which place in the ring it wants to be notified (2.7.10 and 2.8.10).
pub const EVENT_IDX: u64 = 1 << 29;
/// The device follows version 1 of the standard. Legacy devices do not offer it.
pub const VERSION_1: u64 = 1 << 32;
/// Queues are packed ([`crate::Ring::Packed`]).
pub const RING_PACKED: u64 = 1 << 34;
