//! Images made by `mkfs.fat` and filled by mtools are read file by file.

use std::path::Path;
use std::process::Command;

use fat::{Error, FatKind, Kind, Volume};

use crate::disk::Memory;
use crate::model::{Item, Tree, compare, key, read_tree};
use crate::programs::{check, dosfstools, mtools, run};

/// Kind for `mkfs.fat`, size, sectors in a cluster, bytes in a sector, what it should be.
const SHAPES: [(&str, usize, u32, u32, FatKind); 12] = [
    ("12", 160 << 10, 1, 512, FatKind::Fat12),
    ("12", 1440 << 10, 1, 512, FatKind::Fat12),
    ("12", 4 << 20, 8, 512, FatKind::Fat12),
    ("12", 16 << 20, 64, 512, FatKind::Fat12),
    ("12", 8 << 20, 1, 4096, FatKind::Fat12),
    ("16", 3 << 20, 1, 512, FatKind::Fat16),
    ("16", 16 << 20, 4, 512, FatKind::Fat16),
    ("16", 40 << 20, 16, 512, FatKind::Fat16),
    ("16", 18 << 20, 1, 4096, FatKind::Fat16),
    ("32", 35 << 20, 1, 512, FatKind::Fat32),
    ("32", 70 << 20, 2, 512, FatKind::Fat32),
    ("32", 300 << 20, 8, 512, FatKind::Fat32),
];

/// Empty, some, nearly full.
const FILLS: [usize; 3] = [0, 30, 95];

fn directory(tree: &mut Tree, names: &[&str]) {
    let path = names.iter().map(|name| key(name)).collect();
    tree.insert(path, Item { name: names[names.len() - 1].into(), content: None });
}

/// Files of all sizes, in directories in directories, up to a part of the volume.
fn files(random: &mut fastrand::Rng, room: usize, cluster: usize) -> Tree {
    let mut tree = Tree::new();
    let folders: [&[&str]; 4] =
        [&["Photos of the year"], &["sub"], &["sub", "deeper"], &["sub", "deeper", "Größe"]];
    folders.iter().for_each(|names| directory(&mut tree, names));
    let mut left = room;
    for number in 0..60 {
        let wish = *random
            .choice(&[0, 1, cluster - 1, cluster, cluster + 1, 100_000, room / 12])
            .expect("there are some");
        let size = wish.min(left.saturating_sub(cluster));
        left -= size.next_multiple_of(cluster).min(left);
        let name = match number % 4 {
            0 => format!("FILE{number}.BIN"),
            1 => format!("file{number}.txt"),
            2 => format!("A file with a long name, number {number}.data"),
            _ => format!("Übergröße Ж {number}"),
        };
        let mut path: Vec<String> = match random.usize(0..=folders.len()) {
            0 => Vec::new(),
            folder => folders[folder - 1].iter().map(|name| key(name)).collect(),
        };
        path.push(key(&name));
        let content = (0..size).map(|_| random.u8(..)).collect();
        tree.insert(path, Item { name, content: Some(content) });
    }
    tree
}

/// Copies a tree into an image, in an order and with removals that leave holes.
fn populate(image: &Path, tree: &Tree, holes: usize) {
    let source = tempfile::tempdir().expect("there is room");
    let filler = source.path().join("filler");
    std::fs::write(&filler, vec![7; holes]).expect("there is room");
    let command = |name: &str| {
        let mut command = mtools(name);
        command.arg("-i").arg(image);
        command
    };
    let filler_at = |number: usize| format!("::/filler{number}");
    let mut fillers = 0;
    for (number, (path, item)) in tree.iter().enumerate() {
        let names: Vec<_> = (1..=path.len()).map(|end| tree[&path[..end]].name.as_str()).collect();
        let target = format!("::/{}", names.join("/"));
        match &item.content {
            None => drop(run(command("mmd").arg(target))),
            Some(content) => {
                let file = source.path().join("file");
                std::fs::write(&file, content).expect("there is room");
                run(command("mcopy").arg(&file).arg(target));
            }
        }
        if number % 8 == 0 && holes > 0 {
            run(command("mcopy").arg(&filler).arg(filler_at(fillers)));
            fillers += 1;
        }
        if fillers > 1 && number % 8 == 4 {
            run(command("mdel").arg(filler_at(fillers - 2)));
        }
    }
    if fillers > 0 {
        run(command("mdel").arg(filler_at(fillers - 1)));
    }
}

