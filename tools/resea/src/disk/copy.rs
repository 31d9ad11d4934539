//! Copies files and directories into an image and out of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use fat::{Error, Kind, Node};

use super::new::{milliseconds, now};
use super::{Image, InImage, Place};

/// Bytes that are copied at once.
const CHUNK: usize = 1 << 20;
/// How long a copy may take before its progress is shown.
const SILENCE: Duration = Duration::from_secs(1);

/// What was copied.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Copies files, and directories if `recursive`, to a file or into a directory.
///
/// # Errors
///
/// The first that cannot be copied; those before are there then.
pub fn copy(sources: &[Place], to: &Place, partition: Option<u32>, recursive: bool) -> Result<Copied> {
    let mut run = Run {
        recursive,
        several: sources.len() > 1,
        progress: Progress::new(),
        copied: Copied::default(),
        put: BTreeSet::new(),
        taken: BTreeSet::new(),
    };
    match to {
        Place::Image(to) => {
            let mut image = Image::open(&to.image, partition, true)?;
            let result = sources.iter().try_for_each(|source| match source {
                Place::Here(source) => run.put(&mut image, source, to),
                Place::Image(_) => {
                    bail!("both are in an image: copy to a folder of this machine first, then from there")
                }
            });
            // What was copied before a failure is there, whole.
            let finished = image.finish();
            result.and(finished)?;
        }
        Place::Here(to) => {
            for source in sources {
                let Place::Image(source) = source else {
                    bail!(
                        "none of them is in an image: write one as IMAGE:/PATH, such as disk.img:/notes.txt"
                    )
                };
                run.take(source, partition, to)?;
            }
        }
    }
    Ok(run.copied)
}

/// A copy under way.
struct Run {
    recursive: bool,
    several: bool,
    progress: Progress,
    copied: Copied,
    /// What was put into the image.
    put: BTreeSet<Node>,
    /// What was made of what was taken out of one.
    taken: BTreeSet<PathBuf>,
}

