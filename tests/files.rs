//! Random commands at the shell, and random operations of a program, change a disk as they would change a tree of files: fsck.fat
//! and mtools agree in the end.

use std::collections::BTreeMap;

use system_tests::disks::{Image, Scheme, Tree, assert_same, noise};
use system_tests::online::long;
use system_tests::{Disk, DiskOptions, Interface, MachineOptions, Profile, System, built};

/// What is done, decided by bytes that look random.
struct Random(std::vec::IntoIter<u8>);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        let mut byte = || usize::from(self.0.next().expect("there are enough"));
        (byte() << 8 | byte()) % limit.max(1)
    }

    /// One of those that `wanted` chooses.
    fn one(&mut self, tree: &Tree, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let found: Vec<_> = tree.keys().filter(|name| wanted(name)).collect();
        (!found.is_empty()).then(|| found[self.below(found.len())].clone())
    }

    /// A directory, with `/` at its end; empty for the root.
    fn directory(&mut self, tree: &Tree) -> String {
        if self.below(3) == 0 { String::new() } else { self.one(tree, is_directory).unwrap_or_default() }
    }

    fn name(&mut self) -> String {
        let names = [
            "a",
            "readme.txt",
            "LOUD.TXT",
            "a-name-that-is-longer-than-eight.text",
            "\u{e9}t\u{e9}",
            "x.y.z",
        ];
        format!("{}{}", self.below(30), names[self.below(names.len())])
    }
}

fn is_directory(name: &str) -> bool {
    name.ends_with('/')
}

/// Whether something has the name already, in any case.
fn is_taken(tree: &Tree, path: &str) -> bool {
    let path = path.to_lowercase();
    tree.keys().any(|name| name.trim_end_matches('/').to_lowercase() == path)
}

/// A command, done to the tree as well; nothing if it cannot be done here.
fn step(random: &mut Random, tree: &mut Tree) -> Option<String> {
    let file = |random: &mut Random, tree: &Tree| random.one(tree, |name| !is_directory(name));
    let at = |path: &str| format!("/mnt/disk0/{path}");
    let kind = random.below(10);
    let new = format!("{}{}", random.directory(tree), random.name());
    match kind {
        0..=2 if !is_taken(tree, &new) => {
            let text = format!("text-{}", random.below(60_000));
            tree.insert(new.clone(), format!("{text}\n").into_bytes());
            Some(format!("echo {text} > {}", at(&new)))
        }
        3 => {
            let old = file(random, tree)?;
            tree.get_mut(&old)?.extend(b"more\n");
            Some(format!("echo more >> {}", at(&old)))
        }
        4 if !is_taken(tree, &new) => {
            tree.insert(format!("{new}/"), Vec::new());
            Some(format!("mkdir {}", at(&new)))
        }
        5 | 6 if !is_taken(tree, &new) => {
            let old = file(random, tree)?;
            tree.insert(new.clone(), tree[&old].clone());
            Some(format!("cp {} {}", at(&old), at(&new)))
        }
        7 | 8 if !is_taken(tree, &new) => {
            let old = file(random, tree)?;
            let content = tree.remove(&old)?;
            tree.insert(new.clone(), content);
            Some(format!("mv {} {}", at(&old), at(&new)))
        }
        9 if random.below(4) == 0 => {
            let old = random.one(tree, is_directory)?;
            tree.retain(|name, _| !name.starts_with(&old));
            Some(format!("rm -r {}", at(old.trim_end_matches('/'))))
        }
        9 => {
            let old = file(random, tree)?;
            tree.remove(&old);
            Some(format!("rm {}", at(&old)))
        }
        _ => None,
    }
}

