//! What a volume promises beside its content: times, attributes, positions, costs, limits, sizes of new volumes.

use std::os::unix::fs::FileExt;

use fat::{Error, FatKind, Format, Kind, Node, Storage, Volume, format};

use crate::disk::{Memory, Sparse};
use crate::programs::{check, dosfstools, mtools, run};
use crate::random::volume;

const NOW: i64 = 1_795_256_431_990;

fn small() -> Volume<Memory> {
    let wanted = Format { label: "Data", ..Format::default() };
    Volume::mount(volume(1 << 20, &wanted), false).expect("it was just made")
}

#[test]
fn times_are_kept() {
    let mut volume = small();
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    let made = volume.attributes(node).expect("it is there");
    assert_eq!((made.modified, made.created), (NOW - 1990, NOW));
    assert_eq!(made.accessed, NOW / 86_400_000 * 86_400_000);
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 0, b"x", NOW + 10_000).expect("there is room");
    volume.close(open).expect("it is closed");
    assert_eq!(volume.attributes(node).expect("it is there").modified, NOW + 8_010);
    volume.set_modified(node, 0).expect("it is there");
    let set = volume.attributes(node).expect("it is there");
    assert_eq!((set.modified, set.created), (0, NOW));
}

#[test]
fn a_time_that_was_set_stays_when_the_file_is_closed() {
    let mut volume = small();
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 0, b"x", NOW).expect("there is room");
    // More is allocated than is written.
    volume.prepare(&mut open, 1, 10_000).expect("there is room");
    volume.settle(&mut open).expect("it is given back");
    volume.set_modified(node, NOW - 90_000_000).expect("it is there");
    let set = volume.attributes(node).expect("it is there");
    volume.prepare(&mut open, 1, 10_000).expect("there is room");
    volume.close(open).expect("it is closed");
    assert_eq!(volume.attributes(node), Ok(set));
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 0, b"y", NOW).expect("there is room");
    assert_eq!(volume.attributes(node).expect("it is there").modified, NOW - 1990, "written after that");
    volume.settle(&mut open).expect("nothing is to be given back");
    volume.set_modified(node, NOW - 90_000_000).expect("it is there");
    volume.write(&mut open, 0, b"z", NOW).expect("there is room");
    assert_eq!(volume.attributes(node).expect("it is there").modified, NOW - 1990, "and in the same second");
}

#[test]
fn what_cannot_be_written_behind_a_gap_leaves_the_size() {
    let mut volume = small();
    let free = volume.statistics().expect("it is whole").free;
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 0, b"content", NOW).expect("there is room");
    // There is room for the gap, and for nothing behind it.
    assert_eq!(volume.write(&mut open, free, b"x", NOW), Err(Error::NoSpace));
    assert_eq!((open.size(), volume.attributes(node).expect("it is there").size), (7, 7));
    volume.close(open).expect("it is closed");
    let unit = u64::from(volume.statistics().expect("it is whole").unit);
    assert_eq!(volume.statistics().expect("it is whole").free, free - unit, "the gap is free again");
}

#[test]
fn a_short_name_is_never_what_another_is_called() {
    let mut volume = small();
    let first = volume.create(Node::ROOT, "a long name.text", Kind::File, NOW).expect("there is room");
    // In the way, so that there is a gap in front of what gets the name.
    assert_eq!(volume.lookup(Node::ROOT, "ALONGN~1.TEX"), Ok(first));
    volume.rename((Node::ROOT, "a long name.text"), (Node::ROOT, "alongn~1.tex"), NOW).expect("it is there");
    let renamed = volume.lookup(Node::ROOT, "ALONGN~1.TEX").expect("it is there");
    let other = volume.create(Node::ROOT, "a long name.text", Kind::File, NOW).expect("there is room");
    assert!(other < renamed, "it is found first");
    assert_eq!(volume.lookup(Node::ROOT, "ALONGN~1.TEX"), Ok(renamed));
    assert_eq!(volume.lookup(Node::ROOT, "ALONGN~3.TEX"), Ok(other));
}

