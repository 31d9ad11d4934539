//! Tests: a good file, one for each error, and arbitrary bytes.

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

/// A program header's fields: type, flags, offset, address, size in the file, size in memory.
type Header = (u32, u32, u64, u64, u64, u64);

const CODE: Header = (LOAD, 4 | EXECUTE, 0x1000, 0x21_0000, 0x123, 0x123);
const DATA: Header = (LOAD, 4 | WRITE, 0x2010, 0x21_2010, 0x20, 0x5000);

fn file(entry: u64, headers: &[Header]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend(entry.to_le_bytes());
    file.extend(64u64.to_le_bytes());
    file.extend([0; 14]);
    file.extend(56u16.to_le_bytes());
    file.extend((headers.len() as u16).to_le_bytes());
    file.resize(64, 0);
    for &(kind, flags, offset, address, in_file, size) in headers {
        file.extend(kind.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for word in [offset, address, address, in_file, size, 0x1000] {
            file.extend(word.to_le_bytes());
        }
    }
    file.resize(0x3000, 0x5a);
    file
}

fn error(headers: &[Header]) -> Error {
    Program::parse(&file(0x21_0000, headers)).expect_err("the file is bad")
}

#[test]
fn segments_are_given_as_the_headers_say() {
    let file = file(0x21_0100, &[(6, 4, 64, 64, 10, 10), CODE, DATA, (LOAD, 4, 0, 0, 0, 0)]);
    let program = Program::parse(&file).unwrap();
    let segments: Vec<_> = program.segments().collect();
    assert_eq!(program.entry, 0x21_0100);
    assert_eq!(segments.len(), 2);
    assert_eq!(
        (segments[0].address, segments[0].size, segments[0].access),
        (0x21_0000, 0x123, Access::Execute)
    );
    assert_eq!(segments[0].content, &file[0x1000..0x1123]);
    assert_eq!(segments[0].pages(), (0x21_0000, 0x21_1000));
    assert_eq!((segments[1].offset, segments[1].content.len(), segments[1].size), (0x2010, 0x20, 0x5000));
    assert_eq!(segments[1].pages(), (0x21_2000, 0x21_8000));
}

#[test]
fn other_files_are_refused() {
    assert_eq!(Program::parse(b"").unwrap_err(), Error::NotElf);
    assert_eq!(Program::parse(b"#!/bin/sh").unwrap_err(), Error::NotElf);
    let good = file(0x21_0000, &[CODE]);
    for (place, expected) in
        [(4, Error::NotElf), (5, Error::NotElf), (16, Error::WrongKind), (18, Error::WrongKind)]
    {
        let mut bad = good.clone();
        bad[place] ^= 3;
        assert_eq!(Program::parse(&bad).unwrap_err(), expected, "byte {place}");
    }
    assert_eq!(error(&[CODE, (DYNAMIC, 4, 0x2000, 0x21_2000, 16, 16)]), Error::WrongKind);
    assert_eq!(error(&[(INTERPRETER, 4, 0x2000, 0x21_2000, 16, 16), CODE]), Error::WrongKind);
}

#[test]
fn damaged_headers_are_refused() {
    let good = file(0x21_0000, &[CODE]);
    for (place, value) in [(32, 0xff), (39, 0xff), (54, 55), (56, 65), (57, 1)] {
        let mut bad = good.clone();
        bad[place] = value;
        if place == 32 {
            bad.truncate(0xff);
        }
        assert_eq!(Program::parse(&bad).unwrap_err(), Error::BadHeaders, "byte {place}");
    }
}

#[test]
fn bad_segments_are_refused() {
    let (kind, flags, offset, address, in_file, size) = CODE;
    assert_eq!(error(&[(kind, flags, offset, address, 0x2001, 0x3000)]), Error::Truncated);
    assert_eq!(error(&[(kind, flags, !0xfff, address, in_file, size)]), Error::Truncated);
    assert_eq!(error(&[(kind, flags, offset, address, in_file, in_file - 1)]), Error::BadAddress);
    assert_eq!(error(&[(kind, flags, offset, ADDRESS_END - 0x1000, in_file, 0x1001)]), Error::BadAddress);
    assert_eq!(error(&[(kind, flags, offset, !0xfff, in_file, size)]), Error::BadAddress);
    assert_eq!(error(&[(kind, flags, offset, 0xffff_8000_0000_0000, in_file, size)]), Error::BadAddress);
    assert_eq!(error(&[(kind, flags, offset + 1, address, in_file, size)]), Error::Misaligned);
    assert_eq!(error(&[(kind, flags | WRITE, offset, address, in_file, size)]), Error::WritableCode);
    assert_eq!(error(&[CODE, (LOAD, 4, 0x1200, 0x21_0200, 16, 16)]), Error::Overlap, "in one page");
    assert_eq!(error(&[DATA, CODE]), Error::Overlap, "out of order");
}

#[test]
fn the_entry_must_be_code() {
    for entry in [0, 0x20_ffff, 0x21_0123, 0x21_2010, u64::MAX] {
        assert_eq!(Program::parse(&file(entry, &[CODE, DATA])).unwrap_err(), Error::BadEntry, "{entry:#x}");
    }
    assert_eq!(Program::parse(&file(0, &[])).unwrap_err(), Error::BadEntry);
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..0x4000u64,
        0x20_0000..0x22_0000u64,
        any::<u64>(),
        Just(ADDRESS_END - 0x1000),
        Just(u64::MAX)
    ]
}

