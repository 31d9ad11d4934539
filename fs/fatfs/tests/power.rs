//! The machine stops at a random write of the file server. After `fsck.fat -a` everything that had been synced is there, and
//! nothing else is damaged.

mod support;

use fat::{Kind, Node, Volume};
use interfaces::fs::{APPEND, CREATE, Client, WRITE};
use ipc::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::server::{Image, forget_disk, mount, new_disk, programs, system, with_file};

/// Runs.
const SEEDS: u64 = 1000;

/// Paths, and the content of those that are files.
type Tree = BTreeMap<String, Option<Vec<u8>>>;

const NAMES: [&str; 7] =
    ["a", "B.TXT", "a long name, and more.text", "Straße", "another name that is long.text", "c", "Файл"];

/// A client, what it has made, and what is known to be on the medium.
struct Work {
    client: Client,
    random: fastrand::Rng,
    tree: Tree,
    synced: Tree,
    /// Paths of which since then anything may be on the medium.
    touched: BTreeSet<String>,
    /// Files that were appended to since then.
    grown: BTreeSet<String>,
    renamed: Vec<(String, String)>,
}

fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Work {
    fn new(client: Client, seed: u64) -> Self {
        let (tree, synced, touched, grown) = Default::default();
        let random = fastrand::Rng::with_seed(seed);
        Self { client, random, tree, synced, touched, grown, renamed: Vec::new() }
    }

    /// A path in one of the directories.
    fn path(&mut self) -> String {
        let directories = self.tree.iter().filter(|(_, item)| item.is_none()).map(|(path, _)| path.as_str());
        let directories: Vec<_> = directories.chain([""]).collect();
        let directory = directories[self.random.usize(..directories.len())];
        format!("{directory}/{}", NAMES[self.random.usize(..NAMES.len())])
    }

    /// A path of something that is there.
    fn any(&mut self) -> Option<String> {
        let count = self.tree.len();
        (count > 0).then(|| self.tree.keys().nth(self.random.usize(..count)).unwrap().clone())
    }

    fn file(&mut self) -> Option<String> {
        self.any().filter(|path| self.tree[path].is_some())
    }

    fn data(&mut self) -> Vec<u8> {
        let (length, byte) = (self.random.usize(1..12_000), self.random.u8(..));
        (0..length).map(|index| byte.wrapping_add((index / 5) as u8)).collect()
    }

    /// Something random. There may be no space for it.
    fn step(&mut self) {
        let result = match self.random.u8(..20) {
            0..4 => self.write(),
            4..10 => self.append(),
            10..12 => self.resize(),
            12..14 => self.remove(),
            14..17 => self.rename(),
            17 => self.make_directory(),
            _ => {
                // So long, now and then, that what was changed is written without being asked for.
                resea::sleep(Duration::from_millis(self.random.u64(..7000)));
                Ok(())
            }
        };
        assert!(matches!(result, Ok(()) | Err(Error::NoSpace)), "{result:?}");
    }

    fn write(&mut self) -> Result<(), Error> {
        let (path, data) = (self.path(), self.data());
        if self.tree.get(&path).is_some_and(Option::is_none) {
            return Ok(());
        }
        self.touched.insert(path.clone());
        let file = self.client.open(&path, CREATE | WRITE)?;
        let content = self.tree.entry(path).or_insert_with(|| Some(Vec::new())).as_mut().unwrap();
        let offset = self.random.usize(..=content.len() + 3000);
        let done = self.client.write(file, offset as u64, &data);
        if let Ok(done) = done {
            content.resize(content.len().max(offset + done.written), 0);
            content[offset..offset + done.written].copy_from_slice(&data[..done.written]);
        }
        self.client.close(file)?;
        done.map(drop)
    }

    fn append(&mut self) -> Result<(), Error> {
        let (Some(path), data) = (self.file(), self.data()) else { return Ok(()) };
        let file = self.client.open(&path, WRITE | APPEND)?;
        let done = self.client.write(file, 0, &data);
        if let Ok(done) = done {
            self.tree.get_mut(&path).unwrap().as_mut().unwrap().extend(&data[..done.written]);
        }
        self.client.close(file)?;
        self.grown.insert(path);
        done.map(drop)
    }

    fn resize(&mut self) -> Result<(), Error> {
        let Some(path) = self.file() else { return Ok(()) };
        self.touched.insert(path.clone());
        let content = self.tree.get_mut(&path).unwrap().as_mut().unwrap();
        let size = if self.random.bool() { 0 } else { self.random.usize(..=content.len() + 3000) };
        let file = self.client.open(&path, WRITE)?;
        let done = self.client.resize(file, size as u64);
        if done.is_ok() {
            content.resize(size, 0);
        }
        self.client.close(file)?;
        done
    }

    fn remove(&mut self) -> Result<(), Error> {
        let Some(path) = self.any() else { return Ok(()) };
        self.touched.insert(path.clone());
        let result = match self.tree[&path] {
            Some(_) => self.client.remove(&path),
            None => self.client.remove_directory(&path),
        };
        match result {
            Err(Error::NotEmpty) if self.tree.keys().any(|other| *other != path && is_in(other, &path)) => {}
            result => {
                assert_eq!(result, Ok(()), "{path}");
                self.tree.remove(&path);
            }
        }
        Ok(())
    }

    fn rename(&mut self) -> Result<(), Error> {
        let (Some(from), to) = (self.any(), self.path()) else { return Ok(()) };
        let is_file = |item: Option<&Option<Vec<u8>>>| item.is_none_or(|item| item.is_some());
        let both_files = is_file(self.tree.get(&from)) && is_file(self.tree.get(&to));
        if is_in(&to, &from) || self.tree.contains_key(&to) && !both_files {
            return Ok(());
        }
        self.touched.extend([from.clone(), to.clone()]);
        self.client.rename(&from, &to)?;
        self.renamed.push((from.clone(), to.clone()));
        let moved: Vec<_> = self.tree.keys().filter(|path| is_in(path, &from)).cloned().collect();
        for path in moved {
            let item = self.tree.remove(&path).unwrap();
            self.tree.insert([&to, &path[from.len()..]].concat(), item);
        }
        Ok(())
    }

    fn make_directory(&mut self) -> Result<(), Error> {
        let path = self.path();
        if self.tree.contains_key(&path) || path.matches('/').count() > 3 {
            return Ok(());
        }
        self.touched.insert(path.clone());
        self.client.make_directory(&path)?;
        self.tree.insert(path, None);
        Ok(())
    }

    fn synced(&mut self) {
        self.synced = self.tree.clone();
        (self.touched, self.grown, self.renamed) = Default::default();
    }

    fn is_touched(&self, path: &str) -> bool {
        self.touched.iter().any(|touched| is_in(path, touched))
    }

    /// Compares with what is on the medium: what is wrong with that.
    fn check(&self, found: &Tree) -> Result<(), String> {
        for (path, item) in self.synced.iter().filter(|(path, _)| !self.is_touched(path)) {
            match (item, found.get(path), self.tree.get(path)) {
                (Some(before), Some(Some(now)), Some(Some(last))) if self.grown.contains(path) => {
                    if !now.starts_with(before) {
                        return Err(format!("{path} has lost what was synced"));
                    }
                    if !last.starts_with(now) {
                        return Err(format!("{path} has what was never written"));
                    }
                }
                (_, now, _) if now == Some(item) => {}
                _ => return Err(format!("{path} is lost or damaged")),
            }
        }
        for (from, to) in &self.renamed {
            let Some(Some(content)) = self.synced.get(from).filter(|_| self.is_only_renamed(from, to)) else {
                continue;
            };
            let is_there = |path: &str| found.get(path).is_some_and(|item| item.as_ref() == Some(content));
            if !is_there(from) && !is_there(to) {
                return Err(format!("{from} was renamed to {to} and is lost"));
            }
        }
        Ok(())
    }

    /// Whether nothing else was done to a file than to rename it: it has one name or the other.
    fn is_only_renamed(&self, from: &str, to: &str) -> bool {
        let times = |path: &str| self.touched.iter().filter(|touched| is_in(path, touched)).count();
        let is_other = |name: &String| name == from || name == to;
        let renamed = self.renamed.iter().filter(|(one, other)| is_other(one) || is_other(other)).count();
        (renamed, times(from), times(to)) == (1, 1, 1) && self.tree.get(to) == self.synced.get(from)
    }
}

