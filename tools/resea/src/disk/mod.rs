//! Disk images on this machine: making them, and the files in their FAT volumes.
//!
//! The format is that of the crate `fat`, which the system itself uses: here it works on files of this machine. An image that is
//! written is locked, so that no machine has it meanwhile.

pub mod copy;
pub mod new;
mod place;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use fat::{Attributes, Class, Error, Kind, Node, Part, Scheme, Storage, Volume};

pub use place::{InImage, Place};

use crate::disks::open_for_writing;
use crate::ui::announce;

/// A file as a disk.
#[derive(Debug)]
pub struct ImageFile {
    file: File,
    size: u64,
    /// Why it could not be read or written, since the format's errors do not tell.
    failure: Option<std::io::Error>,
}

impl ImageFile {
    /// This file, as it is.
    ///
    /// # Errors
    ///
    /// If its size is not known.
    pub fn new(file: File) -> std::io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size, failure: None })
    }

    fn check(&mut self, at: u64, length: usize) -> Result<(), Error> {
        let end = at.checked_add(length as u64).ok_or(Error::OutOfBounds)?;
        if end <= self.size { Ok(()) } else { Err(Error::OutOfBounds) }
    }

    fn note(&mut self, result: std::io::Result<()>) -> Result<(), Error> {
        result.map_err(|error| {
            self.failure = Some(error);
            Error::InputOutput
        })
    }
}

impl Storage for ImageFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.check(at, buffer.len())?;
        let result = self.file.read_exact_at(buffer, at);
        self.note(result)
    }

    fn write(&mut self, at: u64, data: &[u8], _: Class) -> Result<(), Error> {
        self.check(at, data.len())?;
        let result = self.file.write_all_at(data, at);
        self.note(result)
    }

    /// Nothing is held back: the operating system keeps what was written even if the tool is ended.
    fn write_out(&mut self, _: Class) -> Result<(), Error> {
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

/// A volume in an image.
pub struct Image {
    /// The volume.
    pub volume: Volume<Part<ImageFile>>,
    path: PathBuf,
}

impl Image {
    /// Opens the volume in the file at `path`: that of the partition with this number; without one, the first.
    ///
    /// # Errors
    ///
    /// If there is no such file, volume or partition; if it is in use and is to be written.
    pub fn open(path: &Path, partition: Option<u32>, writable: bool) -> Result<Self> {
        let shown = path.display();
        if !path.exists() {
            bail!("there is no disk image {shown}: make one by\n    cargo resea disk new {shown} 64M");
        }
        let file = match writable {
            true => open_for_writing(path)?,
            false => File::open(path).with_context(|| format!("the disk image {shown} cannot be opened"))?,
        };
        let mut file = ImageFile::new(file).with_context(|| format!("{shown} cannot be used"))?;
        let found = match fat::select(&mut file, partition) {
            Ok(found) => found,
            Err(Error::NotFound) => return Err(no_partition(&mut file, path, partition)),
            Err(error) => bail!("the partitions of {shown} cannot be read: {error}"),
        };
        let volume = Volume::mount(Part::new(file, &found), !writable).map_err(|error| match error {
            Error::WrongFormat => {
                anyhow!("there is no FAT volume in {shown}: make one by `cargo resea disk new`")
            }
            error => anyhow!("the volume in {shown} cannot be used: {error}"),
        })?;
        if !volume.was_clean() {
            announce(&format!("{shown} was not unmounted the last time: `fsck.fat` can check it"));
        }
        Ok(Self { volume, path: path.into() })
    }

    /// Turns an error of the format into a sentence about `name`, a path in the image.
    pub fn explain(&self, what: &str, name: &str, error: Error) -> anyhow::Error {
        let place = format!("{}:/{name}", self.path.display());
        match error {
            Error::NotFound => anyhow!("cannot {what} {place}: there is no such file or directory"),
            Error::NotADirectory => anyhow!("cannot {what} {place}: what the path leads through is a file"),
            Error::BadName => anyhow!("cannot {what} {place}: FAT cannot have this name"),
            Error::TooLarge => anyhow!("cannot {what} {place}: a file of FAT has less than 4 GiB"),
            Error::NoSpace => anyhow!(
                "cannot {what} {place}: the volume is full; remove something, or make a larger one by `cargo resea disk new`"
            ),
            error => anyhow!("cannot {what} {place}: {error}"),
        }
    }

    /// What a path without a `/` at its ends names.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn find(&mut self, path: &str) -> Result<Node, Error> {
        let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
        names.into_iter().try_fold(Node::ROOT, |node, name| self.volume.lookup(node, name))
    }

    /// What a directory has, by name.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn list(&mut self, directory: Node) -> Result<Vec<(String, Node, Attributes)>, Error> {
        let mut open = self.volume.open(directory)?;
        let (mut entries, mut position, mut name) = (Vec::new(), 0, String::new());
        while let Some((next, entry)) = self.volume.entry(&mut open, position, &mut name)? {
            entries.push((std::mem::take(&mut name), entry.node, entry.attributes));
            position = next;
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(entries)
    }

    /// The directory at `path`, made with all that it is in as far as that does not exist.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn make_directory(&mut self, directory: Node, name: &str, now: i64) -> Result<Node, Error> {
        match self.volume.lookup(directory, name) {
            Ok(found) if self.volume.attributes(found)?.kind == Kind::Directory => Ok(found),
            Ok(_) => Err(Error::NotADirectory),
            Err(Error::NotFound) => self.volume.create(directory, name, Kind::Directory, now),
            Err(error) => Err(error),
        }
    }

    /// Writes all that is still to be written.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        let shown = self.path.display();
        self.volume.finish().map_err(|error| anyhow!("{shown} cannot be written: {error}"))?;
        let disk = self.volume.into_storage().into_inner();
        match disk.failure {
            Some(error) => Err(error).with_context(|| format!("{shown} cannot be written")),
            None => Ok(()),
        }
    }
}

/// Says which partitions there are.
fn no_partition(file: &mut ImageFile, path: &Path, wanted: Option<u32>) -> anyhow::Error {
    let shown = path.display();
    let Ok(table) = fat::partitions(file) else { return anyhow!("the partitions of {shown} cannot be read") };
    if table.scheme == Scheme::Bare {
        return anyhow!("{shown} has no partitions: leave out --partition");
    }
    let numbers: Vec<_> = table.partitions.iter().map(|partition| partition.number.to_string()).collect();
    match wanted {
        Some(number) => anyhow!("{shown} has no partition {number}, only: {}", numbers.join(", ")),
        None => anyhow!(
            "no partition of {shown} looks like FAT: choose one by --partition ({})",
            numbers.join(", ")
        ),
    }
}
