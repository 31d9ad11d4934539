//! Makes boot images: takes programs as the compiler leaves them and puts them, their manifests and their symbol tables
//! into one bootfs.
//!
//! Relies on `bootfs` and `symbols` for the formats, and on `object` to read ELF. Works on bytes only: which programs
//! there are, and where they lie, is its caller's business.
#![forbid(unsafe_code)]

mod build_id;
mod contents;
mod elf;
mod sizes;
mod strip;
mod symbol_table;

use std::fmt;

pub use build_id::build_id;
pub use contents::{Loaded, loaded, section};
pub use elf::ElfError;
pub use sizes::{Sizes, sizes};
pub use strip::{INTERFACES, strip};
pub use symbol_table::symbol_table;

/// The program that the kernel starts; its file is the image's first.
pub const FIRST_PROGRAM: &str = "vm";

/// A program that goes into an image.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name: the image has it as `bin/NAME`.
    pub name: String,
    /// The ELF file, with its symbols.
    pub elf: Vec<u8>,
    /// Its manifest in the compact form.
    pub manifest: Vec<u8>,
}

/// Why an image cannot be made.
#[derive(Debug)]
pub enum ImageError {
    /// There is no program named [`FIRST_PROGRAM`].
    NoFirstProgram,
    /// A program's file cannot be used.
    Elf {
        /// The program's name, or `kernel`.
        program: String,
        /// What is wrong with it.
        error: ElfError,
    },
    /// A file does not fit into the format.
    Bootfs(bootfs::WriteError),
    /// What is to be changed is no boot image.
    NotAnImage(bootfs::Error),
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFirstProgram => write!(
                formatter,
                "there is no program named {FIRST_PROGRAM:?}, which the kernel starts first: the workspace must have \
                 a package with a binary of this name and a [package.metadata.resea] table"
            ),
            Self::Elf { program, error } => {
                write!(formatter, "the program {program:?} cannot be used: {error}")
            }
            Self::Bootfs(error) => error.fmt(formatter),
            Self::NotAnImage(error) => write!(formatter, "this is not a boot image: {error}"),
        }
    }
}

impl std::error::Error for ImageError {}

/// Makes a boot image of `programs` (in any order), with symbol tables for them and for the kernel, and of other `files` (their
/// paths and contents). It has the [`build_id()`] of the programs.
///
/// # Errors
///
/// Each variant of [`ImageError`].
pub fn build(kernel: &[u8], programs: &[Program], others: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ImageError> {
    let mut programs: Vec<&Program> = programs.iter().collect();
    // `false` sorts before `true`; the rest goes by name, so that equal programs make equal images.
    programs.sort_by_key(|program| (program.name != FIRST_PROGRAM, &program.name));
    if programs.first().is_none_or(|program| program.name != FIRST_PROGRAM) {
        return Err(ImageError::NoFirstProgram);
    }
    let mut files = Vec::new();
    for program in &programs {
        let blame = |error| ImageError::Elf { program: program.name.clone(), error };
        files.push((format!("bin/{}", program.name), strip(&program.elf).map_err(blame)?));
    }
    for program in &programs {
        let blame = |error| ImageError::Elf { program: program.name.clone(), error };
        files.push((format!("manifest/{}", program.name), program.manifest.clone()));
        files.push((format!("symbols/{}", program.name), symbol_table(&program.elf).map_err(blame)?));
    }
    let blame = |error| ImageError::Elf { program: "kernel".into(), error };
    files.push(("symbols/kernel".into(), symbol_table(kernel).map_err(blame)?));
    let files = files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
    let files = files.chain(others.iter().map(|(path, content)| (*path, content.as_slice())));
    let mut image = bootfs::write(files).map_err(ImageError::Bootfs)?;
    let programs = programs.iter().map(|program| (program.name.as_str(), program.elf.as_slice()));
    bootfs::set_build(&mut image, build_id(kernel, programs));
    Ok(image)
}

/// Makes a boot image of another one, with more files, or with others in place of those with the same paths.
///
/// # Errors
///
/// [`ImageError::NotAnImage`], [`ImageError::Bootfs`].
pub fn with_files(image: &[u8], files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ImageError> {
    let old = bootfs::Bootfs::parse(image).map_err(ImageError::NotAnImage)?;
    let kept = old.files().filter(|file| files.iter().all(|(path, _)| *path != file.path));
    let kept = kept.map(|file| (file.path, file.content));
    let more = files.iter().map(|(path, content)| (*path, content.as_slice()));
    let mut new = bootfs::write(kept.chain(more)).map_err(ImageError::Bootfs)?;
    bootfs::set_build(&mut new, old.build());
    Ok(new)
}
