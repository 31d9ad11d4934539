//! What a volume should hold, in the simplest way, and random operations on both.

use std::collections::BTreeMap;

use fat::{Error, Kind, Node, Open, Storage, Volume};

/// A path: the keys of its names.
pub type Path = Vec<String>;

/// What is at a path: its name as shown, and its content if it is a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    pub name: String,
    pub content: Option<Vec<u8>>,
}

/// All files and directories, but for the root.
pub type Tree = BTreeMap<Path, Item>;

/// Names: short and long ones, in several cases, in several alphabets, some of them the same but for the case.
const NAMES: [&str; 24] = [
    "a",
    "A",
    "README.TXT",
    "readme.txt",
    "ReadMe.Txt",
    "Mixed.c",
    "no_extension",
    ".hidden",
    "two.dots.tar.gz",
    "a long name with spaces.text",
    "a long name with commas, and more.text",
    "a long name with commas, and yet more of it.text",
    "Straße nach Öhringen.txt",
    "STRAßE NACH ÖHRINGEN.TXT",
    "Файл",
    "файл",
    "日本語のとても長いファイル名はここにあります.テキスト",
    "🦀🦀.rs",
    "+,;=[].x",
    "lower.UPP",
    "UPPER.low",
    "x",
    "y",
    "z1234567.890",
];

/// What makes no difference to a name.
pub fn key(name: &str) -> String {
    name.to_lowercase()
}

/// A volume and what it should hold.
pub struct Pair<S> {
    pub volume: Volume<S>,
    pub tree: Tree,
    pub random: fastrand::Rng,
    /// Paths that something was done to.
    pub touched: Vec<Path>,
    /// Renamed from, to.
    pub renamed: Vec<(Path, Path)>,
    /// Files that stay open.
    opens: BTreeMap<Path, Open>,
    pub now: i64,
    /// Largest size of a file.
    pub size: usize,
}

