//! The file: reading it as text, and saving so that at every moment either the old or the new content is there whole.
//!
//! Lines that end with CR and LF are one kind of text: they are edited without the CRs and saved with them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use fs::{Action, File, Path, Write};

use crate::text::MAX_TEXT;

/// How many names for the new file are tried.
const NAMES: usize = 16;

/// A file that is edited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    path: String,
    new: bool,
    /// Nothing can be saved there.
    read_only: bool,
    /// Its lines end with CR and LF.
    returns: bool,
}

impl Stored {
    /// Reads a file; one that does not exist has no text.
    ///
    /// Errors: a sentence that says why it cannot be read or is not for editing.
    pub fn load(path: &str) -> Result<(Self, String), String> {
        let path = fs::absolute(path);
        let found = match fs::metadata(&path) {
            Err(error) if error.kind == ipc::Error::NotFound => None,
            Err(error) => return Err(format!("{error}")),
            Ok(found) => Some(found),
        };
        let Some(found) = found else {
            // That there is no place for the file is better said before something was typed.
            let parent = Path::new(&path).parent().map_or("/", Path::as_str);
            let directory = fs::read_dir(parent).and_then(|_| fs::metadata(parent));
            let directory = directory.map_err(|error| format!("{path} cannot be made: {error}"))?;
            let read_only = directory.is_read_only();
            return Ok((Self { path, new: true, read_only, returns: false }, String::new()));
        };
        if found.is_dir() {
            return Err(format!("{path} is a directory: name a file"));
        }
        let too_large = |size| {
            let limit = MAX_TEXT >> 10;
            Err(format!(
                "{path} has {size} bytes, which is too much: edit takes files of at most {limit} KiB"
            ))
        };
        if found.len() > MAX_TEXT as u64 {
            return too_large(found.len());
        }
        let content = fs::read(&path).map_err(|error| format!("{error}"))?;
        if content.len() > MAX_TEXT {
            return too_large(content.len() as u64);
        }
        let Ok(text) = String::from_utf8(content) else {
            return Err(format!("{path} is not text in UTF-8: `hexdump` shows what it is"));
        };
        let (text, returns) = without_returns(text);
        Ok((Self { path, new: false, read_only: found.is_read_only(), returns }, text))
    }

    /// Its absolute path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it did not exist when it was read.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// Whether nothing could be saved there when it was read.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Saves the text, and returns how many bytes that were: in a new file, which takes the place of the old one when all of
    /// it is on the medium.
    ///
    /// Errors: a sentence that says why not. The file is as it was; or, if only what came last has failed, the new one.
    pub fn save(&self, text: &str) -> Result<usize, String> {
        let content = if self.returns { Cow::Owned(text.replace('\n', "\r\n")) } else { Cow::Borrowed(text) };
        self.replace(content.as_bytes()).map_err(|error| format!("not saved: {error}"))?;
        Ok(content.len())
    }

    fn replace(&self, content: &[u8]) -> fs::Result<()> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_read_only() => return Err(self.failed(ipc::Error::ReadOnly)),
            Ok(found) if found.is_dir() => return Err(self.failed(ipc::Error::IsADirectory)),
            _ => {}
        }
        let mut new = self.create()?;
        let path = String::from(new.path());
        if let Err(error) = new.write_all(content).and_then(|()| new.sync_all()) {
            drop(new);
            // If that does not work either, the first error is what matters.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        // It is still open, so that an end of the file server since then does not go unnoticed.
        let renamed = fs::rename(&path, &self.path).and_then(|()| new.sync_all());
        drop(new);
        match renamed {
            Err(error) if error.server_ended() => self.rename_again(&path, content),
            Err(error) => {
                // What has failed in the middle may have left the same content under both names.
                if !matches!(error.kind, ipc::Error::InputOutput | ipc::Error::Damaged) {
                    let _ = fs::remove_file(&path);
                }
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Renames the new file at `path` after the end of a file server that may have done so, or half of it: on FAT both names
    /// have the same clusters then, and removing one would take them from the other.
    fn rename_again(&self, path: &str, content: &[u8]) -> fs::Result<()> {
        match fs::rename(path, &self.path) {
            // It has its name already, if the content is right.
            Err(error) if error.kind == ipc::Error::NotFound => {}
            result => result?,
        }
        let file = File::open(&self.path)?;
        if fs::read(&self.path)? != content {
            return Err(self.failed(ipc::Error::Aborted));
        }
        file.sync_all()
    }

    /// Makes a file in the same directory, with a name that nothing has yet.
    fn create(&self) -> fs::Result<File> {
        let parent = Path::new(&self.path).parent().map_or("/", Path::as_str);
        let mut number = 1;
        loop {
            match File::create_new(fs::join(parent, &format!("edit-{number}.tmp"))) {
                Err(error) if error.kind == ipc::Error::AlreadyExists && number < NAMES => number += 1,
                result => return result,
            }
        }
    }

    fn failed(&self, kind: ipc::Error) -> fs::Error {
        fs::Error { action: Action::Write, path: self.path.clone(), to: None, kind }
    }
}

/// The text without CRs, if all of its lines end with CR and LF; saving puts exactly these back.
fn without_returns(text: String) -> (String, bool) {
    let (ends, returns) = (text.matches('\n').count(), text.matches("\r\n").count());
    if ends > 0 && ends == returns { (text.replace("\r\n", "\n"), true) } else { (text, false) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_with_returns_are_edited_without_them() {
        assert_eq!(without_returns("a\r\nb\r\n".into()), ("a\nb\n".into(), true));
        assert_eq!(without_returns("a\r\nb\n".into()), ("a\r\nb\n".into(), false));
        assert_eq!(without_returns("a\r".into()), ("a\r".into(), false));
    }

    proptest! {
        #[test]
        fn no_text_is_changed_by_loading_and_saving(text in "[a\r\n]{0,12}") {
            let (edited, returns) = without_returns(text.clone());
            let saved = if returns { edited.replace('\n', "\r\n") } else { edited };
            prop_assert_eq!(saved, text);
        }
    }
}