fn header() -> impl Strategy<Value = Header> {
    (0..4u32, 0..8u32, number(), number(), number(), number())
}

proptest! {
    #[test]
    fn any_bytes_give_a_result(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Program::parse(&bytes);
        let _ = find(&bytes, ".text");
    }

    #[test]
    fn damaged_sections_are_not_found_or_lie_somewhere(places in prop::collection::vec((0..4096usize, any::<u8>()), 1..8)) {
        let mut file = with_sections(&[(1, ".one", b"1"), (1, ".two", b"2")]);
        for (place, byte) in places {
            // The headers and the end of the file are what is looked at.
            let length = file.len();
            let place = if place < 64 { place } else { length - 1 - place % 400 };
            file[place] = byte;
        }
        let _ = find(&file, ".two");
    }

    #[test]
    fn what_is_accepted_keeps_the_promises(
        entry in number(), headers in prop::collection::vec(header(), 0..6), aligned: bool
    ) {
        let headers: Vec<Header> = headers
            .into_iter()
            .map(|(kind, flags, offset, address, in_file, size)| {
                let address = if aligned { address & !0xfff | offset & 0xfff } else { address };
                (kind, flags, offset, address, in_file, size)
            })
            .collect();
        let file = file(entry, &headers);
        if let Ok(program) = Program::parse(&file) {
            let mut end = 0;
            let mut entry_is_code = false;
            for segment in program.segments() {
                let (first, next) = segment.pages();
                prop_assert!(end <= first && first < next && next <= ADDRESS_END);
                prop_assert!(segment.content.len() as u64 <= segment.size);
                if !segment.content.is_empty() {
                    prop_assert_eq!(segment.offset as u64 % PAGE_SIZE, segment.address % PAGE_SIZE);
                    prop_assert_eq!(segment.content, &file[segment.offset..segment.offset + segment.content.len()]);
                }
                end = next;
                let inside = (segment.address..segment.address + segment.size).contains(&entry);
                entry_is_code |= inside && segment.access == Access::Execute;
            }
            prop_assert!(entry_is_code);
        }
    }
}

/// A file with these sections (type, name, content), their headers at the end.
fn with_sections(sections: &[(u32, &str, &[u8])]) -> Vec<u8> {
    let mut file = file(0x21_0000, &[CODE]);
    let (mut names, mut headers) = (std::vec![0], std::vec![0; 64]);
    let names_header = (3, ".names", b"".as_slice());
    for &(kind, name, content) in sections.iter().chain([&names_header]) {
        let (name_at, offset) = (names.len() as u32, file.len() as u64);
        names.extend(name.bytes().chain([0]));
        file.extend(content);
        headers.extend([name_at, kind].map(u32::to_le_bytes).concat());
        headers.extend([0, 0, offset, content.len() as u64, 0, 1, 0].map(u64::to_le_bytes).concat());
    }
    let last = headers.len() - 64;
    headers[last + 24..last + 32].copy_from_slice(&(file.len() as u64).to_le_bytes());
    file.extend(names);
    let table = file.len() as u64;
    file.extend(headers);
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[58..60].copy_from_slice(&64u16.to_le_bytes());
    file[60..62].copy_from_slice(&(sections.len() as u16 + 2).to_le_bytes());
    file[62..64].copy_from_slice(&(sections.len() as u16 + 1).to_le_bytes());
    file
}

fn find<'a>(file: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let part = find_section(name, |offset, buffer: &mut [u8]| {
        slice(file, offset, buffer.len() as u64).map(|bytes| buffer.copy_from_slice(bytes)).is_some()
    })?;
    slice(file, part.offset, part.size)
}

#[test]
fn sections_are_found_by_their_whole_names() {
    let file = with_sections(&[(1, ".text.long", b"no"), (8, ".text", b"zeros"), (1, ".text", b"yes")]);
    assert_eq!(find(&file, ".text"), Some(b"yes".as_slice()));
    assert_eq!(find(&file, ".text.long"), Some(b"no".as_slice()));
    for absent in [".tex", ".text.", "x", "a name that is longer than any that can be looked for"] {
        assert_eq!(find(&file, absent), None, "{absent}");
    }
    assert_eq!(find(&super::tests::file(0x21_0000, &[CODE]), ".text"), None, "no sections at all");
}