fn image_is_read(shape: &(&str, usize, u32, u32, FatKind), fill: usize, folder: &Path) {
    let (kind, size, cluster, sector, expected) = *shape;
    let what = format!("FAT{kind}, {size} bytes, {cluster} sectors of {sector} in a cluster, {fill} % full");
    let image = folder.join(what.replace([' ', ',', '%'], "_"));
    std::fs::File::create(&image).and_then(|file| file.set_len(size as u64)).expect("there is room");
    let mut mkfs: Command = dosfstools("mkfs.fat");
    mkfs.args(["-F", kind, "-s", &cluster.to_string(), "-S", &sector.to_string(), "-n", "SOME NAME"]);
    run(mkfs.arg(&image));
    let mut random = fastrand::Rng::with_seed(size as u64 + fill as u64);
    let cluster = (cluster * sector) as usize;
    // Large volumes are not filled: that takes long, and tells nothing new.
    let room = (size / 100 * fill).min(6 << 20).saturating_sub(64 * cluster);
    let tree = if fill == 0 { Tree::new() } else { files(&mut random, room / 2, cluster) };
    populate(&image, &tree, if fill == 0 { 0 } else { (room / 16).min(3 * cluster) });
    let mut bytes = std::fs::read(&image).expect("it was just made");
    bytes.truncate(size);
    let mut volume =
        Volume::mount(Memory::of(bytes), false).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(volume.kind(), expected, "{what}");
    compare(&read_tree(&mut volume).unwrap_or_else(|error| panic!("{what}: {error}")), &tree, &what);
    assert_eq!(volume.statistics().expect("it is read").label, "SOME NAME", "{what}");
    // Fill what is left, so that the new file lies in all holes.
    let free = volume.statistics().expect("it is read").free;
    let root = volume.root();
    let node = volume.create(root, "the rest", Kind::File, 1_790_000_000_000).expect("there is room");
    let mut open = volume.open(node).expect("it was just made");
    let data: Vec<u8> = (0..free.min(8 << 20) as usize).map(|at| (at / 7) as u8).collect();
    assert_eq!(volume.write(&mut open, 0, &data, 1), Ok(data.len()), "{what}");
    if free <= 8 << 20 {
        assert_eq!(volume.write(&mut open, data.len() as u64, &[1], 1), Err(Error::NoSpace), "{what}");
    }
    volume.close(open).expect("it is closed");
    volume.finish().expect("it is written");
    std::fs::write(&image, volume.into_storage().bytes).expect("there is room");
    check(&image, &what);
    let copy = folder.join("copy").with_extension(fill.to_string() + kind + &size.to_string());
    run(mtools("mcopy").arg("-n").arg("-i").arg(&image).arg("::/the rest").arg(&copy));
    assert!(std::fs::read(&copy).expect("it was copied") == data, "{what}: mcopy reads otherwise");
    [image, copy].iter().for_each(|file| std::fs::remove_file(file).expect("it is there"));
}

#[test]
fn images_of_the_usual_tools_are_read_and_written() {
    let folder = tempfile::tempdir().expect("there is room");
    let cases: Vec<_> =
        SHAPES.iter().flat_map(|shape| FILLS.iter().map(move |fill| (shape, *fill))).collect();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (cases, folder) = (&cases, folder.path());
            scope.spawn(move || {
                cases
                    .iter()
                    .skip(half)
                    .step_by(2)
                    .for_each(|(shape, fill)| image_is_read(shape, *fill, folder));
            });
        }
    });
}