impl Run {
    /// Into an image.
    fn put(&mut self, image: &mut Image, source: &Path, to: &InImage) -> Result<()> {
        let last = source.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_string()));
        let metadata = source.metadata().with_context(|| format!("cannot copy {}", source.display()))?;
        let target = image.find(&to.path).map(|node| (node, image.volume.attributes(node)));
        let (directory, name) = match target {
            // Into the directory, under its own name.
            Ok((node, Ok(found))) if found.kind == Kind::Directory => {
                let name =
                    last.with_context(|| format!("{} has no name that FAT can have", source.display()))?;
                (node, name)
            }
            Ok((_, Err(error))) => return Err(image.explain("use", &to.path, error)),
            Ok(_) if self.several || to.is_directory || metadata.is_dir() => {
                return Err(image.explain("copy to", &to.path, Error::NotADirectory));
            }
            Err(Error::NotFound) if self.several || (to.is_directory && !metadata.is_dir()) => {
                return Err(image.explain("copy to", &to.path, Error::NotFound));
            }
            Ok(_) | Err(Error::NotFound) => {
                let (parent, name) = to.path.rsplit_once('/').unwrap_or(("", &to.path));
                let parent = image.find(parent).map_err(|error| image.explain("copy to", &to.path, error))?;
                (parent, name.to_string())
            }
            Err(error) => return Err(image.explain("copy to", &to.path, error)),
        };
        self.put_any(image, source, directory, &name)
    }

    fn put_any(&mut self, image: &mut Image, source: &Path, directory: Node, name: &str) -> Result<()> {
        let shown = source.display();
        let metadata = source.metadata().with_context(|| format!("cannot copy {shown}"))?;
        let modified = metadata.modified().map_or_else(|_| now(), milliseconds);
        if !metadata.is_dir() {
            return self.put_file(image, source, directory, name, modified);
        }
        if !self.recursive {
            bail!("{shown} is a directory: add -r to copy it with all that is in it");
        }
        let node = image
            .make_directory(directory, name, modified)
            .map_err(|error| image.explain("make the directory", name, error))?;
        let mut entries: Vec<_> = std::fs::read_dir(source)
            .and_then(|entries| entries.collect())
            .with_context(|| format!("cannot read {shown}"))?;
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let name = entry.file_name();
            let name =
                name.to_str().with_context(|| format!("{} has no name of text", entry.path().display()))?;
            self.put_any(image, &entry.path(), node, name)?;
        }
        Ok(())
    }

    fn put_file(
        &mut self,
        image: &mut Image,
        source: &Path,
        directory: Node,
        name: &str,
        modified: i64,
    ) -> Result<()> {
        if is_same_file(&image.path, source) {
            bail!("{} is the image that is copied into: it has no room for itself", source.display());
        }
        let mut file = File::open(source).with_context(|| format!("cannot read {}", source.display()))?;
        let node = match image.volume.lookup(directory, name) {
            Err(Error::NotFound) => image.volume.create(directory, name, Kind::File, modified),
            found => found,
        };
        if let Ok(node) = &node
            && !self.put.insert(*node)
        {
            // On this machine names may differ only in their case.
            bail!(
                "{} has a name that FAT takes for that of another file that was just copied",
                source.display()
            );
        }
        let mut open = node
            .and_then(|node| image.volume.open(node))
            .and_then(|mut open| image.volume.resize(&mut open, 0, modified).map(|()| open))
            .map_err(|error| image.explain("write", name, error))?;
        let (mut buffer, mut offset) = (vec![0; CHUNK], 0);
        loop {
            let length =
                file.read(&mut buffer).with_context(|| format!("cannot read {}", source.display()))?;
            if length == 0 {
                break;
            }
            let written = image.volume.write(&mut open, offset, &buffer[..length], modified);
            let whole =
                written.and_then(|written| if written == length { Ok(()) } else { Err(Error::NoSpace) });
            whole.map_err(|error| image.explain("write", name, error))?;
            offset += length as u64;
            self.progress.add(length as u64, name);
        }
        self.count(offset);
        image.volume.close(open).map_err(|error| image.explain("write", name, error))
    }

    /// Out of an image.
    fn take(&mut self, source: &InImage, partition: Option<u32>, to: &Path) -> Result<()> {
        let mut image = Image::open(&source.image, partition, false)?;
        let node = image.find(&source.path).map_err(|error| image.explain("copy", &source.path, error))?;
        let target = match (to.is_dir(), source.name()) {
            (true, Some(name)) => to.join(name),
            (true, None) => to.to_path_buf(),
            (false, _) if self.several || to.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                bail!("there is no directory {}: make it first", to.display())
            }
            (false, _) => to.to_path_buf(),
        };
        self.take_any(&mut image, node, &source.path, &target)
    }

    fn take_any(&mut self, image: &mut Image, node: Node, path: &str, to: &Path) -> Result<()> {
        let found = image.volume.attributes(node).map_err(|error| image.explain("read", path, error))?;
        if found.kind == Kind::File {
            return self.take_file(image, node, path, to);
        }
        if !self.recursive {
            bail!("/{path} is a directory: add -r to copy it with all that is in it");
        }
        std::fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
        for (name, node, _) in image.list(node).map_err(|error| image.explain("read", path, error))? {
            // A damaged volume may have any name.
            let safe = PathBuf::from(&name).components().count() == 1 && name != ".." && !name.contains('/');
            if !safe {
                bail!("the name {name:?} in /{path} cannot be used on this machine");
            }
            self.take_any(image, node, &format!("{path}/{name}"), &to.join(&name))?;
        }
        Ok(())
    }

    fn take_file(&mut self, image: &mut Image, node: Node, path: &str, to: &Path) -> Result<()> {
        let mut open = image.volume.open(node).map_err(|error| image.explain("read", path, error))?;
        let found = image.volume.attributes(node).map_err(|error| image.explain("read", path, error))?;
        let shown = to.display();
        if is_same_file(&image.path, to) {
            let image = image.path.display();
            bail!(
                "{shown} is the image that is copied from: name another file, or a path in it as {image}:/PATH"
            );
        }
        if !self.taken.insert(to.to_path_buf()) {
            bail!("/{path} would take the place of another file that was just copied to {shown}");
        }
        let write = || format!("{shown} cannot be written");
        let mut file = File::create(to).with_context(write)?;
        let (mut buffer, mut offset) = (vec![0; CHUNK], 0);
        loop {
            let length = image
                .volume
                .read(&mut open, offset, &mut buffer)
                .map_err(|error| image.explain("read", path, error))?;
            if length == 0 {
                break;
            }
            file.write_all(&buffer[..length]).with_context(write)?;
            offset += length as u64;
            self.progress.add(length as u64, path);
        }
        if let Ok(modified) = u64::try_from(found.modified)
            && modified > 0
        {
            file.set_modified(UNIX_EPOCH + Duration::from_millis(modified)).with_context(write)?;
        }
        self.count(offset);
        Ok(())
    }

    fn count(&mut self, bytes: u64) {
        self.copied.files += 1;
        self.copied.bytes += bytes;
    }
}