#[test]
fn read_only_files_are_neither_written_nor_removed() {
    let mut volume = small();
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    volume.create(Node::ROOT, "other", Kind::File, NOW).expect("there is room");
    volume.set_read_only(node, true).expect("it is there");
    assert!(volume.attributes(node).expect("it is there").read_only);
    let mut open = volume.open(node).expect("it is there");
    assert_eq!(volume.write(&mut open, 0, b"x", NOW), Err(Error::ReadOnly));
    assert_eq!(volume.resize(&mut open, 10, NOW), Err(Error::ReadOnly));
    assert_eq!(volume.remove(Node::ROOT, "file"), Err(Error::ReadOnly));
    assert_eq!(volume.rename((Node::ROOT, "other"), (Node::ROOT, "file"), NOW), Err(Error::ReadOnly));
    volume.set_read_only(node, false).expect("it is there");
    assert_eq!(volume.remove(Node::ROOT, "file"), Ok(()));
}

#[test]
fn a_volume_mounted_read_only_is_not_written() {
    let mut memory = small().into_storage();
    let before = memory.bytes.clone();
    let mut volume = Volume::mount(&mut memory, true).expect("it is whole");
    assert_eq!(volume.create(Node::ROOT, "file", Kind::File, NOW), Err(Error::ReadOnly));
    assert_eq!(volume.remove(Node::ROOT, "file"), Err(Error::ReadOnly));
    assert_eq!(volume.set_modified(Node::ROOT, NOW), Err(Error::ReadOnly));
    assert_eq!((volume.sync(), volume.finish()), (Ok(()), Ok(())));
    assert!(memory.bytes == before);
}

#[test]
fn what_lies_behind_a_directorys_end_stays_there() {
    let mut volume = small();
    volume.create(Node::ROOT, "FIRST.TXT", Kind::File, NOW).expect("there is room");
    let mut memory = volume.into_storage();
    let first = memory.bytes.windows(11).position(|bytes| bytes == b"FIRST   TXT").expect("it is there");
    // The end is the entry between: 0 at its start, and nothing is said of what follows (fatgen103, section 6).
    let mut ghost = memory.bytes[first..first + 32].to_vec();
    ghost[..5].copy_from_slice(b"GHOST");
    memory.bytes[first + 64..first + 96].copy_from_slice(&ghost);
    let mut volume = Volume::mount(memory, false).expect("it is whole");
    for name in ["SECOND.TXT", "THIRD.TXT"] {
        volume.create(Node::ROOT, name, Kind::File, NOW).expect("there is room");
        assert_eq!(volume.lookup(Node::ROOT, "GHOST.TXT"), Err(Error::NotFound));
    }
}

#[test]
fn positions_stay_when_entries_go() {
    let mut volume = small();
    for number in 0..100 {
        let name = format!("a file with number {number}");
        volume.create(Node::ROOT, &name, Kind::File, NOW).expect("there is room");
    }
    let mut root = volume.open(Node::ROOT).expect("it is there");
    let (mut position, mut name, mut seen) = (0, String::new(), Vec::new());
    while let Some((next, _)) = volume.entry(&mut root, position, &mut name).expect("it is whole") {
        // Every entry goes when it was seen, and one in three of those to come.
        volume.remove(Node::ROOT, &name).expect("it is there");
        seen.push(name.clone());
        let _ = volume.remove(Node::ROOT, &format!("a file with number {}", seen.len() * 3));
        position = next;
    }
    let all = |number: &usize| seen.contains(&format!("a file with number {number}"));
    assert!((0..100).filter(|number| number % 3 != 0).all(|number| all(&number)), "{seen:?}");
    seen.sort();
    seen.dedup();
    assert!(seen.len() < 100);
    assert_eq!(volume.entry(&mut root, 0, &mut name), Ok(None));
    assert_eq!(volume.entry(&mut root, u64::MAX, &mut name), Ok(None));
}

#[test]
fn a_directory_takes_many_names_that_look_alike() {
    let mut volume = small();
    let node = volume.create(Node::ROOT, "sub", Kind::Directory, NOW).expect("there is room");
    for number in 0..400 {
        volume.create(node, &format!("a name like others {number}"), Kind::File, NOW).expect("there is room");
    }
    for number in 0..400 {
        volume.lookup(node, &format!("A NAME like others {number}")).expect("it is there");
    }
    volume.finish().expect("it is written");
    let image = tempfile::NamedTempFile::new().expect("there is room");
    std::fs::write(image.path(), volume.into_storage().bytes).expect("there is room");
    check(image.path(), "a directory with 400 files");
}

