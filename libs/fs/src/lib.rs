//! Files: what the standard library's `std::fs` is on other systems, on the interfaces of `vfs` and of the file servers.
//!
//! ```ignore
//! use fs::{Read, Write};
//!
//! let mut file = fs::File::create("notes.txt")?;
//! file.write_all(b"bread, milk\n")?;
//! file.sync_all()?;
//! for entry in fs::read_dir("/tmp")? {
//!     println!("{}", entry?.name());
//! }
//! ```
//!
//! * [`File`], [`OpenOptions`]: open files. They implement the traits of `embedded-io`, which are re-exported:
//!   [`Read`], [`Write`], [`Seek`]. [`File::map`] gives a file's content as shared memory, without a copy.
//! * [`read`], [`read_to_string`], [`write()`], [`copy`]: whole files. [`rename`], [`remove_file`], [`metadata()`], [`exists`].
//! * [`read_dir`], [`create_dir`], [`create_dir_all`], [`remove_dir`], [`remove_dir_all`]: directories.
//! * [`Path`]: the parts of a path. Any path may be relative to the directory in the environment variable `PWD`; `.` and
//!   `..` are taken out before a file system sees the path.
//! * [`mounts`](mounts()), [`mount`], [`unmount`], [`statistics`]: the name space.
//!
//! A program names both services in its manifest: `uses = ["vfs", "fs"]`. An open file is closed when it is dropped, and all
//! of a task's files when it ends. When its file server ends, an open file answers with an [`Error`] whose
//! [`server_ended`](Error::server_ended) is true, for ever: what was written and not synced may be lost, and only the program
//! knows what to do about it. A file that is opened again, by its path, is the new server's. Nothing is kept between two
//! calls that could be out of date.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

mod cache;
mod directory;
mod error;
mod file;
mod mapped;
mod metadata;
mod mounts;
mod options;
mod path;
mod server;
mod whole;

pub use directory::{DirEntry, ReadDir, create_dir, create_dir_all, read_dir, remove_dir, remove_dir_all};
pub use embedded_io::{Read, Seek, SeekFrom, Write};
pub use error::{Action, Error, Result};
pub use file::File;
pub use mapped::Mapped;
pub use metadata::{FileType, Metadata, exists, metadata, set_modified};
pub use mounts::{Mount, MountState, Statistics, mount, mounts, statistics, sync, unmount};
pub use options::OpenOptions;
pub use path::{Components, Path, absolute, join};
pub use whole::{copy, read, read_to_string, remove_file, rename, write};
