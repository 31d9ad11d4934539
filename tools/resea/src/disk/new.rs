//! Empty disk images.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use fat::{Class, Error, FatKind, Format, Part, Partition, Storage};

use super::ImageFile;

/// Where the only partition begins: where all tools of today put it.
const PARTITION_AT: u64 = 1 << 20;
/// A sector of a partition table.
const SECTOR: u64 = 512;

/// What a new image is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct New {
    /// Size of the whole disk in bytes.
    pub size: u64,
    /// The format; without, what suits the size.
    pub kind: Option<FatKind>,
    /// Bytes in a cluster; without, what suits the size.
    pub cluster: Option<u32>,
    /// The volume's name.
    pub label: String,
    /// Whether the volume is in a partition.
    pub partition: bool,
}

/// Makes an image with an empty volume. It takes no room on this machine where nothing was written.
///
/// # Errors
///
/// If there is something with this name, or no such volume has this size; then nothing is left.
pub fn make(path: &Path, new: &New) -> Result<()> {
    let shown = path.display();
    let file = File::options().read(true).write(true).create_new(true).open(path).with_context(|| {
        format!("{shown} cannot be made: choose another name, or remove what has it if it is not needed")
    })?;
    let made = fill(file, new).with_context(|| format!("{shown} was not made"));
    if made.is_err() {
        // It is as it was before; that it cannot be removed is not what the person has to know.
        let _ = std::fs::remove_file(path);
    }
    made
}

fn fill(file: File, new: &New) -> Result<()> {
    file.set_len(new.size).context("it cannot have this size")?;
    let mut disk = ImageFile::new(file)?;
    let start = if new.partition { PARTITION_AT } else { 0 };
    let Some(size) = new.size.checked_sub(start).filter(|size| *size >= SECTOR) else {
        bail!("a disk with a partition needs more than 1M")
    };
    let now = now();
    let format = Format {
        kind: new.kind,
        cluster: new.cluster,
        label: &new.label,
        // Different for each, as nearly as matters.
        serial: (now / 1000) as u32 ^ (now as u32).rotate_left(16) ^ std::process::id(),
        now,
        ..Format::default()
    };
    let mut volume = Part::new(disk, &Partition { number: 1, at: start, size, is_fat: false });
    fat::format(&mut volume, &format).map_err(|error| explain(error, new))?;
    let volume =
        fat::Volume::mount(volume, true).map_err(|error| anyhow!("it cannot be read again: {error}"))?;
    let kind = volume.kind();
    disk = volume.into_storage().into_inner();
    if new.partition {
        let table = table(kind, start / SECTOR, size / SECTOR)?;
        disk.write(0, &table, Class::Table).map_err(|error| anyhow!("it cannot be written: {error}"))?;
    }
    Ok(())
}

/// A master boot record with one partition, given by sectors.
fn table(kind: FatKind, first: u64, count: u64) -> Result<[u8; SECTOR as usize]> {
    let count = u32::try_from(count).context("a partition can have 2 TiB at most")?;
    let kind = match kind {
        FatKind::Fat12 => 0x01,
        FatKind::Fat16 => 0x0e,
        FatKind::Fat32 => 0x0c,
    };
    let mut table = [0; SECTOR as usize];
    let entry = &mut table[446..462];
    // Cylinders, heads and sectors are not used any more: these values say so.
    entry[..8].copy_from_slice(&[0, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff]);
    entry[8..12].copy_from_slice(&(first as u32).to_le_bytes());
    entry[12..16].copy_from_slice(&count.to_le_bytes());
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    Ok(table)
}

fn explain(error: Error, new: &New) -> anyhow::Error {
    match (error, new.kind) {
        (Error::InvalidArgument, Some(kind)) => anyhow!(
            "a {} volume cannot have this size{}: FAT12 suits up to 16M, FAT16 8M to 2G, FAT32 from 64M on",
            kind.name(),
            if new.cluster.is_some() { " with such clusters" } else { "" }
        ),
        (Error::InvalidArgument, None) => anyhow!("no FAT volume has this size: 64K is the least"),
        (Error::BadName, _) => {
            anyhow!("the label {:?} cannot be used: it has up to 11 letters and digits", new.label)
        }
        (error, _) => anyhow!("it cannot be written: {error}"),
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    milliseconds(SystemTime::now())
}

/// Milliseconds since 1970; 0 if it was before.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

/// A size in bytes, as people write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it must be a whole number of K, M or G, as 1440K, 64M or 2G".to_string();
        let (number, shift) = match text.to_ascii_uppercase() {
            text if text.ends_with('K') => (text, 10),
            text if text.ends_with('M') => (text, 20),
            text if text.ends_with('G') => (text, 30),
            _ => return Err(wrong()),
        };
        let number: u64 = number[..number.len() - 1].parse().map_err(|_| wrong())?;
        match number.checked_mul(1 << shift) {
            Some(size @ 1..) if size < 1 << 43 => Ok(Self(size)),
            _ => Err("it must be less than 8192G, and not nothing".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let size = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(size("1440K"), Ok(1440 << 10));
        assert_eq!(size("64m"), Ok(64 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        for bad in ["", "64", "K", "1.5G", "-1M", "0M", "99999G", "99999999999999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_left_of_what_cannot_be_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("disk.img");
        let new = New {
            size: 1 << 20,
            kind: Some(FatKind::Fat32),
            cluster: None,
            label: String::new(),
            partition: false,
        };
        let error = format!("{:#}", make(&path, &new).expect_err("it is too small"));
        assert!(error.contains("a FAT32 volume cannot have this size"), "{error}");
        assert!(!path.exists());
        make(&path, &New { kind: None, ..new.clone() }).expect("it is large enough");
        let error = format!("{:#}", make(&path, &new).expect_err("it is there"));
        assert!(error.contains("choose another name"), "{error}");
        assert!(path.exists(), "what was there is left alone");
    }
}
