//! Entries of a directory as `list` of interfaces/fs.idl packs them: file servers write them, programs read them.
//!
//! Only the format. Nothing is believed that packed entries say.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

use interfaces::fs::Kind;

/// Entries begin at multiples of this.
const ALIGNMENT: usize = 8;
/// Bytes before the name.
const HEADER: usize = 20;

/// An entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// When it was modified last.
    pub modified: i64,
    /// Whether it cannot be changed.
    pub read_only: bool,
}

/// Takes the first entry from packed ones; how many bytes it takes with the room up to the next one. `None`: there is none, or it
/// is wrong.
pub fn first(packed: &[u8]) -> Option<(Entry<'_>, usize)> {
    let (size, rest) = packed.split_first_chunk()?;
    let (modified, rest) = rest.split_first_chunk()?;
    let (&[kind, read_only], rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let entry = Entry {
        name: core::str::from_utf8(rest.get(..length)?).ok()?,
        kind: Kind::try_from(u32::from(kind)).ok()?,
        size: u64::from_le_bytes(*size),
        modified: i64::from_le_bytes(*modified),
        read_only: read_only != 0,
    };
    Some((entry, (HEADER + length).next_multiple_of(ALIGNMENT).min(packed.len())))
}

/// Packs an entry at the beginning of `room`; how many bytes it takes, with the room up to the next one as far as it is there.
/// `None`: it does not fit, or its name is longer than 65,535 bytes.
pub fn pack(entry: &Entry<'_>, room: &mut [u8]) -> Option<usize> {
    let length = u16::try_from(entry.name.len()).ok()?;
    let (header, rest) = room.split_first_chunk_mut::<HEADER>()?;
    let (name, rest) = rest.split_at_mut_checked(entry.name.len())?;
    header[..8].copy_from_slice(&entry.size.to_le_bytes());
    header[8..16].copy_from_slice(&entry.modified.to_le_bytes());
    header[16..18].copy_from_slice(&[entry.kind as u8, entry.read_only.into()]);
    header[18..].copy_from_slice(&length.to_le_bytes());
    name.copy_from_slice(entry.name.as_bytes());
    let end = HEADER + entry.name.len();
    let padding = rest.len().min(end.next_multiple_of(ALIGNMENT) - end);
    rest[..padding].fill(0);
    Some(end + padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    fn packed(name: &str, kind: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend((-5_i64).to_le_bytes());
        bytes.extend([kind, 1]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes
    }

    #[test]
    fn entries_follow_each_other() {
        let mut bytes = packed("häuser", 1);
        assert_eq!(bytes.len(), 27);
        bytes.resize(32, 0);
        bytes.extend(packed("b", 0));
        let (entry, length) = first(&bytes).unwrap();
        let expected =
            Entry { name: "häuser", kind: Kind::Directory, size: 7, modified: -5, read_only: true };
        assert_eq!((entry, length), (expected, 32));
        let mut room = [0xff; 40];
        assert_eq!(pack(&expected, &mut room), Some(32));
        assert_eq!((&room[..32], &room[32..]), (&bytes[..32], &[0xff; 8][..]));
        let (entry, length) = first(&bytes[32..]).unwrap();
        assert_eq!(
            (entry.name, entry.kind, length),
            ("b", Kind::File, 21),
            "the last one has no room behind it"
        );
    }

    #[test]
    fn wrong_entries_are_none() {
        assert_eq!(first(&packed("a", 2)), None, "no such kind");
        let bytes = packed("ab", 0);
        assert_eq!(first(&bytes[..21]), None, "cut");
        let mut bytes = packed("a", 0);
        bytes[20] = 0xff;
        assert_eq!(first(&bytes), None, "no text");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = &bytes[..];
            while let Some((_, length)) = first(rest) {
                prop_assert!(length > 0 && length <= rest.len());
                rest = &rest[length..];
            }
        }

        #[test]
        fn what_is_packed_is_taken_out_again(
            names in prop::collection::vec("\\PC{0,20}", 0..10),
            size: u64,
            modified: i64,
            read_only: bool,
            room in 0_usize..400,
        ) {
            let entry = |name| Entry { name, kind: Kind::Directory, size, modified, read_only };
            let mut bytes = std::vec![0; room];
            let (mut used, mut fit) = (0, 0);
            while let Some(length) = names.get(fit).and_then(|name| pack(&entry(name), &mut bytes[used..])) {
                used += length;
                fit += 1;
            }
            prop_assert!(fit == names.len() || room - used < HEADER + names[fit].len());
            let mut found = Vec::<String>::new();
            let mut rest = &bytes[..used];
            while let Some((taken, length)) = first(rest) {
                prop_assert_eq!(taken, entry(taken.name));
                found.push(taken.name.into());
                rest = &rest[length..];
            }
            prop_assert_eq!(&found[..], &names[..fit]);
        }
    }
}
