//! FAT volumes: an intact one of each kind, damaged as the input says, then used as the input says.
//!
//! The damage is where it hurts: the boot sector, the tables, directory entries. Whatever it is, every operation ends after a bounded
//! number of accesses, all of them are on the volume, and content is never looked for in the tables.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use fat::{Class, Error, FatKind, Format, Kind, Node, Storage, Volume, format, partitions};

use crate::input::Input;

const SECTOR: u64 = 512;

/// More accesses than any operation needs: a directory has at most 65536 entries, a table at most some hundred pieces.
const ACCESSES_MAX: u64 = 400_000;

/// How large files get: what is larger only takes longer.
const SIZE_MAX: u64 = 100_000;

const KINDS: [(FatKind, u64, u32); 3] =
    [(FatKind::Fat12, 300 << 10, 512), (FatKind::Fat16, 3 << 20, 512), (FatKind::Fat32, 34 << 20, 512)];

/// A disk of which only sectors that are not zeros take memory.
#[derive(Clone)]
struct Sparse {
    size: u64,
    sectors: BTreeMap<u64, [u8; SECTOR as usize]>,
    accesses: u64,
    held: u32,
}

impl Sparse {
    fn new(size: u64) -> Self {
        Self { size, sectors: BTreeMap::new(), accesses: 0, held: 0 }
    }

    /// Calls `visit` for each sector of a piece, with the part of the sector and the part of the piece.
    fn pieces(&mut self, at: u64, length: usize, mut visit: impl FnMut(&mut Self, u64, usize, usize, usize)) {
        let end = at.checked_add(length as u64).expect("an access has an end");
        assert!(end <= self.size, "an access to {at:#x}..{end:#x} of {:#x} bytes", self.size);
        self.accesses += 1;
        assert!(self.accesses < ACCESSES_MAX, "an operation does not end");
        let mut place = at;
        while place < end {
            let within = (place % SECTOR) as usize;
            let count = (SECTOR as usize - within).min((end - place) as usize);
            visit(self, place / SECTOR, within, (place - at) as usize, count);
            place += count as u64;
        }
    }
}

impl Storage for Sparse {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let length = buffer.len();
        self.pieces(at, length, |disk, sector, within, done, count| {
            let part = &mut buffer[done..done + count];
            match disk.sectors.get(&sector) {
                Some(bytes) => part.copy_from_slice(&bytes[within..within + count]),
                None => part.fill(0),
            }
        });
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], _: Class) -> Result<(), Error> {
        self.held += 1;
        self.pieces(at, data.len(), |disk, sector, within, done, count| {
            let bytes = disk.sectors.entry(sector).or_insert([0; SECTOR as usize]);
            bytes[within..within + count].copy_from_slice(&data[done..done + count]);
            if bytes.iter().all(|byte| *byte == 0) {
                disk.sectors.remove(&sector);
            }
        });
        Ok(())
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        if class == Class::Entry {
            self.held = 0;
        }
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        self.held > 200
    }
}

/// The intact volumes, with some files and directories each.
fn intact(kind: usize) -> Sparse {
    static INTACT: OnceLock<Vec<Sparse>> = OnceLock::new();
    INTACT
        .get_or_init(|| KINDS.iter().map(|(kind, size, cluster)| populated(*kind, *size, *cluster)).collect())
        [kind]
        .clone()
}

fn populated(kind: FatKind, size: u64, cluster: u32) -> Sparse {
    let mut disk = Sparse::new(size);
    let wanted = Format { kind: Some(kind), cluster: Some(cluster), label: "fuzz", ..Format::default() };
    format(&mut disk, &wanted).expect("there are such volumes");
    let mut volume = Volume::mount(disk, false).expect("it was just made");
    let mut directory = volume.root();
    for name in NAMES {
        let node = volume.create(directory, name, Kind::File, 1).expect("there is room");
        let mut open = volume.open(node).expect("it was just made");
        volume.write(&mut open, 0, &[name.len() as u8; 3000], 1).expect("there is room");
        volume.close(open).expect("it is closed");
        if name.len() > 4 {
            let name = format!("{name}.directory");
            directory = volume.create(directory, &name, Kind::Directory, 1).expect("there is room");
        }
    }
    volume.finish().expect("it is written");
    let mut disk = volume.into_storage();
    disk.accesses = 0;
    disk
}

const NAMES: [&str; 6] = ["a", "b.txt", "a long name.text", "Ж", "another long name of more parts.text", "c"];

/// One byte says which volume. Then each four bytes are damage, until one says that it is over; the rest is what is done.
pub fn run(data: &[u8]) {
    let input = Input::new(data);
    let mut disk = intact(input.below(KINDS.len()));
    while !input.is_empty() && damage(&input, &mut disk) {}
    if input.byte() & 1 == 1 {
        // Half a volume, and less.
        disk.size = disk.size * u64::from(input.byte()) / 256 / SECTOR * SECTOR;
        disk.sectors.retain(|sector, _| (sector + 1) * SECTOR <= disk.size);
    }
    if let Ok(table) = partitions(&mut disk) {
        assert!(table.partitions.len() <= 16);
        assert!(
            table.partitions.iter().all(|one| one.at + one.size <= disk.size && one.size > 0),
            "{table:?}"
        );
    }
    disk.accesses = 0;
    let read_only = input.byte() & 7 == 7;
    let Ok(mut volume) = Volume::mount(disk, read_only) else { return };
    for _ in 0..40 {
        if input.is_empty() {
            break;
        }
        // An error is as good as an answer.
        let _ = operation(&input, &mut volume);
        volume.storage().accesses = 0;
    }
    let _ = volume.finish();
    volume.storage().accesses = 0;
    let _ = volume.statistics();
}

