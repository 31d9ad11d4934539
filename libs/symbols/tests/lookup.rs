//! What is built is found again; what is damaged never makes the reader panic.

use proptest::collection::vec;
use proptest::prelude::*;
use symbols::{BuildError, Error, Function, Symbol, Symbols, build};

fn function(address: u64, size: u64, name: &str) -> Function {
    Function { address, size, name: name.into() }
}

#[test]
fn an_address_is_found_with_its_distance_from_the_start() {
    let table =
        build(vec![function(0x2000, 0x10, "second"), function(0x1000, 0xff0, "first")]).expect("they fit");
    let symbols = Symbols::parse(&table).expect("it is a table");
    assert_eq!(symbols.lookup(0x1000), Some(Symbol { name: "first", offset: 0 }));
    assert_eq!(
        symbols.lookup(0x1fff),
        Some(Symbol { name: "first", offset: 0xfff }),
        "padding belongs to it"
    );
    assert_eq!(symbols.lookup(0x2003), Some(Symbol { name: "second", offset: 3 }));
}

#[test]
fn addresses_outside_of_functions_have_no_name() {
    let table =
        build(vec![function(0x1000, 0x10, "first"), function(0x2000, 0x10, "second")]).expect("they fit");
    let symbols = Symbols::parse(&table).expect("it is a table");
    for address in [0, 0xfff, 0x1010, 0x1fff, 0x2010, usize::MAX] {
        assert_eq!(symbols.lookup(address), None, "{address:#x}");
    }
}

#[test]
fn a_function_of_unknown_size_reaches_to_the_next() {
    let table = build(vec![function(0x1000, 0, "assembly"), function(0x2000, 1, "next")]).expect("they fit");
    let symbols = Symbols::parse(&table).expect("it is a table");
    assert_eq!(symbols.lookup(0x1abc), Some(Symbol { name: "assembly", offset: 0xabc }));
}

#[test]
fn kernel_addresses_work() {
    let base = 0xffff_ffff_8010_0000;
    let table = build(vec![function(base, 0x10, "entry")]).expect("it fits");
    let symbols = Symbols::parse(&table).expect("it is a table");
    assert_eq!(symbols.lookup(base as usize + 4), Some(Symbol { name: "entry", offset: 4 }));
}

#[test]
fn a_function_reaches_the_end_of_the_address_space() {
    for (address, size) in [(u64::MAX, 0), (u64::MAX, 1), (u64::MAX - 9, 10), (u64::MAX - 9, 0xffff)] {
        let table = build(vec![function(address, size, "last")]).expect("it fits");
        let found = Symbols::parse(&table).expect("it is a table").lookup(usize::MAX);
        let offset = (u64::MAX - address) as usize;
        assert_eq!(found, Some(Symbol { name: "last", offset }), "{address:#x}+{size}");
    }
}

#[test]
fn the_shortest_of_several_names_wins() {
    let table = build(vec![function(1, 1, "memcpy_alias"), function(1, 1, "memcpy")]).expect("they fit");
    assert_eq!(
        Symbols::parse(&table).expect("it is a table").lookup(1).map(|found| found.name),
        Some("memcpy")
    );
}

#[test]
fn an_empty_table_knows_nothing() {
    let table = build(vec![]).expect("nothing fits");
    let symbols = Symbols::parse(&table).expect("it is a table");
    assert!(symbols.is_empty());
    assert_eq!(symbols.lookup(0), None);
    assert_eq!(Symbols::EMPTY.lookup(0), None);
}

#[test]
fn what_is_no_table_is_refused() {
    let table = build(vec![function(1, 1, "name")]).expect("it fits");
    for length in 0..32 {
        assert_eq!(
            Symbols::parse(&table[..length]).err(),
            Some(Error),
            "the first {length} bytes were accepted"
        );
    }
    let mut other = table.clone();
    other[3] = b'2';
    assert_eq!(Symbols::parse(&other).err(), Some(Error));
}

#[test]
fn functions_too_far_apart_are_an_error() {
    let result = build(vec![function(0, 1, "low"), function(1 << 32, 1, "high")]);
    assert_eq!(result, Err(BuildError { lowest: 0, highest: 1 << 32 }));
}

proptest! {
    #[test]
    fn every_address_finds_its_function(
        functions in vec((1_u64..5000, 1_u64..5000), 1..40),
        base in 0_u64..1 << 40,
    ) {
        let mut address = base;
        let mut list = Vec::new();
        for (index, (gap, size)) in functions.into_iter().enumerate() {
            address += gap;
            list.push(function(address, size, &format!("f{index}")));
            address += size;
        }
        let table = build(list.clone()).expect("they fit");
        let symbols = Symbols::parse(&table).expect("it is a table");
        for function in &list {
            for offset in [0, function.size / 2, function.size - 1] {
                let found = symbols.lookup((function.address + offset) as usize);
                prop_assert_eq!(found, Some(Symbol { name: &function.name, offset: offset as usize }));
            }
        }
    }

    #[test]
    fn damage_never_panics(flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), address in 0_usize..64) {
        let mut table = build(vec![function(1, 8, "one"), function(9, 8, "two")]).expect("they fit");
        for (index, value) in flips {
            *index.get_mut(&mut table) = value;
        }
        if let Ok(symbols) = Symbols::parse(&table) {
            symbols.lookup(address);
            symbols.lookup(usize::MAX - address);
        }
    }

    #[test]
    fn noise_never_panics(mut bytes in vec(any::<u8>(), 0..200), address in any::<usize>()) {
        for (byte, magic) in bytes.iter_mut().zip(symbols::MAGIC) {
            *byte = magic;
        }
        if let Ok(symbols) = Symbols::parse(&bytes) {
            symbols.lookup(address);
        }
    }
}
