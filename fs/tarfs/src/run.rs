//! The program: makes the tree of its source, and serves it.

use crate::Files;
use crate::source::Place;
use alloc::format;
use fileserver::{Failure, Mount, serve};
use ipc::Error;

const USAGE: &str = "tarfs SOURCE POINT [--read-only]";

/// Serves for ever, or says why it cannot.
pub fn run() -> Failure {
    match mount() {
        Ok(files) => serve(files, now),
        Err(failure) => failure,
    }
}

fn now() -> i64 {
    0
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
    let mut files = match mount.source {
        "none" => Files::new(Place::None, "memory", space(), now()),
        source => return Err(Failure::new(Error::NotFound, format!("there is no `{source}`"))),
    };
    files.read_only = mount.read_only;
    Ok(files)
}
