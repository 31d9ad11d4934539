//! The operations, each done to the files and to the model.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use fastrand::Rng;
use fileserver::conformance::model::{Model, Place};
use fs::{File, OpenOptions, Read, Seek, SeekFrom, Write};
use interfaces::fs::{APPEND, CREATE, EXCLUSIVE, Kind, READ, TRUNCATE, WRITE};
use ipc::Error;

use crate::names;

/// Most files that are open at a time, and most there are.
const OPEN_MAX: usize = 8;
const PATHS_MAX: usize = 80;
/// Most names in a path.
const DEPTH: usize = 3;
/// Most bytes that are written or read at once, and how far from the beginning; now and then farther.
const LENGTH_MAX: usize = 20_000;
const NEAR: u64 = 40_000;
const FAR: u64 = 400_000;
/// Bytes that may be needed for anything: clusters of a directory and of a file's end.
const SLACK: u64 = 32 << 10;

/// What was answered, or what is wrong with the answer.
pub type Checked<T> = Result<T, String>;

/// An open file or directory.
pub struct Open {
    pub file: File,
    pub place: Place,
    flags: u32,
}

/// A test that goes on as long as it is told to.
pub struct Test {
    random: Rng,
    /// What all paths begin with.
    pub directory: String,
    pub model: Model,
    pub open: Vec<Open>,
    /// How often there was no space.
    pub refused: u64,
}

impl Test {
    /// A test in a directory that is empty.
    pub fn new(seed: u64, directory: &str) -> Self {
        let directory = fs::absolute(directory);
        Self { random: Rng::with_seed(seed), directory, model: Model::new(), open: Vec::new(), refused: 0 }
    }

    /// Does something.
    ///
    /// Errors: what is wrong with the answer.
    pub fn step(&mut self) -> Checked<()> {
        match self.random.u8(..28) {
            0..6 => self.open(),
            6..8 => self.close(),
            8..14 => self.write(),
            14..17 => self.read(),
            17..19 => self.resize(),
            19 => self.remove(),
            20..22 => self.make_directory(),
            22 => self.remove_directory(),
            23..26 => self.rename(),
            26 => self.map(),
            _ => self.sync(),
        }
    }

    /// Closes all files, compares everything, and lists it.
    ///
    /// Errors: what is not as it should be.
    pub fn finish(&mut self) -> Checked<()> {
        self.verify()?;
        self.open.clear();
        fs::sync(&self.directory).map_err(|error| format!("{error}"))?;
        self.verify()?;
        self.list();
        Ok(())
    }

    /// The absolute path of one below the test's directory.
    pub fn full(&self, path: &str) -> String {
        [&self.directory, path].concat()
    }

    /// What was answered if that is right; nothing if an error is. `needed` is how many bytes it takes on the volume.
    fn agree<T>(
        &mut self,
        what: &str,
        answer: fs::Result<T>,
        expected: Result<(), Error>,
        needed: u64,
    ) -> Checked<Option<T>> {
        match (answer, expected) {
            (Ok(value), Ok(())) => return Ok(Some(value)),
            (Err(error), Err(expected)) if error.kind == expected => return Ok(None),
            (Err(error), Ok(())) if error.kind == Error::NoSpace => self.full_volume(what, needed)?,
            (Err(error), expected) => return Err(format!("{what}: {error}, in place of {expected:?}")),
            (Ok(_), Err(expected)) => return Err(format!("{what} succeeds, in place of: {expected}")),
        }
        Ok(None)
    }

    /// Checks that there really is no space for so many bytes.
    fn full_volume(&mut self, what: &str, needed: u64) -> Checked<()> {
        self.refused += 1;
        let free = fs::statistics(&self.directory).map_err(|error| format!("{error}"))?.free;
        if free > needed + SLACK {
            return Err(format!("{what}: no space is left for {needed} bytes, but {free} are free"));
        }
        Ok(())
    }

    fn is_open(&self, place: Place) -> bool {
        self.open.iter().any(|open| open.place == place)
    }

    /// A path: of something that exists, of what could be made, and now and then below what is no directory, or not there.
    fn path(&mut self) -> String {
        let kind = self.random.u8(..8);
        let is_wanted = |path: &str| {
            kind <= 4 || self.model.find(path).map(|place| self.model.kind(place)) == Ok(Kind::Directory)
        };
        let known: Vec<String> =
            self.model.paths().filter(|path| is_wanted(path)).map(String::from).collect();
        let mut path = self.random.choice(known).unwrap_or_default();
        if kind < 4 && !path.is_empty() {
            return path;
        }
        if path.matches('/').count() >= DEPTH || self.random.bool() {
            path.clear();
        }
        names::push(&mut path, &mut self.random);
        path
    }

