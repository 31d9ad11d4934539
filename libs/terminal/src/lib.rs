//! The terminal at the other end of the console, for programs that edit text on it or show tables.
//!
//! [`keys`] makes keys of the bytes that it sends; [`width`] says how many columns it uses for a character; [`mod@format`] is how
//! tables, times and sizes look on it. Nothing here reads or writes: that is the program's.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod format;
pub mod keys;

pub use keys::{Decoder, Key};

use unicode_width::UnicodeWidthChar;

/// The columns that a character takes: 0 for one that combines with the one before it, and for control characters, which
/// must not be sent to a terminal as text.
pub fn width(character: char) -> usize {
    character.width().unwrap_or(0)
}
