//! Makes small programs from assembly, as linked ELF files.

use iced_x86::IcedError;
use iced_x86::code_asm::CodeAssembler;

/// Where the code starts; each function has [`ROOM`] bytes.
const TEXT: u64 = 0x21_0000;
/// Where the constants start.
pub const DATA: u64 = 0x30_0000;
/// Distance between functions.
const ROOM: u64 = 0x100;
const HEADER: u64 = 64;

/// The address of function number `index`.
pub fn at(index: u64) -> u64 {
    TEXT + index * ROOM
}

/// What writes a function.
pub type Assembly = fn(&mut CodeAssembler) -> Result<(), IcedError>;

/// Type, flags, address, content, link, size of an entry (ELF-64 Object File Format 1.5, figure 3).
type Section<'a> = (u32, u64, u64, &'a [u8], u32, u64);

/// A program of functions, by name, and eight-byte constants at [`DATA`].
pub fn program(functions: &[(&str, Assembly)], data: &[u64]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut symbols = vec![0; 24];
    let mut names = vec![0];
    for (index, (name, assembly)) in functions.iter().enumerate() {
        let address = at(index as u64);
        let mut assembler = CodeAssembler::new(64).expect("64 bits are supported");
        assembly(&mut assembler).expect("the assembly is valid");
        let code = assembler.assemble(address).expect("the assembly can be encoded");
        assert!(code.len() < ROOM as usize, "{name} is too long");
        symbols.extend((names.len() as u32).to_le_bytes());
        symbols.extend([0x12, 0, 1, 0]); // STB_GLOBAL, STT_FUNC; section 1
        symbols.extend(address.to_le_bytes());
        symbols.extend((code.len() as u64).to_le_bytes());
        names.extend(name.bytes().chain([0]));
        text.extend(&code);
        // What lies between functions is no part of any.
        text.resize((index + 1) * ROOM as usize, 0xcc);
    }
    let data: Vec<u8> = data.iter().flat_map(|word| word.to_le_bytes()).collect();
    let sections: [Section<'_>; 4] = [
        (1, 6, TEXT, &text, 0, 0),
        (1, 2, DATA, &data, 0, 0),
        (2, 0, 0, &symbols, 4, 24),
        (3, 0, 0, &names, 0, 0),
    ];
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(2_u16.to_le_bytes().into_iter().chain(62_u16.to_le_bytes()).chain(1_u32.to_le_bytes()));
    let contents: usize = sections.iter().map(|section| section.3.len()).sum();
    for number in [TEXT, 0, HEADER + contents as u64] {
        file.extend(number.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    // The sections' names are all empty: nobody looks at them.
    for number in [HEADER as u16, 56, 0, 64, sections.len() as u16 + 1, sections.len() as u16] {
        file.extend(number.to_le_bytes());
    }
    let mut headers = vec![0; 64];
    for (kind, flags, address, content, link, entry) in sections {
        headers.extend(0_u32.to_le_bytes().into_iter().chain(kind.to_le_bytes()));
        for number in [flags, address, file.len() as u64, content.len() as u64] {
            headers.extend(number.to_le_bytes());
        }
        headers.extend(link.to_le_bytes().into_iter().chain(1_u32.to_le_bytes()));
        headers.extend(8_u64.to_le_bytes().into_iter().chain(entry.to_le_bytes()));
        file.extend_from_slice(content);
    }
    file.extend(headers);
    file
}
