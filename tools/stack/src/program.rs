//! A program as it lies in memory: its code, its initial data, and the places where functions start.
//!
//! Relies on the ELF file's sections and symbols. Every read is checked: an address outside of the program gives
//! nothing, so that a damaged file is at worst analysed wrongly, never a panic.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use object::read::elf::ElfFile64;
use object::{Architecture, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::Error;

/// A section that is loaded and has content in the file.
struct Section<'a> {
    start: u64,
    data: Cow<'a, [u8]>,
    code: bool,
}

impl Section<'_> {
    fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.start) < self.data.len() as u64
    }
}

/// A function as the symbol table tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Function {
    /// The address after its last instruction.
    pub end: u64,
    /// Its symbol.
    pub symbol: String,
}

/// A program.
pub(crate) struct Program<'a> {
    sections: Vec<Section<'a>>,
    /// By address of the first instruction.
    functions: BTreeMap<u64, Function>,
    /// Addresses of code that have a name but no type, as labels in assembly.
    labels: BTreeMap<String, u64>,
    /// Addresses of data that something refers to: where one constant ends, at the latest, and another may begin.
    boundaries: BTreeSet<u64>,
}

impl<'a> Program<'a> {
    /// Reads a static ELF64 file for x86_64 with its symbol table.
    pub fn read(file: &'a [u8]) -> Result<Self, Error> {
        let elf: ElfFile64<'a> =
            ElfFile64::parse(file).map_err(|error| Error::Unreadable(error.to_string()))?;
        if elf.architecture() != Architecture::X86_64 {
            return Err(Error::OtherMachine);
        }
        let mut sections = Vec::new();
        for section in elf.sections() {
            let code = section.kind() == SectionKind::Text;
            let loaded = section.address() != 0 && section.kind() != SectionKind::UninitializedData;
            if !code && !loaded {
                continue;
            }
            let data = section.data().map_err(|error| Error::Unreadable(error.to_string()))?;
            sections.push(Section { start: section.address(), data: Cow::Borrowed(data), code });
        }
        let mut program = Self {
            sections,
            functions: BTreeMap::new(),
            labels: BTreeMap::new(),
            boundaries: BTreeSet::new(),
        };
        program.read_symbols(&elf);
        if program.functions.is_empty() {
            return Err(Error::NoSymbols);
        }
        program.boundaries = crate::references::boundaries(&program);
        Ok(program)
    }

    fn read_symbols(&mut self, elf: &ElfFile64<'a>) {
        for symbol in elf.symbols().filter(ObjectSymbol::is_definition) {
            let (start, size) = (symbol.address(), symbol.size());
            let Ok(name) = symbol.name() else { continue };
            if !self.is_code(start) {
                continue;
            }
            if symbol.kind() == SymbolKind::Text && size > 0 {
                let end = start.saturating_add(size);
                // Functions that were found to be the same have several names; any will do, but always the same.
                let known =
                    self.functions.entry(start).or_insert_with(|| Function { end, symbol: name.into() });
                known.end = known.end.max(end);
                if *name < *known.symbol {
                    known.symbol = name.into();
                }
            } else {
                self.labels.entry(name.into()).or_insert(start);
            }
        }
    }

    /// All functions, by their addresses.
    pub fn functions(&self) -> impl Iterator<Item = (u64, &Function)> {
        self.functions.iter().map(|(start, function)| (*start, function))
    }

    /// The function that starts at `address`.
    pub fn function(&self, address: u64) -> Option<&Function> {
        self.functions.get(&address)
    }

    /// Where the function or label of that name starts: a symbol, or a path as in the source.
    pub fn find(&self, name: &str) -> Option<u64> {
        let by_symbol = self.functions.iter().find(|(_, function)| function.symbol == name);
        let by_path = || self.functions.iter().find(|(_, function)| demangle(&function.symbol) == name);
        by_symbol.or_else(by_path).map(|(start, _)| *start).or_else(|| self.labels.get(name).copied())
    }

    /// What to call the code at `address`.
    pub fn name(&self, address: u64) -> String {
        if let Some(function) = self.functions.get(&address) {
            return demangle(&function.symbol);
        }
        let label = self.labels.iter().find(|(_, start)| **start == address);
        label.map_or_else(|| format!("{address:#x}"), |(name, _)| name.clone())
    }

    /// The end of the function that `address` lies in, or of the section if it lies in none.
    pub fn end(&self, address: u64) -> u64 {
        let before = self.functions.range(..=address).next_back();
        let inside = before.map(|(_, function)| function.end).filter(|end| address < *end);
        let section = self.sections.iter().find(|section| section.code && section.contains(address));
        inside.or(section.map(|section| section.start + section.data.len() as u64)).unwrap_or(address)
    }

    /// The code from `address` to the end of its section; empty if there is none.
    pub fn code(&self, address: u64) -> &[u8] {
        let section = self.sections.iter().find(|section| section.code && section.contains(address));
        section.and_then(|section| section.data.get((address - section.start) as usize..)).unwrap_or_default()
    }

    /// Whether `address` lies in code.
    pub fn is_code(&self, address: u64) -> bool {
        self.sections.iter().any(|section| section.code && section.contains(address))
    }

    /// Whether `address` lies in data with initial values.
    pub fn is_data(&self, address: u64) -> bool {
        self.sections.iter().any(|section| !section.code && section.contains(address))
    }

    /// The `N` bytes of data at `address`, as they are when the program starts.
    fn data<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let section = self.sections.iter().find(|section| !section.code && section.contains(address))?;
        let offset = (address - section.start) as usize;
        section.data.get(offset..offset.checked_add(N)?)?.try_into().ok()
    }

    /// The eight-byte number in the data at `address`.
    pub fn word(&self, address: u64) -> Option<u64> {
        self.data(address).map(u64::from_le_bytes)
    }

    /// The four-byte signed number in the data at `address`.
    pub fn half(&self, address: u64) -> Option<i32> {
        self.data(address).map(i32::from_le_bytes)
    }

    /// All aligned eight-byte numbers in data.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.sections.iter().filter(|section| !section.code).flat_map(|section| {
            let skipped = (section.start.wrapping_neg() % 8) as usize;
            let aligned = section.data.get(skipped..).unwrap_or_default();
            aligned.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
        })
    }

    /// Where the constant at `address` ends at the latest.
    pub fn constant_end(&self, address: u64) -> u64 {
        let next = self.boundaries.range(address.saturating_add(1)..).next().copied();
        next.unwrap_or(u64::MAX)
    }
}

/// The size in bytes of the variable of that name: a symbol, or a path as in the source.
pub(crate) fn variable_size(file: &[u8], name: &str) -> Result<u64, Error> {
    let elf: ElfFile64<'_> = ElfFile64::parse(file).map_err(|error| Error::Unreadable(error.to_string()))?;
    let mut variables = elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Data);
    let named = |symbol: &str| symbol == name || demangle(symbol) == name;
    let found = variables.find(|variable| variable.name().is_ok_and(named));
    found.map(|variable| variable.size()).ok_or_else(|| Error::NoVariable(name.into()))
}

/// A function's name as in the source, without the compiler's hash.
fn demangle(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}
