//! Archives that the usual program has made are read as they were meant, and damaged ones are refused.

use ipc::Error;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tarfs::archive::{Bytes, Kind, Member, Reader};

struct Memory<'a>(&'a [u8]);

impl Bytes for Memory<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0[at as usize..][..buffer.len()]);
        Ok(())
    }
}

/// All members, and the error that the archive ends with.
fn members(archive: &[u8]) -> (Vec<Member>, Result<(), Error>) {
    let mut bytes = Memory(archive);
    let (mut reader, mut members) = (Reader::new(&mut bytes), Vec::new());
    loop {
        match reader.next_member() {
            Ok(Some(member)) => members.push(member),
            Ok(None) => return (members, Ok(())),
            Err(error) => {
                assert_eq!(reader.next_member(), Ok(None), "nothing comes after an error");
                return (members, Err(error));
            }
        }
    }
}

/// What is made for an archive: paths and contents, and a directory if there is none.
fn tree() -> BTreeMap<String, Option<Vec<u8>>> {
    let long = "a name that is longer than the hundred bytes that there are for it in a header/".repeat(2);
    let very_long = format!("deep/{}", "n".repeat(250));
    let file =
        |path: &str, size: usize| (path.to_string(), Some((0..size).map(|at| (at % 253) as u8).collect()));
    BTreeMap::from([
        file("empty", 0),
        file("one", 1),
        file("block", 512),
        file("large.bin", 100_000),
        file("größe-日本", 700),
        (String::from("directory"), None),
        (String::from("deep"), None),
        file("directory/file", 513),
        file(&format!("{long}file"), 10),
        (long.trim_end_matches('/').rsplit_once('/').unwrap().0.to_string(), None),
        (long.trim_end_matches('/').to_string(), None),
        file(&very_long, 20),
    ])
}

const TIME: i64 = 1_500_000_000;

fn make(folder: &Path, format: &str, tree: &BTreeMap<String, Option<Vec<u8>>>) -> Vec<u8> {
    for (path, content) in tree {
        let path = folder.join(path);
        match content {
            Some(content) => std::fs::write(path, content).unwrap(),
            None => std::fs::create_dir_all(path).unwrap(),
        }
    }
    std::os::unix::fs::symlink("one", folder.join("link")).unwrap();
    std::fs::hard_link(folder.join("one"), folder.join("two")).unwrap();
    let archive = folder.with_extension("tar");
    let mut tar = Command::new("tar");
    tar.arg(format!("--format={format}")).arg(format!("--mtime=@{TIME}.25")).arg("-C").arg(folder);
    // Names of 250 bytes do not fit into ustar.
    if format == "ustar" {
        tar.arg("--exclude=nnnn*");
    }
    let output = tar.arg("-cf").arg(&archive).arg(".").output().expect("tar is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(archive).unwrap()
}

#[test]
fn what_tar_has_made_is_read() {
    for format in ["gnu", "pax", "ustar", "oldgnu"] {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = tree();
        let folder = folder.path().join("content");
        std::fs::create_dir(&folder).unwrap();
        let archive = make(&folder, format, &tree);
        if format == "ustar" {
            tree.retain(|path, _| !path.contains("nnnn"));
        }
        let (members, end) = members(&archive);
        assert_eq!(end, Ok(()), "{format}");
        let mut others = Vec::new();
        for member in members {
            let path = member.path.trim_start_matches("./").trim_end_matches('/');
            let time = if format == "pax" { TIME * 1000 + 250 } else { TIME * 1000 };
            assert_eq!(member.modified, time, "{format}: {path}");
            match member.kind {
                _ if path.is_empty() => assert_eq!(member.kind, Kind::Directory),
                Kind::Link => {
                    let target = member.target.trim_start_matches("./");
                    assert!(
                        ["one", "two"].contains(&target) && target != path,
                        "{format}: {path} is {target}"
                    );
                    others.push(path.to_string());
                }
                Kind::Other => others.push(path.to_string()),
                // Of the two names of one file, the one that tar met first has the content.
                Kind::File if path == "two" => assert_eq!(member.size, 1),
                Kind::File => {
                    let content = tree.remove(path).unwrap_or_else(|| panic!("{format}: {path}")).unwrap();
                    let found = &archive[member.at as usize..][..member.size as usize];
                    assert!(found == content, "{format}: the content of {path}");
                }
                Kind::Directory => assert_eq!(tree.remove(path), Some(None), "{format}: {path}"),
            }
        }
        others.sort();
        let left: Vec<_> = tree.keys().filter(|path| *path != "one").collect();
        assert!(left.is_empty(), "{format}: {left:?} are not in the archive");
        assert_eq!(others.len(), 2, "{format}: the link and one name of the file with two: {others:?}");
    }
}

/// A small archive, and where its headers are.
fn small() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    std::fs::create_dir(&content).unwrap();
    let tree = [("a", 600), ("b", 0), (&"c".repeat(120)[..], 512)];
    let tree = tree.map(|(path, size)| (path.to_string(), Some(vec![b'x'; size])));
    make(
        &content,
        "gnu",
        &BTreeMap::from(tree).into_iter().chain([("one".into(), Some(Vec::new()))]).collect(),
    )
}

#[test]
fn what_is_no_archive_is_refused_and_what_is_damaged_too() {
    assert_eq!(members(b""), (Vec::new(), Ok(())));
    assert_eq!(members(&[0; 1024]), (Vec::new(), Ok(())), "an archive of nothing");
    assert_eq!(members(&[b'x'; 1024]), (Vec::new(), Err(Error::WrongFormat)));
    assert_eq!(members(&[b'x'; 100]), (Vec::new(), Err(Error::WrongFormat)));
    let archive = small();
    let (all, end) = members(&archive);
    assert_eq!(end, Ok(()));
    for member in all.iter().filter(|member| member.size > 0) {
        let cut = &archive[..(member.at + member.size - 1) as usize];
        assert_eq!(members(cut).1, Err(Error::Damaged), "cut in the content of {}", member.path);
        let mut changed = archive.clone();
        changed[member.at as usize - 512 + 5] ^= 1;
        assert!(members(&changed).1.is_err(), "a header of {} is changed", member.path);
    }
    let last = all.iter().map(|member| (member.at + member.size).next_multiple_of(512)).max().unwrap();
    assert_eq!(members(&archive[..last as usize]), (all, Ok(())), "an archive without an end");
}

proptest! {
    #[test]
    fn whatever_is_changed_members_lie_in_the_archive(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
        mend: bool,
    ) {
        thread_local! {
            static ARCHIVE: Vec<u8> = small();
        }
        let mut archive = ARCHIVE.with(Clone::clone);
        for (index, byte) in changes {
            // Mostly in headers.
            let index = index.index(archive.len());
            let place = if mend { index / 512 * 512 + index % 160 } else { index };
            archive[place] = byte;
            if mend {
                let block = &mut archive[place / 512 * 512..][..512];
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        archive.truncate(cut.index(archive.len() * 3).min(archive.len()));
        let (members, _) = members(&archive);
        let mut end = 0;
        for member in members {
            prop_assert!(member.at >= end + 512, "each is behind the one before");
            end = member.at + member.size;
            prop_assert!(end <= archive.len() as u64);
        }
    }
}
