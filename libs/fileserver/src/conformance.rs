//! What every file server has to do, as a test: random requests, each compared with what a model of a file system says.
//!
//! It needs a client and random numbers, and panics when an answer is wrong. So it runs against a server in a simulated
//! system as it does on the real one; each file server's tests call it.

pub mod model;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use interfaces::fs::{APPEND, CREATE, Client, EXCLUSIVE, Kind, READ, TRUNCATE, WRITE};
use ipc::{Error, Handle};
use model::{Model, Place};

/// Names that files and directories get: what FAT calls short, long and neither, and what sorts next to each other.
const NAMES: [&str; 5] = ["a", "B.TXT", "b.text", "a long name, with a point.and more", "größe-日本"];
/// Most bytes that one request writes, and how far from the beginning.
const LENGTH_MAX: u64 = 9000;
const OFFSET_MAX: u64 = 30_000;
/// Most files that are open at a time.
const OPEN: usize = 8;

/// An open file of the test.
struct Open {
    handle: Handle,
    place: Place,
    flags: u32,
}

/// A test that goes on as long as it is told to.
pub struct Conformance {
    client: Client,
    model: Model,
    open: Vec<Open>,
    written: u8,
    /// Answers that there is no space are right.
    pub may_be_full: bool,
}

/// Random numbers: one that is below the argument.
pub type Random<'a> = &'a mut dyn FnMut(u64) -> u64;

impl Conformance {
    /// A test of a file system that is empty.
    pub fn new(client: Client) -> Self {
        Self { client, model: Model::new(), open: Vec::new(), written: 0, may_be_full: false }
    }

    /// The server was ended after everything was on the medium, and `client` is of the one that was started then.
    pub fn restarted(&mut self, client: Client) {
        self.client = client;
        self.open.clear();
    }

    /// Makes a random request.
    pub fn step(&mut self, random: Random<'_>) {
        match random(20) {
            0..5 => self.open(random),
            5..7 => self.close(random),
            7..10 => self.write(random),
            10..12 => self.read(random),
            12 => self.resize(random),
            13 => self.remove(random),
            14 => self.make_directory(random),
            15 => self.remove_directory(random),
            16..18 => self.rename(random),
            18 => self.set_modified(random),
            _ => self.map(random),
        }
    }

    /// Compares everything: each directory's entries, each file's content.
    pub fn verify(&self) {
        self.verify_directory("");
        for open in &self.open {
            let known = self.client.attributes(open.handle).expect("attributes of an open file");
            assert_eq!(known.kind, self.model.kind(open.place));
            assert_eq!(known.size, self.model.size(open.place), "of an open file");
        }
    }

    fn verify_directory(&self, path: &str) {
        let mut expected = self.model.entries(path);
        for (name, kind, size) in list(&self.client, path, 300) {
            let inner = format!("{path}/{name}");
            let index = expected.iter().position(|(other, ..)| *other == name);
            let (_, place) = expected.swap_remove(index.unwrap_or_else(|| panic!("{inner} is listed")));
            assert_eq!((kind, size), (self.model.kind(place), self.model.size(place)), "{inner} in the list");
            match kind {
                Kind::Directory => self.verify_directory(&inner),
                Kind::File => {
                    let file = self.client.open(&inner, READ).expect("a file that is listed can be opened");
                    let mut content = vec![0; size as usize + 10];
                    let length = self.client.read(file, 0, &mut content).expect("a file can be read");
                    assert!(&content[..length] == self.model.content(place), "the content of {inner}");
                    assert_eq!(self.client.close(file), Ok(()));
                }
            }
        }
        assert!(expected.is_empty(), "not listed in {path:?}: {expected:?}");
    }

    /// Whether the answer is right; `wrong` says of what it is one.
    fn agree<T>(&self, answer: Result<T, Error>, expected: Result<(), Error>, what: &str) -> Option<T> {
        match (answer, expected) {
            (Err(Error::NoSpace), Ok(())) if self.may_be_full => None,
            (Ok(value), Ok(())) => Some(value),
            (Err(error), Err(expected)) if error == expected => None,
            (answer, expected) => panic!("{what}: {:?} in place of {expected:?}", answer.map(drop)),
        }
    }