    fn some_open(&mut self) -> Option<usize> {
        (!self.open.is_empty()).then(|| self.random.usize(..self.open.len()))
    }

    /// A distance from the beginning of a file.
    fn offset(&mut self) -> u64 {
        let limit = if self.random.u8(..8) == 0 { FAR } else { NEAR };
        self.random.u64(..limit)
    }

    fn length(&mut self) -> usize {
        let limit = if self.random.bool() { 600 } else { LENGTH_MAX };
        self.random.usize(..limit)
    }

    fn open(&mut self) -> Checked<()> {
        let mut path = self.path();
        let modes = [READ, READ | WRITE, READ | WRITE | APPEND, READ | WRITE | TRUNCATE];
        let creation = [0, CREATE, CREATE, CREATE | EXCLUSIVE];
        let mut flags = self.pick(&modes);
        if self.model.paths().count() < PATHS_MAX {
            flags |= self.pick(&creation);
        }
        if self.random.u8(..32) == 0 {
            // What is not asked for its path exactly is the same file.
            path = path.replacen('/', "//./", 1);
        }
        let what = format!("opening {path} with {flags:#x}");
        let normal = path.replacen("//./", "/", 1);
        let expected = self.model.open(&normal, flags);
        let answer = options(flags).open(self.full(&path));
        let Some(file) = self.agree(&what, answer, expected, 0)? else { return Ok(()) };
        let place = self.model.opened(&normal, flags);
        self.open.push(Open { file, place, flags });
        if self.open.len() > OPEN_MAX { self.close() } else { Ok(()) }
    }

    fn pick(&mut self, values: &[u32]) -> u32 {
        self.random.choice(values).copied().unwrap_or_default()
    }

    fn close(&mut self) -> Checked<()> {
        if let Some(index) = self.some_open() {
            self.open.swap_remove(index);
        }
        Ok(())
    }

    /// What is answered to a request that needs a right.
    fn may(&self, index: usize, right: u32) -> Result<(), Error> {
        let Some(open) = self.open.get(index) else { return Err(Error::BadHandle) };
        match self.model.kind(open.place) {
            _ if open.flags & right == 0 => Err(Error::NotPermitted),
            Kind::Directory => Err(Error::IsADirectory),
            Kind::File => Ok(()),
        }
    }

