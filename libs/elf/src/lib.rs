//! The loadable segments of a static ELF64 program for x86_64.
//!
//! The kernel loads the first task with it, vm all others, so it must be able to stand any bytes: it uses no indexing,
//! no unchecked arithmetic and no formatting, and [`Program::parse`] checks everything before it gives anything out. It
//! knows pages, because that is how programs are loaded: no page is part of two segments, file and memory offsets agree
//! modulo the page size, and no segment is writable and executable. Reference: System V ABI, chapters 4 and 5.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod error;
mod section;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use section::{MAX_NAME, MAX_SECTIONS, Part, find_section};

/// Size of a page in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// The first address that a program cannot have: the end of the lower half, without its last page.
pub const ADDRESS_END: u64 = 0x7fff_ffff_f000;

/// Most program headers that a program may have.
pub const MAX_HEADERS: u16 = 64;

const HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: usize = 56;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
const EXECUTE: u32 = 1;
const WRITE: u32 = 2;

/// What a segment's memory is for; everything is readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Constants.
    Read,
    /// Variables.
    Write,
    /// Code.
    Execute,
}

/// A part of a program that is to be in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Its first byte's address.
    pub address: u64,
    /// Its length in memory in bytes, at least 1 and at least that of `content`; what `content` lacks is zeros.
    pub size: u64,
    /// What the file has of it; nothing if that is not in what was parsed, the file's head.
    pub content: &'a [u8],
    /// How much of it the file has, in bytes.
    pub in_file: u64,
    /// Where that starts in the file; equal to `address` modulo [`PAGE_SIZE`].
    pub offset: usize,
    /// What it is for.
    pub access: Access,
}

impl Segment<'_> {
    /// The pages it touches, as the address of the first and the address past the last.
    pub const fn pages(&self) -> (u64, u64) {
        // Both were checked to be below `ADDRESS_END`, so nothing overflows.
        (self.address & !(PAGE_SIZE - 1), self.address.saturating_add(self.size).next_multiple_of(PAGE_SIZE))
    }
}

/// A checked program.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    file: &'a [u8],
    size: u64,
    headers: &'a [u8],
    /// Where it starts; inside an executable segment.
    pub entry: u64,
}

impl<'a> Program<'a> {
    /// Checks the whole file.
    ///
    /// # Errors
    ///
    /// Each variant of [`Error`], for the first thing found wrong.
    pub fn parse(file: &'a [u8]) -> Result<Self, Error> {
        Self::parse_head(file, file.len() as u64)
    }

    /// As [`Program::parse`], of a file of `size` bytes that begins with `file`: no more than the headers has to be there.
    ///
    /// # Errors
    ///
    /// Each variant of [`Error`], for the first thing found wrong.
    pub fn parse_head(file: &'a [u8], size: u64) -> Result<Self, Error> {
        let header = file.first_chunk::<HEADER_SIZE>().ok_or(Error::NotElf)?;
        if !header.starts_with(b"\x7fELF\x02\x01\x01") {
            return Err(Error::NotElf);
        }
        const STATIC_PROGRAM: u16 = 2;
        const X86_64: u16 = 62;
        if read_u16(header, 16) != Some(STATIC_PROGRAM) || read_u16(header, 18) != Some(X86_64) {
            return Err(Error::WrongKind);
        }
        let (Some(entry), Some(offset)) = (read_u64(header, 24), read_u64(header, 32)) else {
            return Err(Error::NotElf);
        };
        let count = read_u16(header, 56).filter(|count| *count <= MAX_HEADERS).ok_or(Error::BadHeaders)?;
        if read_u16(header, 54) != Some(PROGRAM_HEADER_SIZE as u16) {
            return Err(Error::BadHeaders);
        }
        let length = usize::from(count).saturating_mul(PROGRAM_HEADER_SIZE);
        let headers = slice(file, offset, length as u64).ok_or(Error::BadHeaders)?;
        let program = Self { file, size, headers, entry };
        program.check()?;
        Ok(program)
    }

    /// The segments in ascending order of their addresses.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + Clone + use<'a> {
        let (file, size) = (self.file, self.size);
        // What does not decode was refused by `parse`.
        let headers = self.headers.chunks_exact(PROGRAM_HEADER_SIZE);
        headers.filter_map(move |header| segment(file, size, header).ok()?)
    }

    fn check(&self) -> Result<(), Error> {
        let mut end = 0;
        let mut entry_found = false;
        for header in self.headers.chunks_exact(PROGRAM_HEADER_SIZE) {
            if matches!(read_u32(header, 0), Some(DYNAMIC | INTERPRETER)) {
                return Err(Error::WrongKind);
            }
            let Some(segment) = segment(self.file, self.size, header)? else { continue };
            let (first_page, next_page) = segment.pages();
            if first_page < end {
                return Err(Error::Overlap);
            }
            end = next_page;
            let inside = self.entry.checked_sub(segment.address).is_some_and(|offset| offset < segment.size);
            entry_found |= inside && segment.access == Access::Execute;
        }
        if entry_found { Ok(()) } else { Err(Error::BadEntry) }
    }
}

/// The segment that a program header describes; `None` if it describes something else, or nothing.
fn segment<'a>(file: &'a [u8], file_size: u64, header: &[u8]) -> Result<Option<Segment<'a>>, Error> {
    let word = |offset| read_u64(header, offset).ok_or(Error::BadHeaders);
    let (kind, flags) = (read_u32(header, 0), read_u32(header, 4).ok_or(Error::BadHeaders)?);
    let (offset, address, in_file, size) = (word(8)?, word(16)?, word(32)?, word(40)?);
    if kind != Some(LOAD) || size == 0 {
        return Ok(None);
    }
    if in_file > size || address.checked_add(size).is_none_or(|end| end > ADDRESS_END) {
        return Err(Error::BadAddress);
    }
    if offset % PAGE_SIZE != address % PAGE_SIZE {
        return Err(Error::Misaligned);
    }
    let access = match flags & (WRITE | EXECUTE) {
        0 => Access::Read,
        WRITE => Access::Write,
        EXECUTE => Access::Execute,
        _ => return Err(Error::WritableCode),
    };
    // A segment without content may name any place in the file.
    let offset = if in_file == 0 { 0 } else { offset };
    if offset.checked_add(in_file).is_none_or(|end| end > file_size) {
        return Err(Error::Truncated);
    }
    let content = slice(file, offset, in_file).unwrap_or_default();
    let offset = usize::try_from(offset).map_err(|_| Error::Truncated)?;
    Ok(Some(Segment { address, size, content, in_file, offset, access }))
}

fn slice(file: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    file.get(usize::try_from(offset).ok()?..)?.get(..usize::try_from(length).ok()?)
}

fn read_u16(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}
