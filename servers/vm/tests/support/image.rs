//! Boot images with programs that have everything a program can have, but no code.

use manifest::Manifest;

/// Where the parts of every program are.
pub const TEXT: u64 = 0x21_0000;
pub const CONSTANTS: u64 = 0x21_3000;
pub const VARIABLES: u64 = 0x21_4000;
/// Content of the parts: this byte, over and over.
pub const TEXT_BYTE: u8 = 0x90;
pub const VARIABLES_BYTE: u8 = 0x77;
/// The variables' content ends here, the rest is zeros to [`VARIABLES_END`].
pub const CONTENT_END: u64 = VARIABLES + 0x1200;
pub const VARIABLES_END: u64 = VARIABLES + 0x3000;

/// An ELF file.
pub fn elf() -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(16, &[2, 0, 62, 0, 1, 0, 0, 0]);
    put(24, &(TEXT + 0x10).to_le_bytes());
    put(32, &64u64.to_le_bytes());
    put(52, &[64, 0, 56, 0, 3, 0]);
    let segments: [(u32, u64, u64, u64, u64); 3] = [
        (5, 0x1000, TEXT, 0x2800, 0x2800),
        (4, 0x4000, CONSTANTS, 0x100, 0x100),
        (6, 0x5000, VARIABLES, CONTENT_END - VARIABLES, VARIABLES_END - VARIABLES),
    ];
    for (number, (flags, offset, address, content, size)) in segments.into_iter().enumerate() {
        let at = 64 + number * 56;
        put(at, &[1u32.to_le_bytes(), flags.to_le_bytes()].concat());
        let words = [offset, address, address, content, size, 0x1000].map(u64::to_le_bytes);
        put(at + 8, &words.concat());
    }
    file.resize(0x1000 + 0x2800, TEXT_BYTE);
    file.resize(0x5000, 0x11);
    file.resize(0x5000 + (CONTENT_END - VARIABLES) as usize, VARIABLES_BYTE);
    with_interfaces(file, &interfaces::FINGERPRINTS)
}

/// The file with the section that tells which interfaces it was built with.
pub fn with_interfaces(mut file: Vec<u8>, lines: &[u8]) -> Vec<u8> {
    const NAMES: &[u8] = b"\0.resea.interfaces\0";
    let (lines_at, names_at) = (file.len(), file.len() + lines.len());
    file.extend([lines, NAMES].concat());
    let table = file.len() as u64;
    for (name, at, size) in [(0, 0, 0), (1, lines_at, lines.len()), (0, names_at, NAMES.len())] {
        file.extend([name, 1u32].map(u32::to_le_bytes).concat());
        file.extend([0, 0, at as u64, size as u64, 0, 1, 0].map(u64::to_le_bytes).concat());
    }
    file[40..48].copy_from_slice(&table.to_le_bytes());
    file[58..64].copy_from_slice(&[64, 0, 3, 0, 2, 0]);
    file
}

/// An image with these programs; their functions are `NAME::start` and `NAME::work`.
pub fn image(programs: &[(&str, Manifest<'_>)]) -> Vec<u8> {
    let mut files = vec![("bin/vm".to_string(), elf())];
    for (name, manifest) in programs {
        files.push((format!("bin/{name}"), elf()));
        let mut buffer = [0; manifest::MAX_ENCODED];
        files.push((format!("manifest/{name}"), manifest.encode(&mut buffer).unwrap().to_vec()));
        let function =
            |address, part: &str| symbols::Function { address, size: 0x100, name: format!("{name}::{part}") };
        let functions = vec![function(TEXT, "start"), function(TEXT + 0x100, "work")];
        files.push((format!("symbols/{name}"), symbols::build(functions).unwrap()));
    }
    bootfs::write(files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))).unwrap()
}
