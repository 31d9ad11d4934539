//! Archives on disks: the tree of one on the disk in memory, whose driver is killed meanwhile; partitions; and what is no archive.

#[path = "support/medium.rs"]
mod medium;
mod support;

use fileserver::Sink;
use fileserver::conformance::list;
use interfaces::fs::{Client, Kind, READ, WRITE};
use ipc::Error;
use medium::Model;
use sim::System;
use std::process::Command;
use support::{mount, start};
use tarfs::Files;
use tarfs::disk::Disk;
use tarfs::fill::fill;
use tarfs::store::Store;

/// What nobody reads from.
struct Nothing;

impl Store for Nothing {
    fn read(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::Damaged)
    }

    fn send(&mut self, _: u32, _: u64, _: usize, _: &mut dyn Sink, _: usize) -> Result<(), Error> {
        Err(Error::Damaged)
    }
}

/// Sizes of the files `0`, `1` and so on.
const SIZES: [usize; 5] = [0, 1, 4096, 100_000, 700_000];

fn content(number: usize) -> Vec<u8> {
    (0..SIZES[number]).map(|at| (at / 4096 * 31 + at % 251 + number) as u8).collect()
}

/// An archive, as the usual program makes them.
fn archive(format: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a");
    std::fs::create_dir(&inner).unwrap();
    for number in 0..SIZES.len() {
        std::fs::write(inner.join(number.to_string()), content(number)).unwrap();
    }
    let mut tar = Command::new("tar");
    let tar = tar.arg(format!("--format={format}")).arg("-C").arg(folder.path()).args(["-cf", "-", "a"]);
    let output = tar.output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn system(image: Vec<u8>) -> System {
    support::system()
        .memory(48 << 20)
        .file("ramdisk.img", image)
        .program(sim::program!(dm::run))
        .program(sim::program!(ramdisk::run))
}

fn read(client: &Client, number: usize) -> Result<Vec<u8>, Error> {
    let file = client.open(&format!("/a/{number}"), READ)?;
    let (mut content, mut piece) = (Vec::new(), vec![0; 60_000]);
    while let length @ 1.. = client.read(file, content.len() as u64, &mut piece)? {
        content.extend(&piece[..length]);
    }
    client.close(file)?;
    Ok(content)
}

#[test]
fn an_archive_on_a_disk_is_a_tree_that_can_be_written_to() {
    for format in ["gnu", "pax", "ustar"] {
        let mut image = archive(format);
        // A disk is longer than what is on it.
        image.extend([0xab; 5000]);
        system(image).run(|| {
            let client = mount(&["ramdisk0", "/mnt/tar"]);
            assert_eq!(list(&client, "/", 100), [("a".into(), Kind::Directory, 0)]);
            for number in 0..SIZES.len() {
                assert!(read(&client, number).unwrap() == content(number), "{number}");
            }
            let file = client.open("/a/3", WRITE).unwrap();
            assert_eq!(client.write(file, 50_000, b"!").map(|done| done.end), Ok(50_001));
            let mut expected = content(3);
            expected[50_000] = b'!';
            assert!(read(&client, 3).unwrap() == expected);
            let other = mount(&["ramdisk0", "/mnt/other", "--read-only"]);
            assert!(read(&other, 3).unwrap() == content(3), "nothing is written to the disk");
            assert_eq!(other.open("/a/3", WRITE), Err(Error::ReadOnly));
        });
    }
}

/// Wherever the driver is killed, the file server gets everything, without its clients noticing.
#[test]
fn a_killed_driver_loses_nothing() {
    let image = archive("gnu");
    let summary = system(image).killable(["ramdisk"]).explore(200, || {
        let Ok(task) = start(&["ramdisk0", "/mnt/tar"]) else {
            // In a random order it may be so slow to answer heartbeats that dm gives it up.
            assert!(sim::task("ramdisk").is_none(), "the driver works, but its disk is not mounted");
            return;
        };
        let client = Client::new(task);
        for number in [4, 3, 4, 1] {
            match read(&client, number) {
                Err(Error::InputOutput) if sim::task("ramdisk").is_none() => return,
                found => assert!(found.unwrap() == content(number), "{number}"),
            }
        }
    });
    assert!(summary.killed > 50, "{summary:?}");
}

#[test]
fn a_disk_without_an_archive_ends_the_server_with_a_sentence() {
    let refused = |image: Vec<u8>, source: &'static str, error: Error, sentence: &str| {
        let report = system(image)
            .run(move || assert_eq!(start(&[source, "/mnt/tar"]), Err(error.code() as i32), "{source}"));
        assert!(report.console.contains(sentence), "{sentence:?} is not in {}", report.console);
    };
    let no_archive = "tarfs: `ramdisk0` is not a tar archive, or empty; unpack it first if it is compressed";
    refused(vec![0; 100_000], "ramdisk0", Error::WrongFormat, no_archive);
    refused(vec![b'x'; 100_000], "ramdisk0", Error::WrongFormat, no_archive);
    refused(vec![b'x'; 512], "ramdisk0", Error::WrongFormat, no_archive);
    let mut cut = archive("pax");
    cut.truncate(300_000);
    refused(cut, "ramdisk0", Error::Damaged, "the archive `ramdisk0` is damaged or cut off; make it again");
    refused(archive("gnu"), "disk7", Error::NotFound, "there is no source `disk7`");
    refused(archive("gnu"), "ramdisk0p1", Error::NotFound, "there is no source `ramdisk0p1`");
}