impl<S: Storage> Pair<S> {
    pub fn new(volume: Volume<S>, tree: Tree, seed: u64, size: usize) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let (touched, renamed, opens) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { volume, tree, random, touched, renamed, opens, now: 1_790_000_000_000, size }
    }

    fn node(&mut self, path: &[String]) -> Result<Node, Error> {
        let mut node = self.volume.root();
        for name in path {
            node = self.volume.lookup(node, name)?;
        }
        Ok(node)
    }

    /// Any directory.
    fn directory(&mut self) -> Path {
        let mut all: Vec<_> = self
            .tree
            .iter()
            .filter(|(_, item)| item.content.is_none())
            .map(|(path, _)| path.clone())
            .collect();
        all.push(Path::new());
        all.swap_remove(self.random.usize(..all.len()))
    }

    /// Any file or directory.
    fn any(&mut self) -> Option<Path> {
        let count = self.tree.len();
        (count > 0).then(|| self.random.usize(..count)).and_then(|index| self.tree.keys().nth(index).cloned())
    }

    fn file(&mut self) -> Option<Path> {
        self.any().filter(|path| self.tree[path].content.is_some())
    }

    fn name(&mut self) -> String {
        if self.random.u8(..) < 30 {
            return format!("a long name of number {}.text", self.random.u8(..));
        }
        NAMES[self.random.usize(..NAMES.len())].to_owned()
    }

    fn has_children(&self, path: &Path) -> bool {
        self.tree.keys().any(|other| other.len() > path.len() && other.starts_with(path))
    }

    /// Something random; whether it was done. Panics if volume and model differ in that, unless there is no space.
    pub fn step(&mut self) -> Result<(), Error> {
        self.now += 1234;
        match self.random.u8(..100) {
            0..20 => self.create(),
            20..55 => self.write(),
            55..65 => self.resize(),
            65..78 => self.remove(),
            78..93 => self.rename(),
            93..97 => self.read_all_of_one(),
            _ => self.close(),
        }
    }

    fn create(&mut self) -> Result<(), Error> {
        let (parent, name) = (self.directory(), self.name());
        let kind = if self.random.u8(..4) == 0 && parent.len() < 4 { Kind::Directory } else { Kind::File };
        let path = join(&parent, &name);
        let node = self.node(&parent)?;
        self.touched.push(path.clone());
        let result = self.volume.create(node, &name, kind, self.now);
        let expected = if self.tree.contains_key(&path) { Err(Error::AlreadyExists) } else { Ok(()) };
        if agree(result.map(drop), expected, &format!("create {path:?}"))? {
            let content = (kind == Kind::File).then(Vec::new);
            self.tree.insert(path, Item { name, content });
        }
        Ok(())
    }

    /// Opens a file, or takes it if it is open.
    fn open(&mut self, path: &Path) -> Result<Open, Error> {
        if let Some(open) = self.opens.remove(path) {
            return Ok(open);
        }
        let node = self.node(path)?;
        self.volume.open(node)
    }

    /// Closes a file or keeps it open.
    fn done(&mut self, path: Path, open: Open) -> Result<(), Error> {
        if self.opens.len() < 4 && self.random.bool() {
            self.opens.insert(path, open);
            return Ok(());
        }
        self.volume.close(open)
    }

    fn write(&mut self) -> Result<(), Error> {
        let Some(path) = self.file() else { return Ok(()) };
        let mut open = self.open(&path)?;
        self.touched.push(path.clone());
        let size = self.size;
        let offset = match self.random.u8(..4) {
            0 => self.random.usize(..size),
            1 => self.random.usize(..=open.size() as usize),
            _ => open.size() as usize,
        };
        let length = self.random.usize(1..=size / 4);
        let seed = self.random.u8(..);
        let data: Vec<u8> = (0..length).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
        let result = self.volume.write(&mut open, offset as u64, &data, self.now);
        let content = self.tree.get_mut(&path).and_then(|item| item.content.as_mut()).expect("it is a file");
        match result {
            Ok(count) => {
                content.resize(content.len().max(offset + count), 0);
                content[offset..offset + count].copy_from_slice(&data[..count]);
            }
            // What was filled of a gap was taken back.
            Err(Error::NoSpace) => {}
            Err(error) => {
                assert_eq!(error, Error::InputOutput, "write {path:?} at {offset}");
                return Err(error);
            }
        }
        assert_eq!(open.size(), content.len() as u64, "{path:?} after {result:?}");
        self.done(path, open)
    }

    fn resize(&mut self) -> Result<(), Error> {
        let Some(path) = self.file() else { return Ok(()) };
        let mut open = self.open(&path)?;
        self.touched.push(path.clone());
        let size = match self.random.u8(..3) {
            0 => 0,
            1 => self.random.usize(..=open.size() as usize),
            _ => self.random.usize(..self.size),
        };
        let result = self.volume.resize(&mut open, size as u64, self.now);
        if agree(result, Ok(()), &format!("resize {path:?} to {size}"))? {
            let item = self.tree.get_mut(&path).and_then(|item| item.content.as_mut());
            item.expect("it is a file").resize(size, 0);
        }
        self.done(path, open)
    }

    fn remove(&mut self) -> Result<(), Error> {
        let Some(path) = self.any() else { return Ok(()) };
        if self.opens.contains_key(&path) {
            return Ok(());
        }
        let (parent, name) = (path[..path.len() - 1].to_vec(), path[path.len() - 1].clone());
        let node = self.node(&parent)?;
        self.touched.push(path.clone());
        let result = self.volume.remove(node, &name);
        let expected = if self.has_children(&path) { Err(Error::NotEmpty) } else { Ok(()) };
        if agree(result, expected, &format!("remove {path:?}"))? {
            self.tree.remove(&path);
        }
        Ok(())
    }

    fn rename(&mut self) -> Result<(), Error> {
        let (Some(from), parent, name) = (self.any(), self.directory(), self.name()) else { return Ok(()) };
        let to = join(&parent, &name);
        if self.opens.contains_key(&to) && to != from {
            return Ok(());
        }
        let (old_parent, old_name) = (from[..from.len() - 1].to_vec(), from[from.len() - 1].clone());
        let (old_node, new_node) = (self.node(&old_parent)?, self.node(&parent)?);
        let item = self.tree[&from].clone();
        let expected = match self.tree.get(&to) {
            _ if item.content.is_none() && parent.starts_with(&from) => Err(Error::InvalidArgument),
            Some(other) if to != from && (item.content.is_none() || other.content.is_none()) => {
                Err(Error::AlreadyExists)
            }
            _ => Ok(()),
        };
        self.touched.extend([from.clone(), to.clone()]);
        self.renamed.push((from.clone(), to.clone()));
        let result = self.volume.rename((old_node, &old_name), (new_node, &name), self.now);
        if !agree(result.map(drop), expected, &format!("rename {from:?} to {to:?}"))? {
            return Ok(());
        }
        // What was there keeps its name's case.
        let name = self.tree.get(&to).filter(|_| to != from).map_or(name, |other| other.name.clone());
        self.tree.insert(from.clone(), Item { name, ..item });
        let moved: Vec<_> = self.tree.keys().filter(|path| path.starts_with(&from)).cloned().collect();
        for path in moved {
            let new: Path = to.iter().chain(&path[from.len()..]).cloned().collect();
            let item = self.tree.remove(&path).expect("it was listed");
            self.tree.insert(new.clone(), item);
            if let Some(mut open) = self.opens.remove(&path) {
                let node = self.node(&new)?;
                self.volume.moved(&mut open, node);
                self.opens.insert(new, open);
            }
        }
        Ok(())
    }

    fn read_all_of_one(&mut self) -> Result<(), Error> {
        let Some(path) = self.file() else { return Ok(()) };
        let mut open = self.open(&path)?;
        let content = self.tree[&path].content.clone().expect("it is a file");
        let start = self.random.usize(..=content.len());
        let mut buffer = vec![0; content.len() - start + 10];
        let count = self.volume.read(&mut open, start as u64, &mut buffer)?;
        assert!(content[start..] == buffer[..count], "{path:?} is not what was written");
        self.done(path, open)
    }

    fn close(&mut self) -> Result<(), Error> {
        match self.opens.pop_first() {
            Some((_, open)) => self.volume.close(open),
            None => Ok(()),
        }
    }

    /// Closes all and makes the volume one that can be taken away.
    pub fn finish(&mut self) -> Result<(), Error> {
        while !self.opens.is_empty() {
            self.close()?;
        }
        self.volume.finish()
    }
}

