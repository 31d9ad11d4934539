//! `df [PATH]...` shows the mounted file systems, or those of the paths: what they are on, how large and how full they are.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use commands::CommandLine;
use fs::{Mount, MountState, Statistics};
use resea::print;
use terminal::format::{size, table, visible};

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line, or why vfs cannot be asked.
pub fn run() -> Result<(), String> {
    let line = CommandLine::read("df [PATH]...", "")?;
    let mounts = fs::mounts().map_err(|error| format!("{error}"))?;
    let mut shown: Vec<&Mount> = mounts.iter().collect();
    if !line.paths.is_empty() {
        shown.clear();
        for path in line.paths {
            let path = fs::absolute(path);
            let of = mount_of(&mounts, &path)
                .ok_or_else(|| format!("{path} is in no file system that is mounted"))?;
            shown.push(of);
        }
    }
    let rows: Vec<_> = shown.into_iter().map(row).collect();
    print!("{}", table(["SOURCE", "SIZE", "USED", "FREE", "FULL", "FORMAT", "POINT"], &[1, 2, 3, 4], &rows));
    Ok(())
}

/// The mount that has a path: of several, the one that is nearest.
fn mount_of<'a>(mounts: &'a [Mount], path: &str) -> Option<&'a Mount> {
    let has = |mount: &&Mount| {
        let rest = path.strip_prefix(mount.point.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(has).max_by_key(|mount| mount.point.len())
}

fn row(mount: &Mount) -> [String; 7] {
    let reason = match (mount.state, mount.error) {
        (MountState::Waiting, Some(error)) => Err(format!("{error}")),
        (MountState::Waiting, None) => Err("it waits".into()),
        _ => fs::statistics(&mount.point).map_err(|error| format!("{}", error.kind)),
    };
    match reason {
        Ok(found) => counted(mount, &found),
        Err(reason) => {
            let none = || String::from("-");
            let point = format!("{} ({reason})", visible(&mount.point));
            [mount.source.clone(), none(), none(), none(), none(), mount.kind.clone(), point]
        }
    }
}

fn counted(mount: &Mount, found: &Statistics) -> [String; 7] {
    let used = found.total.saturating_sub(found.free);
    // Of nothing, nothing is free.
    let full = u128::from(used) * 100 / u128::from(found.total.max(1));
    let mut point = String::from(visible(&mount.point));
    if found.read_only {
        point.push_str(" (read-only)");
    }
    if !found.label.is_empty() {
        point.push_str(&format!(" `{}`", visible(&found.label)));
    }
    [
        visible(&mount.source).into(),
        size(found.total),
        size(used),
        size(found.free),
        format!("{full} %"),
        visible(&found.format).into(),
        point,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(source: &str, point: &str) -> Mount {
        Mount {
            source: source.into(),
            point: point.into(),
            kind: "fatfs".into(),
            read_only: false,
            state: MountState::Mounted,
            error: None,
            starts: 1,
            server: 7,
        }
    }

    #[test]
    fn a_path_is_in_the_nearest_mount() {
        let mounts = [mount("a", "/mnt"), mount("b", "/mnt/disk0"), mount("c", "/tmp")];
        let source = |path| mount_of(&mounts, path).map(|mount| mount.source.as_str());
        assert_eq!(source("/mnt/disk0/x"), Some("b"));
        assert_eq!(source("/mnt/disk0"), Some("b"));
        assert_eq!(source("/mnt/disk01"), Some("a"));
        assert_eq!(source("/boot"), None);
    }

    #[test]
    fn a_row_has_the_figures() {
        let mut found = Statistics {
            total: 1 << 30,
            free: 1 << 28,
            unit: 4096,
            read_only: true,
            format: "FAT32".into(),
            label: "DATA".into(),
        };
        let expected = ["disk0", "1.00 GiB", "768 MiB", "256 MiB", "75 %", "FAT32", "/a (read-only) `DATA`"];
        assert_eq!(counted(&mount("disk0", "/a"), &found), expected);
        (found.total, found.free) = (0, 1);
        assert_eq!(counted(&mount("disk0", "/a"), &found)[4], "0 %");
        let mut waits = mount("disk1", "/b");
        (waits.state, waits.error) = (MountState::Waiting, Some(resea::Error::NotFound));
        assert_eq!(row(&waits), ["disk1", "-", "-", "-", "-", "fatfs", "/b (it does not exist)"]);
    }
}
