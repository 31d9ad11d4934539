//! `ls [-l] [PATH]...` lists what is in directories, and files, by name; directories have a `/` at their end. `-l`: a row for
//! each, with kind, size and time (UTC). Names are in columns on the console, and one to a line in a file.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use calendar::Date;
use commands::{CommandLine, each};
use resea::{ExitStatus, print, println};
use terminal::format::{grid, table, visible};

/// Columns that are used: what every terminal has.
const COLUMNS: usize = 80;

/// What is known of a file or directory.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    is_dir: bool,
    read_only: bool,
    size: u64,
    modified: Option<i64>,
}

/// Does what the command line says. What cannot be listed is told.
///
/// Errors: a sentence that says what is wrong with the command line.
pub fn run() -> Result<ExitStatus, String> {
    let mut line = CommandLine::read("ls [-l] [PATH]...", "l")?;
    if line.paths.is_empty() {
        line.paths.push(".");
    }
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    let mut status = each(&line.paths, |&path| {
        let found = fs::metadata(path)?;
        if found.is_dir() {
            directories.push(path);
        } else {
            files.push(Entry {
                name: path.into(),
                is_dir: false,
                read_only: found.is_read_only(),
                size: found.len(),
                modified: found.modified(),
            });
        }
        Ok::<_, fs::Error>(())
    });
    let mut blank = !files.is_empty();
    show(files, line.has('l'));
    let listed = each(directories, |path| {
        if core::mem::replace(&mut blank, true) {
            println!();
        }
        if line.paths.len() > 1 {
            println!("{}:", visible(path));
        }
        show(entries(path)?, line.has('l'));
        Ok::<_, fs::Error>(())
    });
    if listed != ExitStatus::SUCCESS {
        status = listed;
    }
    Ok(status)
}

fn entries(path: &str) -> fs::Result<Vec<Entry>> {
    let entry = |entry: fs::DirEntry| Entry {
        name: entry.name().into(),
        is_dir: entry.is_dir(),
        read_only: entry.is_read_only(),
        size: entry.len(),
        modified: entry.modified(),
    };
    fs::read_dir(path)?.map(|found| found.map(entry)).collect()
}

fn show(mut entries: Vec<Entry>, long: bool) {
    entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.name.clone()));
    if entries.is_empty() {
        return;
    }
    if long {
        let rows: Vec<_> = entries.iter().map(row).collect();
        print!("{}", table(["KIND", "SIZE", "MODIFIED", "NAME"], &[1], &rows));
    } else {
        let names: Vec<_> = entries.iter().map(name).collect();
        let columns = if resea::environment("OUTPUT").is_none() { COLUMNS } else { 1 };
        print!("{}", grid(&names, columns));
    }
}

/// The name as it is shown.
fn name(entry: &Entry) -> String {
    let name = visible(&entry.name);
    if entry.is_dir { name + "/" } else { name }.into()
}

fn row(entry: &Entry) -> [String; 4] {
    let kind = if entry.is_dir { "directory" } else { "file" };
    let kind = if entry.read_only { format!("{kind}, read-only") } else { kind.into() };
    let size = if entry.is_dir { "-".into() } else { format!("{}", entry.size) };
    let date = entry.modified.and_then(Date::from_milliseconds);
    [kind, size, date.map_or_else(|| "-".into(), |date| format!("{date:#}")), name(entry)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_is_known() {
        let mut entry = Entry {
            name: "a\u{1b}[2J".into(),
            is_dir: false,
            read_only: true,
            size: 12,
            modified: Some(1_795_251_600_999),
        };
        assert_eq!(row(&entry), ["file, read-only", "12", "2026-11-21 09:00:00", "a?[2J"]);
        (entry.is_dir, entry.read_only, entry.modified) = (true, false, None);
        assert_eq!(row(&entry), ["directory", "-", "-", "a?[2J/"]);
    }
}
