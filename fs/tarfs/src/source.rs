//! Where trees come from: nothing, the boot image, an archive in it.

use crate::Files;
use crate::archive::Bytes;
use crate::content::Content;
use crate::fill::{LeftOut, add, fill};
use crate::store::{Origin, Store};
use crate::tree::Body;
use interfaces::vm::NAME_MAX;
use ipc::Error;

/// What the files are in that nobody has changed.
pub enum Place {
    /// Nothing: all is in memory.
    None,
    /// The boot image; each of its files is a part.
    Boot,
}

impl Store for Place {
    fn read(&mut self, part: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        match self {
            // Nothing lies here.
            Self::None => Err(Error::Damaged),
            Self::Boot => read_boot(part, at, buffer),
        }
    }
}

fn read_boot(part: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
    let at = usize::try_from(at).map_err(|_| Error::Damaged)?;
    let length = resea::vm().boot_read(part, at, buffer)?;
    if length == buffer.len() { Ok(()) } else { Err(Error::Damaged) }
}

/// A file of the boot image as an archive.
struct BootFile {
    index: u32,
    size: u64,
}

impl Bytes for BootFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        read_boot(self.index, at, buffer)
    }
}

/// The tree of a source: `none`, `boot`, or `boot/` and the path of an archive. Its memory is `space` bytes.
///
/// Errors: `NotFound` (no such source), and those of [`fill`].
pub fn files(source: &str, space: u64, now: i64) -> Result<(Files<Place>, LeftOut), Error> {
    match source.strip_prefix("boot/") {
        None if source == "none" => Ok((Files::new(Place::None, "memory", space, now), LeftOut::default())),
        None if source == "boot" => {
            let mut files = Files::new(Place::Boot, "boot image", space, now);
            let left_out = add_boot_files(&mut files, now)?;
            Ok((files, left_out))
        }
        None => Err(Error::NotFound),
        Some(path) => {
            let mut archive = find(path)?;
            let mut files = Files::new(Place::Boot, "tar", space, now);
            let left_out = fill(&mut files, archive.index, &mut archive)?;
            Ok((files, left_out))
        }
    }
}

/// The files of the boot image, in order; the visitor says whether to go on.
fn boot_files(mut visit: impl FnMut(u32, u64, &str) -> Result<bool, Error>) -> Result<(), Error> {
    for index in 0.. {
        let mut path = [0; NAME_MAX];
        match resea::vm().boot_file(index, &mut path) {
            Ok(file) if visit(index, file.size as u64, file.path)? => {}
            Ok(_) | Err(Error::NotFound) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn add_boot_files(files: &mut Files<Place>, now: i64) -> Result<LeftOut, Error> {
    boot_files(|part, length, path| {
        add(files, path, Body::File(Content::of(Origin { part, at: 0, length })), now)?;
        Ok(true)
    })?;
    Ok(LeftOut::default())
}

fn find(wanted: &str) -> Result<BootFile, Error> {
    let mut found = Err(Error::NotFound);
    boot_files(|index, size, path| {
        let is_it = path == wanted;
        if is_it {
            found = Ok(BootFile { index, size });
        }
        Ok(!is_it)
    })?;
    found
}