#[test]
fn the_root_of_fat12_is_full_at_some_time() {
    let mut volume = small();
    let mut count = 0;
    let error = loop {
        match volume.create(Node::ROOT, &format!("{count}"), Kind::File, NOW) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    // One entry is the label's.
    assert_eq!((error, count), (Error::NoSpace, 511));
}

#[test]
fn a_file_may_be_as_large_as_its_size_can_say() {
    let mut volume = small();
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    assert_eq!(volume.resize(&mut open, 1 << 32, NOW), Err(Error::TooLarge));
    assert_eq!(volume.write(&mut open, u64::MAX, b"x", NOW), Err(Error::TooLarge));
    assert_eq!(volume.write(&mut open, (1 << 32) - 1, b"x", NOW), Err(Error::TooLarge));
    assert_eq!(volume.resize(&mut open, (1 << 32) - 1, NOW), Err(Error::NoSpace));
    assert_eq!(open.size(), 0);
    assert_eq!(volume.read(&mut open, u64::MAX, &mut [0; 10]), Ok(0));
}

#[test]
fn a_file_of_4_gib_less_a_byte_is_whole() {
    const SIZE: u64 = (1 << 32) - 1;
    let mut disk = Sparse { size: 5 << 30, ..Sparse::default() };
    format(&mut disk, &Format { kind: Some(FatKind::Fat32), cluster: Some(32 << 10), ..Format::default() })
        .expect("there are such volumes");
    let mut volume = Volume::mount(disk, false).expect("it was just made");
    let node = volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    volume.prepare(&mut open, 0, u64::MAX).expect("there is room");
    volume.written(&mut open, SIZE - 2, NOW).expect("it is there");
    assert_eq!(volume.write(&mut open, SIZE - 2, b"end", NOW), Ok(2), "as much as a size can say");
    assert_eq!(volume.write(&mut open, SIZE, b"x", NOW), Err(Error::TooLarge));
    let mut end = [0; 10];
    assert_eq!(volume.read(&mut open, SIZE - 3, &mut end), Ok(3));
    assert_eq!(end[..4], *b"\0en\0");
    assert_eq!(open.size(), SIZE);
    // fsck.fat 4.2 counts the bytes of a file's clusters in 32 bits, and would find none here.
    volume.resize(&mut open, SIZE - (32 << 10), NOW).expect("it gets smaller");
    volume.close(open).expect("it is closed");
    volume.finish().expect("it is written");
    let image = tempfile::NamedTempFile::new().expect("there is room");
    let disk = volume.into_storage();
    image.as_file().set_len(disk.size).expect("there is room");
    for (sector, bytes) in &disk.sectors {
        image.as_file().write_all_at(bytes, sector * 512).expect("there is room");
    }
    check(image.path(), "a file of nearly 4 GiB");
    let mut volume = Volume::mount(disk, false).expect("it was mounted before");
    volume.remove(Node::ROOT, "file").expect("it is there");
    let statistics = volume.statistics().expect("it is whole");
    assert_eq!(statistics.free, statistics.total - (32 << 10), "all but the root's");
}

#[test]
fn what_a_storage_holds_back_is_bounded() {
    let mut memory =
        volume(40 << 20, &Format { kind: Some(FatKind::Fat32), cluster: Some(512), ..Format::default() });
    memory.room = 50;
    let mut volume = Volume::mount(memory, false).expect("it was just made");
    for number in 0..300 {
        let node = volume
            .create(Node::ROOT, &format!("a long name {number}"), Kind::File, NOW)
            .expect("there is room");
        let mut open = volume.open(node).expect("it is there");
        volume.write(&mut open, 0, &[1; 20_000], NOW).expect("there is room");
        volume.close(open).expect("it is closed");
    }
    for number in 0..300 {
        volume.remove(Node::ROOT, &format!("a long name {number}")).expect("it is there");
    }
    volume.sync().expect("it is written");
    assert!(!volume.storage().is_pressed());
}

#[test]
fn mounting_a_large_volume_reads_little() {
    let image = tempfile::NamedTempFile::new().expect("there is room");
    image.as_file().set_len(1 << 30).expect("there is room");
    run(dosfstools("mkfs.fat").args(["-F", "32"]).arg(image.path()));
    let mut memory = Memory::of(std::fs::read(image.path()).expect("it is there"));
    let mut volume = Volume::mount(&mut memory, true).expect("it was just made");
    let free = volume.statistics().expect("it is whole").free;
    assert!(free > 1_000_000_000, "{free}");
    // Boot sector, state, counts, one piece of the table; and the root's first entry.
    assert!(memory.bytes_read < 8192, "{} bytes", memory.bytes_read);
}

#[test]
fn a_volume_in_use_is_marked_until_it_is_finished() {
    for (kind, size) in [(FatKind::Fat12, 1 << 20), (FatKind::Fat16, 20 << 20), (FatKind::Fat32, 40 << 20)] {
        let wanted = Format { kind: Some(kind), ..Format::default() };
        let mut volume = Volume::mount(volume(size, &wanted), false).expect("it was just made");
        assert!(volume.was_clean());
        volume.create(Node::ROOT, "file", Kind::File, NOW).expect("there is room");
        volume.sync().expect("it is written");
        let mut copy = volume.storage().clone();
        assert!(!Volume::mount(&mut copy, true).expect("it is whole").was_clean(), "{kind:?}");
        volume.finish().expect("it is written");
        let mut copy = volume.storage().clone();
        assert!(Volume::mount(&mut copy, true).expect("it is whole").was_clean(), "{kind:?}");
    }
}

#[test]
fn new_volumes_of_all_sizes_are_accepted() {
    let folder = tempfile::tempdir().expect("there is room");
    let sizes = [64 << 10, 360 << 10, 1440 << 10, 5 << 20, 17 << 20, 33 << 20, 130 << 20, 520 << 20];
    for (number, size) in sizes.into_iter().enumerate() {
        for kind in [None, Some(FatKind::Fat12), Some(FatKind::Fat16), Some(FatKind::Fat32)] {
            let what = format!("{size} bytes as {kind:?}");
            let mut memory = Memory::new(size);
            let result =
                format(&mut memory, &Format { kind, label: "New disk", now: NOW, ..Format::default() });
            let possible = match kind {
                None => true,
                Some(FatKind::Fat12) => size < 200 << 20,
                Some(FatKind::Fat16) => size >= 4 << 20,
                Some(FatKind::Fat32) => size >= 33 << 20,
            };
            if !possible {
                assert_eq!(result, Err(Error::InvalidArgument), "{what}");
                continue;
            }
            assert_eq!(result, Ok(()), "{what}");
            let image = folder.path().join(number.to_string());
            std::fs::write(&image, &memory.bytes).expect("there is room");
            check(&image, &what);
            assert!(run(mtools("mdir").arg("-i").arg(&image).arg("::")).contains("NEW DISK"), "{what}");
            let mut volume = Volume::mount(memory, false).expect("it was just made");
            assert_eq!(volume.statistics().expect("it is whole").label, "NEW DISK");
            assert!(kind.is_none_or(|kind| kind == volume.kind()), "{what}");
        }
    }
}

#[test]
fn volumes_that_cannot_be_are_refused() {
    let try_format = |size: usize, wanted: Format<'_>| format(&mut Memory::new(size), &wanted);
    let other = Format::default();
    assert_eq!(try_format(0, other.clone()), Err(Error::InvalidArgument));
    assert_eq!(try_format(4096, other.clone()), Err(Error::InvalidArgument));
    assert_eq!(try_format(1 << 20, Format { sector: 256, ..other.clone() }), Err(Error::InvalidArgument));
    assert_eq!(
        try_format(1 << 20, Format { cluster: Some(768), ..other.clone() }),
        Err(Error::InvalidArgument)
    );
    assert_eq!(try_format(1 << 20, Format { label: "twelve chars", ..other.clone() }), Err(Error::BadName));
    assert_eq!(try_format(1 << 20, Format { label: "a/b", ..other }), Err(Error::BadName));
}

/// At every size that suits a kind: how large the tables have to be depends on how much they leave.
#[test]
fn volumes_of_every_size_can_be_made() {
    for (kind, sizes) in [(FatKind::Fat12, 1..17), (FatKind::Fat16, 8..200), (FatKind::Fat32, 64..300)] {
        let wanted = Format { kind: Some(kind), ..Format::default() };
        for size in sizes {
            let made = format(&mut Memory::new(size << 20), &wanted);
            assert_eq!(made, Ok(()), "{kind:?} of {size} MiB");
        }
    }
}
