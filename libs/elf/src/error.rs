//! Why a file is not a program that can be loaded.

use core::fmt;

/// What is wrong with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// It does not start with the header of a 64-bit, little-endian ELF file.
    NotElf,
    /// It is for another machine, or not a static program: an object, a library, position-independent.
    WrongKind,
    /// Its program headers lie outside of it, are of an unknown size, or too many.
    BadHeaders,
    /// A segment's content lies outside of the file.
    Truncated,
    /// A segment's addresses are not a program's, or it has more content than memory.
    BadAddress,
    /// A segment's place in the file and its address differ modulo the page size.
    Misaligned,
    /// Segments have a page in common, or are not in ascending order.
    Overlap,
    /// A segment is writable and executable.
    WritableCode,
    /// The entry point is not in an executable segment.
    BadEntry,
}

impl Error {
    /// What is wrong and what to do, as a sentence without its end.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotElf => "it is not a 64-bit ELF file; build it for x86_64-unknown-none",
            Self::WrongKind => "it is not a static x86_64 program; link it with -Crelocation-model=static",
            Self::BadHeaders => "its program headers are damaged; build it again",
            Self::Truncated => "a segment reaches past the end of the file; build it again",
            Self::BadAddress => "a segment is outside of user memory; use the linker script of libs/resea",
            Self::Misaligned => {
                "a segment is not page-aligned in the file; link it with -zmax-page-size=4096"
            }
            Self::Overlap => "two segments share a page; use the linker script of libs/resea",
            Self::WritableCode => "a segment is writable and executable; use the linker script of libs/resea",
            Self::BadEntry => "its entry point is not in its code; use the linker script of libs/resea",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for Error {}
