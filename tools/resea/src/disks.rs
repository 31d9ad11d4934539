//! The disks that QEMU plays: files of this machine, as they are, without a format of their own.
//!
//! The system finds them as `disk0`, `disk1` … and mounts what `config/fstab` says. A file that is a RAM disk is part of the boot
//! image: the system has it in memory, and what it writes there is gone with the machine.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::ValueEnum;
use rustix::fs::{FlockOperation, fcntl_lock};

use crate::machine::Machine;

/// Most disks of a machine: an IDE controller has places for four.
const DISKS_MAX: usize = 4;

/// What the boot image calls the RAM disk, and the list of what is mounted.
const RAM_DISK: &str = "ramdisk.img";
/// Where the table of what is mounted at the start goes in the boot image.
pub const FSTAB: &str = "fstab";

/// What `--disk` looks like.
const FORM: &str =
    "it must be FILE[,if=virtio|virtio-packed|virtio-legacy|ide|ram][,ro], as disk.img or disk.img,if=ide,ro";

/// How a disk is attached.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum Interface {
    /// Virtio 1.x with split rings.
    #[default]
    Virtio,
    /// Virtio 1.x with packed rings.
    VirtioPacked,
    /// Virtio as it was before version 1.0.
    VirtioLegacy,
    /// The IDE controller of Intel's PIIX3 of 1996.
    Ide,
    /// In the boot image.
    Ram,
}

impl Interface {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Virtio, Self::VirtioPacked, Self::VirtioLegacy, Self::Ide, Self::Ram];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::VirtioPacked => "virtio-packed",
            Self::VirtioLegacy => "virtio-legacy",
            Self::Ide => "ide",
            Self::Ram => "ram",
        }
    }

    /// The program that drives it.
    pub fn driver(self) -> &'static str {
        match self {
            Self::Virtio | Self::VirtioPacked | Self::VirtioLegacy => "virtio_blk",
            Self::Ide => "ide",
            Self::Ram => "ramdisk",
        }
    }

    /// QEMU's device, but for IDE, whose drives also need a place.
    fn device(self) -> Option<&'static str> {
        match self {
            Self::Virtio => Some("virtio-blk-pci,disable-legacy=on,disable-modern=off"),
            Self::VirtioPacked => Some("virtio-blk-pci,disable-legacy=on,disable-modern=off,packed=on"),
            Self::VirtioLegacy => Some("virtio-blk-pci,disable-legacy=off,disable-modern=on"),
            Self::Ide => Some("ide-hd"),
            Self::Ram => None,
        }
    }
}

/// A file that is a disk of the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disk {
    /// The file.
    pub file: PathBuf,
    /// How it is attached.
    pub interface: Interface,
    /// Whether the system cannot write to it.
    pub read_only: bool,
}

impl Disk {
    /// A disk that can be written.
    pub fn new(file: impl Into<PathBuf>, interface: Interface) -> Self {
        Self { file: file.into(), interface, read_only: false }
    }

    /// Refuses a file that QEMU could not use.
    fn check(&self) -> Result<()> {
        let shown = self.file.display();
        let metadata = match self.file.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "there is no disk image {shown}: name another file, or make one, as with\n    \
                 cargo resea disk new {shown} 64M"
            ),
            Err(error) => {
                return Err(error).with_context(|| format!("the disk image {shown} cannot be used"));
            }
        };
        if metadata.is_dir() {
            bail!(
                "{shown} is a directory, and a disk is a file: name one that `cargo resea disk new` has made"
            );
        }
        if metadata.is_file() && metadata.len() == 0 {
            bail!("the disk image {shown} has no bytes at all: make another one by `cargo resea disk new`");
        }
        if self.read_only && self.interface == Interface::Ide {
            bail!(
                "QEMU has no IDE disks that are protected, so {shown} cannot be one: choose if=virtio, or leave out `ro`"
            );
        }
        if self.read_only || self.interface == Interface::Ram {
            return File::open(&self.file)
                .map(drop)
                .with_context(|| format!("the disk image {shown} cannot be read"));
        }
        open_for_writing(&self.file).map(drop).with_context(|| {
            format!("the system would write to it: add `,ro` to --disk {shown} if it need not")
        })
    }
}

/// Opens a disk image so that nobody else writes to it meanwhile: neither QEMU nor another `cargo resea disk`.
///
/// # Errors
///
/// If it cannot be written, or somebody has it.
pub fn open_for_writing(path: &Path) -> Result<File> {
    let shown = path.display();
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .with_context(|| format!("the disk image {shown} cannot be opened for writing"))?;
    // QEMU's own locks are of the same kind.
    if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("the disk image {shown} is in use: end the machine, or the other program, that has it");
    }
    Ok(file)
}

