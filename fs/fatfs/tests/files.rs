//! The whole file system on a disk in memory: files over the cache over a disk that answers in any order, and power that is
//! cut at any moment.

mod support;

use fat::{FatKind, Format};
use fatfs::cache::Cache;
use fatfs::files::Files;
use fileserver::{FileSystem, Kind, Sink, Source};
use ipc::{Error, Region};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::Disk;

/// Sectors of the disk.
const SECTORS: u64 = 6000;

struct Bytes(Vec<u8>);

/// The memory of a client that ends after so many bytes.
struct Ending(usize);

impl Source for Ending {
    fn take(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(9);
        if offset + buffer.len() <= self.0 { Ok(()) } else { Err(Error::NoTask) }
    }

    fn take_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        self.take(offset, &mut vec![0; length])?;
        region.write(at, &vec![9; length])
    }
}

impl Sink for Bytes {
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.0[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn put_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        region.read(at, &mut self.0[offset..offset + length])
    }
}

impl Source for Bytes {
    fn take(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0[offset..offset + buffer.len()]);
        Ok(())
    }

    fn take_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        region.write(at, &self.0[offset..offset + length])
    }
}

/// A new volume on the disk.
fn format(disk: &Disk, cluster: u32) {
    let mut cache = Cache::new(disk.clone(), false);
    let kind = if cluster == 512 { FatKind::Fat16 } else { FatKind::Fat12 };
    let wanted = Format { kind: Some(kind), cluster: Some(cluster), ..Format::default() };
    fat::format(&mut cache, &wanted).unwrap();
    for class in [fat::Class::Data, fat::Class::Table, fat::Class::Entry] {
        cache.finish_writing(class).unwrap();
    }
}

fn mount(disk: &Disk) -> Files<Disk> {
    Files::new(fatfs::mount(disk.clone(), None, false).unwrap())
}

/// Writes to a file, which is made if it is not there.
fn write(files: &mut Files<Disk>, name: &str, offset: u64, data: &[u8]) {
    let node = match files.lookup(files.root(), name) {
        Err(Error::NotFound) => files.create(files.root(), name, Kind::File, 0).unwrap(),
        found => found.unwrap(),
    };
    let mut open = files.open(node).unwrap();
    let mut source = Bytes(data.to_vec());
    assert_eq!(files.write(&mut open, offset, data.len(), &mut source, 0), Ok(data.len()));
    files.flush(&mut open).unwrap();
    files.close(open);
}

fn read(files: &mut Files<Disk>, name: &str) -> Result<Vec<u8>, Error> {
    let node = files.lookup(files.root(), name)?;
    let size = files.attributes(node)?.size as usize;
    let mut open = files.open(node)?;
    let mut sink = Bytes(vec![0; size]);
    let length = files.read(&mut open, 0, size + 100, &mut sink)?;
    files.close(open);
    assert_eq!(length, size);
    Ok(sink.0)
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8, u64, usize, u8),
    Remove(u8),
    Rename(u8, u8),
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..6_u8, 0..40_000_u64, 1..30_000_usize, any::<u8>())
            .prop_map(|(file, offset, length, byte)| Step::Write(file, offset, length, byte)),
        2 => (0..6_u8).prop_map(Step::Remove),
        2 => (0..6_u8, 0..6_u8).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => Just(Step::Sync),
    ]
}

fn name(file: u8) -> String {
    format!("File number {file}.text")
}

type Model = BTreeMap<String, Vec<u8>>;

/// Does a step to the files and to the model.
fn run(files: &mut Files<Disk>, model: &mut Model, step: &Step) {
    match *step {
        Step::Write(file, offset, length, byte) => {
            let data: Vec<_> = (0..length).map(|index| byte.wrapping_add((index / 7) as u8)).collect();
            write(files, &name(file), offset, &data);
            let content = model.entry(name(file)).or_default();
            content.resize(content.len().max(offset as usize + length), 0);
            content[offset as usize..][..length].copy_from_slice(&data);
        }
        Step::Remove(file) => {
            let removed = files.remove(files.root(), &name(file));
            assert_eq!(removed.is_ok(), model.remove(&name(file)).is_some());
        }
        Step::Rename(from, to) if from != to => {
            let root = files.root();
            let renamed = files.rename((root, &name(from)), (root, &name(to)), 0);
            let content = model.remove(&name(from));
            assert_eq!(renamed.is_ok(), content.is_some(), "{renamed:?}");
            model.extend(content.map(|content| (name(to), content)));
        }
        Step::Rename(..) => {}
        Step::Sync => files.sync().unwrap(),
    }
}

