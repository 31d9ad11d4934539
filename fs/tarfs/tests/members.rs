//! What the standards say of members: POSIX.1-2017 (pax, "ustar Interchange Format" and "pax Interchange Format"), and GNU tar's
//! manual ("Basic Tar Format"). Archives are made here block by block, and the tree is compared.

#[path = "support/builder.rs"]
mod builder;
#[path = "support/contents.rs"]
mod contents;

use builder::{Archive, Header, Memory};
use contents::{contents, file, left_out, read};
use ipc::Error;
use tarfs::Files;
use tarfs::fill::fill;

#[test]
fn a_hard_link_is_another_file_with_the_same_content() {
    let mut archive = Archive::default();
    archive.member(b'0', "a/one", b"content").link(b'1', "two", "a/one").link(b'1', "three", "./a//one");
    archive.member(b'0', "a/one", b"later").link(b'1', "four", "two");
    let expected = [
        file("a/", b""),
        file("a/one", b"later"),
        file("four", b"content"),
        file("three", b"content"),
        file("two", b"content"),
    ];
    assert_eq!(contents(&archive), expected);
    // A link to nothing, to a directory, to itself.
    archive.link(b'1', "lost", "none").link(b'1', "up", "a").link(b'1', "two", "two");
    let (tree, left) = read(&archive.end()).unwrap();
    assert_eq!((left, tree.len()), (left_out(2, "lost"), 5));
}

/// Behind a link that an extended header is about, content may follow (pax -o linkdata). In old archives the size is that of the
/// file, and nothing follows.
#[test]
fn a_hard_link_with_content_is_a_file() {
    let mut archive = Archive::default();
    archive.member(b'0', "one", b"content").records(b'x', &[("mtime", b"3")]);
    archive.add(Header::new(b'1', b"two", 7).put(157, b"one"), b"content").member(b'0', "three", b"3");
    let expected = [file("one", b"content"), file("three", b"3"), file("two", b"content")];
    assert_eq!(contents(&archive), expected);
    let mut archive = Archive::default();
    archive.member(b'0', "one", b"content");
    archive.add(Header::new(b'1', b"two", 7).put(157, b"one"), b"").member(b'0', "three", b"3");
    assert_eq!(contents(&archive), expected);
}

#[test]
fn links_to_long_names_are_followed() {
    let long = format!("{}/file", "d".repeat(150));
    let mut archive = Archive::default();
    archive.member(b'L', "././@LongLink", format!("{long}\0").as_bytes()).member(b'0', "cut", b"1");
    archive.member(b'K', "././@LongLink", format!("{long}\0").as_bytes()).link(b'1', "gnu", "cut");
    archive.records(b'x', &[("linkpath", long.as_bytes())]).link(b'1', "pax", "cut");
    let directory = format!("{}/", "d".repeat(150));
    let expected = [file(&directory, b""), file(&long, b"1"), file("gnu", b"1"), file("pax", b"1")];
    assert_eq!(contents(&archive), expected);
}

#[test]
fn what_is_no_file_is_left_out_and_what_follows_it_is_not() {
    for flag in *b"2346" {
        let mut archive = Archive::default();
        // What stands there as the size is not that of content.
        let mut header = Header::new(flag, b"other", 5000);
        archive.add(header.put(157, b"file"), b"").member(b'0', "file", b"1");
        let (tree, left) = read(&archive.end()).unwrap();
        assert_eq!((left, tree.len()), (left_out(1, "other"), 1), "{}", flag as char);
    }
    // These have content: a continued file, old long names, an access list, what nobody knows yet.
    for flag in *b"MNAZ9" {
        let mut archive = Archive::default();
        archive.member(flag, "other", &[b'c'; 700]).member(b'0', "file", b"1");
        let (tree, left) = read(&archive.end()).unwrap();
        assert_eq!((left, tree.len()), (left_out(1, "other"), 1), "{}", flag as char);
    }
}

#[test]
fn old_and_other_forms_of_members_are_known() {
    let mut archive = Archive::default();
    // The label of a volume is no member. A directory of an incremental archive has a list as its content.
    archive.member(b'V', "label", b"").member(b'D', "dumped/", b"Yfile\0\0").member(b'7', "contiguous", b"7");
    archive.member(b'\0', "old", b"0").member(b'\0', "older/", b"").member(b'0', "inner/", b"");
    // Solaris calls extended headers so.
    archive.records(b'X', &[("path", b"solaris")]).member(b'0', "cut", b"x");
    let expected = [
        file("contiguous", b"7"),
        file("dumped/", b""),
        file("inner/", b""),
        file("old", b"0"),
        file("older/", b""),
        file("solaris", b"x"),
    ];
    assert_eq!(contents(&archive), expected);
}

#[test]
fn sparse_files_are_left_out_and_what_follows_them_is_not() {
    let mut archive = Archive::default();
    let mut header = Header::new(b'S', b"gnu", 512);
    header.put(257, b"ustar  \0").0[482] = 1;
    let mut map = [0; 1024];
    map[504] = 1;
    archive.add(&header, &[&map[..], &[b'c'; 512]].concat()).member(b'0', "file", b"1");
    archive.records(b'x', &[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"pax")]);
    archive.member(b'0', "GNUSparseFile.0/pax", b"1\n0\n0\n").member(b'0', "last", b"2");
    let (tree, left) = read(&archive.end()).unwrap();
    assert_eq!((left, tree.len()), (left_out(2, "gnu"), 2));
    assert_eq!(tree["last"].0, b"2");
}

