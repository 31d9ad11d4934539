//! Makes an image; for the host.

use core::fmt;
use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use crate::{ALIGNMENT, FILE_HEADER_SIZE, HEADER_SIZE, MAX_PATH, VERSION, file_header, header};

/// Why an image cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WriteError {
    /// A path is empty, has a NUL in it, or is longer than [`MAX_PATH`].
    BadPath(String),
    /// Two files have this path.
    Duplicate(String),
    /// The content of the file with this path is 4 GiB or more.
    TooLarge(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPath(path) => write!(
                formatter,
                "the path {path:?} cannot be used in a boot image: use 1 to {MAX_PATH} bytes without NULs"
            ),
            Self::Duplicate(path) => {
                write!(formatter, "two files of the boot image have the path {path:?}: rename one")
            }
            Self::TooLarge(path) => {
                write!(formatter, "the file {path:?} is too large for a boot image: at most 4 GiB fit")
            }
        }
    }
}

impl core::error::Error for WriteError {}

/// Makes an image of `files`, pairs of path and content, in this order. The first one is the first task's program.
///
/// # Errors
///
/// Each variant of [`WriteError`].
pub fn write<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, WriteError> {
    let mut image = std::vec![0; HEADER_SIZE];
    let mut paths = BTreeSet::new();
    let mut count = 0_u32;
    for (path, content) in files {
        if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
            return Err(WriteError::BadPath(path.into()));
        }
        if !paths.insert(path) {
            return Err(WriteError::Duplicate(path.into()));
        }
        let size = u32::try_from(content.len()).map_err(|_| WriteError::TooLarge(path.into()))?;
        // The next file's header ends at a page boundary, as this one's does.
        let padding = (content.len() + FILE_HEADER_SIZE).next_multiple_of(ALIGNMENT)
            - (content.len() + FILE_HEADER_SIZE);
        let mut header = [0; FILE_HEADER_SIZE];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[file_header::SIZE..][..4].copy_from_slice(&size.to_le_bytes());
        header[file_header::PADDING..][..4].copy_from_slice(&(padding as u32).to_le_bytes());
        image.extend_from_slice(&header);
        image.extend_from_slice(content);
        image.resize(image.len() + padding, 0);
        count += 1;
    }
    let size = (image.len() - HEADER_SIZE) as u64;
    image[header::VERSION..][..4].copy_from_slice(&VERSION.to_le_bytes());
    image[header::FILES..][..4].copy_from_slice(&count.to_le_bytes());
    image[header::SIZE..][..8].copy_from_slice(&size.to_le_bytes());
    Ok(image)
}

/// Gives an image that [`write()`] made the number that tells its build from others. Does nothing to what is no image.
pub fn set_build(image: &mut [u8], build: u32) {
    if let Some(place) = image.get_mut(header::BUILD..header::BUILD + 4) {
        place.copy_from_slice(&build.to_le_bytes());
    }
}
