//! The sources of trees: the boot image, archives in it, and what is none.

mod support;

use fileserver::conformance::list;
use interfaces::fs::{CREATE, Client, Kind, READ, TRUNCATE, WRITE};
use resea::Error;
use std::process::Command;
use support::{mount, start, system};

/// An archive with a file of 5,000 bytes in a directory, and a link.
fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    std::fs::write(folder.path().join("notes/long.txt"), content()).unwrap();
    std::os::unix::fs::symlink("notes", folder.path().join("way")).unwrap();
    let mut tar = Command::new("tar");
    let output = tar.arg("-C").arg(folder.path()).args(["-cf", "-", "notes", "way"]).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn content() -> Vec<u8> {
    (0..5000_u32).map(|at| (at % 241) as u8).collect()
}

fn read(client: &Client, path: &str) -> Result<Vec<u8>, Error> {
    let file = client.open(path, READ)?;
    let mut content = vec![0; 10_000];
    let length = client.read(file, 0, &mut content)?;
    content.truncate(length);
    client.close(file)?;
    Ok(content)
}

#[test]
fn an_archive_is_a_tree_that_can_be_written_to() {
    let report = system().file("files.tar", archive()).run(|| {
        let client = mount(&["boot/files.tar", "/mnt/files"]);
        assert_eq!(list(&client, "/", 100), [("notes".into(), Kind::Directory, 0)]);
        assert_eq!(list(&client, "/notes", 100), [("long.txt".into(), Kind::File, 5000)]);
        assert_eq!(read(&client, "notes/long.txt").unwrap(), content());
        let (mut format, mut label) = ([0; 16], [0; 16]);
        let before = client.statistics(&mut format, &mut label).unwrap();
        assert_eq!((before.format, before.read_only), ("tar", false));
        let free = before.free;
        // One byte: one chunk is copied, not the file.
        let file = client.open("notes/long.txt", WRITE).unwrap();
        assert_eq!(client.write(file, 4500, b"!").map(|done| done.end), Ok(4501));
        let mut expected = content();
        expected[4500] = b'!';
        assert_eq!(read(&client, "notes/long.txt").unwrap(), expected);
        let taken = free - client.statistics(&mut format, &mut label).unwrap().free;
        assert!((4096..5000).contains(&taken), "{taken} bytes for one chunk");
        client.close(file).unwrap();
        let file = client.open("notes/long.txt", WRITE | TRUNCATE).unwrap();
        assert_eq!(read(&client, "notes/long.txt").unwrap(), b"", "nothing is left of the archive's");
        assert_eq!(client.write(file, 0, b"new").map(|done| done.end), Ok(3));
        assert_eq!(read(&client, "notes/long.txt").unwrap(), b"new");
    });
    assert!(report.console.contains("1 of its members are not here, `way` first"), "{}", report.console);
}

/// Bytes of all files in a directory, at any depth.
fn size(client: &Client, directory: &str) -> u64 {
    let entries = list(client, directory, 1000);
    let size = |(name, kind, size): (String, Kind, u64)| match kind {
        Kind::File => size,
        Kind::Directory => self::size(client, &format!("{}/{name}", directory.trim_end_matches('/'))),
    };
    entries.into_iter().map(size).sum()
}

#[test]
fn the_boot_image_is_a_tree() {
    system().file("etc/motd", "hello").run(|| {
        let client = mount(&["boot", "/boot", "--read-only"]);
        assert_eq!(read(&client, "/etc/motd").unwrap(), b"hello");
        assert!(list(&client, "/bin", 100).iter().any(|(name, ..)| name == "tarfs"));
        assert_eq!(client.open("/etc/motd", WRITE), Err(Error::ReadOnly));
        assert_eq!(client.open("/new", WRITE | CREATE), Err(Error::ReadOnly));
        assert_eq!(client.remove("/etc/motd"), Err(Error::ReadOnly));
        assert_eq!(client.make_directory("/d"), Err(Error::ReadOnly));
        assert_eq!(client.rename("/etc/motd", "/x"), Err(Error::ReadOnly));
        assert_eq!(client.set_modified("/etc/motd", 5), Err(Error::ReadOnly));
        let known = client.attributes_at("/etc/motd").unwrap();
        assert!(known.read_only && known.size == 5);
        let (mut format, mut label) = ([0; 16], [0; 16]);
        let known = client.statistics(&mut format, &mut label).unwrap();
        assert_eq!((known.total, known.free), (size(&client, "/"), 0), "nobody can write");
        assert_eq!(read(&client, "/etc/motd").unwrap(), b"hello");
    });
}

#[test]
fn a_source_that_is_none_ends_the_server_with_a_sentence() {
    let mut cut = archive();
    cut.truncate(2000);
    let report = system().file("cut.tar", cut).file("text", vec![b'x'; 1000]).run(|| {
        let status = |arguments: &[&str]| start(arguments).unwrap_err();
        assert_eq!(status(&["boot/none.tar", "/a"]), Error::NotFound.code() as i32);
        assert_eq!(status(&["moon", "/a"]), Error::NotFound.code() as i32);
        assert_eq!(status(&["boot/text", "/a"]), Error::WrongFormat.code() as i32);
        assert_eq!(status(&["boot/cut.tar", "/a"]), Error::Damaged.code() as i32);
        assert_eq!(status(&["none"]), Error::InvalidArgument.code() as i32);
        assert_eq!(status(&["none", "/a", "b"]), Error::InvalidArgument.code() as i32);
    });
    for sentence in [
        "tarfs: there is no source `moon`; use `none`, `boot`, `boot/` and the path of an archive in the boot image, or a disk",
        "tarfs: `boot/text` is not a tar archive, or empty; unpack it first if it is compressed",
        "tarfs: the archive `boot/cut.tar` is damaged or cut off; make it again",
        "tarfs: POINT is missing; usage: tarfs SOURCE POINT [--read-only]",
    ] {
        assert!(report.console.contains(sentence), "{sentence}\n{}", report.console);
    }
}
