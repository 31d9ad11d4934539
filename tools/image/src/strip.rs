//! Makes the smallest ELF file that loads the same program: headers and segments, and the one section that tells which
//! interfaces it was built with, since it may be copied out of the image and launched in another system.
//!
//! Each segment starts in a page of its own, at a file offset equal to its address modulo the page size, so that vm
//! can map the pages where they lie in the boot image.

use object::elf::{ET_EXEC, PT_LOAD, SHT_PROGBITS, SHT_STRTAB};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::contents::section;
use crate::elf::{ElfError, Header, parse};

/// Segments start at the same place in a page of the file as in a page of memory.
const PAGE: u64 = 4096;
/// Size of an ELF64 file header (ELF-64 Object File Format 1.5, figure 2).
const FILE_HEADER_SIZE: usize = 64;
/// Size of an ELF64 program header (same, figure 6).
const PROGRAM_HEADER_SIZE: usize = 56;
/// Size of an ELF64 section header (same, figure 3).
const SECTION_HEADER_SIZE: usize = 64;

/// The section of a program that tells which interfaces it was built with (libs/resea/src/start.rs). vm looks for it in programs that are
/// no files of the boot image.
pub const INTERFACES: &str = ".resea.interfaces";

/// A segment of the program.
struct Segment<'a> {
    flags: u32,
    address: u64,
    content: &'a [u8],
    memory_size: u64,
}

/// Makes the stripped file of the static ELF64 program `file`.
///
/// # Errors
///
/// Each variant of [`ElfError`] but `Symbols`.
pub fn strip(file: &[u8]) -> Result<Vec<u8>, ElfError> {
    let elf = parse(file)?;
    let (header, endian) = (elf.elf_header(), elf.endian());
    if header.e_type(endian) != ET_EXEC {
        return Err(ElfError::NotStatic);
    }
    let segments = segments(header, file)?;
    let mut output = vec![0; FILE_HEADER_SIZE + PROGRAM_HEADER_SIZE * segments.len()];
    let mut program_headers = Vec::new();
    let sections = section(file, INTERFACES)?.map(|content| add_sections(&mut output, content));
    for segment in &segments {
        // A segment of zeros only takes no room in the file.
        let mut offset = segment.address % PAGE;
        if !segment.content.is_empty() {
            offset += (output.len() as u64).next_multiple_of(PAGE);
            output.resize(offset as usize, 0);
            output.extend_from_slice(segment.content);
        }
        program_headers.extend_from_slice(&program_header(segment, offset));
    }
    output[..FILE_HEADER_SIZE].copy_from_slice(&file_header(file, segments.len() as u16, sections));
    output[FILE_HEADER_SIZE..][..program_headers.len()].copy_from_slice(&program_headers);
    Ok(output)
}

/// The segments to load, by address.
fn segments<'a>(header: &Header, file: &'a [u8]) -> Result<Vec<Segment<'a>>, ElfError> {
    let endian = header.endian()?;
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, file)? {
        if segment.p_type(endian) != PT_LOAD || segment.p_memsz(endian) == 0 {
            continue;
        }
        let content = segment
            .data(endian, file)
            .map_err(|()| ElfError::Unreadable("a segment lies outside of the file".into()))?;
        segments.push(Segment {
            flags: segment.p_flags(endian).0,
            address: segment.p_vaddr(endian),
            content,
            memory_size: segment.p_memsz(endian),
        });
    }
    segments.sort_by_key(|segment| segment.address);
    for (before, after) in segments.iter().zip(segments.iter().skip(1)) {
        let end = before.address.saturating_add(before.memory_size);
        if end.next_multiple_of(PAGE) > after.address / PAGE * PAGE {
            return Err(ElfError::SharedPage { page: after.address / PAGE * PAGE });
        }
    }
    if segments.is_empty() { Err(ElfError::Empty) } else { Ok(segments) }
}

/// Adds the section [`INTERFACES`], the names of sections, and their headers. They take room before the first segment that its
/// alignment leaves free. Returns where the headers are.
fn add_sections(output: &mut Vec<u8>, content: &[u8]) -> u64 {
    const OWN_NAME: &str = ".shstrtab";
    let content_at = output.len() as u64;
    output.extend_from_slice(content);
    let names_at = output.len() as u64;
    // An ELF file's names begin with the empty one.
    output.extend_from_slice(format!("\0{INTERFACES}\0{OWN_NAME}\0").as_bytes());
    let names_end = output.len() as u64;
    output.resize(output.len().next_multiple_of(8), 0);
    let headers_at = output.len() as u64;
    // The first header is that of no section.
    output.resize(output.len() + SECTION_HEADER_SIZE, 0);
    let own_name = 1 + INTERFACES.len() as u32 + 1;
    for (name, kind, at, size) in [
        (1, SHT_PROGBITS.0, content_at, content.len() as u64),
        (own_name, SHT_STRTAB.0, names_at, names_end - names_at),
    ] {
        output.extend([name, kind].map(u32::to_le_bytes).concat());
        // Flags and address, where it is, links to others (none), its alignment, the size of its entries (none).
        output.extend([0, 0, at, size, 0, 1, 0].map(u64::to_le_bytes).concat());
    }
    headers_at
}

/// The file header: the original's identification, machine and entry, and the section headers at `sections`.
fn file_header(file: &[u8], segments: u16, sections: Option<u64>) -> [u8; FILE_HEADER_SIZE] {
    let mut header = [0; FILE_HEADER_SIZE];
    // `parse` has seen a whole header; e_ident, e_type, e_machine, e_version and e_entry stay as they are.
    header[..32].copy_from_slice(&file[..32]);
    header[32..40].copy_from_slice(&(FILE_HEADER_SIZE as u64).to_le_bytes()); // e_phoff
    header[48..52].copy_from_slice(&file[48..52]); // e_flags
    header[52..54].copy_from_slice(&(FILE_HEADER_SIZE as u16).to_le_bytes()); // e_ehsize
    header[54..56].copy_from_slice(&(PROGRAM_HEADER_SIZE as u16).to_le_bytes()); // e_phentsize
    header[56..58].copy_from_slice(&segments.to_le_bytes()); // e_phnum
    if let Some(sections) = sections {
        header[40..48].copy_from_slice(&sections.to_le_bytes()); // e_shoff
        header[58..60].copy_from_slice(&(SECTION_HEADER_SIZE as u16).to_le_bytes()); // e_shentsize
        header[60..62].copy_from_slice(&3_u16.to_le_bytes()); // e_shnum
        header[62..64].copy_from_slice(&2_u16.to_le_bytes()); // e_shstrndx: the last
    }
    header
}

/// A program header of a segment whose content is at `offset`.
fn program_header(segment: &Segment<'_>, offset: u64) -> [u8; PROGRAM_HEADER_SIZE] {
    let mut header = [0; PROGRAM_HEADER_SIZE];
    header[0..4].copy_from_slice(&1_u32.to_le_bytes()); // p_type: PT_LOAD
    header[4..8].copy_from_slice(&segment.flags.to_le_bytes());
    let numbers = [
        offset,
        segment.address,
        segment.address, // p_paddr: nobody looks at it
        segment.content.len() as u64,
        segment.memory_size,
        PAGE,
    ];
    for (field, number) in header[8..].chunks_exact_mut(8).zip(numbers) {
        field.copy_from_slice(&number.to_le_bytes());
    }
    header
}