    fn is_open(&self, place: Place) -> bool {
        self.open.iter().any(|open| open.place == place)
    }

    fn open(&mut self, random: Random<'_>) {
        let path = path(random);
        let modes = [READ, READ | WRITE, WRITE | APPEND, READ | WRITE | TRUNCATE];
        let creation = [0, CREATE, CREATE, CREATE | EXCLUSIVE];
        let flags = pick(random, &modes) | pick(random, &creation);
        let what = format!("open {path:?} with {flags:#x}");
        let expected = self.model.open(&path, flags);
        let answer = self.client.open(&path, flags);
        let Some(handle) = self.agree(answer, expected.map(drop), &what) else { return };
        let place = self.model.opened(&path, flags);
        let known = self.client.attributes(handle).expect(&what);
        assert_eq!((known.kind, known.size), (self.model.kind(place), self.model.size(place)), "{what}");
        self.open.push(Open { handle, place, flags });
        if self.open.len() > OPEN {
            self.close(random);
        }
    }

    fn close(&mut self, random: Random<'_>) {
        if let Some(open) = self.some_open(random) {
            let Open { handle, .. } = self.open.swap_remove(open);
            assert_eq!(self.client.close(handle), Ok(()));
            assert_eq!(self.client.close(handle), Err(Error::BadHandle), "a file that is closed");
        }
    }

    fn some_open(&self, random: Random<'_>) -> Option<usize> {
        (!self.open.is_empty()).then(|| random(self.open.len() as u64) as usize)
    }

    fn write(&mut self, random: Random<'_>) {
        let Some(index) = self.some_open(random) else { return };
        let Open { handle, place, flags } = self.open[index];
        let (mut offset, length) = (random(OFFSET_MAX), random(LENGTH_MAX) as usize);
        self.written = self.written.wrapping_add(1);
        let data = vec![self.written; length];
        let what = format!("write {length} bytes at {offset}");
        let answer = self.client.write(handle, offset, &data);
        let Some(written) = self.agree(answer, self.may(place, flags, WRITE), &what) else { return };
        if flags & APPEND != 0 {
            offset = self.model.size(place);
        }
        assert!(written.written == length || self.may_be_full && written.written > 0, "{what}");
        assert_eq!(written.end, offset + written.written as u64, "{what}");
        self.model.write(place, offset as usize, &data[..written.written]);
    }

    /// What is answered to a request that needs a right.
    fn may(&self, place: Place, flags: u32, right: u32) -> Result<(), Error> {
        match self.model.kind(place) {
            _ if flags & right == 0 => Err(Error::NotPermitted),
            Kind::Directory => Err(Error::IsADirectory),
            Kind::File => Ok(()),
        }
    }

    fn read(&mut self, random: Random<'_>) {
        let Some(index) = self.some_open(random) else { return };
        let Open { handle, place, flags } = self.open[index];
        let (offset, length) = (random(OFFSET_MAX), random(LENGTH_MAX) as usize);
        let mut data = vec![0xee; length];
        let what = format!("read {length} bytes at {offset}");
        let answer = self.client.read(handle, offset, &mut data);
        if let Some(count) = self.agree(answer, self.may(place, flags, READ), &what) {
            let content = self.model.content(place).get(offset as usize..).unwrap_or_default();
            assert_eq!(count, length.min(content.len()), "{what}");
            assert!(data[..count] == content[..count], "{what}: the content");
            assert!(data[count..].iter().all(|byte| *byte == 0xee), "{what}: what is past it");
        }
    }

    fn resize(&mut self, random: Random<'_>) {
        let Some(index) = self.some_open(random) else { return };
        let Open { handle, place, flags } = self.open[index];
        let size = random(OFFSET_MAX);
        let answer = self.client.resize(handle, size);
        if self.agree(answer, self.may(place, flags, WRITE), "resize").is_some() {
            self.model.resize(place, size as usize);
        }
    }

