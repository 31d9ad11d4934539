//! Makes a table; for the host.

use core::fmt;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use crate::{MAGIC, NO_NAME};

/// Gaps between functions up to this many bytes are alignment, not a gap.
const ALIGNMENT: u64 = 32;

/// Longest name that is kept, in bytes; longer ones are cut.
const MAX_NAME: usize = 1024;

/// A function in a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Its first byte.
    pub address: u64,
    /// Its size in bytes; 0 if unknown: it then reaches to the next one.
    pub size: u64,
    /// Its name for people.
    pub name: String,
}

/// The functions lie too far apart for a table: more than 4 GiB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildError {
    /// The lowest address.
    pub lowest: u64,
    /// The highest address.
    pub highest: u64,
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lowest, highest } = self;
        write!(
            formatter,
            "functions from {lowest:#x} to {highest:#x} do not fit into one symbol table: link them within 4 GiB"
        )
    }
}

impl core::error::Error for BuildError {}

/// Makes a table of `functions`, in any order. Of several functions at one address (identical ones are merged by
/// linkers) the shortest name stays.
///
/// # Errors
///
/// [`BuildError`] if they lie more than 4 GiB apart.
pub fn build(mut functions: Vec<Function>) -> Result<Vec<u8>, BuildError> {
    functions.retain(|function| !function.name.is_empty());
    functions.sort_by_key(|function| (function.address, function.name.len(), function.name.clone()));
    functions.dedup_by_key(|function| function.address);
    let base = functions.first().map_or(0, |function| function.address);
    let entries = entries(&functions, base)?;

    let mut table = Vec::from(MAGIC);
    table.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    table.extend_from_slice(&base.to_le_bytes());
    let mut names = Names::default();
    for (distance, name) in entries {
        let place = name.map_or(NO_NAME, |name| names.place(name));
        table.extend_from_slice(&distance.to_le_bytes());
        table.extend_from_slice(&place.to_le_bytes());
    }
    table.extend_from_slice(&names.bytes);
    Ok(table)
}

/// The table's entries: a distance and a name each, `None` for where no function is.
fn entries(functions: &[Function], base: u64) -> Result<Vec<(u32, Option<&str>)>, BuildError> {
    let distance = |address: u64| {
        u32::try_from(address - base).map_err(|_| BuildError { lowest: base, highest: address })
    };
    let mut entries = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        entries.push((distance(function.address)?, Some(function.name.as_str())));
        // Nothing is behind what reaches the end of the address space.
        let Some(end) = function.address.checked_add(function.size.max(1)) else { continue };
        match functions.get(index + 1) {
            Some(next) if function.size == 0 || end.saturating_add(ALIGNMENT) > next.address => {}
            _ => entries.push((distance(end)?, None)),
        }
    }
    Ok(entries)
}

/// The names part of a table; equal names are kept once.
#[derive(Default)]
struct Names<'a> {
    bytes: Vec<u8>,
    places: BTreeMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> u32 {
        let name = &name[..name.floor_char_boundary(MAX_NAME)];
        *self.places.entry(name).or_insert_with(|| {
            let place = self.bytes.len() as u32;
            self.bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            self.bytes.extend_from_slice(name.as_bytes());
            place
        })
    }
}
