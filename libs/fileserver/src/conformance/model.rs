//! The model: a map of paths, and a list of contents. It says what every answer has to be.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use interfaces::fs::{CREATE, EXCLUSIVE, Kind, READ, TRUNCATE};
use ipc::Error;

/// A file or directory of the model, whatever its path.
pub type Place = usize;

/// A tree of files: what each request must be answered with (`open` and others return that), and what is there after it.
pub struct Model {
    /// All paths but the root's, each with a `/` before each name.
    paths: BTreeMap<String, Place>,
    /// Contents; `None` of directories. The root is the first.
    contents: Vec<Option<Vec<u8>>>,
}

/// The path of the directory that something is in.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// An empty root.
    pub fn new() -> Self {
        Self { paths: BTreeMap::new(), contents: [None].into() }
    }

    /// What it is.
    pub fn kind(&self, place: Place) -> Kind {
        if self.contents[place].is_some() { Kind::File } else { Kind::Directory }
    }

    /// The content of a file; nothing of a directory.
    pub fn content(&self, place: Place) -> &[u8] {
        self.contents[place].as_deref().unwrap_or_default()
    }

    /// How many bytes a file has; 0 of a directory.
    pub fn size(&self, place: Place) -> u64 {
        self.content(place).len() as u64
    }

    /// What has this path. Errors: as those of the interface.
    pub fn find(&self, path: &str) -> Result<Place, Error> {
        if path.is_empty() {
            return Ok(0);
        }
        let directory = self.find(parent(path))?;
        match self.kind(directory) {
            Kind::File => Err(Error::NotADirectory),
            Kind::Directory => self.paths.get(path).copied().ok_or(Error::NotFound),
        }
    }

    /// All paths, without the root's.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().map(String::as_str)
    }

    /// Names and places of what is in a directory.
    pub fn entries(&self, path: &str) -> Vec<(String, Place)> {
        let inside = |(other, place): (&String, &Place)| {
            (parent(other) == path).then(|| (other[path.len() + 1..].to_string(), *place))
        };
        self.paths.iter().filter_map(inside).collect()
    }

    /// What there will be, if the path can be opened.
    pub fn open(&self, path: &str, flags: u32) -> Result<(), Error> {
        match self.find(path) {
            Ok(_) if flags & EXCLUSIVE != 0 => Err(Error::AlreadyExists),
            Ok(place) if self.kind(place) == Kind::Directory && flags != READ => Err(Error::IsADirectory),
            Ok(_) => Ok(()),
            Err(Error::NotFound) if flags & CREATE != 0 => self.find(parent(path)).map(drop),
            Err(error) => Err(error),
        }
    }

    /// It was opened.
    pub fn opened(&mut self, path: &str, flags: u32) -> Place {
        let place = self.find(path).unwrap_or_else(|_| self.add(path, Some(Vec::new())));
        if flags & TRUNCATE != 0 {
            self.resize(place, 0);
        }
        place
    }

    fn add(&mut self, path: &str, content: Option<Vec<u8>>) -> Place {
        self.contents.push(content);
        self.paths.insert(path.into(), self.contents.len() - 1);
        self.contents.len() - 1
    }

    /// It was written.
    pub fn write(&mut self, place: Place, offset: usize, data: &[u8]) {
        // To write nothing changes nothing.
        if let Some(content) = self.contents[place].as_mut().filter(|_| !data.is_empty()) {
            content.resize(content.len().max(offset + data.len()), 0);
            content[offset..offset + data.len()].copy_from_slice(data);
        }
    }

    /// Its size was set.
    pub fn resize(&mut self, place: Place, size: usize) {
        if let Some(content) = &mut self.contents[place] {
            content.resize(size, 0);
        }
    }

    /// Whether something of this kind can be removed there.
    pub fn removable(&self, path: &str, kind: Kind, is_open: impl Fn(Place) -> bool) -> Result<(), Error> {
        let place = self.find(path)?;
        match (self.kind(place), kind) {
            (Kind::Directory, Kind::File) => Err(Error::IsADirectory),
            (Kind::File, Kind::Directory) => Err(Error::NotADirectory),
            _ if path.is_empty() || is_open(place) => Err(Error::Busy),
            (Kind::Directory, _) if !self.entries(path).is_empty() => Err(Error::NotEmpty),
            _ => Ok(()),
        }
    }

    /// It was removed.
    pub fn remove(&mut self, path: &str) {
        let place = self.paths.remove(path);
        // Nobody has it open, so its content takes no more memory.
        if let Some(content) = place.and_then(|place| self.contents[place].as_mut()) {
            *content = Vec::new();
        }
    }

    /// Whether a directory can be made there.
    pub fn free(&self, path: &str) -> Result<(), Error> {
        match self.find(path) {
            Ok(_) => Err(Error::AlreadyExists),
            Err(Error::NotFound) => self.find(parent(path)).map(drop),
            Err(error) => Err(error),
        }
    }

    /// A directory was made.
    pub fn make_directory(&mut self, path: &str) {
        self.add(path, None);
    }

    /// Whether something can be renamed.
    pub fn renameable(&self, from: &str, to: &str, is_open: impl Fn(Place) -> bool) -> Result<(), Error> {
        let place = self.find(from)?;
        if from.is_empty() || to.is_empty() {
            return Err(Error::Busy);
        }
        if self.kind(place) == Kind::Directory
            && to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(Error::InvalidArgument);
        }
        match self.find(to) {
            Ok(target) if target == place => Ok(()),
            Ok(target) if (self.kind(place), self.kind(target)) != (Kind::File, Kind::File) => {
                Err(Error::AlreadyExists)
            }
            Ok(target) if is_open(target) => Err(Error::Busy),
            Ok(_) => Ok(()),
            Err(Error::NotFound) => self.find(parent(to)).map(drop),
            Err(error) => Err(error),
        }
    }

    /// It was renamed.
    pub fn rename(&mut self, from: &str, to: &str) {
        if from != to {
            self.remove(to);
        }
        let inside = |path: &str| {
            let rest = path.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| [to, rest].concat())
        };
        let moved: Vec<_> = self
            .paths
            .iter()
            .filter_map(|(path, place)| Some((path.clone(), inside(path)?, *place)))
            .collect();
        for (path, ..) in &moved {
            self.paths.remove(path);
        }
        self.paths.extend(moved.into_iter().map(|(_, path, place)| (path, place)));
    }
}