impl FromStr for Disk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(',');
        let mut disk = Self::new(words.next().unwrap_or_default(), Interface::default());
        if disk.file.as_os_str().is_empty() {
            return Err(FORM.into());
        }
        for word in words {
            match word.split_once('=') {
                None if word == "ro" => disk.read_only = true,
                Some(("if", name)) => {
                    disk.interface = Interface::from_str(name, false).map_err(|_| FORM.to_string())?;
                }
                _ => return Err(FORM.into()),
            }
        }
        Ok(disk)
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}", self.file.display(), self.interface.name())?;
        formatter.write_str(if self.read_only { ", read-only)" } else { ")" })
    }
}

/// What disks there are, and what is mounted.
#[derive(Clone, PartialEq, Eq, Default, Debug, Args)]
pub struct DiskOptions {
    /// Attach a file as a disk; up to four times. It is `disk0` for the system, the next one `disk1`; `if=` chooses how it is
    /// attached [default: virtio], `ro` protects it from the system (not by `if=ide`), and `if=ram` puts it into the boot image: the system
    /// works on a copy in memory
    #[arg(long = "disk", value_name = "FILE[,if=virtio|virtio-packed|virtio-legacy|ide|ram][,ro]")]
    pub disks: Vec<Disk>,
    /// What is mounted where, in place of config/fstab
    #[arg(long, value_name = "FILE")]
    pub fstab: Option<PathBuf>,
}

impl DiskOptions {
    /// One disk.
    pub fn one(file: impl Into<PathBuf>, interface: Interface) -> Self {
        Self { disks: vec![Disk::new(file, interface)], fstab: None }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// If a file is missing, in use, or cannot be used; if the machine cannot have a disk.
    pub fn check(&self, machine: Machine) -> Result<()> {
        if self.disks.len() > DISKS_MAX {
            bail!("there are {} disks, and a machine can have {DISKS_MAX}: leave some out", self.disks.len());
        }
        for (index, disk) in self.disks.iter().enumerate() {
            if disk.interface != Interface::Ram && !machine.has_pci() {
                let (machine, interface) = (machine.name(), disk.interface.name());
                bail!(
                    "{machine} has no PCI, so it cannot have a disk by {interface}: choose if=ram, or q35 or pc"
                );
            }
            let mut others = self.disks.iter().take(index);
            if others.any(|other| other.file == disk.file && !(other.read_only && disk.read_only)) {
                bail!("{} is to be two disks, and they would spoil each other: copy it", disk.file.display());
            }
            disk.check()?;
        }
        if self.disks.iter().filter(|disk| disk.interface == Interface::Ram).count() > 1 {
            bail!("there can be one disk by if=ram: attach the others in another way");
        }
        match &self.fstab {
            Some(file) => std::fs::read_to_string(file)
                .map(drop)
                .with_context(|| format!("the list of mounts {} cannot be read", file.display())),
            None => Ok(()),
        }
    }

    /// The files that the boot image gets, and in place of what it has: their names and contents.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub fn boot_files(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let ram = self.disks.iter().find(|disk| disk.interface == Interface::Ram);
        let files = ram.map(|disk| (RAM_DISK, &disk.file)).into_iter();
        let read = |(name, file): (&'static str, &PathBuf)| {
            std::fs::read(file)
                .map(|content| (name, content))
                .with_context(|| format!("{} cannot be read", file.display()))
        };
        files.chain(self.fstab.as_ref().map(|file| (FSTAB, file))).map(read).collect()
    }

