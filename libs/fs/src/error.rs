//! What can go wrong with a file, with its path.

use alloc::string::String;
use core::fmt;
use embedded_io::ErrorKind;

/// What was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// To find the server `vfs`.
    Find,
    /// To open or make a file, or to open a directory.
    Open,
    /// To read from a file.
    Read,
    /// To write to a file.
    Write,
    /// To set a file's size.
    Resize,
    /// To get what was written to the medium.
    Sync,
    /// To learn the size, the times or the kind of a file or directory.
    Examine,
    /// To set the time of a file or directory.
    Touch,
    /// To read a directory.
    List,
    /// To make a directory.
    MakeDirectory,
    /// To remove a file or directory.
    Remove,
    /// To rename or move a file or directory.
    Rename,
    /// To copy a file.
    Copy,
    /// To map a file.
    Map,
    /// To mount a file system.
    Mount,
    /// To unmount a file system.
    Unmount,
}

/// Why it did not work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// What was tried.
    pub action: Action,
    /// With which file or directory: an absolute path. With which device, if it was to be mounted.
    pub path: String,
    /// Where it was to be renamed, copied or mounted.
    pub to: Option<String>,
    /// Why not: `NotFound`, `AlreadyExists`, `ReadOnly`, `NoSpace`, `InputOutput` … (interfaces/fs.idl says for each message
    /// which).
    pub kind: ipc::Error,
}

/// What the functions of this crate return.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(action: Action, path: &str, kind: ipc::Error) -> Self {
        Self { action, path: path.into(), to: None, kind }
    }

    pub(crate) fn between(action: Action, path: &str, to: &str, kind: ipc::Error) -> Self {
        Self { action, path: path.into(), to: Some(to.into()), kind }
    }

    /// Whether the file server has ended, and its open files with it.
    pub const fn server_ended(&self) -> bool {
        matches!(self.kind, ipc::Error::NoTask | ipc::Error::Aborted)
    }

    /// The reason, as the end of a sentence.
    const fn reason(&self) -> Option<&'static str> {
        use Action::*;
        use ipc::Error as E;
        Some(match (self.action, self.kind) {
            (Find, E::NotPermitted) => "add \"vfs\" and \"fs\" to `uses` in the program's manifest",
            (Find, E::NotFound) => "no program in the image provides it",
            (Read | Write | Resize, E::NoTask | E::Aborted) => {
                "its file server has ended; open the file again"
            }
            (Sync, E::NoTask | E::Aborted) => {
                "its file server has ended, and what was not synced before may be lost; write it again"
            }
            (Unmount, E::NoTask | E::Aborted) => {
                "its file server has ended, perhaps before everything was written"
            }
            (Unmount, E::TimedOut) => {
                "its file server did not answer and was ended, perhaps before everything was written"
            }
            (_, E::NoTask | E::Aborted) => "its file server has ended; try again",
            (Read | Map, E::NotPermitted) => "it was not opened for reading",
            (Write | Resize, E::NotPermitted) => "it was not opened for writing",
            (_, E::NotPermitted) => "add \"fs\" to `uses` in the program's manifest",
            (Read | Write | Resize, E::BadHandle) => "it is no longer open; open the file again",
            (Mount, E::NotFound) => "there is no such device, or no such file server",
            (Mount, E::AlreadyExists) => "something is mounted there; unmount it first",
            (Mount, E::TableFull) => "too many file systems are mounted; unmount one",
            (Mount | Unmount, E::InvalidArgument) => "this is no directory that something can be mounted at",
            (Mount, E::Busy) => "the device is in use",
            (Unmount, E::NotFound) => "nothing is mounted there",
            (Unmount, E::Busy) => {
                "files in it are open, or something is mounted below; close them, or force it"
            }
            (_, E::NotFound) => "there is no such file or directory",
            (_, E::NotADirectory) => "it, or what the path leads through, is not a directory",
            (_, E::AlreadyExists) => "there is something with this name",
            (Rename, E::InvalidArgument) => "a directory cannot be moved into itself",
            (Copy, E::InvalidArgument) => "they are the same file",
            (Rename, E::CrossDevice) => "they are in different file systems; copy it, and remove the first",
            (Map, E::TooLarge) => "it is too large to be mapped; read it",
            (Read, E::BadText) => "it is not UTF-8 text",
            (Read, E::TooLarge | E::OutOfMemory) => "it does not fit into memory",
            (Write | Resize, E::TooLarge) => "files of this size are not possible here",
            (_, E::TooLarge) => "the path is too long",
            (_, E::BadText) => "the path has a NUL",
            (_, E::TableFull) => "too many files are open; close some",
            _ => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.action {
            Action::Find => return write!(f, "cannot use `vfs`: {}", Reason(self)),
            Action::Open => "cannot open",
            Action::Read => "cannot read",
            Action::Write => "cannot write to",
            Action::Resize => "cannot set the size of",
            Action::Sync => "cannot sync",
            Action::Examine => "cannot examine",
            Action::Touch => "cannot set the time of",
            Action::List => "cannot list",
            Action::MakeDirectory => "cannot make the directory",
            Action::Remove => "cannot remove",
            Action::Rename => "cannot rename",
            Action::Copy => "cannot copy",
            Action::Map => "cannot map",
            Action::Mount => "cannot mount",
            Action::Unmount => "cannot unmount",
        })?;
        write!(f, " {}", if self.path.is_empty() { "''" } else { &self.path })?;
        if let Some(to) = &self.to {
            let preposition = if self.action == Action::Mount { "at" } else { "to" };
            write!(f, " {preposition} {to}")?;
        }
        write!(f, ": {}", Reason(self))
    }
}

