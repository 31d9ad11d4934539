//! The library for files, on the name space and on file servers: what programs see.

mod support;

use fs::{Action, File, FileType, OpenOptions, Read, Seek, SeekFrom, Write};
use ipc::Error;
use std::sync::atomic::Ordering;
use support::{DEATHS, FSTAB, system};

/// What went wrong.
fn kind<T: std::fmt::Debug>(result: fs::Result<T>) -> Error {
    result.unwrap_err().kind
}

fn names(directory: &str) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().name().to_string()).collect();
    names.sort();
    names
}

#[test]
fn files_are_written_and_read() {
    system(FSTAB).run(|| {
        let mut file = File::create_new("/tmp/a").unwrap();
        file.write_all(&[7; 2500]).unwrap();
        assert_eq!(file.seek(SeekFrom::Current(-1)), Ok(2499));
        file.write_all(b"xyz").unwrap();
        assert_eq!(file.seek(SeekFrom::End(-4)), Ok(2498));
        let mut buffer = [0; 10];
        assert_eq!(file.read(&mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"\x07xyz");
        assert_eq!(file.read(&mut buffer), Ok(0), "the end");
        assert_eq!(file.seek(SeekFrom::Current(-3000)).unwrap_err().kind, Error::InvalidArgument);
        assert_eq!((file.write_at(b"!", 0), file.read_at(&mut buffer[..2], 0)), (Ok(1), Ok(2)));
        assert_eq!(&buffer[..2], b"!\x07");
        let metadata = file.metadata().unwrap();
        assert!(metadata.is_file() && !metadata.is_dir() && !metadata.is_read_only());
        assert_eq!((metadata.len(), metadata.modified(), metadata.created()), (2502, Some(5), None));
        file.set_len(3).unwrap();
        file.sync_all().unwrap();
        assert_eq!(fs::read("/tmp/a").unwrap(), b"!\x07\x07");
        assert_eq!(kind(File::create_new("/tmp/a")), Error::AlreadyExists);
        let mut log = OpenOptions::new().append(true).open("/tmp/a").unwrap();
        log.write_all(b"ab").unwrap();
        assert_eq!(kind(log.read_at(&mut buffer, 0)), Error::NotPermitted);
        let mapped = File::open("/tmp/a").unwrap().map().unwrap();
        assert_eq!((mapped.len(), mapped.read(2, &mut buffer)), (5, 3));
        assert_eq!(&buffer[..3], b"\x07ab");
        assert_eq!(mapped.read(6, &mut buffer), 0);
        assert_eq!(kind(File::create("/tmp/empty").unwrap().map()), Error::NotPermitted);
        assert_eq!(kind(File::open("/tmp/empty").unwrap().map()), Error::Empty);
    });
}

#[test]
fn whole_files_are_read_written_copied_and_moved() {
    system(&format!("{FSTAB}none /home memfs")).run(|| {
        fs::write("/tmp/a", "grüße").unwrap();
        assert_eq!(fs::read_to_string("/tmp/./x/../a").unwrap(), "grüße");
        fs::write("/tmp/b", [0xff]).unwrap();
        assert_eq!(kind(fs::read_to_string("/tmp/b")), Error::BadText);
        let large: Vec<u8> = (0..40_000_u32).map(|number| number as u8 ^ (number >> 8) as u8).collect();
        fs::write("/tmp/large", &large).unwrap();
        assert_eq!(fs::copy("/tmp/large", "/home/copy"), Ok(40_000));
        assert_eq!(fs::read("/home/copy").unwrap(), large);
        assert_eq!(fs::copy("/tmp/a", "/home/copy"), Ok(7), "in place of a longer one");
        assert_eq!(fs::read("/home/copy").unwrap(), "grüße".as_bytes());
        assert_eq!(kind(fs::copy("/tmp/a", "/tmp//a")), Error::InvalidArgument);
        assert_eq!(fs::read("/tmp/a").unwrap(), "grüße".as_bytes());
        assert_eq!(kind(fs::copy("/tmp", "/home/x")), Error::IsADirectory);
        assert_eq!(fs::exists("/home/x"), Ok(false));
        let full = fs::write("/tmp/full", vec![1; 100_001]).unwrap_err();
        assert_eq!(full.to_string(), "cannot write to /tmp/full: no space is left");

        fs::rename("/tmp/a", "/tmp/c").unwrap();
        assert_eq!((fs::exists("/tmp/a"), fs::exists("/tmp/c")), (Ok(false), Ok(true)));
        let across = fs::rename("/tmp/c", "/home/c").unwrap_err();
        assert_eq!((across.action, across.kind), (Action::Rename, Error::CrossDevice));
        assert_eq!(
            across.to_string(),
            "cannot rename /tmp/c to /home/c: they are in different file systems; copy it, and remove the first"
        );
        fs::remove_file("/tmp/c").unwrap();
        assert_eq!(kind(fs::remove_file("/tmp/c")), Error::NotFound);
        fs::set_modified("/tmp/b", None).unwrap();
        fs::sync("/tmp/anything").unwrap();
    });
}

#[test]
fn directories_are_made_listed_and_removed() {
    system(FSTAB).run(|| {
        fs::create_dir_all("/tmp/a/b/c").unwrap();
        fs::create_dir_all("/tmp/a/b/c").unwrap();
        assert_eq!(kind(fs::create_dir("/tmp/a")), Error::AlreadyExists);
        for number in 0..5 {
            fs::write(format!("/tmp/a/b/file{number}"), "x").unwrap();
        }
        assert_eq!(names("/tmp/a/b"), ["c", "file0", "file1", "file2", "file3", "file4"]);
        let entry = fs::read_dir("/tmp/a/b")
            .unwrap()
            .map(Result::unwrap)
            .find(|entry| entry.name() == "file3")
            .unwrap();
        assert_eq!(
            (entry.path().as_str(), entry.file_type(), entry.len()),
            ("/tmp/a/b/file3", FileType::File, 1)
        );
        assert_eq!(kind(fs::read_dir("/tmp/a/b/file3")), Error::NotADirectory);
        assert_eq!(kind(fs::create_dir_all("/tmp/a/b/file3")), Error::AlreadyExists);
        assert_eq!(kind(fs::remove_dir("/tmp/a")), Error::NotEmpty);
        fs::remove_dir_all("/tmp/a").unwrap();
        assert_eq!(names("/tmp"), [""; 0]);
        assert_eq!(kind(fs::remove_dir_all("/tmp/a")), Error::NotFound);
    });
}

/// The directories of vfs itself.
#[test]
fn mount_points_are_directories() {
    system(FSTAB).run(|| {
        assert_eq!(
            (names("/"), names("/mnt")),
            (vec!["mnt".into(), "tmp".into()], vec!["other".to_string()])
        );
        let root = fs::metadata("/").unwrap();
        assert!(root.is_dir() && root.is_read_only());
        assert_eq!(fs::metadata("/mnt/..").unwrap(), root);
        assert_eq!(kind(fs::metadata("/nothing")), Error::NotFound);
        assert_eq!(kind(fs::write("/new", "")), Error::ReadOnly);
        assert_eq!(kind(fs::write("/mnt", "")), Error::IsADirectory);
        assert_eq!(kind(fs::write("/no/where", "")), Error::NotFound);
        assert_eq!(kind(fs::create_dir("/mnt/new")), Error::ReadOnly);
        assert_eq!(kind(fs::create_dir("/mnt")), Error::AlreadyExists);
        assert_eq!(kind(fs::remove_dir("/mnt")), Error::ReadOnly);
        assert_eq!(kind(fs::remove_file("/mnt")), Error::IsADirectory);
        assert_eq!(kind(fs::rename("/mnt", "/other")), Error::ReadOnly);
        assert_eq!(kind(fs::rename("/mnt", "/tmp/other")), Error::CrossDevice);
        assert_eq!(kind(fs::set_modified("/", None)), Error::ReadOnly);
        let directory = File::open("/mnt").unwrap();
        assert_eq!(kind(directory.read_at(&mut [0; 4], 0)), Error::IsADirectory);
        assert_eq!(kind(directory.write_at(b"x", 0)), Error::NotPermitted);
        assert_eq!(kind(directory.map()), Error::IsADirectory);
        assert_eq!((directory.sync_all(), fs::sync("/")), (Ok(()), Ok(())));
        assert_eq!(fs::statistics("/").unwrap().format, "mount points");
        let statistics = fs::statistics("/mnt/other/x").unwrap();
        assert_eq!((statistics.label.as_str(), statistics.free, statistics.read_only), ("test", 50, true));
        assert_eq!(kind(fs::write("/mnt/other/x", "")), Error::ReadOnly);
    });
}

/// Who opens directories and ends without closing them takes the places of nobody.
#[test]
fn directories_of_tasks_that_have_ended_are_closed() {
    fn opener() {
        let open: Vec<_> = (0..32).map(|_| File::open("/").unwrap()).collect();
        assert_eq!(kind(File::open("/")), Error::TableFull, "for one task");
        std::mem::forget(open);
    }
    let manifest = "uses = [\"vfs\", \"fs\"]";
    let report = system(FSTAB).program(sim::Program::new("opener", manifest, opener)).run(|| {
        for _ in 0..5 {
            let task = resea::launch("opener", []).unwrap();
            resea::watch(task).unwrap();
            while resea::wait() & resea::abi::NOTIFY_CHILD == 0 {}
            assert_eq!(resea::next_exit().unwrap().unwrap().status, 0);
        }
        assert_eq!(names("/"), ["mnt", "tmp"]);
    });
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn a_program_without_rights_is_told_which_it_needs() {
    fn without() {
        println(fs::metadata("/tmp"));
    }
    fn half() {
        println(fs::metadata("/tmp"));
    }
    fn println(result: fs::Result<fs::Metadata>) {
        resea::println!("{}", result.unwrap_err());
    }
    let report = system(FSTAB)
        .program(sim::Program::new("without", "", without))
        .program(sim::Program::new("half", "uses = [\"vfs\"]", half))
        .run(|| {
            for program in ["without", "half"] {
                let task = resea::launch(program, []).unwrap();
                resea::watch(task).unwrap();
                while resea::wait() & resea::abi::NOTIFY_CHILD == 0 {}
            }
        });
    let expected = "cannot use `vfs`: add \"vfs\" and \"fs\" to `uses` in the program's manifest\n\
                    cannot examine /tmp: add \"fs\" to `uses` in the program's manifest\n";
    assert!(report.console.contains(expected), "{}", report.console);
}

/// What does no harm is asked of the next server when one has ended in the middle of it; the rest is up to the program.
#[test]
fn requests_are_repeated_if_that_does_no_harm() {
    system("boot/mortal /a memfs").run(|| {
        assert!(fs::metadata("/a").unwrap().is_dir());
        DEATHS.store(1, Ordering::Relaxed);
        assert!(fs::metadata("/a").unwrap().is_dir());
        assert_eq!((DEATHS.load(Ordering::Relaxed), fs::mounts().unwrap()[0].starts), (0, 2));
        fs::write("/a/x", "").unwrap();
        DEATHS.store(1, Ordering::Relaxed);
        let error = fs::remove_file("/a/x").unwrap_err();
        assert_eq!(error.to_string(), "cannot remove /a/x: its file server has ended; try again");
        assert_eq!(kind(fs::remove_file("/a/x")), Error::NotFound, "it was another server's");
        DEATHS.store(usize::MAX, Ordering::Relaxed);
        assert_eq!(kind(fs::metadata("/a")), Error::Aborted, "not for ever");
    });
}
