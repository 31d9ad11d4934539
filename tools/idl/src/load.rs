//! Reads a file and all that it includes.
//!
//! Each file is read once, however often it is included. A file's namespaces come in the order of the text, with
//! those of an included file at the place of the include: that order gives messages their numbers.

use crate::diagnostic::Diagnostic;
use crate::lexer;
use crate::parser;
use crate::source::{FileId, Loader, Sources, Span, Spanned};
use crate::syntax::{FileItem, Namespace};
use std::path::{Component, Path, PathBuf};

/// Deepest nesting of includes.
const MAX_DEPTH: usize = 64;

/// A namespace as written, and its file.
pub struct Loaded {
    /// The namespace.
    pub namespace: Namespace,
    /// The file's path.
    pub path: PathBuf,
}

/// Reads `root` and what it includes; returns all namespaces.
pub fn load(
    root: &Path,
    loader: &dyn Loader,
    sources: &mut Sources,
    errors: &mut Vec<Diagnostic>,
) -> Vec<Loaded> {
    let mut load = Load { loader, sources, errors, open: Vec::new(), namespaces: Vec::new() };
    load.file(&normal(root), None);
    load.namespaces
}

struct Load<'a> {
    loader: &'a dyn Loader,
    sources: &'a mut Sources,
    errors: &'a mut Vec<Diagnostic>,
    /// The files that are being read, each included by the one before it.
    open: Vec<FileId>,
    namespaces: Vec<Loaded>,
}

impl Load<'_> {
    /// Reads the file at `path`, which the include at `include` asks for.
    fn file(&mut self, path: &Path, include: Option<Span>) {
        let text = match self.loader.load(path) {
            Ok(bytes) => self.decode(path, bytes),
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                self.errors.push(match include {
                    Some(span) => Diagnostic::new(message, span, "included here")
                        .hint("paths are relative to the file that has the include"),
                    None => Diagnostic::general(message).hint("check the path given on the command line"),
                });
                return;
            }
        };
        let Some(file) = text else { return };
        let text = self.sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
        let tokens = lexer::lex(file, &text, self.errors);
        let end = Span { file, start: text.len(), end: text.len() };
        let tree = parser::parse(&tokens, end, self.errors);
        self.open.push(file);
        let mut first: Option<Span> = None;
        for item in tree.items {
            match item {
                FileItem::Include(target) => self.include(path, &target),
                FileItem::Namespace(namespace) => {
                    let span = namespace.name.span;
                    match first {
                        Some(first) => self.errors.push(
                            Diagnostic::new("a file has one namespace only", span, "the second one")
                                .also(first, "the first one")
                                .hint("move it to a file of its own and include that"),
                        ),
                        None => first = Some(span),
                    }
                    self.namespaces.push(Loaded { namespace, path: path.to_owned() });
                }
            }
        }
        self.open.pop();
    }

    fn include(&mut self, from: &Path, target: &Spanned<String>) {
        if target.value.is_empty() || target.value.contains('\0') {
            let error = Diagnostic::new("the include names no file", target.span, "");
            self.errors.push(error.hint("write `include \"net.idl\";`"));
            return;
        }
        let path = normal(&from.parent().unwrap_or(Path::new("")).join(&target.value));
        if let Some(file) = self.sources.find(&path) {
            if let Some(start) = self.open.iter().position(|open| *open == file) {
                let error = Diagnostic::new(self.cycle(start), target.span, "closes the cycle");
                self.errors.push(error.hint("move what both files need to a third one that both include"));
            }
            return;
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("includes are nested deeper than {MAX_DEPTH} files");
            self.errors
                .push(Diagnostic::new(message, target.span, "").hint("include the files from one list"));
            return;
        }
        self.file(&path, Some(target.span));
    }

    fn cycle(&self, start: usize) -> String {
        let path = |file: &FileId| self.sources.get(*file).map(|file| file.path.display().to_string());
        let mut names: Vec<String> = self.open.iter().skip(start).filter_map(path).collect();
        names.extend(names.first().cloned());
        format!("the files include each other: {}", names.join(" -> "))
    }

    /// Keeps the file; reports if it is not UTF-8.
    fn decode(&mut self, path: &Path, bytes: Vec<u8>) -> Option<FileId> {
        let error = match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
                return Some(self.sources.add(path.to_owned(), text));
            }
            Err(error) => error,
        };
        let start = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(start).copied().unwrap_or_default();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let file = self.sources.add(path.to_owned(), text);
        let span = Span { file, start, end: start + char::REPLACEMENT_CHARACTER.len_utf8() };
        let message = format!("the file is not UTF-8: byte {byte:#04x} at offset {start}");
        self.errors.push(Diagnostic::new(message, span, "not text").hint("save the file as UTF-8"));
        None
    }
}

/// The path without `.` and, where that is possible, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            _ => result.push(part),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        for (path, wanted) in [("./a/../b.idl", "b.idl"), ("../x/./y", "../x/y"), ("/a/../../b", "/../b")] {
            assert_eq!(normal(Path::new(path)), Path::new(wanted), "{path}");
        }
    }
}