/// Displays the reason.
struct Reason<'a>(&'a Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.reason() {
            Some(text) => f.write_str(text),
            None => write!(f, "{}", self.0.kind),
        }
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self.kind {
            ipc::Error::NotFound => ErrorKind::NotFound,
            ipc::Error::NotPermitted | ipc::Error::ReadOnly => ErrorKind::PermissionDenied,
            ipc::Error::NoTask | ipc::Error::Aborted => ErrorKind::BrokenPipe,
            ipc::Error::AlreadyExists => ErrorKind::AlreadyExists,
            ipc::Error::InvalidArgument | ipc::Error::BadName => ErrorKind::InvalidInput,
            ipc::Error::Damaged | ipc::Error::WrongFormat | ipc::Error::BadText => ErrorKind::InvalidData,
            ipc::Error::TimedOut => ErrorKind::TimedOut,
            ipc::Error::NotSupported => ErrorKind::Unsupported,
            ipc::Error::OutOfMemory => ErrorKind::OutOfMemory,
            _ => ErrorKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn errors_say_what_happened_and_to_which_file() {
        let text = |action, kind| Error::new(action, "/tmp/x", kind).to_string();
        assert_eq!(
            text(Action::Open, ipc::Error::NotFound),
            "cannot open /tmp/x: there is no such file or directory"
        );
        assert_eq!(text(Action::Write, ipc::Error::NoSpace), "cannot write to /tmp/x: no space is left");
        assert_eq!(
            text(Action::Read, ipc::Error::NoTask),
            "cannot read /tmp/x: its file server has ended; open the file again"
        );
        assert_eq!(
            Error::between(Action::Rename, "/a", "/tmp/a", ipc::Error::CrossDevice).to_string(),
            "cannot rename /a to /tmp/a: they are in different file systems; copy it, and remove the first"
        );
        assert_eq!(
            Error::new(Action::Remove, "", ipc::Error::NotFound).to_string(),
            "cannot remove '': there is no such file or directory"
        );
        assert!(text(Action::Find, ipc::Error::NotPermitted).starts_with("cannot use `vfs`: add"));
    }
}
