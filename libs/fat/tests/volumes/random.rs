//! Random operations against the model; then `fsck.fat` and mtools look at the result.

use std::path::Path;

use fat::{FatKind, Format, Volume, format};

use crate::disk::Memory;
use crate::model::{Pair, Tree, compare, read_tree};
use crate::programs::{check, dosfstools, mtools, run};

/// A new volume in memory. One of FAT32 that is smaller than the specification allows is made by `mkfs.fat`, which every
/// system but mtools takes: with it tests are quick.
pub fn volume(size: usize, wanted: &Format<'_>) -> Memory {
    let mut memory = Memory::new(size);
    if is_small(size, wanted) {
        let image = tempfile::NamedTempFile::new().expect("there is room");
        image.as_file().set_len(size as u64).expect("there is room");
        let sectors = (wanted.cluster.expect("it is given") / wanted.sector).to_string();
        let mut command = dosfstools("mkfs.fat");
        command.args(["-F", "32", "-s", &sectors, "-S", &wanted.sector.to_string()]).arg(image.path());
        run(&mut command);
        return Memory::of(std::fs::read(image.path()).expect("it was just made"));
    }
    format(&mut memory, wanted).unwrap_or_else(|error| panic!("{wanted:?} with {size} bytes: {error}"));
    memory
}

fn is_small(size: usize, wanted: &Format<'_>) -> bool {
    wanted.kind == Some(FatKind::Fat32) && size < 33 << 20
}

/// Kinds of volumes: size, kind, cluster, sector.
const SHAPES: [(usize, FatKind, u32, u32); 9] = [
    (200 << 10, FatKind::Fat12, 512, 512),
    (1 << 20, FatKind::Fat12, 4096, 512),
    (4 << 20, FatKind::Fat12, 2048, 2048),
    (3 << 20, FatKind::Fat16, 512, 512),
    (20 << 20, FatKind::Fat16, 4096, 512),
    (2 << 20, FatKind::Fat32, 512, 512),
    (34 << 20, FatKind::Fat32, 512, 512),
    (8 << 20, FatKind::Fat32, 4096, 4096),
    (40 << 20, FatKind::Fat32, 512, 512),
];

fn random_operations(seed: u64, steps: usize, folder: &Path) {
    let (size, kind, cluster, sector) = SHAPES[seed as usize % SHAPES.len()];
    let what = format!("seed {seed}, {} with clusters of {cluster}", kind.name());
    let wanted =
        Format { kind: Some(kind), cluster: Some(cluster), sector, label: "Test", ..Format::default() };
    let mut memory = volume(size, &wanted);
    memory.room = if seed.is_multiple_of(2) { 100 } else { usize::MAX };
    let longest = if seed.is_multiple_of(3) { size / 3 } else { 40_000 };
    let mut pair =
        Pair::new(Volume::mount(memory, false).expect("it was just made"), Tree::new(), seed, longest);
    for round in 0..4 {
        for _ in 0..steps / 4 {
            pair.step().unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        pair.finish().unwrap_or_else(|error| panic!("{what}: {error}"));
        let Pair { volume, tree, .. } = pair;
        let memory = volume.into_storage();
        let image = folder.join(format!("random-{seed}"));
        std::fs::write(&image, &memory.bytes).expect("it can be written");
        check(&image, &what);
        if round == 3 && !is_small(size, &wanted) {
            mtools_reads(&image, &tree, &what);
        }
        std::fs::remove_file(&image).expect("it was just written");
        let mut volume = Volume::mount(memory, false).expect("it was mounted before");
        assert!(volume.was_clean(), "{what}");
        compare(&read_tree(&mut volume).expect("it can be read"), &tree, &what);
        let counted = volume.statistics().expect("it can be read").free;
        let mut volume = Volume::mount(volume.into_storage(), false).expect("it was mounted before");
        assert_eq!(volume.statistics().expect("it can be read").free, counted, "{what}");
        pair = Pair::new(volume, tree, seed * 1000 + round + 1, longest);
    }
}

/// What mtools copies out of an image is the tree.
fn mtools_reads(image: &Path, tree: &Tree, what: &str) {
    let target = tempfile::tempdir().expect("there is room");
    if tree.is_empty() {
        return;
    }
    run(mtools("mcopy").arg("-s").arg("-n").arg("-i").arg(image).arg("::/*").arg(target.path()));
    for (path, item) in tree {
        // Characters of more than 16 bits are beyond mtools.
        let names = (1..=path.len()).map(|end| tree[&path[..end]].name.as_str());
        if names.clone().any(|name| name.contains('🦀')) {
            continue;
        }
        let copy = names.fold(target.path().to_path_buf(), |folder, name| folder.join(name));
        match &item.content {
            None => assert!(copy.is_dir(), "{what}: mcopy has not made {}", copy.display()),
            Some(content) => {
                let bytes = std::fs::read(&copy)
                    .unwrap_or_else(|error| panic!("{what}: {}: {error}", copy.display()));
                assert!(bytes == *content, "{what}: mcopy reads {path:?} otherwise");
            }
        }
    }
}

#[test]
fn random_operations_do_what_the_model_does() {
    let folder = tempfile::tempdir().expect("there is room");
    let (seeds, steps) = if crate::long() { (2000, 2000) } else { (48, 400) };
    std::thread::scope(|scope| {
        for half in 0..2 {
            let folder = folder.path();
            scope.spawn(move || {
                (half..seeds).step_by(2).for_each(|seed| random_operations(seed, steps, folder))
            });
        }
    });
}
