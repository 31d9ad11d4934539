//! Symbol tables: any bytes, and tables that the builder makes, in which every function must be found.

use symbols::{Function, Symbols, build};

use crate::input::Input;

/// Most functions of a table that is made here.
const FUNCTIONS: usize = 40;

/// The first byte chooses one of the two.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((0, table)) => look_around(table),
        Some((_, rest)) => round_trip(&Input::new(rest)),
        None => {}
    }
}

/// Looks up addresses of all sizes: a damaged table gives wrong names or none, never worse.
fn look_around(table: &[u8]) {
    let Ok(symbols) = Symbols::parse(table) else { return };
    assert!(symbols.len() <= table.len() / 8, "more entries than the table has room for");
    let base = table
        .get(8..16)
        .map_or(0, |bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
    for bit in 0..usize::BITS {
        for address in [1 << bit, (1 << bit) - 1, base.wrapping_add(1 << bit), base.wrapping_sub(1 << bit)] {
            look_up(&symbols, address);
        }
    }
    for address in table.chunks(8).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    {
        look_up(&symbols, address);
        look_up(&symbols, base.wrapping_add(address & 0xffff_ffff));
    }
}

fn look_up(symbols: &Symbols<'_>, address: usize) {
    if let Some(symbol) = symbols.lookup(address) {
        assert!(symbol.offset <= address, "{address:#x} is {} bytes in {:?}", symbol.offset, symbol.name);
    }
}

/// Every function that was put in is found at its first and at its last byte, if no other begins between.
fn round_trip(input: &Input) {
    let base = if input.byte() & 1 == 0 { 0x20_0000 } else { input.value::<u64>() };
    let function = |_| {
        let distance = u64::from(input.value::<u32>()) >> (input.byte() % 32);
        let size = u64::from(input.value::<u16>());
        Function { address: base.wrapping_add(distance), size, name: input.text(30) }
    };
    let functions: Vec<Function> = (0..input.below(FUNCTIONS)).map(function).collect();
    let Ok(table) = build(functions.clone()) else { return };
    let symbols = Symbols::parse(&table).expect("what the builder makes can be read");
    for function in functions.iter().filter(|function| !function.name.is_empty()) {
        let names: Vec<&str> = functions
            .iter()
            .filter(|other| other.address == function.address)
            .map(|other| other.name.as_str())
            .collect();
        let found = symbols.lookup(function.address as usize).expect("the function is found");
        assert!(found.offset == 0 && names.contains(&found.name), "{function:?} was found as {found:?}");
        let last = function.address.saturating_add(function.size.saturating_sub(1));
        if !functions.iter().any(|other| other.address > function.address && other.address <= last) {
            let found = symbols.lookup(last as usize).map(|symbol| symbol.offset as u64);
            // Of functions at one address the one that stays may be shorter.
            let expected = Some(last - function.address);
            assert!(found == expected || names.len() > 1, "the last byte of {function:?}: {found:?}");
        }
    }
}
