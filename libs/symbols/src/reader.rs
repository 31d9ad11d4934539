//! Looks up addresses. Nothing here can panic, whatever the bytes are: the release kernel is linked with it.

use core::fmt;

use crate::{ENTRY_SIZE, HEADER_SIZE, MAGIC, NO_NAME};

/// The bytes are not a table: too short, or of another format or version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error;

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the symbol table is damaged or of another version: rebuild the image")
    }
}

impl core::error::Error for Error {}

/// What an address is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol<'a> {
    /// The function's name, as `<shell::Line as Default>::default`.
    pub name: &'a str,
    /// Bytes from the function's start to the address.
    pub offset: usize,
}

/// A table of names, ready for look-ups.
#[derive(Clone, Copy, Debug)]
pub struct Symbols<'a> {
    base: u64,
    entries: &'a [[u8; ENTRY_SIZE]],
    names: &'a [u8],
}

impl<'a> Symbols<'a> {
    /// A table that knows no function.
    pub const EMPTY: Self = Self { base: 0, entries: &[], names: &[] };

    /// Reads a table's header; takes the same time for every table.
    ///
    /// # Errors
    ///
    /// [`Error`] if `table` is none.
    pub fn parse(table: &'a [u8]) -> Result<Self, Error> {
        let (header, rest) = table.split_first_chunk::<HEADER_SIZE>().ok_or(Error)?;
        let [m0, m1, m2, m3, c0, c1, c2, c3, b0, b1, b2, b3, b4, b5, b6, b7] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(Error);
        }
        let count = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let base = u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        let size = count.checked_mul(ENTRY_SIZE).ok_or(Error)?;
        let (entries, names) = rest.split_at_checked(size).ok_or(Error)?;
        let (entries, _) = entries.as_chunks();
        Ok(Self { base, entries, names })
    }

    /// The function that `address` is in, if it is in one.
    ///
    /// A return address belongs to the call before it: look up `address - 1`, or a call that never returns is taken
    /// for the function that follows.
    pub fn lookup(&self, address: usize) -> Option<Symbol<'a>> {
        let distance = (address as u64).checked_sub(self.base)?;
        let after = self.entries.partition_point(|entry| u64::from(decode(entry).0) <= distance);
        let (start, place) = decode(self.entries.get(after.checked_sub(1)?)?);
        if place == NO_NAME {
            return None;
        }
        let offset = usize::try_from(distance.checked_sub(u64::from(start))?).ok()?;
        Some(Symbol { name: self.name(place)?, offset })
    }

    /// How many functions and gaps the table has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table knows no function.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn name(&self, place: u32) -> Option<&'a str> {
        let (length, rest) = self.names.get(place as usize..)?.split_first_chunk::<2>()?;
        let name = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        core::str::from_utf8(name).ok()
    }
}

/// An entry's distance from the base and the place of its name.
fn decode(entry: &[u8; ENTRY_SIZE]) -> (u32, u32) {
    let [d0, d1, d2, d3, n0, n1, n2, n3] = *entry;
    (u32::from_le_bytes([d0, d1, d2, d3]), u32::from_le_bytes([n0, n1, n2, n3]))
}
