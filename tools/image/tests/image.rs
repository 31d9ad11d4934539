//! Images of programs that are made here, byte by byte, so that nothing has to be compiled.

use bootfs::Bootfs;
use image::{ElfError, INTERFACES, ImageError, Program, Sizes, build, section, sizes, strip, symbol_table};
use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};
use symbols::Symbols;

const EXECUTABLE: u32 = 5;
const WRITABLE: u32 = 6;

/// A segment for [`program`]: flags, address, content, size in memory.
type Segment<'a> = (u32, u64, &'a [u8], u64);

/// A static ELF64 program with these segments, packed as tightly as linkers do not.
fn program(kind: u16, segments: &[Segment<'_>]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(kind.to_le_bytes());
    file.extend(62_u16.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    for number in [0x21_0000_u64, 64, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    for number in [64_u16, 56, segments.len() as u16, 64, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    let mut offset = 64 + 56 * segments.len() as u64;
    for (flags, address, content, size) in segments {
        file.extend(1_u32.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for number in [offset, *address, *address, content.len() as u64, *size, 1] {
            file.extend(number.to_le_bytes());
        }
        offset += content.len() as u64;
    }
    for (_, _, content, _) in segments {
        file.extend_from_slice(content);
    }
    file
}

/// Number `index` among the eight-byte numbers of program header `segment`, which come after type and flags.
fn header_number(file: &[u8], segment: usize, index: usize) -> u64 {
    let start = 64 + 56 * segment + 8 + 8 * index;
    u64::from_le_bytes(file[start..start + 8].try_into().expect("eight bytes"))
}

#[test]
fn stripped_segments_lie_at_their_address_modulo_the_page_size() {
    let segments: [Segment<'_>; 3] = [
        (EXECUTABLE, 0x21_0000, b"code", 4),
        (WRITABLE, 0x21_1230, b"data!", 0x1000),
        (WRITABLE, 0x21_3000, b"", 9),
    ];
    let mut file = program(2, &segments);
    file.extend([0xaa; 10_000]); // debug information, as far as loading goes
    let stripped = strip(&file).expect("it is fine");
    for (index, (_, address, content, size)) in segments.iter().enumerate() {
        let offset = header_number(&stripped, index, 0);
        assert_eq!(offset % 4096, address % 4096, "segment {index}");
        assert_eq!(header_number(&stripped, index, 1), *address);
        assert_eq!(header_number(&stripped, index, 3), content.len() as u64);
        assert_eq!(header_number(&stripped, index, 4), *size);
        if !content.is_empty() {
            assert_eq!(&stripped[offset as usize..][..content.len()], *content);
        }
    }
    assert_eq!(stripped.len(), 0x2000 + 0x230 + 5, "nothing else is left");
    assert_eq!(strip(&stripped), Ok(stripped.clone()), "stripping again changes nothing");
}

#[test]
fn stripped_programs_still_tell_their_interfaces() {
    let content = b"vm 00ff\nfs 0010\n";
    let mut file = program(2, &[(EXECUTABLE, 0x21_0000, b"code", 4)]);
    let names = format!("\0.other\0{INTERFACES}\0");
    let sections = [(0, &b""[..]), (1, b"debug information"), (8, content), (0, names.as_bytes())];
    let mut headers = Vec::new();
    for (number, (name, content)) in sections.into_iter().enumerate() {
        let kind = [0_u32, 1, 1, 3][number];
        headers.extend([name, kind].map(u32::to_le_bytes).concat());
        let (at, size) = (file.len() as u64, content.len() as u64);
        headers.extend([0, 0, at, size, 0, 1, 0].map(u64::to_le_bytes).concat());
        file.extend(content);
    }
    let at = file.len() as u64;
    file[40..48].copy_from_slice(&at.to_le_bytes());
    file[60..64].copy_from_slice(&[4, 0, 3, 0]);
    file.extend(headers);
    let stripped = strip(&file).expect("it is fine");
    assert_eq!(section(&stripped, INTERFACES), Ok(Some(&content[..])));
    assert_eq!(section(&stripped, ".other"), Ok(None));
    assert_eq!(stripped.len(), 0x1000 + 4, "it takes no room of its own");
    assert_eq!(strip(&stripped), Ok(stripped.clone()), "stripping again changes nothing");
}

#[test]
fn programs_that_cannot_be_loaded_are_refused() {
    assert!(matches!(strip(b"#!/bin/sh"), Err(ElfError::Unreadable(_))));
    assert_eq!(strip(&program(3, &[(5, 0x1000, b"x", 1)])), Err(ElfError::NotStatic));
    assert_eq!(strip(&program(2, &[])), Err(ElfError::Empty));
    let shared = [(EXECUTABLE, 0x21_0000, &b"code"[..], 4), (WRITABLE, 0x21_0800, &b"data"[..], 4)];
    assert_eq!(strip(&program(2, &shared)), Err(ElfError::SharedPage { page: 0x21_0000 }));
    let cut = program(2, &[(EXECUTABLE, 0x21_0000, b"code", 4)]);
    assert!(strip(&cut[..cut.len() - 1]).is_err());
}

/// An object file with one function and one variable.
fn object_file() -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let text = object.add_section(Vec::new(), b".text.odd_name".to_vec(), SectionKind::Text);
    object.append_section_data(text, &[0x90; 48], 16);
    let data = object.add_section(Vec::new(), b".data".to_vec(), SectionKind::Data);
    object.append_section_data(data, &[1; 24], 8);
    let constants = object.add_section(Vec::new(), b".rodata".to_vec(), SectionKind::ReadOnlyData);
    object.append_section_data(constants, &[1; 7], 1);
    let zeros = object.add_section(Vec::new(), b".bss".to_vec(), SectionKind::UninitializedData);
    object.append_section_bss(zeros, 4096, 16);
    for (name, value, size, kind, section) in [
        (&b"_ZN5shell4main17h0123456789abcdefE"[..], 16, 16, SymbolKind::Text, text),
        (b"VARIABLE", 0, 24, SymbolKind::Data, data),
    ] {
        object.add_symbol(Symbol {
            name: name.to_vec(),
            value,
            size,
            kind,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
    }
    object.write().expect("it can be written")
}

#[test]
fn symbol_tables_have_functions_by_their_readable_names_and_nothing_else() {
    let table = symbol_table(&object_file()).expect("it is fine");
    let symbols = Symbols::parse(&table).expect("it is a table");
    assert_eq!(symbols.lookup(20).map(|symbol| (symbol.name, symbol.offset)), Some(("shell::main", 4)));
    assert_eq!(symbols.lookup(0), None, "the variable is no function");
}

#[test]
fn sizes_go_by_what_sections_are_and_not_by_their_names() {
    let expected = Sizes { text: 48, rodata: 7, data: 24, bss: 4096 };
    assert_eq!(sizes(&object_file()), Ok(expected));
    assert_eq!(expected.stored(), 79);
}

#[test]
fn an_image_starts_with_the_first_program_and_has_everything_of_each() {
    let elf = program(2, &[(EXECUTABLE, 0x21_0000, b"code", 4)]);
    let named =
        |name: &str| Program { name: name.into(), elf: elf.clone(), manifest: name.as_bytes().to_vec() };
    let image = build(&elf, &[named("shell"), named("vm"), named("echo")], &[("fstab", b"old".to_vec())])
        .expect("it is fine");
    let bootfs = Bootfs::parse(&image).expect("it is an image");
    let paths: Vec<_> = bootfs.files().map(|file| file.path).collect();
    assert_eq!(paths[..3], ["bin/vm", "bin/echo", "bin/shell"]);
    for path in ["manifest/vm", "symbols/vm", "manifest/echo", "symbols/shell", "symbols/kernel"] {
        assert!(paths.contains(&path), "{path} is missing from {paths:?}");
    }
    assert_eq!(bootfs.find("manifest/shell").map(|file| file.content), Some(&b"shell"[..]));
}

#[test]
fn an_image_without_the_first_program_is_refused() {
    let error = build(&[], &[], &[]).expect_err("it was made");
    assert!(matches!(error, ImageError::NoFirstProgram));
    assert!(error.to_string().contains("no program named \"vm\""));
}

#[test]
fn a_bad_program_is_named() {
    let bad = Program { name: "vm".into(), elf: b"?".to_vec(), manifest: Vec::new() };
    let error = build(&[], &[bad], &[]).expect_err("it was made").to_string();
    assert!(
        error.starts_with("the program \"vm\" cannot be used: it is not a readable 64-bit ELF file"),
        "{error}"
    );
}

#[test]
fn files_are_added_to_an_image_or_replaced() {
    let files: [(&str, &[u8]); 2] = [("bin/vm", b"program"), ("fstab", b"old")];
    let mut image = bootfs::write(files).expect("it fits");
    bootfs::set_build(&mut image, 7);
    let more = [("fstab", b"new".to_vec()), ("ramdisk.img", vec![1; 5000])];
    let image = image::with_files(&image, &more).expect("it fits");
    let bootfs = Bootfs::parse(&image).expect("it is an image");
    let paths: Vec<_> = bootfs.files().map(|file| file.path).collect();
    assert_eq!(paths, ["bin/vm", "fstab", "ramdisk.img"], "the first program stays the first");
    assert_eq!(bootfs.find("fstab").map(|file| file.content), Some(&b"new"[..]));
    assert_eq!(bootfs.find("ramdisk.img").map(|file| file.content.len()), Some(5000));
    assert_eq!(bootfs.build(), 7);
    assert!(matches!(image::with_files(b"text", &more), Err(ImageError::NotAnImage(_))));
}
