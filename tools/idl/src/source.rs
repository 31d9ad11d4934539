//! Source files and places in them.
//!
//! Every file that a compilation reads is kept here until its end, so that an error found late can still show the
//! line it is about. Files come from a [`Loader`]: the disk, or memory in tests. Nothing here looks at the language.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// Where the text of files comes from.
pub trait Loader {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// Whatever the file system says; it is shown to the user.
    fn load(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// Loads from the file system.
pub struct Disk;

impl Loader for Disk {
    fn load(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// Loads from memory: for tests.
impl Loader for HashMap<PathBuf, Vec<u8>> {
    fn load(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// A file among those read, by the order of reading.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileId(usize);

/// Bytes `start..end` of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset of the first byte past the span.
    pub end: usize,
}

impl Span {
    /// The span from the start of `self` to the end of `last`, in the file of `self`.
    #[must_use]
    pub fn to(self, last: Span) -> Span {
        Span { end: last.end.max(self.end), ..self }
    }
}

/// A value and where it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

/// One source file.
pub struct SourceFile {
    /// The path as it is shown.
    pub path: PathBuf,
    /// What it contains.
    pub text: String,
}

/// All files of a compilation.
#[derive(Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Keeps a file.
    pub fn add(&mut self, path: PathBuf, text: String) -> FileId {
        self.files.push(SourceFile { path, text });
        FileId(self.files.len() - 1)
    }

    /// The file; `None` if `id` is another compilation's.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0)
    }

    /// The file at `path`, if it was read already.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        self.files.iter().position(|file| file.path == path).map(FileId)
    }

    /// The paths of all files, in the order of reading.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The text of a span; empty if the span is not in it.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).and_then(|file| file.text.get(span.start..span.end)).unwrap_or_default()
    }
}
