//! Disks with tables, and without; tables that are damaged.

use fat::{
    Class, Error, Format, Kind, Node, Part, Partition, Scheme, Storage, Volume, format, partitions, select,
};

use crate::disk::Memory;

const SECTOR: usize = 512;

fn entry(bytes: &mut [u8], table: usize, index: usize, kind: u8, first: u32, count: u32) {
    let at = table * SECTOR + 446 + 16 * index;
    bytes[at + 4] = kind;
    bytes[at + 8..at + 12].copy_from_slice(&first.to_le_bytes());
    bytes[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
    bytes[table * SECTOR + 510..table * SECTOR + 512].copy_from_slice(&[0x55, 0xaa]);
}

fn found(bytes: &[u8]) -> (Scheme, Vec<(u32, u64, u64)>) {
    let table = partitions(&mut Memory::of(bytes.to_vec())).expect("it can be read");
    let sector = SECTOR as u64;
    (
        table.scheme,
        table.partitions.iter().map(|one| (one.number, one.at / sector, one.size / sector)).collect(),
    )
}

#[test]
fn a_disk_without_a_table_is_one_volume() {
    assert_eq!(found(&[0; 100 * SECTOR]), (Scheme::Bare, vec![(0, 0, 100)]));
    assert_eq!(found(&[]), (Scheme::Bare, vec![]));
    let mut disk = Memory::new(1 << 20);
    format(&mut disk, &Format::default()).expect("there are such volumes");
    // What would be a table is the end of the boot code.
    entry(&mut disk.bytes, 0, 0, 6, 1, 10);
    assert_eq!(found(&disk.bytes), (Scheme::Bare, vec![(0, 0, 2048)]));
}

#[test]
fn primary_and_logical_partitions_are_found() {
    let mut bytes = vec![0; 1000 * SECTOR];
    entry(&mut bytes, 0, 0, 0x83, 10, 50);
    entry(&mut bytes, 0, 2, 0x05, 100, 800);
    entry(&mut bytes, 0, 3, 0x06, 950, 500);
    entry(&mut bytes, 100, 0, 0x0b, 1, 99);
    entry(&mut bytes, 100, 1, 0x05, 200, 100);
    entry(&mut bytes, 300, 0, 0x0c, 5, 90);
    let all = vec![(1, 10, 50), (4, 950, 50), (5, 101, 99), (6, 305, 90)];
    assert_eq!(found(&bytes), (Scheme::Mbr, all));
    // A loop ends.
    entry(&mut bytes, 300, 1, 0x05, 200, 100);
    assert_eq!(found(&bytes).1.len(), 16);
}

#[test]
fn a_volume_in_a_partition_is_selected() {
    let mut disk = Memory::new(4 << 20);
    entry(&mut disk.bytes, 0, 0, 0x83, 64, 1000);
    entry(&mut disk.bytes, 0, 1, 0x01, 2048, 4096);
    assert_eq!(select(&mut disk, None), Err(Error::NotFound));
    let second = select(&mut disk, Some(2)).expect("it is there");
    assert_eq!(second, Partition { number: 2, at: 2048 * 512, size: 4096 * 512, is_fat: false });
    let mut part = Part::new(&mut disk, &second);
    format(&mut part, &Format::default()).expect("there are such volumes");
    let mut volume = Volume::mount(part, false).expect("it was just made");
    volume.create(Node::ROOT, "file", Kind::File, 1).expect("there is room");
    volume.finish().expect("it is written");
    assert_eq!(select(&mut disk, None), Ok(Partition { is_fat: true, ..second }));
    assert_eq!(select(&mut disk, Some(3)), Err(Error::NotFound));
}

#[test]
fn a_part_ends_where_it_ends() {
    let partition = Partition { number: 1, at: 512, size: 1024, is_fat: false };
    let mut part = Part::new(Memory::new(4096), &partition);
    assert_eq!(part.write(1000, &[1; 24], Class::Data), Ok(()));
    assert_eq!(part.write(1000, &[1; 25], Class::Data), Err(Error::OutOfBounds));
    assert_eq!(part.read(u64::MAX, &mut [0; 2]), Err(Error::OutOfBounds));
    assert_eq!(part.into_inner().bytes[1512..1536], [1; 24]);
}

/// CRC-32, bit by bit as its definition has it.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A disk with a GPT of two partitions, the second in entry 4, with so many entries of so many bytes.
fn gpt_of(count: usize, width: usize) -> Vec<u8> {
    let (sectors, mut bytes) = (1000usize, vec![0; 1000 * SECTOR]);
    entry(&mut bytes, 0, 0, 0xee, 1, 999);
    let mut entries = vec![0; count * width];
    for (index, first, last) in [(0, 40u64, 99u64), (3, 100, 899)] {
        let entry = &mut entries[width * index..width * (index + 1)];
        entry[..16].fill(9);
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
    }
    let entries_end = sectors - 1 - entries.len() / SECTOR;
    for (header_at, entries_at) in [(1, 2), (sectors - 1, entries_end)] {
        let mut header = [0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[12] = 92;
        header[24..32].copy_from_slice(&(header_at as u64).to_le_bytes());
        header[72..80].copy_from_slice(&(entries_at as u64).to_le_bytes());
        header[80] = count as u8;
        header[84..88].copy_from_slice(&(width as u32).to_le_bytes());
        header[88..92].copy_from_slice(&crc(&entries).to_le_bytes());
        let sum = crc(&header).to_le_bytes();
        header[16..20].copy_from_slice(&sum);
        bytes[header_at * SECTOR..][..92].copy_from_slice(&header);
        bytes[entries_at * SECTOR..][..entries.len()].copy_from_slice(&entries);
    }
    bytes
}

fn gpt() -> Vec<u8> {
    gpt_of(128, 128)
}

#[test]
fn entries_of_a_gpt_may_be_of_any_size() {
    for (count, width) in [(128, 128), (64, 256), (16, 4096), (4, 32 << 10)] {
        let mut disk = Memory::of(gpt_of(count, width));
        let table = partitions(&mut disk).expect("it is whole");
        assert_eq!(table.partitions.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 4], "{width}");
        assert!(disk.largest_read <= SECTOR, "memory is bounded: {} bytes", disk.largest_read);
    }
}

#[test]
fn a_header_of_a_gpt_that_has_no_sum_is_not_taken() {
    let mut bytes = gpt();
    for header in [1, 999] {
        // As long as it says, there is nothing that the sum is of.
        bytes[header * SECTOR + 12..][..8].copy_from_slice(&[1, 2, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(partitions(&mut Memory::of(bytes)), Err(Error::Damaged));
}

#[test]
fn a_gpt_is_read_from_either_end() {
    let all = (Scheme::Gpt, vec![(1, 40, 60), (4, 100, 800)]);
    assert_eq!(found(&gpt()), all);
    for damaged in [SECTOR + 24, SECTOR + 80, 2 * SECTOR + 40] {
        let mut bytes = gpt();
        bytes[damaged] ^= 1;
        assert_eq!(found(&bytes), all, "byte {damaged} is damaged");
        bytes[999 * SECTOR + 88] ^= 1;
        assert_eq!(partitions(&mut Memory::of(bytes)), Err(Error::Damaged));
    }
}
