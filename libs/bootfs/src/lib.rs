//! Bootfs: the image of the files that exist before there is any file system.
//!
//! The boot loader puts the image into memory; the kernel starts its first file and vm loads programs out of it. This
//! crate is the one description of the format: [`Bootfs`] reads, `write` (feature `writer`) makes an image.
//!
//! The reader is part of the kernel, which must not be able to panic: it uses no indexing, no unchecked arithmetic and
//! no formatting, and it looks at the whole image once, in [`Bootfs::parse`], so that everything after it cannot fail.
//! It relies on nothing but a byte slice, and it never trusts a number in it.
//!
//! # Format, version 1
//!
//! All numbers are little-endian. The image starts with a header of [`HEADER_SIZE`] bytes:
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 16 | jump code: for machines that start at the image's first byte; zeros if not used |
//! | 16 | 4 | version: [`VERSION`] |
//! | 20 | 4 | number of files |
//! | 24 | 8 | size of the image without this header |
//! | 32 | 4 | build: a number that tells this build from others, for people and logs; 0: none |
//! | 36 | to the end | reserved: zeros |
//!
//! Then come the files, each one a header of [`FILE_HEADER_SIZE`] bytes, its content, and padding:
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 48 | path, UTF-8, ended and filled up by NULs (at most [`MAX_PATH`] bytes without them) |
//! | 48 | 4 | size of the content |
//! | 52 | 4 | length of the padding after the content |
//! | 56 | 8 | reserved: zeros |
//!
//! Header and padding are such that every content starts at a multiple of [`ALIGNMENT`] from the start of the image:
//! pages of a program can be mapped where they lie.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "writer"))]
extern crate std;

mod error;
mod reader;
#[cfg(feature = "writer")]
mod writer;

pub use error::Error;
pub use reader::{Bootfs, File, Files};
#[cfg(feature = "writer")]
pub use writer::{WriteError, set_build, write};

/// The version of the format that this crate reads and writes.
pub const VERSION: u32 = 1;

/// The distance between possible starts of contents, in bytes: a page.
pub const ALIGNMENT: usize = 4096;

/// Size of the header of a file in bytes.
pub const FILE_HEADER_SIZE: usize = 64;

/// Size of the image's header in bytes: with the first file's header, exactly [`ALIGNMENT`].
pub const HEADER_SIZE: usize = ALIGNMENT - FILE_HEADER_SIZE;

/// Size of the field that holds a path, the ending NUL included.
const PATH_SIZE: usize = 48;

/// Longest path in bytes.
pub const MAX_PATH: usize = PATH_SIZE - 1;

/// Offsets in the image's header.
mod header {
    pub const VERSION: usize = 16;
    pub const FILES: usize = 20;
    pub const SIZE: usize = 24;
    pub const BUILD: usize = 32;
}

/// Offsets in a file's header.
mod file_header {
    pub const SIZE: usize = super::PATH_SIZE;
    pub const PADDING: usize = SIZE + 4;
}
