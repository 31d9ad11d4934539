//! Where trees come from: nothing, the boot image, an archive in it or on a disk.

use crate::Files;
use crate::archive::Bytes;
use crate::content::Content;
use crate::disk::Disk;
use crate::fill::{LeftOut, add, fill};
use crate::store::{Origin, Store};
use crate::tree::Body;
use alloc::boxed::Box;
use alloc::vec;
use fileserver::Sink;
use interfaces::vm::NAME_MAX;
use ipc::Error;

/// Bytes that are read from the boot image at once.
const BUFFER: usize = 16 << 10;

/// What the files are in that nobody has changed.
pub enum Place {
    /// Nothing: all is in memory.
    None,
    /// The boot image; each of its files is a part. With a buffer for what is read.
    Boot(Box<[u8]>),
    /// An archive on a disk: one part.
    Disk(Box<Disk<blocks::Disk>>),
}

impl Place {
    fn boot() -> Self {
        Self::Boot(vec![0; BUFFER].into())
    }
}

impl Store for Place {
    fn read(&mut self, part: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        match self {
            // Nothing lies here.
            Self::None => Err(Error::Damaged),
            Self::Boot(_) => read_boot(part, at, buffer),
            Self::Disk(disk) => Store::read(&mut **disk, part, at, buffer),
        }
    }

    fn send(
        &mut self,
        part: u32,
        at: u64,
        length: usize,
        sink: &mut dyn Sink,
        offset: usize,
    ) -> Result<(), Error> {
        let buffer = match self {
            Self::None => return Err(Error::Damaged),
            Self::Boot(buffer) => buffer,
            Self::Disk(disk) => return disk.send(part, at, length, sink, offset),
        };
        let mut done = 0;
        while done < length {
            let count = buffer.len().min(length - done);
            let piece = buffer.get_mut(..count).unwrap_or_default();
            read_boot(part, at + done as u64, piece)?;
            sink.put(offset + done, piece)?;
            done += count;
        }
        Ok(())
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

/// The tree of a source: `none`, `boot`, `boot/` and the path of an archive, or a disk or partition with one. Its memory is
/// `space` bytes.
///
/// Errors: `NotFound` (no such source), those of [`blocks::Disk::open`], [`Disk::new`] and [`fill`].
pub fn files(source: &str, space: u64, now: i64) -> Result<(Files<Place>, LeftOut), Error> {
    match source.strip_prefix("boot/") {
        None if source == "none" => Ok((Files::new(Place::None, "memory", space, now), LeftOut::default())),
        None if source == "boot" => {
            let mut files = Files::new(Place::boot(), "boot image", space, now);
            let left_out = add_boot_files(&mut files, now)?;
            Ok((files, left_out))
        }
        None => {
            let mut disk = open_disk(source)?;
            let mut files = Files::new(Place::None, "tar", space, now);
            let left_out = fill(&mut files, 0, &mut *disk)?;
            *files.store() = Place::Disk(disk);
            Ok((files, left_out))
        }
        Some(path) => {
            let mut archive = find(path)?;
            let mut files = Files::new(Place::boot(), "tar", space, now);
            let left_out = fill(&mut files, archive.index, &mut archive)?;
            Ok((files, left_out))
        }
    }
}

// Not a part of what calls it: all that is on the stack meanwhile is gone when the archive is read.
#[inline(never)]
fn open_disk(source: &str) -> Result<Box<Disk<blocks::Disk>>, Error> {
    let (name, partition) = blocks::split_partition(source);
    Ok(Box::new(Disk::new(blocks::Disk::open(name)?, partition)?))
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
