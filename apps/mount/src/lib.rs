//! `mount SOURCE POINT [-t KIND] [-r]` makes the file system on a device, or in the boot image, the directory POINT, with `-r`
//! read-only. Without arguments it lists what is mounted.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use fs::{Mount, MountState};
use resea::{Arg, Error, UsageError, print, println};

const USAGE: &str = "mount [SOURCE POINT [-t KIND] [-r]]";
const HEADER: [&str; 5] = ["SOURCE", "POINT", "KIND", "STARTS", "STATE"];

/// What the command line says.
struct CommandLine {
    /// Source and point, as far as they are given.
    names: Vec<&'static str>,
    kind: Option<&'static str>,
    read_only: bool,
}

/// Does what the command line says.
///
/// Errors: a sentence that says why not.
pub fn run() -> Result<(), String> {
    let CommandLine { names, kind, read_only } = command_line()?;
    match names[..] {
        [] if kind.is_none() && !read_only => list(),
        [] => Err(missing("SOURCE")),
        [_] => Err(missing("POINT")),
        [source, point, ..] => {
            let kind = kind.unwrap_or_else(|| usual_kind(source));
            fs::mount(source, point, kind, read_only).map_err(|error| error.to_string())
        }
    }
}

fn missing(argument: &'static str) -> String {
    UsageError::Missing(argument, USAGE).to_string()
}

fn command_line() -> Result<CommandLine, String> {
    let mut line = CommandLine { names: Vec::new(), kind: None, read_only: false };
    let mut options = resea::options();
    let wrong = |error| format!("{error}; usage: {USAGE}");
    while let Some(argument) = options.next_arg().map_err(wrong)? {
        match argument {
            Arg::Short('t') => line.kind = Some(options.value().map_err(wrong)?),
            Arg::Short('r') => line.read_only = true,
            Arg::Positional(name) if line.names.len() < 2 => line.names.push(name),
            other => return Err(UsageError::unexpected(other, USAGE).to_string()),
        }
    }
    Ok(line)
}

/// The file server for a source if the command line does not say which.
fn usual_kind(source: &str) -> &'static str {
    if source == "none" || source == "boot" || source.starts_with("boot/") { "tarfs" } else { "fatfs" }
}

fn list() -> Result<(), String> {
    let mounts = fs::mounts().map_err(|error| error.to_string())?;
    if mounts.is_empty() {
        println!("Nothing is mounted.");
    } else {
        let rows: Vec<_> = mounts.into_iter().map(row).collect();
        print!("{}", terminal::format::table(HEADER, &[3], &rows));
    }
    Ok(())
}

fn row(mount: Mount) -> [String; 5] {
    let state = match (mount.state, mount.error) {
        (MountState::Mounted, _) if mount.read_only => "read-only".into(),
        (MountState::Mounted, _) => "mounted".into(),
        (MountState::Starting, _) => "starting".into(),
        (MountState::Waiting, Some(Error::NotFound)) => "waiting for the device".into(),
        (MountState::Waiting, Some(Error::Aborted)) => "given up: its server has ended too often".into(),
        (MountState::Waiting, Some(error)) => format!("failed: {error}"),
        (MountState::Waiting, None) => "waiting".into(),
    };
    [mount.source, mount.point, mount.kind, mount.starts.to_string(), state]
}
