//! What a built program tells about itself besides its code: its parts in memory, and its sections by name.

use object::elf::{PF_W, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Object, ObjectSection};

use crate::elf::{ElfError, parse};

/// A part of a program as it is loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// First virtual address.
    pub address: u64,
    /// Size in memory, in bytes.
    pub size: u64,
    /// Whether the program may write to it.
    pub writable: bool,
}

/// The parts of an ELF file that are loaded, in the order of its headers; empty ones are left out.
///
/// # Errors
///
/// [`ElfError::Unreadable`].
pub fn loaded(file: &[u8]) -> Result<Vec<Loaded>, ElfError> {
    let elf = parse(file)?;
    let endian = elf.endian();
    let segments = elf.elf_header().program_headers(endian, file)?.iter();
    let segments =
        segments.filter(|segment| segment.p_type(endian) == PT_LOAD && segment.p_memsz(endian) > 0);
    let loaded = segments.map(|segment| Loaded {
        address: segment.p_vaddr(endian),
        size: segment.p_memsz(endian),
        writable: segment.p_flags(endian).contains(PF_W),
    });
    Ok(loaded.collect())
}

/// The content of the section of an ELF file with this name, if there is one.
///
/// # Errors
///
/// [`ElfError::Unreadable`].
pub fn section<'a>(file: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, ElfError> {
    let elf = parse(file)?;
    let Some(section) = elf.section_by_name(name) else { return Ok(None) };
    Ok(Some(section.data()?))
}
