//! How large the parts of a program are.

use object::elf::{PF_W, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use crate::elf::{ElfError, parse};

/// Sizes of a program's parts in memory, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sizes {
    /// Code.
    pub text: u64,
    /// Data that is never written.
    pub rodata: u64,
    /// Data that the file has initial values for.
    pub data: u64,
    /// Data that starts as zeros and takes no room in the file.
    pub bss: u64,
}

impl Sizes {
    /// All but the part that is zeros: what the program takes in a file.
    pub fn stored(&self) -> u64 {
        self.text + self.rodata + self.data
    }
}

/// Measures an ELF file by what its sections are, whatever their names.
///
/// # Errors
///
/// [`ElfError::Unreadable`].
pub fn sizes(file: &[u8]) -> Result<Sizes, ElfError> {
    let elf = parse(file)?;
    let endian = elf.endian();
    let segments = elf.elf_header().program_headers(endian, file)?;
    // Some constants are in sections that the linker writes to before the program starts: what counts is how their
    // segment is mapped.
    let writable = |address: u64| {
        let mut loaded = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
        let segment = loaded.find(|segment| {
            let start = segment.p_vaddr(endian);
            (start..start.saturating_add(segment.p_memsz(endian))).contains(&address)
        });
        segment.map(|segment| segment.p_flags(endian).contains(PF_W))
    };
    let mut sizes = Sizes::default();
    for section in elf.elf_header().section_headers(endian, file)? {
        let flags = section.sh_flags(endian);
        let size = section.sh_size(endian);
        match () {
            () if !flags.contains(SHF_ALLOC) => {}
            () if section.sh_type(endian) == SHT_NOBITS => sizes.bss += size,
            () if flags.contains(SHF_EXECINSTR) => sizes.text += size,
            () if writable(section.sh_addr(endian)).unwrap_or(flags.contains(SHF_WRITE)) => {
                sizes.data += size
            }
            () => sizes.rodata += size,
        }
    }
    Ok(sizes)
}