/// A disk with a master boot record, and an archive in its second partition.
fn divided() -> Vec<u8> {
    let archive = archive("pax");
    let (first, count) = (67_u32, archive.len() as u32 / 512);
    let mut image = vec![0; 67 * 512];
    for (number, (first, count)) in [(1_u32, 66), (first, count)].into_iter().enumerate() {
        let entry = &mut image[446 + number * 16..][..16];
        entry[4] = 0x83;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..].copy_from_slice(&count.to_le_bytes());
    }
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    image.extend(archive);
    image.extend([b'x'; 9000]);
    image
}

#[test]
fn an_archive_may_be_in_a_partition() {
    system(divided()).run(|| {
        let client = mount(&["ramdisk0p2", "/mnt/tar"]);
        for number in 0..SIZES.len() {
            assert!(read(&client, number).unwrap() == content(number), "{number}");
        }
        assert_eq!(start(&["ramdisk0p1", "/a"]), Err(Error::WrongFormat.code() as i32), "it is empty");
        assert_eq!(start(&["ramdisk0p3", "/a"]), Err(Error::NotFound.code() as i32));
        assert_eq!(start(&["ramdisk0", "/a"]), Err(Error::WrongFormat.code() as i32));
    });
}

/// What is behind the partition is not in it, even if the archive says so.
#[test]
fn an_archive_ends_with_its_partition() {
    let mut image = divided();
    let entry = &mut image[446 + 16 + 12..][..4];
    let count = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
    entry.copy_from_slice(&(count - 200).to_le_bytes());
    let mut disk = Disk::new(Model::new(image, 100, 3), Some(2)).unwrap();
    let mut files = Files::new(Nothing, "tar", 1 << 20, 0);
    assert_eq!(fill(&mut files, 0, &mut disk).err(), Some(Error::Damaged));
}

/// A disk that fails is an error while it is read for the first time, and all is well when it works again.
#[test]
fn a_disk_that_fails_is_told() {
    let image = archive("gnu");
    let sectors = image.len() as u64 / 512;
    let model = Model::new(image, 100, 3);
    let mut disk = Disk::new(model.clone(), None).unwrap();
    let mut files = Files::new(Nothing, "tar", 1 << 20, 0);
    let mut fill = |disk: &mut Disk<Model>| fill(&mut files, 0, disk).map(drop);
    // All but the first page, which is there.
    model.inner.borrow_mut().bad = (8..sectors).collect();
    assert_eq!(fill(&mut disk), Err(Error::InputOutput));
    model.inner.borrow_mut().bad.clear();
    model.inner.borrow_mut().is_lost = true;
    assert_eq!(fill(&mut disk), Err(Error::InputOutput));
    model.inner.borrow_mut().is_lost = false;
    assert_eq!(fill(&mut disk), Ok(()));
    assert_eq!(Disk::new(Model::new(Vec::new(), 100, 3), None).err(), Some(Error::WrongFormat));
}
