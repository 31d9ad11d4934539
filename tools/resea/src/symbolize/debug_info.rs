//! The debug information of a build: what is at an address of one of its programs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::build::Build;

/// The debug information of the kernel and the programs of one build.
pub struct DebugInfo {
    name: String,
    id: u32,
    /// Files below it are named from it.
    root: PathBuf,
    programs: BTreeMap<String, Loader>,
}

/// What is at an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// The function, without the compiler's decoration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl DebugInfo {
    /// Reads the files of a build of the tree at `root`; messages call it `name`.
    ///
    /// # Errors
    ///
    /// If one of the files cannot be read.
    pub fn of(build: &Build, name: &str, root: &Path) -> Result<Self> {
        let read =
            |elf: &Path| std::fs::read(elf).with_context(|| format!("{} cannot be read", elf.display()));
        let kernel = read(&build.kernel.elf)?;
        let programs = build.programs.iter().map(|built| Ok((built.name.as_str(), read(&built.elf)?)));
        let programs: Vec<_> = programs.collect::<Result<_>>()?;
        let id = image::build_id(&kernel, programs.iter().map(|(name, elf)| (*name, elf.as_slice())));
        Ok(Self::new(name, id, root, build.all().map(|built| (built.name.as_str(), built.elf.as_path()))))
    }

    /// The build of the tree at `root` with this number, of which there are these ELF files, named by their programs. Those without symbols and
    /// debug information are left out.
    pub fn new<'a>(
        name: &str,
        id: u32,
        root: &Path,
        files: impl IntoIterator<Item = (&'a str, &'a Path)>,
    ) -> Self {
        let load = |(program, elf): (&str, &Path)| Some((program.to_string(), Loader::new(elf).ok()?));
        let root = root.to_path_buf();
        Self { name: name.into(), id, root, programs: files.into_iter().filter_map(load).collect() }
    }

    /// Adds a program that is not of the build, or takes its place: an ELF file with debug information.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn add(&mut self, program: &str, elf: &Path) -> Result<()> {
        let loader =
            Loader::new(elf).map_err(|error| anyhow!("{} cannot be used: {error}", elf.display()))?;
        self.programs.insert(program.into(), loader);
        Ok(())
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number that its image has too.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it has a program of this name.
    pub fn has(&self, program: &str) -> bool {
        self.programs.contains_key(program)
    }

    /// The function at an address of a program, with its file and line; then the ones that it was inlined into.
    pub fn places(&self, program: &str, address: u64) -> Vec<Place> {
        let Some(loader) = self.programs.get(program) else { return Vec::new() };
        let mut places = Vec::new();
        if let Ok(mut frames) = loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let function = frame.function.as_ref();
                let function =
                    function.and_then(|function| Some(without_arguments(&function.demangle().ok()?)));
                let location = frame.location.as_ref();
                let file = location.and_then(|location| location.file);
                let file = file.map(|file| shortened(file, &self.root).to_string());
                let line = location.and_then(|location| location.line);
                if function.is_some() || file.is_some() {
                    places.push(Place { function, file, line });
                }
            }
        }
        match (self.symbol(program, address), places.last_mut()) {
            (Some(symbol), Some(Place { function: function @ None, .. })) => *function = Some(symbol),
            // The debug information of a release build has no paths, but the symbol of the outermost function does.
            (Some(symbol), Some(Place { function: Some(function), .. })) => {
                let path = symbol.strip_suffix(function.as_str());
                if path.is_some_and(|path| path.ends_with("::")) {
                    *function = symbol;
                }
            }
            // What was written in assembly, and variables.
            (Some(symbol), None) => places.push(Place { function: Some(symbol), file: None, line: None }),
            (None, _) => {}
        }
        places
    }

    /// The symbol at an address, if it is in a program's code or data: the linker's marks are neither.
    fn symbol(&self, program: &str, address: u64) -> Option<String> {
        let loader = self.programs.get(program)?;
        let is_in = |section: &str| {
            let range = loader.get_section_range(section.as_bytes());
            range.is_some_and(|range| (range.begin..range.end).contains(&address))
        };
        let symbol = loader.find_symbol(address).filter(|_| SECTIONS.into_iter().any(is_in))?;
        Some(addr2line::demangle_auto(symbol.into(), None).into_owned())
    }
}

/// The sections that have functions and variables.
const SECTIONS: [&str; 7] = [".text", ".rodata", ".data", ".bss", ".boot", ".cpu", ".cpu.bss"];

/// A function's name without its generic arguments at the end: they are longer than all else and tell the least.
fn without_arguments(name: &str) -> String {
    match name.split_once('<') {
        Some((start, _)) if name.ends_with('>') && !start.is_empty() && !start.ends_with(':') => start.into(),
        _ => name.into(),
    }
}

/// A file's name from `root`, from Rust's library, or from the package that it is in, wherever it was compiled.
fn shortened<'a>(file: &'a str, root: &Path) -> &'a str {
    let of_library = || file.strip_prefix("/rustc/")?.split_once('/').map(|(_, rest)| rest);
    let of_package = || file.split_once("/registry/src/")?.1.split_once('/').map(|(_, rest)| rest);
    let of_tree = Path::new(file).strip_prefix(root).ok().and_then(Path::to_str);
    of_tree.or_else(of_library).or_else(of_package).unwrap_or(file)
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function.as_deref().unwrap_or("?");
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(formatter, "{function} at {file}:{line}"),
            (Some(file), None) => write!(formatter, "{function} at {file}"),
            _ => formatter.write_str(function),
        }
    }
}
