//! Paths, times and extended headers of archives: whatever they say, the tree is one, and what is not in it is told.

#[path = "support/builder.rs"]
mod builder;
#[path = "support/contents.rs"]
mod contents;

use builder::{Archive, Header, Memory};
use contents::{contents, file, left_out, read, times};
use ipc::Error;
use tarfs::Files;
use tarfs::fill::fill;

#[test]
fn extended_headers_say_more_than_headers() {
    let mut archive = Archive::default();
    let records: [(&str, &[u8]); 5] = [
        ("path", "lang/größe".as_bytes()),
        ("size", b"3"),
        ("mtime", b"-0.25"),
        ("uid", b"7"),
        ("x", b"a=b\nc"),
    ];
    archive.records(b'x', &records).add(&Header::new(b'0', b"short", 0), b"abc");
    archive.member(b'0', "next", b"n");
    let (tree, _) = read(&archive.end()).unwrap();
    assert_eq!(tree["lang/größe"], (b"abc".to_vec(), -250));
    assert_eq!(tree["next"], (b"n".to_vec(), 10_000), "they are about one member");
}

#[test]
fn global_headers_are_about_all_members_that_follow() {
    let mut archive = Archive::default();
    archive.member(b'0', "before", b"").records(b'g', &[("mtime", b"5"), ("comment", b"1234")]);
    archive.member(b'0', "first", b"").records(b'x', &[("mtime", b"6")]).member(b'0', "own", b"");
    // An empty value takes back what was said before, also what a global header has said.
    archive.records(b'x', &[("mtime", b"")]).member(b'0', "header", b"").member(b'0', "second", b"");
    archive.records(b'g', &[("mtime", b"")]).member(b'0', "taken back", b"");
    let expected =
        [("before", 10), ("first", 5), ("header", 10), ("own", 6), ("second", 5), ("taken back", 10)];
    assert_eq!(times(&archive), expected.map(|(path, time)| (path.to_string(), time)));
    let mut archive = Archive::default();
    archive.records(b'g', &[("path", b"all"), ("size", b"2")]);
    archive.records(b'x', &[("path", b""), ("size", b"")]).member(b'0', "one", b"1");
    archive.add(&Header::new(b'0', b"two", 0), b"22");
    assert_eq!(contents(&archive), [file("all", b"22"), file("one", b"1")]);
}

#[test]
fn an_extended_header_without_a_member_is_damage() {
    let mut archive = Archive::default();
    archive.member(b'0', "file", b"1").records(b'x', &[("mtime", b"5")]);
    assert_eq!(read(&archive.end()).err(), Some(Error::Damaged));
    assert_eq!(read(&Memory(archive.0.clone())).err(), Some(Error::Damaged), "cut off");
    let mut archive = Archive::default();
    archive.member(b'L', "././@LongLink", b"name");
    assert_eq!(read(&archive.end()).err(), Some(Error::Damaged));
    let mut archive = Archive::default();
    archive.member(b'0', "file", b"1").records(b'g', &[("comment", b"the end")]);
    assert_eq!(contents(&archive), [file("file", b"1")], "what is about all may be about none");
}

#[test]
fn paths_lead_nowhere_else() {
    let mut archive = Archive::default();
    archive.member(b'0', "/etc/absolute", b"1").member(b'0', "./a/.//b", b"2");
    archive.member(b'0', "../up", b"").member(b'0', "a/../up", b"").member(b'0', "new/../../up", b"");
    archive.member(b'0', ".", b"no directory").member(b'0', "", b"no name");
    archive.records(b'x', &[("path", b"nul\0byte")]).member(b'0', "x", b"");
    let long = vec![b'n'; 800];
    archive.records(b'x', &[("path", &long)]).member(b'0', "x", b"");
    let deep = [&b"d/".repeat(600)[..], b"file"].concat();
    archive.records(b'x', &[("path", &deep)]).member(b'0', "x", b"");
    let (tree, left) = read(&archive.end()).unwrap();
    assert_eq!(left, left_out(8, "../up"));
    let paths: Vec<_> = tree.keys().map(String::as_str).collect();
    assert_eq!(paths, ["a/", "a/b", "etc/", "etc/absolute"], "and no directories are made for the others");
}

#[test]
fn the_last_of_two_with_one_path_counts() {
    let mut archive = Archive::default();
    archive.member(b'0', "a", b"first").member(b'0', "a", b"second");
    // A file becomes a directory, and an empty directory a file.
    archive.member(b'0', "b", b"file").member(b'5', "b/", b"").member(b'0', "b/inner", b"1");
    archive.member(b'5', "c/", b"").member(b'0', "c", b"file");
    let expected = [file("a", b"second"), file("b/", b""), file("b/inner", b"1"), file("c", b"file")];
    assert_eq!(contents(&archive), expected);
    archive.member(b'0', "b", b"not empty").member(b'0', "c/inner", b"in a file");
    let (tree, left) = read(&archive.end()).unwrap();
    assert_eq!(left, left_out(2, "b"));
    assert_eq!(tree["b/inner"].0, b"1");
}

#[test]
fn directories_have_the_times_that_the_archive_says() {
    let add = |archive: &mut Archive, flag, path: &str, time: u64| {
        let mut header = Header::new(flag, path.as_bytes(), 0);
        archive.add(header.put(136, format!("{time:011o}\0").as_bytes()), b"");
    };
    let mut archive = Archive::default();
    add(&mut archive, b'5', "a/", 5);
    add(&mut archive, b'0', "a/b/c", 7);
    add(&mut archive, b'0', "d/e", 8);
    add(&mut archive, b'5', "d/", 9);
    let expected = [("a/", 5), ("a/b/", 7), ("a/b/c", 7), ("d/", 9), ("d/e", 8)];
    assert_eq!(times(&archive), expected.map(|(path, time)| (path.to_string(), time)));
}

#[test]
fn more_names_than_there_is_memory_for_are_refused() {
    let fill_into = |bytes: &Memory, space| {
        let mut files = Files::new(bytes.clone(), "tar", space, 0);
        fill(&mut files, 0, &mut bytes.clone()).map(drop)
    };
    let mut archive = Archive::default();
    for number in 0..3000 {
        archive.member(b'0', &format!("directory/{number}"), b"");
    }
    assert_eq!(fill_into(&archive.end(), 100_000), Err(Error::OutOfMemory));
    assert_eq!(fill_into(&archive.end(), 4 << 20), Ok(()));
    // One path of many names is as bad.
    let mut archive = Archive::default();
    let path: String = (0..200).map(|number| format!("{number}/")).collect();
    archive.records(b'x', &[("path", path.as_bytes())]).member(b'5', "x", b"");
    assert_eq!(fill_into(&archive.end(), 10_000), Err(Error::OutOfMemory));
}
