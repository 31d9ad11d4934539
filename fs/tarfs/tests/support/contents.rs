//! The tree of an archive as the tests compare it.
#![allow(dead_code, reason = "each test uses a part of it")]

use crate::builder::{Archive, Memory};
use fileserver::{FileSystem, Kind, Sink};
use ipc::{Error, Region};
use std::collections::BTreeMap;
use tarfs::Files;
use tarfs::fill::{LeftOut, fill};

/// Takes what a file has.
struct Content(Vec<u8>);

impl Sink for Content {
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        assert_eq!(offset, self.0.len(), "from its beginning on");
        self.0.extend(data);
        Ok(())
    }

    fn put_region(&mut self, _: usize, _: &Region, _: usize, _: usize) -> Result<(), Error> {
        Err(Error::NotSupported)
    }
}

/// Paths with contents and times; directories have no content, and end with `/`.
pub type Tree = BTreeMap<String, (Vec<u8>, i64)>;

fn collect(files: &mut Files<Memory>, directory: u32, path: &str, tree: &mut Tree) {
    let mut open = files.open(directory).unwrap();
    let (mut position, mut name) = (0, String::new());
    while let Some((next, known)) = files.entry(&mut open, position, &mut name).unwrap() {
        position = next;
        let inner = files.lookup(directory, &name).unwrap();
        let path = format!("{path}{name}");
        if known.kind == Kind::Directory {
            collect(files, inner, &format!("{path}/"), tree);
            tree.insert(format!("{path}/"), (Vec::new(), known.modified));
        } else {
            let mut content = Content(Vec::new());
            let mut open = files.open(inner).unwrap();
            let length = files.read(&mut open, 0, 1 << 20, &mut content).unwrap();
            assert_eq!((length as u64, content.0.len() as u64), (known.size, known.size));
            tree.insert(path, (content.0, known.modified));
        }
    }
}

/// The tree of an archive, and what is left out.
pub fn read(archive: &Memory) -> Result<(Tree, LeftOut), Error> {
    let mut files = Files::new(archive.clone(), "tar", 4 << 20, 0);
    let left_out = fill(&mut files, 0, &mut archive.clone())?;
    let mut tree = Tree::new();
    let root = files.root();
    collect(&mut files, root, "", &mut tree);
    Ok((tree, left_out))
}

/// The contents by their paths, of an archive of which nothing is left out.
pub fn contents(archive: &Archive) -> Vec<(String, Vec<u8>)> {
    let (tree, left_out) = read(&archive.end()).unwrap();
    assert_eq!(left_out, LeftOut::default());
    tree.into_iter().map(|(path, (content, _))| (path, content)).collect()
}

/// A file among [`contents`].
pub fn file(path: &str, content: &[u8]) -> (String, Vec<u8>) {
    (path.into(), content.into())
}

/// The times in seconds by their paths.
pub fn times(archive: &Archive) -> Vec<(String, i64)> {
    read(&archive.end()).unwrap().0.into_iter().map(|(path, (_, time))| (path, time / 1000)).collect()
}

/// So many members are left out, this one first.
pub fn left_out(count: usize, first: &str) -> LeftOut {
    LeftOut { count, first: first.into() }
}