fn random_commands(seed: u64, bits: u32, mebibytes: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let image = Image::new(folder.path().join("disk.img"), mebibytes, bits, 1, Scheme::Bare);
    let disks = DiskOptions { disks: vec![Disk::new(&image.file, Interface::Virtio)], fstab: None };
    let machine = MachineOptions { disks, ..MachineOptions::default() };
    let mut system = System::boot_build(&built(Profile::Release), &machine);
    system.succeed("ls /mnt/disk0");
    let steps = if long() { 600 } else { 80 };
    let mut random = Random(noise(seed, steps * 32).into_iter());
    let mut tree = Tree::new();
    for _ in 0..steps {
        if let Some(command) = step(&mut random, &mut tree) {
            system.succeed(&command);
        }
    }
    assert!(tree.len() > 5, "too little was done: {tree:?}");
    system.succeed("umount /mnt/disk0");
    system.halt();
    image.check();
    assert_same(&image.tree(), &tree);
}

#[test]
fn random_commands_leave_a_tree_that_others_read() {
    let seeds = if long() { 10 } else { 1 };
    for seed in 1..=seeds {
        println!("seed {seed}");
        random_commands(seed, 12, 1);
        random_commands(seed + 100, 32, 40);
    }
}

/// Volumes of all widths: bits, and MiB. The first one gets full.
const VOLUMES: [(u32, u64); 3] = [(12, 1), (16, 5), (32, 36)];

/// What the program `fstest` says is there: sizes and checksums in place of contents.
fn told(printed: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for line in printed.lines().filter_map(|line| line.strip_prefix("fstest: ")) {
        if let Some(path) = line.strip_prefix("directory ") {
            all.insert(format!("{path}/"), String::new());
        } else if let [size, sum, path] = line.splitn(3, ' ').collect::<Vec<_>>()[..]
            && sum.len() == 16
        {
            all.insert(path.into(), format!("{size} {sum}"));
        }
    }
    all
}

/// The same of what mtools has read.
fn seen(tree: &Tree) -> BTreeMap<String, String> {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let sum = |content: &[u8]| content.iter().fold(0xcbf2_9ce4_8422_2325, step);
    let text = |content: &[u8]| format!("{} {:016x}", content.len(), sum(content));
    let text = |name: &str, content: &[u8]| if is_directory(name) { String::new() } else { text(content) };
    tree.iter().map(|(name, content)| (name.clone(), text(name, content))).collect()
}

/// A program does random things through the library, and compares each answer with its model; then mtools reads what its
/// model has.
fn random_operations(interface: Interface, seed: u64, operations: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let image = |(bits, mebibytes): (u32, u64)| {
        Image::new(folder.path().join(format!("{bits}.img")), mebibytes, bits, 1, Scheme::Bare)
    };
    let images = VOLUMES.map(image);
    let disks = images.iter().map(|image| Disk::new(&image.file, interface)).collect();
    let disks = DiskOptions { disks, fstab: None };
    let machine = MachineOptions { disks, ..MachineOptions::default() };
    let mut system = System::boot_build(&built(Profile::Release), &machine);
    let mut expected = Vec::new();
    for (number, (bits, _)) in VOLUMES.into_iter().enumerate() {
        let seed = seed * 10 + number as u64;
        system.succeed(&format!("ls /mnt/disk{number}"));
        let printed = system.succeed(&format!("fstest {seed} {operations} /mnt/disk{number}/t"));
        let summary = printed.lines().last().unwrap_or_default();
        let mut told = told(&printed);
        println!("{interface:?}, FAT{bits}, seed {seed}: {summary}, {} paths", told.len());
        assert!(told.len() > 10, "too little was done:\n{printed}");
        told.insert("t/".into(), String::new());
        expected.push(told);
        system.succeed(&format!("umount /mnt/disk{number}"));
    }
    system.halt();
    for (image, expected) in images.iter().zip(expected) {
        image.check();
        assert_eq!(seen(&image.tree()), expected);
    }
}

fn random_operations_are_right(interface: Interface, first_seed: u64) {
    let (seeds, operations) = if long() { (4, 4000) } else { (1, 1500) };
    for seed in first_seed..first_seed + seeds {
        random_operations(interface, seed, operations);
    }
}

#[test]
fn random_operations_on_virtio_disks_are_right() {
    random_operations_are_right(Interface::Virtio, 1);
}

#[test]
fn random_operations_on_ide_disks_are_right() {
    random_operations_are_right(Interface::Ide, 101);
}
