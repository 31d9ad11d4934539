//! The boot image of a simulated system: what vm reads of the programs. Their code is the host's.

use crate::Program;

/// Where a program's code would be.
const TEXT: u64 = 0x21_0000;

/// The image with these programs, and behind them these files.
pub(crate) fn build(programs: &[Program], others: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut files = vec![("bin/vm".to_string(), elf(TEXT))];
    for (number, program) in programs.iter().enumerate() {
        files.push((format!("bin/{}", program.name), elf(TEXT + 1 + number as u64)));
        files.push((format!("manifest/{}", program.name), program.manifest.encode()));
    }
    files.extend_from_slice(others);
    match bootfs::write(files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))) {
        Ok(image) => image,
        Err(error) => panic!("the programs do not fit into a boot image: {error}"),
    }
}

/// Which of the image's programs starts at `entry`; `None` for vm.
pub(crate) fn number_of(entry: u64) -> Option<usize> {
    entry.checked_sub(TEXT + 1).map(|number| number as usize)
}

/// An ELF file with some code, entered at `entry`, which tells the programs from each other, and with the section that tells which
/// interfaces it was built with (System V ABI, AMD64 supplement; ELF-64 object file format 1.5).
fn elf(entry: u64) -> Vec<u8> {
    const HEADER: u64 = 64;
    const CODE: u64 = 0x1000;
    // An entry for each of the programs that vm can have, and for vm.
    const LENGTH: u64 = 0x100;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| file.extend_from_slice(bytes);
    // Executable, for x86_64, version 1.
    put(&[2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [entry, HEADER, CODE + LENGTH] {
        put(&word.to_le_bytes());
    }
    // Flags; sizes of header and program header; one of those; three section headers, the last one of the names.
    put(&[0, 0, 0, 0, HEADER as u8, 0, 56, 0, 1, 0, 64, 0, 3, 0, 2, 0]);
    // Loadable, readable and executable.
    put(&[1, 0, 0, 0, 5, 0, 0, 0]);
    for word in [CODE, TEXT, TEXT, LENGTH, LENGTH, 0x1000] {
        put(&word.to_le_bytes());
    }
    file.resize((CODE + LENGTH) as usize, 0x90);
    let names = b"\0.resea.interfaces\0";
    let lines_at = CODE + LENGTH + 3 * 64;
    let (lines, names_at) =
        (interfaces::FINGERPRINTS.len() as u64, lines_at + interfaces::FINGERPRINTS.len() as u64);
    for (name, at, size) in [(0, 0, 0), (1, lines_at, lines), (0, names_at, names.len() as u64)] {
        file.extend([name, 1_u32].map(u32::to_le_bytes).concat());
        file.extend([0, 0, at, size, 0, 1, 0].map(u64::to_le_bytes).concat());
    }
    file.extend_from_slice(&interfaces::FINGERPRINTS);
    file.extend_from_slice(names);
    file
}
