//! Images that are damaged on purpose: each error is the right one, and nothing hangs.

use fat::{Error, FatKind, Format, Kind, Node, Storage, Volume};

use crate::disk::Memory;
use crate::random::volume;

/// A volume of FAT16 with clusters of 512 bytes, one file `file` of 10 clusters and a directory `sub` with 40 files.
struct Victim {
    memory: Memory,
    table_at: usize,
    root_at: usize,
    data_at: usize,
}

impl Victim {
    fn new() -> Self {
        let wanted = Format { kind: Some(FatKind::Fat16), cluster: Some(512), ..Format::default() };
        let mut volume = Volume::mount(volume(3 << 20, &wanted), false).expect("it was just made");
        let root = volume.root();
        let file = volume.create(root, "file", Kind::File, 1).expect("there is room");
        let mut open = volume.open(file).expect("it is there");
        assert_eq!(volume.write(&mut open, 0, &[7; 5120], 1), Ok(5120));
        volume.close(open).expect("it is closed");
        let sub = volume.create(root, "sub", Kind::Directory, 1).expect("there is room");
        for number in 0..40 {
            volume.create(sub, &format!("file{number}"), Kind::File, 1).expect("there is room");
        }
        volume.finish().expect("it is written");
        let memory = volume.into_storage();
        let word = |at: usize| usize::from(u16::from_le_bytes([memory.bytes[at], memory.bytes[at + 1]]));
        let root_at = 512 + 2 * 512 * word(22);
        Self { table_at: 512, root_at, data_at: root_at + 512 * 32, memory }
    }

    /// The first cluster of an entry of the root directory.
    fn first(&self, entry: usize) -> usize {
        let at = self.root_at + 32 * entry + 26;
        usize::from(u16::from_le_bytes([self.memory.bytes[at], self.memory.bytes[at + 1]]))
    }

    fn link(&mut self, cluster: usize, next: u16) {
        let at = self.table_at + 2 * cluster;
        self.memory.bytes[at..at + 2].copy_from_slice(&next.to_le_bytes());
    }

    fn mount(&self) -> Volume<Memory> {
        Volume::mount(self.memory.clone(), false).expect("the boot sector is intact")
    }

    fn read(&self) -> Result<usize, Error> {
        let mut volume = self.mount();
        let node = volume.lookup(Node::ROOT, "file")?;
        let mut open = volume.open(node)?;
        volume.read(&mut open, 0, &mut vec![0; 8 << 20])
    }
}

#[test]
fn chains_that_cannot_be_are_damage() {
    assert_eq!(Victim::new().read(), Ok(5120));
    let first = Victim::new().first(0);
    // Into the middle of itself, to itself, nowhere, to a free cluster, to one that is marked bad, an early end.
    for next in [first as u16 + 1, first as u16 + 4, 1, 0, 0xfff0, 0xfff7, 0xffff] {
        let mut victim = Victim::new();
        victim.link(first + 4, next);
        assert_eq!(victim.read(), Err(Error::Damaged), "next is {next:#x}");
    }
}

#[test]
fn entries_that_cannot_be_are_damage() {
    for (size, cluster) in [(u32::MAX, 3u16), (1, 0), (1, 1), (1, 0xfff0), (3 << 20, 2)] {
        let mut victim = Victim::new();
        let at = victim.root_at;
        victim.memory.bytes[at + 26..at + 28].copy_from_slice(&cluster.to_le_bytes());
        victim.memory.bytes[at + 28..at + 32].copy_from_slice(&size.to_le_bytes());
        assert_eq!(victim.read(), Err(Error::Damaged), "size {size}, cluster {cluster}");
    }
}

#[test]
fn what_other_systems_have_beside_the_first_cluster_is_none_of_it() {
    let mut victim = Victim::new();
    for entry in 0..2 {
        // OS/2 has a number there.
        let at = victim.root_at + 32 * entry + 20;
        victim.memory.bytes[at..at + 2].copy_from_slice(&[3, 1]);
    }
    assert_eq!(victim.read(), Ok(5120));
    let mut volume = victim.mount();
    let sub = volume.lookup(Node::ROOT, "sub").expect("it is there");
    volume.rename((Node::ROOT, "file"), (sub, "file"), 1).expect("there is room");
    volume.remove(sub, "file").expect("it is there");
    let free = volume.statistics().expect("it is whole").free;
    assert_eq!(free, Victim::new().mount().statistics().expect("it is whole").free + 5120);
}