#[test]
fn numbers_may_be_binary_and_negative_sizes_are_damage() {
    let mut archive = Archive::default();
    let mut header = Header::new(b'0', b"binary", 0);
    header.put(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    header.put(136, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    archive.add(&header, b"abc");
    assert_eq!(read(&archive.end()).unwrap().0["binary"], (b"abc".to_vec(), -2000));
    for size in [&[0xff; 12], &[0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], b"-0000000001\0", b"000000000x1\0"]
    {
        let mut archive = Archive::default();
        archive.add(Header::new(b'0', b"file", 0).put(124, size), b"");
        assert_eq!(read(&archive.end()).err(), Some(Error::Damaged), "{size:?}");
    }
}

#[test]
fn sizes_that_nothing_has_are_damage() {
    for size in [1 << 40, (1 << 63) - 1, u64::MAX - 511, u64::MAX] {
        let mut archive = Archive::default();
        archive.records(b'x', &[("size", size.to_string().as_bytes())]).member(b'0', "file", b"");
        assert_eq!(read(&archive.end()).err(), Some(Error::Damaged), "{size}");
        let mut archive = Archive::default();
        let mut field = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        field[4..].copy_from_slice(&size.to_be_bytes());
        archive.add(Header::new(b'x', b"records", 0).put(124, &field), b"");
        assert!(matches!(read(&archive.end()).err(), Some(Error::Damaged | Error::TooLarge)), "{size}");
    }
}

/// Says that it has all bytes that there can be; behind those that it has there are zeros.
struct Endless(Vec<u8>);

impl tarfs::archive::Bytes for Endless {
    fn size(&self) -> u64 {
        u64::MAX
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(0);
        let rest = self.0.get(at as usize..).unwrap_or_default();
        buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

#[test]
fn sums_of_sizes_do_not_overflow() {
    // The last fits exactly: all that is behind the headers, which is no whole block.
    for size in [i64::MAX as u64, u64::MAX - 4096, u64::MAX - 1536] {
        let mut archive = Archive::default();
        archive.records(b'x', &[("size", size.to_string().as_bytes())]).member(b'0', "file", b"");
        let mut files = Files::new(Memory(Vec::new()), "tar", 1 << 20, 0);
        let left = fill(&mut files, 0, &mut Endless(archive.0)).unwrap();
        assert_eq!(left, left_out(1, "file"), "{size}: larger than any file here");
    }
}

#[test]
fn sums_may_be_of_signed_bytes() {
    let mut header = Header::new(b'0', "größe".as_bytes(), 1);
    header.put(148, b"        ");
    let sum: i32 = header.0.iter().map(|byte| i32::from(*byte as i8)).sum();
    header.put(148, format!("{sum:06o}\0 ").as_bytes());
    let mut archive = Archive(header.0.to_vec());
    archive.0.extend([b'x'; 512]);
    assert_eq!(contents(&archive), [file("größe", b"x")]);
    archive.0[5] ^= 1;
    assert_eq!(read(&archive.end()).err(), Some(Error::WrongFormat));
}

/// Names of old archives are bytes: two different ones stay two.
#[test]
fn names_that_are_not_unicode_are_read_as_latin_1() {
    let mut archive = Archive::default();
    archive.add(&Header::new(b'0', b"gr\xfcn", 1), b"1").add(&Header::new(b'0', b"gr\xf6n", 1), b"2");
    archive.records(b'x', &[("hdrcharset", b"BINARY"), ("path", b"gr\xfcn/x")]);
    archive.member(b'5', "cut", b"").member(b'0', "häuser", b"4");
    let (tree, left) = read(&archive.end()).unwrap();
    assert_eq!(left, left_out(1, "grün/x"), "a file is in the way");
    let paths: Vec<_> = tree.keys().map(String::as_str).collect();
    assert_eq!(paths, ["grön", "grün", "häuser"]);
    assert_eq!(tree["grün"].0, b"1");
}

#[test]
fn an_archive_may_end_in_many_ways() {
    let mut archive = Archive::default();
    archive.member(b'0', "file", b"content");
    let whole = archive.0.clone();
    for end in [&[][..], &[0; 512], &[0; 1024], &[0; 10240]] {
        let (tree, _) = read(&Memory([&whole, end].concat())).unwrap();
        assert_eq!(tree["file"].0, b"content");
    }
    let behind = Memory([&archive.end().0[..], &[b'x'; 700]].concat());
    assert_eq!(read(&behind).unwrap().0.len(), 1, "what is behind the end is nobody's business");
    for unfilled in [512 + 7, 700] {
        let (tree, _) = read(&Memory(whole[..unfilled].to_vec())).unwrap();
        assert_eq!(tree["file"].0, b"content", "the last block is not filled");
    }
    assert_eq!(read(&Memory(whole[..512 + 6].to_vec())).err(), Some(Error::Damaged));
    let begun = Memory([&whole[..], &[b'x'; 10]].concat());
    assert_eq!(read(&begun).err(), Some(Error::Damaged), "a header that is not all there");
}
