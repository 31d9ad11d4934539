//! The program: which volume, and what is said if it cannot be mounted.

use crate::files::Files;
use alloc::format;
use blocks::{Disk, split_partition};
use fileserver::{Failure, Mount, now, serve};
use ipc::Error;

/// The right command line.
const USAGE: &str = "fatfs DISK[pPARTITION] POINT [--read-only]";

/// Why a volume could not be mounted, for people.
fn failure(source: &str, error: Error) -> Failure {
    let why = match error {
        Error::NotFound => {
            "there is no such partition, or none with FAT: `cargo resea disk ls` on the host shows what there is".into()
        }
        Error::WrongFormat => "there is no FAT volume: mkfs.fat or `cargo resea disk new` makes one".into(),
        Error::Damaged => "the volume is damaged or cut off: look at it with fsck.fat on the host".into(),
        error => format!("it cannot be read: {error}"),
    };
    Failure::new(error, format!("{source} cannot be mounted: {why}"))
}

/// Serves for ever, or says why the volume cannot be mounted.
pub fn run() -> Failure {
    match mount() {
        Ok(files) => serve(files, now),
        Err(failure) => failure,
    }
}

fn mount() -> Result<Files<Disk>, Failure> {
    let mount = Mount::from_arguments(USAGE)?;
    let (name, partition) = split_partition(mount.source);
    let disk = Disk::open(name).map_err(|error| {
        let text = match error {
            Error::NotFound => format!("there is no disk `{name}`: `lspci` lists what there is"),
            error => {
                format!("the disk `{name}` cannot be used: {error}; `restart {name}` starts its driver again")
            }
        };
        Failure::new(error, text)
    })?;
    let volume =
        crate::mount(disk, partition, mount.read_only).map_err(|error| failure(mount.source, error))?;
    if !volume.was_clean() {
        let source = mount.source;
        resea::warn!(
            "{source} was not unmounted the last time: fsck.fat on the host frees what is left over"
        );
    }
    Ok(Files::new(volume))
}
