//! The power goes at a random write. After `fsck.fat -a` everything that had been synced is there.

use std::path::Path as FilePath;

use fat::{Error, FatKind, Format, Volume};

use crate::disk::{Frail, Memory};
use crate::model::{Pair, Path, Tree, read_tree};
use crate::programs::{check, repair};
use crate::random::volume;

const SHAPES: [(usize, FatKind, u32); 5] = [
    (160 << 10, FatKind::Fat12, 512),
    (600 << 10, FatKind::Fat12, 2048),
    (2300 << 10, FatKind::Fat16, 512),
    (400 << 10, FatKind::Fat32, 512),
    (1 << 20, FatKind::Fat32, 1024),
];

/// What is known to be on the medium, and what was done since.
struct Synced {
    tree: Tree,
    touched: Vec<Path>,
    renamed: Vec<(Path, Path)>,
}

fn until_the_power_goes(seed: u64) -> (Vec<u8>, Synced) {
    let (size, kind, cluster) = SHAPES[seed as usize % SHAPES.len()];
    let memory = volume(size, &Format { kind: Some(kind), cluster: Some(cluster), ..Format::default() });
    let mut frail = Frail::new(memory.bytes, seed);
    let mut random = fastrand::Rng::with_seed(!seed);
    if random.bool() {
        frail.outs = random.u64(1..150);
    } else {
        frail.writes = random.u64(1..3000);
    }
    let mut pair =
        Pair::new(Volume::mount(frail, false).expect("it was just made"), Tree::new(), seed, 12_000);
    let mut synced = Synced { tree: Tree::new(), touched: Vec::new(), renamed: Vec::new() };
    loop {
        let mut result = pair.step();
        if result.is_ok() && random.u8(..20) == 0 {
            result = if random.u8(..4) == 0 { pair.finish() } else { pair.volume.sync() };
            if result.is_ok() {
                synced.tree = pair.tree.clone();
                pair.touched.clear();
                pair.renamed.clear();
            }
        }
        if let Err(error) = result {
            assert_eq!(error, Error::InputOutput);
            (synced.touched, synced.renamed) = (pair.touched, pair.renamed);
            return (pair.volume.into_storage().medium, synced);
        }
    }
}

fn power_cut(seed: u64, folder: &FilePath) {
    let (medium, synced) = until_the_power_goes(seed);
    let what = format!("seed {seed}");
    let image = folder.join(format!("power-{seed}"));
    std::fs::write(&image, &medium).expect("it can be written");
    let said = repair(&image, &what);
    check(&image, &what);
    let bytes = std::fs::read(&image).expect("it was just written");
    std::fs::remove_file(&image).expect("it was just written");
    let mut volume =
        Volume::mount(Memory::of(bytes), false).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = read_tree(&mut volume).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (path, item) in &synced.tree {
        let is_touched = |path: &Path| synced.touched.iter().any(|touched| path.starts_with(touched));
        if !is_touched(path) {
            assert!(
                found.get(path) == Some(item),
                "{what}: {path:?} is lost or damaged; fsck.fat said:\n{said}"
            );
        }
        // Nothing else was done to it than to rename it: it has one name or the other.
        let mut renamed = synced.renamed.iter().filter(|(from, _)| from == path);
        if let (Some((_, to)), None) = (renamed.next(), renamed.next())
            && synced.touched.iter().filter(|touched| path.starts_with(touched)).count() == 1
            && synced.touched.iter().filter(|touched| to.starts_with(touched)).count() == 1
            && item.content.is_some()
        {
            let is_there = |path: &Path| found.get(path).is_some_and(|other| other.content == item.content);
            assert!(is_there(path) || is_there(to), "{what}: {path:?} and {to:?}; fsck.fat said:\n{said}");
        }
    }
}

#[test]
fn what_was_synced_survives_a_power_cut() {
    let folder = tempfile::tempdir().expect("there is room");
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = match first {
        Some(seed) => seed..seed + 1,
        None => 0..if crate::long() { 100_000 } else { 1000 },
    };
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (folder, seeds) = (folder.path(), seeds.clone());
            scope.spawn(move || seeds.skip(half).step_by(2).for_each(|seed| power_cut(seed, folder)));
        }
    });
}
