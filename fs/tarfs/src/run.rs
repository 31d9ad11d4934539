//! The program: makes the tree of its source, and serves it.

use crate::Files;
use crate::fill::LeftOut;
use crate::source::{Place, files};
use alloc::format;
use alloc::string::String;
use fileserver::{Failure, Mount, now, serve};
use ipc::Error;

const USAGE: &str = "tarfs SOURCE POINT [--read-only]";

/// Characters of the path of the first member that is left out, in the log.
const FIRST_MAX: usize = 200;

/// Serves for ever, or says why it cannot.
pub fn run() -> Failure {
    match mount() {
        Ok(files) => serve(files, now),
        Err(failure) => failure,
    }
}

/// Bytes for names and for what is written: an eighth of the heap is for all else.
fn space() -> u64 {
    #[cfg(target_os = "none")]
    let total = resea::heap::usage().total;
    #[cfg(not(target_os = "none"))]
    let total = 4 << 20;
    (total - total / 8) as u64
}

fn mount() -> Result<Files<Place>, Failure> {
    let mount = Mount::from_arguments(USAGE)?;
    match files(mount.source, space(), now()) {
        Ok((mut files, left_out)) => {
            if let LeftOut { count: 1.., first } = &left_out {
                // It may be as long as the archive likes, and would mean something to a terminal.
                let first = first.chars().take(FIRST_MAX).flat_map(char::escape_debug).collect::<String>();
                resea::warn!(
                    "{}: {} of its members are not here, `{first}` first: symbolic links, devices, sparse files, or paths that are not possible here",
                    mount.source,
                    left_out.count
                );
            }
            files.read_only = mount.read_only;
            Ok(files)
        }
        Err(error) => Err(Failure::new(error, sentence(mount.source, error))),
    }
}

/// What is wrong with a source, and what to do.
fn sentence(source: &str, error: Error) -> String {
    match error {
        Error::NotFound => format!(
            "there is no source `{source}`; use `none`, `boot`, `boot/` and the path of an archive in the boot image, or a disk that `lspci` lists, as `disk0`, or its partition, as `disk0p1`"
        ),
        Error::TableFull => format!("`{source}` has too many users; unmount what else is on that disk"),
        Error::InputOutput => {
            format!(
                "`{source}` cannot be read: {error}; `restart` with the disk's name starts its driver again"
            )
        }
        Error::WrongFormat => {
            format!("`{source}` is not a tar archive, or empty; unpack it first if it is compressed")
        }
        Error::Damaged => format!("the archive `{source}` is damaged or cut off; make it again"),
        Error::OutOfMemory => {
            format!(
                "the archive `{source}` has more names than there is memory; raise `heap` in fs/tarfs/Cargo.toml"
            )
        }
        Error::TooLarge => {
            format!("the archive `{source}` has a header of more than 64 KiB; make it without attributes")
        }
        error => format!("`{source}` cannot be read: {error}"),
    }
}