fn assert_same(files: &mut Files<Disk>, model: &Model) {
    for file in 0..6 {
        let name = name(file);
        assert!(read(files, &name).ok().as_ref() == model.get(&name), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn files_are_what_was_written(
        steps in prop::collection::vec(step(), 1..40), pages in 24..80_u16, seed: u64,
        cluster in prop::sample::select(vec![512_u32, 1024, 4096])
    ) {
        let disk = Disk::new(SECTORS, pages, seed);
        format(&disk, cluster);
        let (mut files, mut model) = (mount(&disk), Model::new());
        for step in &steps {
            run(&mut files, &mut model, step);
        }
        assert_same(&mut files, &model);
        files.sync().unwrap();
        assert_same(&mut mount(&disk), &model);
    }

    /// What was synced and not touched since is there after a power cut, whatever of the rest has reached the disk.
    #[test]
    fn a_power_cut_takes_nothing_that_was_synced(
        steps in prop::collection::vec(step(), 1..20), more in prop::collection::vec(step(), 1..20),
        pages in 24..80_u16, seed: u64, cluster in prop::sample::select(vec![512_u32, 1024, 4096]), writes in 0..60_u32
    ) {
        let disk = Disk::new(SECTORS, pages, seed);
        format(&disk, cluster);
        let (mut files, mut model) = (mount(&disk), Model::new());
        for step in &steps {
            run(&mut files, &mut model, step);
        }
        files.sync().unwrap();
        let synced = model.clone();
        disk.cut_after(writes);
        for step in &more {
            run(&mut files, &mut model, step);
        }
        drop(files);
        disk.restore_power();
        let mut files = mount(&disk);
        let touched = |file: u8| more.iter().any(|step| match *step {
            Step::Write(other, ..) | Step::Remove(other) => other == file,
            Step::Rename(from, to) => from == file || to == file,
            Step::Sync => false,
        });
        for file in (0..6).filter(|file| !touched(*file)) {
            let name = name(file);
            prop_assert!(read(&mut files, &name).ok().as_ref() == synced.get(&name), "{}", name);
        }
    }
}

#[test]
fn a_disk_without_fat_is_refused() {
    let disk = Disk::new(SECTORS, 24, 1);
    let mounted = fatfs::mount(disk, None, false);
    assert_eq!(mounted.err(), Some(Error::WrongFormat));
}

#[test]
fn a_disk_that_cannot_be_written_is_mounted_for_reading() {
    let disk = Disk::new(SECTORS, 24, 1);
    format(&disk, 512);
    let mut files = mount(&disk);
    write(&mut files, "file", 0, &[7; 1000]);
    files.sync().unwrap();
    let mut image = disk.image();
    // It was not unmounted, so it is not marked before the first change, which would fail at once.
    image[0x25] |= 1;
    let disk = Disk::of(image, Region::leak(24 * blocks::PAGE), 1);
    disk.protect();
    let mut files = mount(&disk);
    assert!(files.statistics().unwrap().read_only);
    let root = files.root();
    let node = files.lookup(root, "file").unwrap();
    let mut open = files.open(root).unwrap();
    let (_, listed) = files.entry(&mut open, 0, &mut String::new()).unwrap().unwrap();
    assert!(listed.read_only && files.attributes(node).unwrap().read_only, "nothing can be changed");
    assert_eq!(files.create(root, "other", Kind::File, 0), Err(Error::ReadOnly));
    assert_eq!(files.remove(root, "file"), Err(Error::ReadOnly));
    assert_eq!(read(&mut files, "file").unwrap(), [7; 1000]);
    files.sync().unwrap();
}

#[test]
fn what_a_client_that_ends_has_not_written_is_not_in_the_file() {
    let disk = Disk::new(SECTORS, 24, 1);
    format(&disk, 512);
    let mut files = mount(&disk);
    write(&mut files, "file", 0, &[7; 1000]);
    files.sync().unwrap();
    let free = files.statistics().unwrap().free;
    let node = files.lookup(files.root(), "file").unwrap();
    let mut open = files.open(node).unwrap();
    assert_eq!(files.write(&mut open, 1000, 50_000, &mut Ending(0), 0), Err(Error::NoTask));
    // It is not closed yet, and the volume is said to be whole.
    files.sync().unwrap();
    assert_eq!(files.statistics().unwrap().free, free, "its space is free again");
    files.close(open);
    assert_eq!(read(&mut files, "file").unwrap(), [7; 1000]);
}

#[test]
fn what_is_beside_a_bad_sector_can_be_read() {
    let disk = Disk::new(SECTORS, 60, 1);
    format(&disk, 4096);
    let mut files = mount(&disk);
    let content: Vec<_> = (0..120_000_u32).map(|index| (index / 500) as u8).collect();
    write(&mut files, "file", 0, &content);
    files.sync().unwrap();
    let image = disk.image();
    let first = image.windows(600).position(|bytes| bytes == &content[..600]).unwrap() as u64;
    // A place that is read ahead when those before it are read.
    let bad = 60_000 / 4096 * 4096;
    disk.spoil(Some((first + bad) / 512));
    let mut files = mount(&disk);
    let node = files.lookup(files.root(), "file").unwrap();
    let mut open = files.open(node).unwrap();
    for part in 0..content.len() / 4096 {
        let mut sink = Bytes(vec![0; 4096]);
        let expected = if part as u64 == bad / 4096 { Err(Error::InputOutput) } else { Ok(4096) };
        let offset = part * 4096;
        assert_eq!(files.read(&mut open, offset as u64, 4096, &mut sink), expected, "at {offset}");
        assert!(expected.is_err() || sink.0 == content[offset..offset + 4096]);
    }
}
