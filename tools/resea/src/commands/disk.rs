//! `cargo resea disk`: images of disks, and the files in them.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use fat::{Attributes, FatKind, Kind};
use serde::Serialize;

use crate::disk::copy::copy;
use crate::disk::new::{New, Size, make};
use crate::disk::{Image, Place};
use crate::ui::announce;

/// Makes disk images, and moves files in and out of them
///
/// An image is a file with a FAT volume, on the whole disk or in a partition (MBR or GPT), as the usual tools make and
/// understand it. A running system has it by `cargo resea run --disk FILE`; end the system before you write to its disk.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "Example:\n    cargo resea disk new disk.img 64M --label NOTES\n    \
                             cargo resea disk cp README.md disk.img:/\n    cargo resea disk ls disk.img\n    \
                             cargo resea run --disk disk.img --exec 'ls /mnt/disk0'")]
pub struct DiskCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    New(NewDisk),
    Cp(CopyFiles),
    Ls(ListFiles),
}

/// Makes an empty disk image
///
/// The file takes room on this machine only where something is written.
#[derive(Clone, Debug, Args)]
struct NewDisk {
    /// The image to make
    file: PathBuf,
    /// How large: a whole number of K, M or G
    size: Size,
    /// The format [default: what suits the size]
    #[arg(long, value_enum, value_name = "BITS")]
    fat: Option<Bits>,
    /// Bytes in a cluster: a power of two, 512 to 65536 [default: what suits the size]
    #[arg(long, value_name = "BYTES")]
    cluster: Option<u32>,
    /// The volume's name, up to 11 letters and digits
    #[arg(long, value_name = "NAME", default_value = "")]
    label: String,
    /// Put the volume into a partition
    #[arg(long)]
    partition: bool,
}

/// How wide the entries of the allocation table are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Bits {
    /// Up to 16M
    #[value(name = "12")]
    Fat12,
    /// 8M to 2G
    #[value(name = "16")]
    Fat16,
    /// From 64M on
    #[value(name = "32")]
    Fat32,
}

/// Copies files into an image, or out of it
///
/// IMAGE:/PATH names a file or directory in an image. Into a directory a file is copied under its own name; the times go
/// with it.
#[derive(Clone, Debug, Args)]
#[command(
    after_long_help = "Example:\n    cargo resea disk cp -r docs disk.img:/\n    cargo resea disk cp disk.img:/notes.txt ."
)]
struct CopyFiles {
    /// What to copy, and last where
    #[arg(required = true, num_args = 2.., value_names = ["SOURCE", "TARGET"])]
    paths: Vec<String>,
    /// Copy directories with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// The number of the partition [default: the first with FAT]
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
}

/// Lists a directory of an image
#[derive(Clone, Debug, Args)]
struct ListFiles {
    /// The image, or IMAGE:/PATH
    place: String,
    /// The number of the partition [default: the first with FAT]
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// Write JSON, for programs: name, kind, size in bytes, time of the last change in milliseconds since 1970
    #[arg(long)]
    json: bool,
}

impl DiskCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If an image cannot be made, read or written, or something is not there.
    pub fn run(&self) -> Result<()> {
        match &self.what {
            What::New(command) => command.run(),
            What::Cp(command) => command.run(),
            What::Ls(command) => command.run(),
        }
    }
}

impl NewDisk {
    fn run(&self) -> Result<()> {
        let kind = self.fat.map(|bits| match bits {
            Bits::Fat12 => FatKind::Fat12,
            Bits::Fat16 => FatKind::Fat16,
            Bits::Fat32 => FatKind::Fat32,
        });
        let new = New {
            size: self.size.0,
            kind,
            cluster: self.cluster,
            label: self.label.clone(),
            partition: self.partition,
        };
        make(&self.file, &new)?;
        let mut image = Image::open(&self.file, None, false)?;
        let (format, file) = (image.volume.kind().name(), self.file.display());
        let free = image.volume.statistics().map_or(0, |statistics| statistics.free);
        announce(&format!(
            "{file} is an empty {format} volume with {free} bytes for files; `cargo resea run --disk {file}` has it as \
             /mnt/disk0"
        ));
        Ok(())
    }
}

impl CopyFiles {
    fn run(&self) -> Result<()> {
        let places: Vec<Place> = self.paths.iter().map(|path| Place::from(path.as_str())).collect();
        let [sources @ .., target] = places.as_slice() else { bail!("name what to copy, and where") };
        let copied = copy(sources, target, self.partition, self.recursive)?;
        let plural = if copied.files == 1 { "" } else { "s" };
        announce(&format!("copied {} file{plural}, {} bytes", copied.files, copied.bytes));
        Ok(())
    }
}

/// What is told of a file or directory.
#[derive(Serialize)]
struct Listed {
    name: String,
    kind: &'static str,
    size: u64,
    modified: i64,
}

impl ListFiles {
    fn run(&self) -> Result<()> {
        let (file, path) = match Place::from(self.place.as_str()) {
            Place::Image(place) => (place.image, place.path),
            Place::Here(file) => (file, String::new()),
        };
        let mut image = Image::open(&file, self.partition, false)?;
        let listed = |name: String, found: Attributes| Listed {
            name,
            kind: if found.kind == Kind::Directory { "directory" } else { "file" },
            size: found.size,
            modified: found.modified,
        };
        let node = image.find(&path).map_err(|error| image.explain("list", &path, error))?;
        let found = image.volume.attributes(node).map_err(|error| image.explain("list", &path, error))?;
        let list: Vec<Listed> = match found.kind {
            Kind::File => vec![listed(path.rsplit('/').next().unwrap_or_default().into(), found)],
            Kind::Directory => {
                let entries = image.list(node).map_err(|error| image.explain("list", &path, error))?;
                entries.into_iter().map(|(name, _, found)| listed(name, found)).collect()
            }
        };
        let text = match self.json {
            true => serde_json::to_string_pretty(&list)? + "\n",
            false => list.iter().map(|one| line(one) + "\n").collect(),
        };
        // Whoever closed standard output does not want to read more.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

/// A line for people: size, time (UTC), name.
fn line(listed: &Listed) -> String {
    let (end, size) = match listed.kind {
        "directory" => ("/", "-".to_string()),
        _ => ("", listed.size.to_string()),
    };
    // What a volume has as a name may be anything; a terminal is not to obey it.
    let name: String =
        listed.name.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect();
    format!("{size:>12}  {}  {name}{end}", date(listed.modified))
}

/// A date and time of day, UTC, from milliseconds since 1970.
fn date(milliseconds: i64) -> String {
    let minutes = milliseconds.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    // Days are counted from 0000-03-01, so that a leap day is a year's last; an era has 400 years and 146097 days.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (year + era * 400 + i64::from(month > 9), if month > 9 { month - 9 } else { month + 3 });
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(951_827_696_000), "2000-02-29 12:34");
        assert_eq!(date(1_709_251_199_999), "2024-02-29 23:59");
        assert_eq!(date(4_102_444_799_000), "2099-12-31 23:59");
    }

    #[test]
    fn names_cannot_command_a_terminal() {
        let listed = Listed { name: "a\x1b[2J".into(), kind: "file", size: 5, modified: 0 };
        assert_eq!(line(&listed), "           5  1970-01-01 00:00  a\u{fffd}[2J");
    }
}