/// Damages one place; whether there is more to come.
fn damage(input: &Input, disk: &mut Sparse) -> bool {
    let kind = input.byte();
    // Everything that is not zeros is the boot sector, a table, a directory or content, in this order.
    let index = input.below(disk.sectors.len().max(1));
    let Some((_, bytes)) = disk.sectors.iter_mut().nth(if kind & 8 == 0 { index % 16 } else { index }) else {
        return false;
    };
    match kind & 7 {
        0 => return false,
        // A field of the boot sector.
        1 => bytes[11 + input.below(60)] = input.byte(),
        // An entry of a table, of 16 bits.
        2 => {
            let at = input.below(256) * 2;
            bytes[at..at + 2].copy_from_slice(&input.bytes::<2>());
        }
        // The same, small: it leads to another cluster.
        3 => bytes[input.below(512)] = input.byte(),
        // The first cluster of a directory entry, and its size.
        4 => bytes[input.below(16) * 32 + 26] = input.byte(),
        5 => {
            let at = input.below(16) * 32 + 28;
            bytes[at..at + 4].copy_from_slice(&input.bytes::<4>());
        }
        // Its kind, and its name.
        6 => bytes[input.below(16) * 32 + 11] = input.byte(),
        _ => bytes[input.below(16) * 32 + input.below(11)] = input.byte(),
    }
    true
}

/// Does something to a volume.
fn operation(input: &Input, volume: &mut Volume<Sparse>) -> Result<(), Error> {
    let kind = input.byte();
    let directory = directory(input, volume)?;
    let name = name(input, volume, directory)?;
    match kind % 10 {
        0 => _ = volume.create(directory, &name, Kind::File, 1)?,
        1 => _ = volume.create(directory, &name, Kind::Directory, 1)?,
        2 => volume.remove(directory, &name)?,
        3 => {
            let to = self::directory(input, volume)?;
            let other = self::name(input, volume, to)?;
            volume.rename((directory, &name), (to, &other), 1)?;
        }
        4 => volume.sync()?,
        5 => drop(volume.statistics()?),
        6 => list(volume, directory)?,
        other => {
            let node = volume.lookup(directory, &name)?;
            let mut open = volume.open(node)?;
            let at = u64::from(input.value::<u16>());
            let result = match other {
                7 => volume.read(&mut open, at, &mut [0; 9000]).map(drop),
                8 if open.size() < SIZE_MAX => volume.write(&mut open, at, &[1; 3000], 1).map(drop),
                _ => volume.resize(&mut open, at, 1),
            };
            if let Ok(Some(extent)) = volume.extent(&mut open, at) {
                let end = extent.at + extent.length;
                assert!(
                    extent.length > 0 && extent.at >= SECTOR && end <= volume.storage().size,
                    "{extent:?}"
                );
            }
            volume.close(open)?;
            result?;
        }
    }
    Ok(())
}

/// The root, or a directory in it or further down.
fn directory(input: &Input, volume: &mut Volume<Sparse>) -> Result<Node, Error> {
    let mut node = volume.root();
    for _ in 0..input.below(4) {
        let mut open = volume.open(node)?;
        let (mut position, mut name) = (0, String::new());
        while let Some((next, entry)) = volume.entry(&mut open, position, &mut name)? {
            position = next;
            if entry.attributes.kind == Kind::Directory {
                node = entry.node;
                break;
            }
        }
    }
    Ok(node)
}

/// A name: of the few, of what is there, or any.
fn name(input: &Input, volume: &mut Volume<Sparse>, directory: Node) -> Result<String, Error> {
    let which = input.below(16);
    if let Some(name) = NAMES.get(which) {
        return Ok((*name).to_owned());
    }
    let mut name = input.text(20);
    if which >= 8 {
        let mut open = volume.open(directory)?;
        let mut position = 0;
        for _ in 8..=which {
            let Some((next, _)) = volume.entry(&mut open, position, &mut name)? else { break };
            position = next;
        }
    }
    Ok(name)
}

/// Lists a directory to its end; each name leads to something.
fn list(volume: &mut Volume<Sparse>, directory: Node) -> Result<(), Error> {
    let mut open = volume.open(directory)?;
    let (mut position, mut name) = (0, String::new());
    while let Some((next, _)) = volume.entry(&mut open, position, &mut name)? {
        assert!(next > position && !name.is_empty() && name.encode_utf16().count() <= 255, "{name:?}");
        assert!(!name.contains(['/', '\0']) && name != "." && name != "..", "{name:?}");
        position = next;
    }
    volume.storage().accesses = 0;
    volume.lookup(directory, &name).map(drop)
}
