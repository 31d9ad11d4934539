//! Counts the instructions that a guest executes, by QEMU's own count.
//!
//! QEMU counts them exactly where it records a run (`-icount …,rr=record`), idle time not among them, whatever the guest
//! is: so different systems are measured with the same ruler. The count is read through QEMU's monitor.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What the monitor says when it waits for a command.
const PROMPT: &str = "(qemu) ";
/// The monitor's command, and what stands before the number in its answer.
const COMMAND: &str = "info replay\n";
const BEFORE: &str = "instruction count = ";
/// How long the monitor may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it is waited between two looks at the count, to see whether it still grows.
const PAUSE: Duration = Duration::from_millis(100);

/// A counting QEMU's monitor.
#[derive(Debug)]
pub struct Counter {
    socket: PathBuf,
}

impl Counter {
    /// The counter of a QEMU that is started with its [`arguments`](Self::arguments); `folder` is a place for its files.
    pub fn new(folder: &Path) -> Self {
        Self { socket: folder.join("monitor") }
    }

    /// What QEMU has to be told.
    pub fn arguments(&self, network: bool) -> Vec<OsString> {
        let record = self.socket.with_file_name("record");
        let mut arguments: Vec<OsString> = vec![
            "-icount".into(),
            format!("shift=0,rr=record,rrfile={}", record.display()).into(),
            "-monitor".into(),
            format!("unix:{},server=on,wait=off", self.socket.display()).into(),
        ];
        if network {
            arguments.extend(["-object".into(), "filter-replay,id=replay0,netdev=net0".into()]);
        }
        arguments
    }

    /// How many instructions were executed since the machine was switched on.
    ///
    /// # Errors
    ///
    /// If QEMU does not answer.
    pub fn count(&self) -> Result<u64> {
        let mut stream = UnixStream::connect(&self.socket).context("QEMU's monitor cannot be reached")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        until_prompt(&mut stream)?;
        stream.write_all(COMMAND.as_bytes())?;
        let answer = until_prompt(&mut stream)?;
        match parse(&answer) {
            Some(count) => Ok(count),
            None => bail!("QEMU's monitor answered {answer:?} where the number of instructions was expected"),
        }
    }

    /// The count when it has nearly stopped: fewer than `idle` instructions in a tenth of a second.
    ///
    /// # Errors
    ///
    /// If QEMU does not answer.
    pub fn settled(&self, idle: u64) -> Result<u64> {
        let mut before = self.count()?;
        loop {
            std::thread::sleep(PAUSE);
            let now = self.count()?;
            if now - before < idle {
                return Ok(now);
            }
            before = now;
        }
    }
}

fn until_prompt(stream: &mut UnixStream) -> Result<String> {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while !text.ends_with(PROMPT.as_bytes()) {
        match stream.read(&mut buffer).context("QEMU's monitor does not answer")? {
            0 => bail!("QEMU has closed its monitor"),
            length => text.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn parse(answer: &str) -> Option<u64> {
    let (_, rest) = answer.split_once(BEFORE)?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// The note that tells where a kernel is entered (PVH): its type, and the name before it.
const PVH_NOTE: [u8; 8] = [18, 0, 0, 0, b'X', b'e', b'n', 0];
/// `cli; hlt; jmp` back to `hlt`.
const STOP: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfd];

/// A kernel that does nothing: the same file, but with an end at its entry. What is counted with it is the firmware.
///
/// # Errors
///
/// If the kernel's file is not as expected.
pub fn stopped_at_entry(kernel: &[u8]) -> Result<Vec<u8>> {
    let place = entry(kernel).context("the kernel has no PVH entry that lies in its file")?;
    let mut stopped = kernel.to_vec();
    stopped[place..place + STOP.len()].copy_from_slice(&STOP);
    Ok(stopped)
}

/// Where in an ELF64 file the instruction is that its PVH note names (by physical address).
fn entry(kernel: &[u8]) -> Option<usize> {
    let number = |place: usize, size: usize| -> Option<u64> {
        let bytes = kernel.get(place..place.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let note = kernel.windows(PVH_NOTE.len()).position(|window| window == PVH_NOTE)?;
    let address = number(note + PVH_NOTE.len(), 4)?;
    // ELF64: the program headers' place, size and number; of each its type, offset, physical address and size in the file.
    let (table, size, count) = (number(32, 8)? as usize, number(54, 2)? as usize, number(56, 2)? as usize);
    (0..count).map(|index| table + index * size).find_map(|header| {
        let (kind, offset) = (number(header, 4)?, number(header + 8, 8)?);
        let (start, length) = (number(header + 24, 8)?, number(header + 32, 8)?);
        let inside = kind == 1 && (start..start + length).contains(&address);
        inside.then(|| (offset + (address - start)) as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_the_answer() {
        let answer = "info replay\r\nRecording execution 'record': instruction count = 1234567\r\n(qemu) ";
        assert_eq!(parse(answer), Some(1_234_567));
        assert_eq!(parse("info replay\r\n(qemu) "), None);
    }

    #[test]
    fn a_file_without_an_entry_is_refused() {
        assert!(stopped_at_entry(b"").is_err());
        assert!(stopped_at_entry(&[0; 4096]).is_err());
        let mut cut = vec![0; 64];
        cut.extend(PVH_NOTE);
        assert!(stopped_at_entry(&cut).is_err());
    }
}