#[test]
fn directories_in_loops_are_damage() {
    let (first, mut victim) = (Victim::new().first(1), Victim::new());
    victim.link(first, first as u16);
    let mut volume = victim.mount();
    let sub = volume.lookup(Node::ROOT, "sub").expect("it is there");
    assert_eq!(volume.lookup(sub, "no such file"), Err(Error::Damaged));
    assert_eq!(volume.create(sub, "new", Kind::File, 1), Err(Error::Damaged));
    assert_eq!(volume.remove(Node::ROOT, "sub"), Err(Error::NotEmpty));
    // One whose parent is itself can be moved nowhere that needs the way up.
    let mut victim = Victim::new();
    let dots = victim.data_at + (first - 2) * 512 + 32;
    victim.memory.bytes[dots + 26..dots + 28].copy_from_slice(&(first as u16).to_le_bytes());
    let mut volume = victim.mount();
    let sub = volume.lookup(Node::ROOT, "sub").expect("it is there");
    let other = volume.create(Node::ROOT, "other", Kind::Directory, 1).expect("there is room");
    assert!(other != sub);
    assert_eq!(volume.rename((Node::ROOT, "other"), (sub, "other"), 1), Err(Error::Damaged));
}

#[test]
fn chains_that_loop_are_freed_once() {
    let (first, mut victim) = (Victim::new().first(0), Victim::new());
    victim.link(first + 9, first as u16);
    let mut volume = victim.mount();
    let before = volume.statistics().expect("it is counted").free;
    volume.remove(Node::ROOT, "file").expect("it is there");
    volume.sync().expect("it is written");
    assert_eq!(volume.statistics().expect("it is counted").free, before + 5120);
}

/// A volume of FAT32 whose count of free clusters is forged.
fn with_free(free: u32) -> Volume<Memory> {
    let wanted = Format { kind: Some(FatKind::Fat32), cluster: Some(512), ..Format::default() };
    let mut memory = volume(3 << 20, &wanted);
    memory.bytes[512 + 488..512 + 492].copy_from_slice(&free.to_le_bytes());
    Volume::mount(memory, false).expect("it was just made")
}

#[test]
fn a_count_of_free_clusters_that_is_wrong_takes_no_space_away() {
    for free in [0, 1, 100, u32::MAX] {
        let mut volume = with_free(free);
        for number in 0..3 {
            let name = format!("file{number}");
            let node = volume.create(Node::ROOT, &name, Kind::File, 1).expect("there is room");
            let mut open = volume.open(node).expect("it is there");
            assert_eq!(volume.write(&mut open, 0, &[7; 5000], 1), Ok(5000), "{free} were told");
            assert_eq!(volume.resize(&mut open, 500_000, 1), Ok(()), "{free} were told");
            volume.close(open).expect("it is closed");
        }
        let free = volume.statistics().expect("it is whole").free;
        volume.finish().expect("it is written");
        let mut memory = volume.into_storage();
        // Nobody has unmounted it, so they are counted.
        memory.bytes[0x41] |= 1;
        let mut volume = Volume::mount(memory, true).expect("it was mounted before");
        assert_eq!(volume.statistics().expect("it is whole").free, free);
    }
}

#[test]
fn a_count_of_free_clusters_that_is_too_high_gives_none() {
    let mut volume = with_free(5900);
    let node = volume.create(Node::ROOT, "file", Kind::File, 1).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    let size = volume.write(&mut open, 0, &vec![7; 3 << 20], 1).expect("there is room");
    assert_eq!(volume.write(&mut open, size as u64, &[7], 1), Err(Error::NoSpace));
    assert_eq!(volume.statistics().expect("it is whole").free, 0);
    volume.close(open).expect("it is closed");
    volume.remove(Node::ROOT, "file").expect("it is there");
    let statistics = volume.statistics().expect("it is whole");
    assert_eq!(statistics.free, statistics.total - 512, "all but the root's");
}

/// Fails to read some bytes while it is told to.
struct BadSpot {
    memory: Memory,
    spot: std::ops::Range<u64>,
    fails: bool,
}

impl Storage for BadSpot {
    fn size(&self) -> u64 {
        self.memory.size()
    }
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        if self.fails && self.spot.contains(&at) {
            Err(Error::InputOutput)
        } else {
            self.memory.read(at, buffer)
        }
    }
    fn write(&mut self, at: u64, data: &[u8], class: fat::Class) -> Result<(), Error> {
        self.memory.write(at, data, class)
    }
    fn write_out(&mut self, class: fat::Class) -> Result<(), Error> {
        self.memory.write_out(class)
    }
    fn is_pressed(&self) -> bool {
        false
    }
}