/// All that is on a volume.
fn read(image: Vec<u8>) -> Tree {
    let mut volume = Volume::mount(Image(image), true).unwrap();
    let (mut tree, mut rest) = (Tree::new(), vec![(Node::ROOT, String::new())]);
    while let Some((node, path)) = rest.pop() {
        let mut directory = volume.open(node).unwrap();
        let (mut position, mut name) = (0, String::new());
        while let Some((next, entry)) = volume.entry(&mut directory, position, &mut name).unwrap() {
            position = next;
            let path = format!("{path}/{name}");
            let mut content = None;
            if entry.attributes.kind == Kind::Directory {
                rest.push((entry.node, path.clone()));
            } else {
                let (mut open, mut bytes) =
                    (volume.open(entry.node).unwrap(), vec![0; entry.attributes.size as usize]);
                assert_eq!(volume.read(&mut open, 0, &mut bytes), Ok(bytes.len()), "{path}");
                content = Some(bytes);
            }
            tree.insert(path, content);
        }
    }
    tree
}

#[test]
fn what_was_synced_survives_a_power_cut() {
    system().explore(SEEDS, || {
        let number = sim::random_number();
        let disk = new_disk(number);
        let mut work = Work::new(mount(number), number);
        for _ in 0..work.random.u32(..30) {
            work.step();
        }
        assert_eq!(work.client.sync_all(), Ok(()));
        work.synced();
        disk.cut_after(work.random.u32(1..500));
        for _ in 0..150 {
            work.step();
            if work.random.u8(..15) == 0 {
                assert_eq!(work.client.sync_all(), Ok(()));
                if !disk.is_cut() {
                    work.synced();
                }
            }
            if disk.is_cut() {
                break;
            }
        }
        disk.restore_power();
        let (image, said) = with_file(&disk.image(), |image| {
            let said = programs::repair(image, "after a power cut");
            programs::check(image, "after it was repaired");
            (std::fs::read(image).unwrap(), said)
        });
        if let Err(what) = work.check(&read(image)) {
            panic!("{what}; fsck.fat said:\n{said}");
        }
        forget_disk(number);
    });
}
