//! How large the parts of a program are.

use object::elf::{SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS};
use object::read::elf::{FileHeader, SectionHeader};

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

/// Measures an ELF file by the flags of its sections, whatever their names are.
///
/// # Errors
///
/// [`ElfError::Unreadable`].
pub fn sizes(file: &[u8]) -> Result<Sizes, ElfError> {
    let elf = parse(file)?;
    let endian = elf.endian();
    let mut sizes = Sizes::default();
    for section in elf.elf_header().section_headers(endian, file)? {
        let flags = section.sh_flags(endian);
        let size = section.sh_size(endian);
        let has = |flag| flags.contains(flag);
        match () {
            () if !has(SHF_ALLOC) => {}
            () if section.sh_type(endian) == SHT_NOBITS => sizes.bss += size,
            () if has(SHF_EXECINSTR) => sizes.text += size,
            () if has(SHF_WRITE) => sizes.data += size,
            () => sizes.rodata += size,
        }
    }
    Ok(sizes)
}
