//! `hexdump [-n LENGTH] [-s OFFSET] [FILE]` shows the bytes of a file, or of the redirected input, 16 to a row: their
//! offset, their values, and what they are as ASCII. Rows that are as the one before are only told by a `*`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::fmt::Write;

use fs::File;
use resea::{Arg, UsageError, print, read_input};

const USAGE: &str = "hexdump [-n LENGTH] [-s OFFSET] [FILE]";
/// Bytes of a row.
const ROW: usize = 16;
/// Bytes that are read at once: a multiple of [`ROW`].
const PIECE: usize = 4096;

/// What the command line says.
#[derive(Default)]
struct Options {
    path: Option<&'static str>,
    offset: u64,
    length: Option<u64>,
}

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line, or why the file cannot be read.
pub fn run() -> Result<(), String> {
    let options = options()?;
    let mut left = options.length.unwrap_or(u64::MAX);
    let mut source = match options.path {
        Some(path) => Source::File(File::open(path).map_err(|error| format!("{error}"))?, options.offset),
        None if resea::environment("INPUT").is_some() => Source::Input,
        None => return Err(format!("{}", UsageError::Missing("FILE", USAGE))),
    };
    if let Source::Input = source {
        source.skip(options.offset)?;
    }
    let mut dump = Dump::new(options.offset);
    let (mut buffer, mut rows) = (vec![0; PIECE], String::new());
    loop {
        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let length = source.fill(buffer.get_mut(..wanted).unwrap_or_default())?;
        dump.rows(buffer.get(..length).unwrap_or_default(), &mut rows);
        left -= length as u64;
        if length < PIECE {
            dump.end(&mut rows);
            print!("{rows}");
            return Ok(());
        }
        print!("{rows}");
        rows.clear();
    }
}

fn options() -> Result<Options, String> {
    let mut given = Options::default();
    let mut options = resea::options();
    let wrong = |error| format!("{error}; usage: {USAGE}");
    while let Some(argument) = options.next_arg().map_err(wrong)? {
        match argument {
            Arg::Short('n') => given.length = Some(number(options.value().map_err(wrong)?)?),
            Arg::Short('s') => given.offset = number(options.value().map_err(wrong)?)?,
            Arg::Positional(path) if given.path.is_none() => given.path = Some(path),
            other => return Err(format!("{}", UsageError::unexpected(other, USAGE))),
        }
    }
    Ok(given)
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok(),
        _ => text.parse().ok(),
    };
    parsed.ok_or_else(|| format!("`{text}` is not a number of bytes, such as 512 or 0x200; usage: {USAGE}"))
}

/// Where the bytes come from: a file from an offset on, or the input.
enum Source {
    File(File, u64),
    Input,
}

impl Source {
    /// Reads as much as the buffer takes, less only at the end.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let length = match self {
                Self::File(file, offset) => {
                    let length = file.read_at(room, *offset).map_err(|error| format!("{error}"))?;
                    *offset += length as u64;
                    length
                }
                Self::Input => {
                    read_input(room).map_err(|error| format!("the input cannot be read: {error}"))?
                }
            };
            if length == 0 {
                break;
            }
            filled += length;
        }
        Ok(filled)
    }

    /// Passes over bytes, as far as there are any.
    fn skip(&mut self, mut bytes: u64) -> Result<(), String> {
        let mut buffer = [0; 512];
        while bytes > 0 {
            let wanted = usize::try_from(bytes).unwrap_or(buffer.len()).min(buffer.len());
            match self.fill(buffer.get_mut(..wanted).unwrap_or_default())? {
                0 => break,
                length => bytes -= length as u64,
            }
        }
        Ok(())
    }
}

/// Makes rows of bytes.
#[derive(Clone, Default, Debug)]
struct Dump {
    offset: u64,
    last: Option<[u8; ROW]>,
    /// Rows like the last one are left out.
    repeated: bool,
    any: bool,
}

impl Dump {
    fn new(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Adds the rows of these bytes. All but the last ones that are given are full rows.
    fn rows(&mut self, bytes: &[u8], out: &mut String) {
        for row in bytes.chunks(ROW) {
            let full: Option<[u8; ROW]> = row.try_into().ok();
            if full.is_some() && full == self.last {
                if !core::mem::replace(&mut self.repeated, true) {
                    out.push_str("*\n");
                }
            } else {
                write_row(self.offset, row, out);
                self.repeated = false;
            }
            self.last = full;
            self.offset = self.offset.saturating_add(row.len() as u64);
            self.any = true;
        }
    }

    /// Says where the bytes end, if there were any.
    fn end(&self, out: &mut String) {
        if self.any {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{:08x}", self.offset);
        }
    }
}

fn write_row(offset: u64, row: &[u8], out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{offset:08x} ");
    for index in 0..ROW {
        if index % 8 == 0 {
            out.push(' ');
        }
        let _ = match row.get(index) {
            Some(byte) => write!(out, "{byte:02x} "),
            None => write!(out, "   "),
        };
    }
    out.push_str(" |");
    let shown = |&byte: &u8| if byte == b' ' || byte.is_ascii_graphic() { byte.into() } else { '.' };
    out.extend(row.iter().map(shown));
    out.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumped(offset: u64, pieces: &[&[u8]]) -> String {
        let (mut dump, mut out) = (Dump::new(offset), String::new());
        for piece in pieces {
            dump.rows(piece, &mut out);
        }
        dump.end(&mut out);
        out
    }

    #[test]
    fn rows_are_those_of_hexdump_c() {
        assert_eq!(
            dumped(0x10, &[b"Hello, \x00\xff\x7f world\nthe end"]),
            "00000010  48 65 6c 6c 6f 2c 20 00  ff 7f 20 77 6f 72 6c 64  |Hello, ... world|\n\
             00000020  0a 74 68 65 20 65 6e 64                           |.the end|\n\
             00000028\n"
        );
        assert_eq!(dumped(5, &[b""]), "");
    }

    #[test]
    fn rows_that_repeat_are_left_out() {
        let zeros = "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n";
        assert_eq!(dumped(0, &[&[0; 32], &[0; 32]]), format!("{zeros}*\n00000040\n"));
        let end = dumped(0, &[&[0; 33]]);
        assert!(end.starts_with(zeros) && end.contains("*\n00000020  00    ") && end.ends_with("00000021\n"));
        let again = dumped(0, &[&[0; 32], &[1; 16], &[0; 16]]);
        assert!(again.contains("\n00000030  00"), "{again}");
    }

    #[test]
    fn numbers_may_be_hexadecimal() {
        assert_eq!((number("512"), number("0x200")), (Ok(512), Ok(512)));
        for wrong in ["", "x", "-1", "0x", "0x+1", "1k", "18446744073709551616"] {
            assert!(number(wrong).unwrap_err().starts_with(&format!("`{wrong}` is not a number")), "{wrong}");
        }
    }
}
