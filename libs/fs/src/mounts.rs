//! The name space: what is mounted where.

use crate::error::{Action, Error, Result};
use crate::server::{Repeat, ask, ask_vfs, named};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use interfaces::fs;
use interfaces::vfs::Client;

/// How a mount stands.
pub use interfaces::vfs::State as MountState;

/// Longest name of a file server, format or volume in bytes.
const NAME: usize = 64;

/// A file system that is mounted, or is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// What it is on: `disk0`, `boot`, `none`.
    pub source: String,
    /// The directory that it is.
    pub point: String,
    /// Its file server: `fatfs`, `tarfs`.
    pub kind: String,
    /// Whether it was mounted so that nothing can be changed.
    pub read_only: bool,
    /// How it stands.
    pub state: MountState,
    /// Why it waits, if it does.
    pub error: Option<ipc::Error>,
    /// How often its server was started.
    pub starts: u32,
    /// The number of the server's task; 0 for none.
    pub server: u32,
}

/// All mounts, in the order in which they were made.
///
/// Errors: vfs cannot be reached.
pub fn mounts() -> Result<Vec<Mount>> {
    let mut found = Vec::new();
    for index in 0.. {
        match ask_vfs(Repeat::Harmless, |vfs| mount_of(vfs, index))? {
            Ok(mount) => found.push(mount),
            Err(ipc::Error::NotFound) => break,
            Err(kind) => return Err(Error::new(Action::Find, "", kind)),
        }
    }
    Ok(found)
}

fn mount_of(vfs: Client, index: u32) -> core::result::Result<Mount, ipc::Error> {
    let (mut source, mut point, mut kind) = (vec![0; fs::PATH_MAX], vec![0; fs::PATH_MAX], [0; NAME]);
    let mount = vfs.list(index, &mut source, &mut point, &mut kind)?;
    Ok(Mount {
        source: mount.source.into(),
        point: mount.point.into(),
        kind: mount.kind.into(),
        read_only: mount.read_only,
        state: mount.state,
        error: (mount.error != 0).then(|| ipc::Error::from_code(mount.error as usize)),
        starts: mount.starts,
        server: mount.server,
    })
}

/// Makes the file system on `source` the directory `point`, by the file server `kind`. Waits until it can be used.
///
/// Errors: those of `mount` in interfaces/vfs.idl.
pub fn mount(source: &str, point: impl AsRef<str>, kind: &str, read_only: bool) -> Result<()> {
    let point = named(Action::Mount, point.as_ref())?;
    let mounted = ask_vfs(Repeat::Wrong, |vfs| vfs.mount(source, &point, kind, read_only))?;
    mounted.map_err(|kind| Error::between(Action::Mount, source, &point, kind))
}

/// Writes everything to the medium and takes the file system away. With `force` also if files are open.
///
/// Errors: those of `unmount` in interfaces/vfs.idl.
pub fn unmount(point: impl AsRef<str>, force: bool) -> Result<()> {
    let point = named(Action::Unmount, point.as_ref())?;
    let unmounted = ask_vfs(Repeat::Wrong, |vfs| vfs.unmount(&point, force))?;
    unmounted.map_err(|kind| Error::new(Action::Unmount, &point, kind))
}

/// What a file system is, and how large.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Size in bytes.
    pub total: u64,
    /// Free bytes.
    pub free: u64,
    /// Files take multiples of this many bytes.
    pub unit: u32,
    /// Whether nothing can be changed.
    pub read_only: bool,
    /// Its format: `FAT32`.
    pub format: String,
    /// The volume's name.
    pub label: String,
}

/// What is known of the file system that has `path`.
///
/// Errors: `InputOutput`, `Damaged`; those of mounting the file system.
pub fn statistics(path: impl AsRef<str>) -> Result<Statistics> {
    let request = |server: &fs::Client, _: &str| {
        let (mut format, mut label) = ([0; NAME], [0; NAME]);
        let found = server.statistics(&mut format, &mut label)?;
        Ok(Statistics {
            total: found.total,
            free: found.free,
            unit: found.unit,
            read_only: found.read_only,
            format: found.format.into(),
            label: found.label.into(),
        })
    };
    ask(Action::Examine, path.as_ref(), Repeat::Harmless, request).map(|(_, found)| found)
}

/// Returns when all that was done in the file system that has `path` is on the medium. If its server has ended before, what was
/// not synced is lost, and only an open file can tell: see [`crate::File::sync_all`].
///
/// Errors: `InputOutput`, `NoSpace`, `Damaged`; the server has ended.
pub fn sync(path: impl AsRef<str>) -> Result<()> {
    ask(Action::Sync, path.as_ref(), Repeat::Wrong, |server, _| server.sync_all()).map(drop)
}
