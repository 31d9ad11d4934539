//! What is common to everything here that reads ELF files.

use std::fmt;

use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::ElfFile64;

/// An ELF file of the kind that Resea runs.
pub(crate) type Elf<'a> = ElfFile64<'a, Endianness>;
/// Its header as it lies in the file.
pub(crate) type Header = FileHeader64<Endianness>;

/// Why a file cannot be used as a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ElfError {
    /// It is no 64-bit ELF file, or it is damaged; with the reader's words.
    Unreadable(String),
    /// It is not linked to fixed addresses.
    NotStatic,
    /// It has nothing to load.
    Empty,
    /// Two segments have a page in common, so their rights would be mixed.
    SharedPage {
        /// The address of the page.
        page: u64,
    },
    /// Its functions do not fit into one symbol table.
    Symbols(symbols::BuildError),
}

impl fmt::Display for ElfError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => {
                write!(formatter, "it is not a readable 64-bit ELF file ({reason}): build it again")
            }
            Self::NotStatic => formatter.write_str(
                "it is not linked to fixed addresses: build it with -Crelocation-model=static, as cargo resea does",
            ),
            Self::Empty => formatter.write_str("it has no segment to load: does its link script apply?"),
            Self::SharedPage { page } => write!(
                formatter,
                "two of its segments share the page at {page:#x}: align each one to 4 KiB in the link script"
            ),
            Self::Symbols(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ElfError {}

impl From<object::read::Error> for ElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Reads the structure of an ELF file.
pub(crate) fn parse(file: &[u8]) -> Result<Elf<'_>, ElfError> {
    Ok(Elf::parse(file)?)
}