    fn remove(&mut self, random: Random<'_>) {
        let path = path(random);
        let expected = self.model.removable(&path, Kind::File, |place| self.is_open(place));
        if self.agree(self.client.remove(&path), expected, &format!("remove {path:?}")).is_some() {
            self.model.remove(&path);
        }
    }

    fn remove_directory(&mut self, random: Random<'_>) {
        let path = path(random);
        let expected = self.model.removable(&path, Kind::Directory, |place| self.is_open(place));
        let answer = self.client.remove_directory(&path);
        if self.agree(answer, expected, &format!("remove directory {path:?}")).is_some() {
            self.model.remove(&path);
        }
    }

    fn make_directory(&mut self, random: Random<'_>) {
        let path = path(random);
        let expected = self.model.free(&path);
        if self.agree(self.client.make_directory(&path), expected, &format!("make {path:?}")).is_some() {
            self.model.make_directory(&path);
        }
    }

    fn rename(&mut self, random: Random<'_>) {
        let (from, to) = (path(random), path(random));
        let expected = self.model.renameable(&from, &to, |place| self.is_open(place));
        let answer = self.client.rename(&from, &to);
        if self.agree(answer, expected, &format!("rename {from:?} to {to:?}")).is_some() {
            self.model.rename(&from, &to);
        }
    }

    fn set_modified(&mut self, random: Random<'_>) {
        let path = path(random);
        // In even seconds after 1980: all that FAT knows.
        let time = 1_000_000_000_000 + random(1 << 28) as i64 * 2000;
        let expected = self.model.find(&path).map(drop);
        let what = format!("set the time of {path:?}");
        // The root of a FAT volume has no time.
        if !path.is_empty() && self.agree(self.client.set_modified(&path, time), expected, &what).is_some() {
            assert_eq!(self.client.attributes_at(&path).map(|known| known.modified), Ok(time), "{what}");
        }
    }

    fn map(&mut self, random: Random<'_>) {
        let Some(index) = self.some_open(random) else { return };
        let Open { handle, place, flags } = self.open[index];
        let expected = self.may(place, flags, READ);
        let expected = expected.and_then(|()| match self.model.size(place) {
            0 => Err(Error::Empty),
            _ => Ok(()),
        });
        if let Some(map) = self.agree(self.client.map(handle), expected, "map") {
            let memory =
                resea::SharedMemory::open(map.memory, false).expect("what was granted can be mapped");
            let mut content = vec![0; map.size as usize];
            memory.region().read(0, &mut content).expect("it is as large as the file");
            assert!(content == self.model.content(place), "the content of a mapped file");
        }
    }
}

/// All entries of a directory, by requests with so many bytes of room.
pub fn list(client: &Client, path: &str, room: usize) -> Vec<(String, Kind, u64)> {
    let directory = client.open(path, READ).expect("a directory can be opened");
    let (mut position, mut buffer, mut all) = (0, vec![0; room], Vec::new());
    loop {
        let reply = client.list(directory, position, &mut buffer).expect("a directory can be listed");
        let mut packed = &buffer[..reply.entries];
        if packed.is_empty() {
            assert_eq!(client.close(directory), Ok(()));
            return all;
        }
        while let Some((entry, length)) = entries::first(packed) {
            all.push((entry.name.into(), entry.kind, entry.size));
            packed = &packed[length..];
        }
        assert!(packed.is_empty(), "entries are packed as the interface says");
        position = reply.next;
    }
}

/// A path, mostly of few names; one in many is the root's.
fn path(random: Random<'_>) -> String {
    let mut path = String::new();
    let names = [1, 1, 1, 2, 2, 2, 3, 3, 4, 0][random(10) as usize];
    for _ in 0..names {
        path.push('/');
        path.push_str(NAMES[random(NAMES.len() as u64) as usize]);
    }
    path
}

fn pick(random: Random<'_>, values: &[u32]) -> u32 {
    values[random(values.len() as u64) as usize]
}
