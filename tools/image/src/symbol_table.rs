//! Takes the names of functions out of a program.

use object::{Object, ObjectSymbol, SymbolKind};
use symbols::Function;

use crate::elf::{ElfError, parse};

/// Makes the symbol table of an ELF file: its functions, with their names as in the source, without hashes.
///
/// # Errors
///
/// [`ElfError::Unreadable`], or [`ElfError::Symbols`] if the functions do not fit into a table.
pub fn symbol_table(file: &[u8]) -> Result<Vec<u8>, ElfError> {
    let elf = parse(file)?;
    let mut functions: Vec<Function> = elf
        .symbols()
        // Labels in assembly are functions to a reader of backtraces; their symbols have no type.
        .filter(|symbol| {
            let named = symbol.kind() == SymbolKind::Text
                || symbol.kind() == SymbolKind::Unknown && symbol.is_definition();
            named && symbol.section_index().is_some_and(|index| is_code(&elf, index))
        })
        .filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| !name.starts_with(".L"))?;
            // `{:#}` leaves the hash out.
            let name = format!("{:#}", rustc_demangle::demangle(name));
            Some(Function { address: symbol.address(), size: symbol.size(), name })
        })
        .collect();
    // A kernel has a few functions at low addresses, which run before paging is on, and the rest near the top of the
    // address space; a table reaches over 4 GiB, so the few stay without names.
    let highest = functions.iter().map(|function| function.address).max().unwrap_or_default();
    functions.retain(|function| highest - function.address < u64::from(u32::MAX) / 2);
    symbols::build(functions).map_err(ElfError::Symbols)
}

/// Whether a section holds code.
fn is_code(elf: &crate::elf::Elf<'_>, index: object::SectionIndex) -> bool {
    use object::ObjectSection;
    elf.section_by_index(index).is_ok_and(|section| section.kind() == object::SectionKind::Text)
}