    fn write(&mut self) -> Checked<()> {
        let (mut offset, length) = (self.offset(), self.length());
        let mut data = vec![0; length];
        self.random.fill(&mut data);
        let Some(index) = self.some_open() else { return Ok(()) };
        let (by_position, expected) = (self.random.bool(), self.may(index, WRITE));
        let Some(Open { file, place, flags }) = self.open.get_mut(index) else { return Ok(()) };
        let (place, size) = (*place, self.model.size(*place));
        if *flags & APPEND != 0 {
            offset = size;
        }
        let what = format!("writing {length} bytes at {offset} of {} with {size}", file.path());
        let answer = if by_position {
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.write(&data))
        } else {
            file.write_at(&data, offset)
        };
        let needed = (offset + length as u64).saturating_sub(size);
        let Some(written) = self.agree(&what, answer, expected, needed)? else { return Ok(()) };
        if written < length {
            self.full_volume(&what, needed - written as u64)?;
        }
        let end = self.open.get_mut(index).map(|open| open.file.seek(SeekFrom::Current(0)));
        if by_position && end != Some(Ok(offset + written as u64)) {
            return Err(format!("{what}: the position is {end:?} then"));
        }
        self.model.write(place, offset as usize, data.get(..written).unwrap_or_default());
        Ok(())
    }

    fn read(&mut self) -> Checked<()> {
        let (offset, length, by_position) = (self.offset(), self.length(), self.random.bool());
        let Some(index) = self.some_open() else { return Ok(()) };
        let expected = self.may(index, READ);
        let Some(Open { file, place, .. }) = self.open.get_mut(index) else { return Ok(()) };
        let (place, what) = (*place, format!("reading {length} bytes at {offset} of {}", file.path()));
        let mut data = vec![0xee; length];
        let answer = if by_position {
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.read(&mut data))
        } else {
            file.read_at(&mut data, offset)
        };
        let Some(count) = self.agree(&what, answer, expected, 0)? else { return Ok(()) };
        let content = self.model.content(place).get(offset as usize..).unwrap_or_default();
        let right = content.get(..length.min(content.len())).unwrap_or_default();
        if data.get(..count) != Some(right) {
            return Err(format!("{what}: {count} bytes are not what was written, of {} there", right.len()));
        }
        if data.get(count..).is_none_or(|rest| rest.iter().any(|byte| *byte != 0xee)) {
            return Err(format!("{what}: something is behind the {count} bytes that were read"));
        }
        Ok(())
    }

    fn resize(&mut self) -> Checked<()> {
        let mut size = self.offset();
        let Some(index) = self.some_open() else { return Ok(()) };
        let expected = self.may(index, WRITE);
        let Some(Open { file, place, .. }) = self.open.get(index) else { return Ok(()) };
        let (place, before) = (*place, self.model.size(*place));
        // Shorter as often as longer.
        if self.random.bool() {
            size %= before + 1;
        }
        let what = format!("setting the size of {} from {before} to {size}", file.path());
        let answer = file.set_len(size);
        if self.agree(&what, answer, expected, size.saturating_sub(before))?.is_some() {
            self.model.resize(place, size as usize);
        }
        Ok(())
    }

    fn remove(&mut self) -> Checked<()> {
        let path = self.path();
        let expected = self.model.removable(&path, Kind::File, |place| self.is_open(place));
        let answer = fs::remove_file(self.full(&path));
        if self.agree(&format!("removing {path}"), answer, expected, 0)?.is_some() {
            self.model.remove(&path);
        }
        Ok(())
    }

    fn remove_directory(&mut self) -> Checked<()> {
        let path = self.path();
        let expected = self.model.removable(&path, Kind::Directory, |place| self.is_open(place));
        let answer = fs::remove_dir(self.full(&path));
        if self.agree(&format!("removing the directory {path}"), answer, expected, 0)?.is_some() {
            self.model.remove(&path);
        }
        Ok(())
    }

    fn make_directory(&mut self) -> Checked<()> {
        let path = self.path();
        let expected = self.model.free(&path);
        let answer = fs::create_dir(self.full(&path));
        if self.agree(&format!("making the directory {path}"), answer, expected, 0)?.is_some() {
            self.model.make_directory(&path);
        }
        Ok(())
    }

    fn rename(&mut self) -> Checked<()> {
        let (from, to) = (self.path(), self.path());
        let expected = self.model.renameable(&from, &to, |place| self.is_open(place));
        let answer = fs::rename(self.full(&from), self.full(&to));
        if self.agree(&format!("renaming {from} to {to}"), answer, expected, 0)?.is_some() {
            self.model.rename(&from, &to);
        }
        Ok(())
    }

    fn map(&mut self) -> Checked<()> {
        let Some(index) = self.some_open() else { return Ok(()) };
        let expected = self.may(index, READ);
        let Some(Open { file, place, .. }) = self.open.get(index) else { return Ok(()) };
        let (place, what, answer) = (*place, format!("mapping {}", file.path()), file.map());
        let is_empty = self.model.size(place) == 0;
        let expected = if is_empty { expected.and(Err(Error::Empty)) } else { expected };
        let Some(mapped) = self.agree(&what, answer, expected, 0)? else { return Ok(()) };
        let mut content = vec![0; mapped.len()];
        mapped.read(0, &mut content);
        if content != self.model.content(place) {
            return Err(format!("{what}: it is not what was written"));
        }
        Ok(())
    }

    fn sync(&mut self) -> Checked<()> {
        let done = match self.some_open().and_then(|index| self.open.get(index)) {
            Some(open) => open.file.sync_all(),
            None => fs::sync(&self.directory),
        };
        done.map_err(|error| format!("{error}"))
    }
}

/// How a file is opened with these flags.
fn options(flags: u32) -> OpenOptions {
    let has = |flag| flags & flag != 0;
    let options = File::options().read(has(READ)).write(has(WRITE)).append(has(APPEND));
    let options = options.truncate(has(TRUNCATE)).create(has(CREATE));
    if has(EXCLUSIVE) { options.create_new(true) } else { options }
}
