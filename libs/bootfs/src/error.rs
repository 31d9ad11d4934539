//! Why an image is refused.

use core::fmt;

/// What is wrong with an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The image is shorter than its header, or than the header says it is.
    Truncated {
        /// Bytes that should be there, at least.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The image is of another version of the format.
    Version {
        /// The version that the header names.
        found: u32,
    },
    /// A file's header, content or padding reaches past the end of the image, or its content is not page-aligned.
    BadLength {
        /// The file's place in the image, from 0.
        file: u32,
    },
    /// A file's path is empty, not UTF-8, or has no NUL at its end.
    BadPath {
        /// The file's place in the image, from 0.
        file: u32,
    },
    /// There are bytes after the last file that belong to none.
    TrailingBytes,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, found } => {
                write!(formatter, "the boot image is cut off: {found} of at least {needed} bytes are there")
            }
            Self::Version { found } => write!(
                formatter,
                "the boot image has format version {found}, but this system reads version {}: rebuild the image",
                crate::VERSION
            ),
            Self::BadLength { file } => {
                write!(formatter, "the boot image is damaged: file {file} does not fit into it")
            }
            Self::BadPath { file } => {
                write!(formatter, "the boot image is damaged: the path of file {file} is not valid")
            }
            Self::TrailingBytes => {
                write!(formatter, "the boot image is damaged: it goes on after its last file")
            }
        }
    }
}

impl core::error::Error for Error {}
