//! The cache on a disk that answers in any order and sometimes fails: what is read is what was written, what is held back
//! stays back, and nothing of other partitions is touched.

mod support;

use fat::{Class, Storage};
use fatfs::cache::Cache;
use proptest::prelude::*;
use support::Disk;

/// First sector and length of the volume.
const START: u64 = 13;
const SECTORS: u64 = 700;

#[derive(Clone, Debug)]
enum Step {
    Write(u64, usize, u8, u8),
    Read(u64, usize),
    Ahead(u64, u64),
    WriteOut(u8),
    Align(u64),
}

fn class(number: u8) -> Class {
    [Class::Data, Class::Table, Class::Entry][usize::from(number % 3)]
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0..SECTORS * 512 - 1;
    let length = prop_oneof![1..600_usize, Just(4096), Just(512), 1..20_000_usize];
    prop_oneof![
        8 => (at.clone(), length.clone(), any::<u8>(), 0..3_u8).prop_map(|(at, length, byte, class)| {
            // Classes are a matter of sectors.
            Step::Write(at / 512 * 512, length.next_multiple_of(512), byte, class)
        }),
        4 => (at.clone(), 1..5000_usize, any::<u8>()).prop_map(|(at, length, byte)| Step::Write(at, length, byte, 0)),
        8 => (at.clone(), length).prop_map(|(at, length)| Step::Read(at, length)),
        2 => (at.clone(), at).prop_map(|(at, end)| Step::Ahead(at, end)),
        2 => (0..3_u8).prop_map(Step::WriteOut),
        1 => (0..16_u64).prop_map(Step::Align),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_cache_is_the_volume(
        steps in prop::collection::vec(step(), 1..60), pages in 12..40_u16, seed: u64
    ) {
        let disk = Disk::new(START + SECTORS + 9, pages, seed);
        let before = disk.image();
        let mut model = before[START as usize * 512..(START + SECTORS) as usize * 512].to_vec();
        let mut cache = Cache::new(disk.clone(), false);
        cache.divide(START..START + SECTORS, 0).unwrap();
        for step in steps {
            match step {
                Step::Write(at, length, byte, number) => {
                    let length = length.min(model.len() - at as usize);
                    let data: Vec<_> = (0..length).map(|index| byte.wrapping_add(index as u8)).collect();
                    if cache.is_pressed() {
                        cache.write_out(Class::Table).unwrap();
                        cache.write_out(Class::Entry).unwrap();
                    }
                    // What one operation holds back has to fit.
                    let class = if length > 4096 { Class::Data } else { class(number) };
                    cache.write(at, &data, class).unwrap();
                    model[at as usize..][..length].copy_from_slice(&data);
                }
                Step::Read(at, length) => {
                    let length = length.min(model.len() - at as usize);
                    let mut data = vec![0; length];
                    cache.read(at, &mut data).unwrap();
                    prop_assert!(data == model[at as usize..][..length], "{at}, {length}");
                }
                Step::Ahead(at, end) => cache.read_ahead(at, end).unwrap(),
                Step::WriteOut(number) => cache.write_out(class(number)).unwrap(),
                Step::Align(sector) => cache.divide(START..START + SECTORS, sector).unwrap(),
            }
        }
        for number in 0..3 {
            cache.write_out(class(number)).unwrap();
        }
        let image = disk.image();
        prop_assert!(image[START as usize * 512..][..model.len()] == model, "it is on the disk");
        prop_assert!(image[..START as usize * 512] == before[..START as usize * 512]);
        prop_assert!(image[(START + SECTORS) as usize * 512..] == before[(START + SECTORS) as usize * 512..]);
        prop_assert!(disk.is_flushed());
    }
}

#[test]
fn entries_are_held_back_and_content_goes_when_pages_are_needed() {
    let disk = Disk::new(700, 20, 1);
    let mut cache = Cache::new(disk.clone(), false);
    // In one page an entry and content.
    cache.write(0, &[1; 512], Class::Entry).unwrap();
    cache.write(512, &[2; 512], Class::Data).unwrap();
    for page in 1..60 {
        cache.write(page * 4096, &[3; 4096], Class::Data).unwrap();
    }
    let image = disk.image();
    assert_eq!((image[0], image[4096]), (0, 3), "the entry is not there, content is");
    cache.write_out(Class::Data).unwrap();
    assert_eq!((disk.image()[0], disk.image()[512]), (0, 2), "content beside the entry, but not the entry");
    cache.write_out(Class::Entry).unwrap();
    assert_eq!(disk.image()[0], 1);
}

#[test]
fn tables_that_go_when_pages_are_needed_come_after_content() {
    let mut gone = 0;
    for seed in 0..100 {
        let disk = Disk::new(700, 20, seed);
        disk.cut_after(seed as u32);
        let mut cache = Cache::new(disk.clone(), false);
        cache.write(0, &[1; 4096], Class::Data).unwrap();
        for page in 1..40 {
            cache.write(page * 4096, &[2; 4096], Class::Table).unwrap();
        }
        disk.restore_power();
        let image = disk.image();
        let tables = image.chunks(4096).skip(1).any(|page| page.contains(&2));
        assert!(!tables || image[..4096] == [1; 4096], "seed {seed}: a table points to what is not there");
        gone += u32::from(tables);
    }
    assert!(gone > 0, "no table was there");
}

#[test]
fn what_could_not_be_written_is_told_once_and_tried_again() {
    let disk = Disk::new(700, 20, 1);
    let mut cache = Cache::new(disk.clone(), false);
    cache.write(4096, &[7; 4096], Class::Data).unwrap();
    disk.fail(true);
    assert_eq!(cache.write_out(Class::Data), Err(ipc::Error::InputOutput));
    let mut data = [0; 4096];
    cache.read(4096, &mut data).unwrap();
    assert_eq!(data, [7; 4096], "it is not lost");
    assert_eq!(cache.read(8192, &mut data), Err(ipc::Error::InputOutput));
    disk.fail(false);
    cache.write_out(Class::Data).unwrap();
    assert_eq!(disk.image()[4096], 7);
    cache.read(8192, &mut data).unwrap();
}

#[test]
fn a_full_cache_is_an_error_and_ends() {
    let disk = Disk::new(700, 20, 1);
    let mut cache = Cache::new(disk.clone(), false);
    let error = (0..60).find_map(|page| cache.write(page * 4096, &[3; 512], Class::Entry).err());
    assert_eq!(error, Some(ipc::Error::OutOfMemory));
    cache.write_out(Class::Entry).unwrap();
    cache.write(40 * 4096, &[3; 512], Class::Entry).unwrap();
}

#[test]
fn a_disk_that_cannot_be_written_is_not() {
    let mut cache = Cache::new(Disk::new(700, 20, 1), true);
    assert_eq!(cache.write(0, &[0; 512], Class::Data), Err(ipc::Error::ReadOnly));
    assert_eq!(cache.read(700 * 512 - 1, &mut [0; 2]), Err(ipc::Error::OutOfBounds));
}