/// Whether both succeeded; panics if they differ. The volume may have no space.
fn agree(result: Result<(), Error>, expected: Result<(), Error>, what: &str) -> Result<bool, Error> {
    match result {
        Err(Error::InputOutput) => Err(Error::InputOutput),
        Err(Error::NoSpace) => Ok(false),
        result => {
            assert_eq!(result, expected, "{what}");
            Ok(result.is_ok())
        }
    }
}

fn join(parent: &Path, name: &str) -> Path {
    parent.iter().cloned().chain([key(name)]).collect()
}

/// All that is on a volume.
pub fn read_tree<S: Storage>(volume: &mut Volume<S>) -> Result<Tree, Error> {
    let mut tree = Tree::new();
    let mut rest = vec![(volume.root(), Path::new())];
    while let Some((node, path)) = rest.pop() {
        let mut directory = volume.open(node)?;
        let (mut position, mut name) = (0, String::new());
        while let Some((next, entry)) = volume.entry(&mut directory, position, &mut name)? {
            position = next;
            let path = join(&path, &name);
            let mut content = None;
            if entry.attributes.kind == Kind::Directory {
                rest.push((entry.node, path.clone()));
            } else {
                let mut open = volume.open(entry.node)?;
                let mut bytes = vec![0; entry.attributes.size as usize];
                assert_eq!(volume.read(&mut open, 0, &mut bytes)?, bytes.len());
                content = Some(bytes);
            }
            let before = tree.insert(path.clone(), Item { name: name.clone(), content });
            assert!(before.is_none(), "{path:?} is there twice");
        }
    }
    Ok(tree)
}

/// Fails if two trees differ, and says in what without the content of files.
pub fn compare(one: &Tree, other: &Tree, what: &str) {
    let short = |tree: &Tree| -> Vec<_> {
        let size = |item: &Item| item.content.as_ref().map(Vec::len);
        tree.iter().map(|(path, item)| (path.clone(), item.name.clone(), size(item))).collect()
    };
    assert_eq!(short(one), short(other), "{what}");
    for (path, item) in one {
        assert!(other[path] == *item, "{what}: {path:?} differs");
    }
}