#[test]
fn what_could_not_be_freed_is_freed_later() {
    let wanted = Format { kind: Some(FatKind::Fat32), cluster: Some(512), ..Format::default() };
    for size in [0, 700] {
        // The second piece of the table.
        let (memory, table) = (volume(3 << 20, &wanted), 32 * 512);
        let disk = BadSpot { memory, spot: table + 4096..table + 8192, fails: false };
        let mut volume = Volume::mount(disk, false).expect("it was just made");
        let before = volume.statistics().expect("it is whole").free;
        let node = volume.create(Node::ROOT, "file", Kind::File, 1).expect("there is room");
        let mut open = volume.open(node).expect("it is there");
        assert_eq!(volume.write(&mut open, 0, &[7; 1500 * 512], 1), Ok(1500 * 512));
        volume.sync().expect("it is written");
        volume.resize(&mut open, size, 1).expect("it gets smaller");
        volume.close(open).expect("it is closed");
        volume.storage().fails = true;
        assert_eq!(volume.sync(), Err(Error::InputOutput));
        volume.storage().fails = false;
        volume.finish().expect("it is written");
        let kept = size.div_ceil(512) * 512;
        assert_eq!(volume.statistics().expect("it is whole").free, before - kept);
        let mut memory = volume.into_storage().memory;
        memory.bytes[0x41] |= 1;
        let mut volume = Volume::mount(memory, true).expect("it was mounted before");
        assert_eq!(
            volume.statistics().expect("it is whole").free,
            before - kept,
            "all is free that is said to be"
        );
    }
}

#[test]
fn what_is_no_fat_is_told_from_what_is_damaged() {
    let mount = |bytes: Vec<u8>| Volume::mount(Memory::of(bytes), true).map(drop);
    for size in [0, 100, 511, 512, 1 << 20] {
        assert_eq!(mount(vec![0; size]), Err(Error::WrongFormat), "{size} zeros");
        assert_eq!(mount(vec![0xff; size]), Err(Error::WrongFormat), "{size} ones");
    }
    let whole = Victim::new().memory.bytes;
    assert_eq!(mount(whole.clone()), Ok(()));
    for size in [512, 1 << 20, whole.len() - 512] {
        assert_eq!(mount(whole[..size].to_vec()), Err(Error::Damaged), "{size} bytes are left");
    }
    // Bytes in a sector, sectors in a cluster, reserved sectors, tables, media, signature.
    for (at, value) in [(11, 1), (12, 0x11), (13, 0), (13, 3), (14, 0), (16, 0), (16, 9), (21, 1), (510, 0)] {
        let mut bytes = whole.clone();
        bytes[at] = value;
        assert_eq!(mount(bytes), Err(Error::WrongFormat), "byte {at} is {value}");
    }
    // Entries of the root directory, sectors, sectors of a table: 0 and much.
    for (at, value) in [(17, 0u16), (19, 0xffff), (19, 40), (22, 0), (22, 1), (22, 0xffff)] {
        let mut bytes = whole.clone();
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        assert_eq!(mount(bytes), Err(Error::Damaged), "word {at} is {value}");
    }
}

#[test]
fn every_byte_of_the_boot_sector_may_be_wrong() {
    for kind in [FatKind::Fat16, FatKind::Fat32] {
        let wanted = Format { kind: Some(kind), cluster: Some(512), ..Format::default() };
        let mut memory = volume(3 << 20, &wanted);
        for at in 0..512 {
            let old = memory.bytes[at];
            for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
                memory.bytes[at] = value;
                if let Ok(mut volume) = Volume::mount(&mut memory, true) {
                    let _ = volume.statistics();
                    let _ = volume.lookup(Node::ROOT, "x");
                }
            }
            memory.bytes[at] = old;
        }
    }
}

#[test]
fn a_device_that_fails_is_told() {
    struct Broken(Memory);
    impl Storage for Broken {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
            if at > 0 { Err(Error::InputOutput) } else { self.0.read(at, buffer) }
        }
        fn write(&mut self, _: u64, _: &[u8], _: fat::Class) -> Result<(), Error> {
            Err(Error::InputOutput)
        }
        fn write_out(&mut self, _: fat::Class) -> Result<(), Error> {
            Err(Error::InputOutput)
        }
        fn is_pressed(&self) -> bool {
            false
        }
    }
    assert_eq!(Volume::mount(Broken(Victim::new().memory), true).map(drop), Err(Error::InputOutput));
}