/// Whether both paths lead to one file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.metadata(), other.metadata()), (Ok(one), Ok(other)) if (one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// What is shown while it takes long, on a terminal.
struct Progress {
    start: Instant,
    shown: Option<Instant>,
    bytes: u64,
}

impl Progress {
    fn new() -> Self {
        Self { start: Instant::now(), shown: None, bytes: 0 }
    }

    fn add(&mut self, bytes: u64, name: &str) {
        self.bytes += bytes;
        let last = self.shown.unwrap_or(self.start + SILENCE * 9 / 10);
        let due = Instant::now().checked_duration_since(last).is_some_and(|time| time > SILENCE / 10);
        if due && std::io::stderr().is_terminal() {
            self.shown = Some(Instant::now());
            let name: String = name.chars().filter(|character| !character.is_control()).take(50).collect();
            eprint!("\r\x1b[K{} MB copied, now {name}", self.bytes / 1_000_000);
        }
    }
}

impl Drop for Progress {
    /// Takes away what is shown, also for the error that comes next.
    fn drop(&mut self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::new::{New, make};

    #[test]
    fn nothing_is_spoiled_by_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = folder.path().join("disk.img");
        let new = New { size: 1 << 20, kind: None, cluster: None, label: String::new(), partition: false };
        make(&image, &new).expect("it is large enough");
        let shown = image.display().to_string();
        let place = |path: &str| Place::from(format!("{shown}:/{path}").as_str());
        let many = folder.path().join("many");
        std::fs::create_dir(&many).expect("it is new");
        std::fs::write(many.join("README"), "one").expect("it can be written");
        std::fs::write(many.join("other"), "two").expect("it can be written");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("it is new");
        let inner = inner.join("disk.img");
        std::fs::write(&inner, "three").expect("it can be written");
        let sources = [Place::Here(many.clone()), Place::Here(inner)];
        copy(&sources, &place(""), None, true).expect("it has room");
        let before = std::fs::read(&image).expect("it can be read");
        let around = folder.path().to_path_buf();
        for (from, to) in [("many/README", &image), ("disk.img", &around), ("", &around)] {
            let error = copy(&[place(from)], &Place::Here(to.clone()), None, true);
            let error = format!("{:#}", error.expect_err("it would be gone"));
            assert!(error.contains("is the image that is copied from"), "{from}: {error}");
            assert!(std::fs::read(&image).expect("it can be read") == before, "{from}");
        }
        let error = copy(&[Place::Here(image.clone())], &place(""), None, false);
        let error = format!("{:#}", error.expect_err("it would be full"));
        assert!(error.contains("disk.img is the image that is copied into"), "{error}");
        std::fs::write(many.join("readme"), "four").expect("it can be written");
        let error = copy(&[Place::Here(many)], &place("again"), None, true);
        let error = format!("{:#}", error.expect_err("one would be lost"));
        assert!(error.contains("readme has a name that FAT takes for that of another file"), "{error}");
        let alike = [place("many/README"), place("again/README")];
        let error = copy(&alike, &Place::Here(around), None, false);
        let error = format!("{:#}", error.expect_err("one would be lost"));
        assert!(error.contains("/again/README would take the place of another file"), "{error}");
    }
}
