//! Copies of files and directories that are on the medium when they are done, or an error says that they are not.
//!
//! Every file is synced through the handle that it was written by, so that the end of a file server in between cannot lose
//! anything unnoticed, and its length is compared. Nothing is retried. Uses no more memory than for the names of the
//! directories on the way.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use fs::{File, Path, Read, Write};
use ipc::Error;

use crate::complain;
use crate::progress::Progress;
use crate::targets::{is_below, is_in_same};

/// Bytes that are copied at once.
const BUFFER: usize = 64 << 10;

/// Why something was not copied.
struct Failure {
    text: String,
    /// What comes after it would fail as well.
    is_final: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<fs::Error> for Failure {
    fn from(error: fs::Error) -> Self {
        let is_final = matches!(error.kind, Error::NoSpace | Error::ReadOnly) || error.server_ended();
        Self { text: format!("{error}"), is_final }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, is_final: false }
    }
}

/// Copies things.
#[derive(Debug)]
pub struct Copying {
    buffer: Vec<u8>,
    progress: Progress,
    directories: bool,
    times: bool,
}

impl Copying {
    /// Copies directories only if told so, and keeps the times of files only if told so.
    pub fn new(directories: bool, times: bool) -> Self {
        Self { buffer: vec![0; BUFFER], progress: Progress::new(), directories, times }
    }

    /// Copies a file, or a directory with everything in it, to another absolute path; a directory that is there is
    /// filled up. Says what goes wrong, goes on with the next file where that makes sense, and returns whether all was copied.
    pub fn copy(&mut self, from: &str, to: &str) -> bool {
        let mut all = true;
        let mut waiting = vec![(String::from(from), String::from(to))];
        while let Some((from, to)) = waiting.pop() {
            let result = self.one(&from, &to, &mut waiting);
            self.progress.clear();
            if let Err(failure) = result {
                complain(&failure);
                all = false;
                if failure.is_final {
                    break;
                }
            }
        }
        all
    }

    /// Copies one thing; what is in a directory is left to do.
    fn one(&mut self, from: &str, to: &str, waiting: &mut Vec<(String, String)>) -> Result<(), Failure> {
        if from == to {
            return Err(format!("{from} cannot be copied to itself").into());
        }
        if !fs::metadata(from)?.is_dir() {
            return self.file(from, to);
        }
        if !self.directories {
            return Err(format!("{from} is a directory: use -r to copy it").into());
        }
        if is_below(to, from) || is_in_same(to, from)? {
            return Err(format!("{from} cannot be copied into itself, to {to}").into());
        }
        match fs::create_dir(to) {
            Err(error) if error.kind == Error::AlreadyExists && fs::metadata(to)?.is_dir() => {}
            result => result?,
        }
        // Opened, so that the end of its server does not go unnoticed.
        File::open(to)?.sync_all()?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            waiting.push((entry.path(), fs::join(to, entry.name())));
        }
        Ok(())
    }

    fn file(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let source = File::open(from)?;
        // It is cut in the end: should both be the same file by different names, it stays what it is.
        let target = File::options().write(true).create(true).open(to)?;
        self.content(source, target).map_err(|failure| Failure {
            text: format!("{to} is not complete: {failure}"),
            is_final: failure.is_final,
        })?;
        if self.times
            && let Some(modified) = fs::metadata(from)?.modified()
        {
            fs::set_modified(to, Some(modified))?;
        }
        Ok(())
    }

    fn content(&mut self, mut source: File, mut target: File) -> Result<(), Failure> {
        let size = source.metadata()?.len();
        let name = String::from(Path::new(source.path()).file_name().unwrap_or_default());
        let mut copied = 0;
        loop {
            let length = source.read(&mut self.buffer)?;
            let Some(data) = self.buffer.get(..length).filter(|data| !data.is_empty()) else { break };
            target.write_all(data)?;
            copied += length as u64;
            self.progress.show(&name, copied, size);
        }
        target.set_len(copied)?;
        target.sync_all()?;
        let (expected, stored) = (source.metadata()?.len(), target.metadata()?.len());
        if expected != copied {
            let text = format!("{} was changed meanwhile: {copied} bytes of {expected}", source.path());
            return Err(text.into());
        }
        if stored != copied {
            return Err(format!("{stored} bytes are stored, and {copied} were written").into());
        }
        Ok(())
    }
}
