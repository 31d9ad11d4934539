//! Reads an image. Nothing here can panic, whatever the bytes are: the release kernel is linked with it.

use crate::{ALIGNMENT, Error, FILE_HEADER_SIZE, HEADER_SIZE, PATH_SIZE, VERSION, file_header, header};

/// A file in an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File<'a> {
    /// Its path, as `bin/shell`.
    pub path: &'a str,
    /// Its content.
    pub content: &'a [u8],
    /// Where its content starts in the image, in bytes: a multiple of [`ALIGNMENT`].
    pub offset: usize,
}

/// A checked image.
#[derive(Clone, Copy, Debug)]
pub struct Bootfs<'a> {
    image: &'a [u8],
    files: u32,
}

impl<'a> Bootfs<'a> {
    /// Checks the whole image: its version, its length, and every file's header. `image` may be longer than the image
    /// (boot loaders round up); what follows it is ignored.
    ///
    /// # Errors
    ///
    /// Each variant of [`Error`], for the first thing found wrong.
    pub fn parse(image: &'a [u8]) -> Result<Self, Error> {
        let found = image.len() as u64;
        let truncated = |needed| Error::Truncated { needed, found };
        let too_short = truncated(HEADER_SIZE as u64);
        let version = read_u32(image, header::VERSION).ok_or(too_short)?;
        if version != VERSION {
            return Err(Error::Version { found: version });
        }
        let files = read_u32(image, header::FILES).ok_or(too_short)?;
        let size = read_u64(image, header::SIZE).ok_or(too_short)?;
        let needed = size.saturating_add(HEADER_SIZE as u64);
        let length = usize::try_from(needed).map_err(|_| truncated(needed))?;
        let image = image.get(..length).ok_or(truncated(needed))?;
        let mut cursor = HEADER_SIZE;
        for file in 0..files {
            (_, cursor) = file_at(image, cursor).map_err(|problem| match problem {
                Problem::Length => Error::BadLength { file },
                Problem::Path => Error::BadPath { file },
            })?;
        }
        if cursor != length {
            return Err(Error::TrailingBytes);
        }
        Ok(Self { image, files })
    }

    /// The files in the order of the image.
    pub fn files(&self) -> Files<'a> {
        Files { image: self.image, cursor: HEADER_SIZE, left: self.files }
    }

    /// The file whose path is `path`, if there is one.
    pub fn find(&self, path: &str) -> Option<File<'a>> {
        self.files().find(|file| file.path == path)
    }

    /// The number that tells this build from others; 0: none was given.
    pub fn build(&self) -> u32 {
        read_u32(self.image, header::BUILD).unwrap_or(0)
    }

    /// Length of the image in bytes, its header included.
    pub fn size(&self) -> usize {
        self.image.len()
    }
}

/// The files of an image, in order. Made by [`Bootfs::files`].
#[derive(Clone, Debug)]
pub struct Files<'a> {
    image: &'a [u8],
    cursor: usize,
    left: u32,
}

impl<'a> Iterator for Files<'a> {
    type Item = File<'a>;

    fn next(&mut self) -> Option<File<'a>> {
        self.left = self.left.checked_sub(1)?;
        // An image that `parse` accepted does not fail here.
        let (file, next) = file_at(self.image, self.cursor).ok()?;
        self.cursor = next;
        Some(file)
    }

    /// Passes over files without a look at their paths.
    fn nth(&mut self, count: usize) -> Option<File<'a>> {
        for _ in 0..count {
            self.left = self.left.checked_sub(1)?;
            self.cursor = place_at(self.image, self.cursor).ok()?.next;
        }
        self.next()
    }
}

/// Which part of a file is wrong.
enum Problem {
    Length,
    Path,
}

/// Where a file is.
struct Place<'a> {
    header: &'a [u8],
    content: &'a [u8],
    /// Where the content starts.
    offset: usize,
    /// Where the next file's header starts.
    next: usize,
}

/// Finds the parts of the file whose header starts at `start`.
fn place_at(image: &[u8], start: usize) -> Result<Place<'_>, Problem> {
    let rest = image.get(start..).ok_or(Problem::Length)?;
    let (header, rest) = rest.split_at_checked(FILE_HEADER_SIZE).ok_or(Problem::Length)?;
    let size = read_u32(header, file_header::SIZE).ok_or(Problem::Length)?;
    let padding = read_u32(header, file_header::PADDING).ok_or(Problem::Length)?;
    let content = rest.get(..size as usize).ok_or(Problem::Length)?;
    let offset = start.checked_add(FILE_HEADER_SIZE).ok_or(Problem::Length)?;
    let next = offset
        .checked_add(size as usize)
        .and_then(|end| end.checked_add(padding as usize))
        .filter(|next| *next <= image.len())
        .ok_or(Problem::Length)?;
    Ok(Place { header, content, offset, next })
}

/// Reads the file whose header starts at `start`; also returns where the next header starts.
fn file_at(image: &[u8], start: usize) -> Result<(File<'_>, usize), Problem> {
    let Place { header, content, offset, next } = place_at(image, start)?;
    if !offset.is_multiple_of(ALIGNMENT) {
        return Err(Problem::Length);
    }
    let path = header.first_chunk::<PATH_SIZE>().and_then(path_in).ok_or(Problem::Path)?;
    Ok((File { path, content, offset }, next))
}

/// The path in its field: up to the first NUL, which must be there, with nothing but NULs after it.
fn path_in(field: &[u8; PATH_SIZE]) -> Option<&str> {
    let mut parts = field.splitn(2, |byte| *byte == 0);
    let path = parts.next().filter(|path| !path.is_empty())?;
    let fill = parts.next()?;
    if fill.iter().any(|byte| *byte != 0) {
        return None;
    }
    core::str::from_utf8(path).ok()
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}
