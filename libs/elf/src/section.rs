//! Where a section lies in a file, found by its name: for what is in a program's file and is not loaded.
//!
//! Sections come last in most files, so the file is read in small pieces by whoever has it. Nothing is promised about a section's
//! content, and a program runs without any: what is damaged is not there.

use crate::{HEADER_SIZE, read_u16, read_u32, read_u64};

/// Most sections that are looked at: more than a program with debug information has.
pub const MAX_SECTIONS: u16 = 128;

/// Longest name that can be looked for, in bytes.
pub const MAX_NAME: usize = 31;

const SECTION_HEADER_SIZE: usize = 64;
/// A section that takes no room in the file.
const NO_BITS: u32 = 8;

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its first byte's place in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
}

/// Where the section `name` is; `None` if there is none, or none that can be found. `read` fills a buffer with what is in the
/// file from an offset on, or returns false if the file ends before.
pub fn find_section(name: &str, mut read: impl FnMut(u64, &mut [u8]) -> bool) -> Option<Part> {
    let mut header = [0; HEADER_SIZE];
    if !read(0, &mut header) || read_u16(&header, 58)? != SECTION_HEADER_SIZE as u16 {
        return None;
    }
    let table = read_u64(&header, 40)?;
    let count = read_u16(&header, 60)?.min(MAX_SECTIONS);
    let names = read_u64(&header_of(read_u16(&header, 62)?, table, &mut read)?, 24)?;
    (0..count).find_map(|number| {
        let section = header_of(number, table, &mut read)?;
        if read_u32(&section, 4)? == NO_BITS {
            return None;
        }
        // With the NUL at its end.
        let mut found = [0; MAX_NAME + 1];
        let found = found.get_mut(..=name.len())?;
        let is_it = read(names.checked_add(u64::from(read_u32(&section, 0)?))?, found)
            && found.strip_suffix(&[0]) == Some(name.as_bytes());
        let part = Part { offset: read_u64(&section, 24)?, size: read_u64(&section, 32)? };
        is_it.then_some(part)
    })
}

/// The header of the section with this number.
fn header_of(
    number: u16,
    table: u64,
    read: &mut impl FnMut(u64, &mut [u8]) -> bool,
) -> Option<[u8; SECTION_HEADER_SIZE]> {
    let mut header = [0; SECTION_HEADER_SIZE];
    let offset = table.checked_add(u64::from(number) * SECTION_HEADER_SIZE as u64)?;
    read(offset, &mut header).then_some(header)
}
