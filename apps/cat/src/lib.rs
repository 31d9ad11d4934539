//! `cat [FILE]...` writes files to the output, byte by byte as they are, and `-` or nothing at all stands for the input.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;

use commands::{CommandLine, each};
use fs::{File, Read};
use resea::{ExitStatus, read_input, write_output};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Does what the command line says. What cannot be read is told, and the rest is written.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let mut line = CommandLine::read("cat [FILE]...", "")?;
    if line.paths.is_empty() {
        line.paths.push("-");
    }
    let mut buffer = vec![0; PIECE];
    Ok(each(line.paths, |path| match path {
        "-" => input(&mut buffer).map_err(|error| format!("cannot read the input: {error}")),
        path => file(path, &mut buffer).map_err(|error| format!("{error}")),
    }))
}

fn file(path: &str, buffer: &mut [u8]) -> fs::Result<()> {
    let mut file = File::open(path)?;
    loop {
        match file.read(buffer)? {
            0 => return Ok(()),
            length => write_output(buffer.get(..length).unwrap_or_default()),
        }
    }
}

fn input(buffer: &mut [u8]) -> Result<(), resea::Error> {
    loop {
        match read_input(buffer)? {
            0 => return Ok(()),
            length => write_output(buffer.get(..length).unwrap_or_default()),
        }
    }
}