    /// How many bytes of the machine's memory RAM disks take in the boot image.
    pub fn memory(&self) -> u64 {
        let ram = self.disks.iter().filter(|disk| disk.interface == Interface::Ram);
        ram.filter_map(|disk| disk.file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    /// QEMU's arguments.
    pub fn arguments(&self, machine: Machine) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut drives = 0;
        for (index, disk) in self.disks.iter().enumerate() {
            let Some(device) = disk.interface.device() else { continue };
            // A comma in a value is written twice.
            let file = disk.file.to_string_lossy().replace(',', ",,");
            let read_only = if disk.read_only { "on" } else { "off" };
            // A full disk of the host is told to the system; QEMU would stop the machine without a word.
            let drive = format!(
                "if=none,id=disk{index},format=raw,read-only={read_only},werror=report,rerror=report,file={file}"
            );
            let mut device = format!("{device},drive=disk{index}");
            if disk.interface == Interface::Ide {
                // A PC of 2009 has none of its own, and its own disks have buses with the names that a PC's of 1996 have.
                let bus = if machine == Machine::Pc { "ide" } else { "piix" };
                if bus == "piix" && drives == 0 {
                    arguments.extend(["-device".into(), "piix3-ide,id=piix".into()]);
                }
                device += &format!(",bus={bus}.{},unit={}", drives / 2, drives % 2);
                drives += 1;
            }
            arguments.extend(["-drive".into(), drive.into(), "-device".into(), device.into()]);
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(text: &str) -> Disk {
        text.parse().expect("it is well written")
    }

    fn words(disks: &[&str], machine: Machine) -> String {
        let options = DiskOptions { disks: disks.iter().map(|text| disk(text)).collect(), fstab: None };
        options.arguments(machine).join(&OsString::from(" ")).into_string().expect("it is text")
    }

    #[test]
    fn disks_are_read() {
        assert_eq!(disk("a.img"), Disk::new("a.img", Interface::Virtio));
        let expected = Disk { read_only: true, ..Disk::new("b", Interface::Ide) };
        assert_eq!(disk("b,ro,if=ide"), expected);
        for bad in ["", ",ro", "a,if=scsi", "a,rw", "a,if", "a,,ro"] {
            assert!(bad.parse::<Disk>().is_err(), "{bad}");
        }
        for interface in Interface::ALL {
            assert_eq!(disk(&format!("x,if={}", interface.name())).interface, interface);
        }
    }

    #[test]
    fn disks_are_told_to_qemu() {
        let text = words(&["a", "b,if=virtio-packed,ro", "c,if=virtio-legacy", "d,if=ram"], Machine::Q35);
        for part in [
            "if=none,id=disk0,format=raw,read-only=off,werror=report,rerror=report,file=a -device virtio-blk-pci,disable-legacy=on,",
            "read-only=on,werror=report,rerror=report,file=b",
            "packed=on,drive=disk1",
            "disable-modern=on,drive=disk2",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert!(!text.contains("file=d"), "a RAM disk is in the boot image: {text}");
        let drives = ["a,if=ide", "b,if=ide", "c,if=ide"];
        let text = words(&drives, Machine::Q35);
        assert_eq!(text.matches("piix3-ide").count(), 1, "{text}");
        assert!(
            text.contains("drive=disk1,bus=piix.0,unit=1") && text.contains("bus=piix.1,unit=0"),
            "{text}"
        );
        let text = words(&drives, Machine::Pc);
        assert!(text.contains("bus=ide.0,unit=0") && !text.contains("piix3"), "{text}");
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("disk.img");
        let refused = |text: String, machine| {
            let options = DiskOptions { disks: text.split('+').map(disk).collect(), fstab: None };
            format!("{:#}", options.check(machine).expect_err("it cannot work"))
        };
        let shown = image.display().to_string();
        let text = refused(shown.clone(), Machine::Q35);
        assert!(text.contains(&format!("cargo resea disk new {shown} 64M")), "{text}");
        std::fs::write(&image, [0; 512]).expect("it can be written");
        DiskOptions::one(&image, Interface::Virtio).check(Machine::Pc).expect("that works");
        DiskOptions::one(&image, Interface::Ram).check(Machine::Microvm).expect("that works");
        assert!(refused(format!("{shown},if=ide"), Machine::Microvm).contains("choose if=ram"));
        assert!(refused(format!("{shown},if=ide,ro"), Machine::Pc).contains("choose if=virtio"));
        assert!(refused(format!("{shown}+{shown},if=ide"), Machine::Pc).contains("two disks"));
        assert!(refused([shown.as_str(); 5].join("+"), Machine::Pc).contains("can have 4"));
        assert!(refused(folder.path().display().to_string(), Machine::Pc).contains("directory"));
    }

    #[test]
    fn boot_files_are_the_ram_disk_and_the_list_of_mounts() {
        let folder = tempfile::tempdir().expect("a folder");
        let (image, fstab) = (folder.path().join("disk.img"), folder.path().join("mounts"));
        std::fs::write(&image, [7; 1024]).expect("it can be written");
        std::fs::write(&fstab, "none /tmp tarfs\n").expect("it can be written");
        let options = DiskOptions { fstab: Some(fstab), ..DiskOptions::one(&image, Interface::Ram) };
        let files = options.boot_files().expect("they can be read");
        assert_eq!(files, [("ramdisk.img", vec![7; 1024]), ("fstab", b"none /tmp tarfs\n".to_vec())]);
        assert_eq!(options.memory(), 1024);
        assert_eq!(DiskOptions::one(&image, Interface::Ide).boot_files().expect("nothing is read"), []);
    }
}
