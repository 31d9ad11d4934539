//! File systems come and go: by `fstab`, by hand, and when their servers fail.

mod support;

use fs::{File, MountState};
use ipc::Error;
use resea::abi::NOTIFY_CHILD;
use std::time::Duration;
use support::{FSTAB, system};

fn kind<T: std::fmt::Debug>(result: fs::Result<T>) -> Error {
    result.unwrap_err().kind
}

fn mount_at(point: &str) -> fs::Mount {
    fs::mounts().unwrap().into_iter().find(|mount| mount.point == point).unwrap()
}

#[test]
fn fstab_is_mounted_and_its_mistakes_are_told() {
    let fstab = "none /tmp memfs ro\nnone / memfs\nnone /tmp memfs\nnone /a nothing\nnone /b memfs rw\n";
    let report = system(fstab).run(|| {
        assert_eq!(fs::exists("/tmp/x"), Ok(false));
        let expected = fs::Mount {
            source: "none".into(),
            point: "/tmp".into(),
            kind: "memfs".into(),
            read_only: true,
            state: MountState::Mounted,
            error: None,
            starts: 1,
            server: sim::task("memfs").unwrap().raw() as u32,
        };
        assert_eq!(fs::mounts(), Ok(vec![expected]));
    });
    for line in [
        "fstab:2: `/` is no mount point",
        "fstab:3: something is mounted at /tmp already",
        "fstab:4: there is no file server `nothing` in the image",
        "fstab:5: there is no option `rw`",
    ] {
        assert!(report.console.contains(line), "{line}: {}", report.console);
    }
}

#[test]
fn a_system_without_fstab_has_an_empty_name_space() {
    sim::System::new().program(sim::program!(vfs::run)).run(|| {
        assert_eq!(fs::mounts(), Ok(vec![]));
        assert_eq!(fs::read_dir("/").unwrap().count(), 0);
        assert_eq!(kind(fs::mount("none", "/tmp", "memfs", false)), Error::NotFound);
    });
}

#[test]
fn file_systems_are_mounted_and_unmounted_by_hand() {
    system(FSTAB).run(|| {
        fs::mount("none", "/a/b", "memfs", false).unwrap();
        fs::write("/a/b/x", "1").unwrap();
        fs::mount("none", "/a/b/c", "memfs", true).unwrap();
        assert_eq!(kind(fs::write("/a/b/c/x", "1")), Error::ReadOnly, "the longest point has it");
        assert_eq!(kind(fs::mount("none", "/a/b", "memfs", false)), Error::AlreadyExists);
        assert_eq!(kind(fs::mount("none", "/", "memfs", false)), Error::InvalidArgument);
        assert_eq!(kind(fs::mount("none", "/d", "test", false)), Error::NotFound, "no file server");
        assert_eq!(kind(fs::mount("none", "/d", "vfs", false)), Error::NotFound, "another name space");
        let no_device = fs::mount("disk9", "/d", "memfs", false).unwrap_err();
        assert_eq!(
            no_device.to_string(),
            "cannot mount disk9 at /d: there is no such device, or no such file server"
        );
        assert_eq!(fs::exists("/d"), Ok(false), "what has failed leaves nothing");

        assert_eq!(kind(fs::unmount("/a/b", false)), Error::Busy, "something is mounted below");
        fs::unmount("/a/b/c", false).unwrap();
        let file = File::open("/a/b/x").unwrap();
        assert_eq!(kind(fs::unmount("/a/b", false)), Error::Busy, "a file is open");
        assert_eq!(file.metadata().unwrap().len(), 1);
        fs::unmount("/a/b", true).unwrap();
        let gone = file.metadata().unwrap_err();
        assert!(gone.server_ended(), "{gone}");
        assert_eq!((kind(fs::unmount("/a/b", true)), fs::exists("/a")), (Error::NotFound, Ok(false)));
        for number in 2..16 {
            fs::mount("none", format!("/{number}"), "memfs", false).unwrap();
        }
        assert_eq!(kind(fs::mount("none", "/16", "memfs", false)), Error::TableFull);
    });
}

#[test]
fn who_asks_for_a_path_waits_for_its_server() {
    system("none /a memfs\nboot/slow /b memfs\nnone /c memfs").run(|| {
        fs::write("/a/x", "").unwrap();
        assert!(ipc::clock() < 900_000_000, "others do not wait");
        assert_eq!(mount_at("/b").state, MountState::Starting);
        fs::write("/b/x", "").unwrap();
        assert!(ipc::clock() > 1_000_000_000);
        fs::write("/c/x", "").unwrap();
        assert!(fs::mounts().unwrap().iter().all(|mount| mount.state == MountState::Mounted));
    });
}

#[test]
fn a_server_that_cannot_mount_says_why() {
    let report = system("boot/refuse /a memfs\nnone /b memfs").run(|| {
        assert_eq!(kind(fs::metadata("/a/x")), Error::WrongFormat);
        let mount = mount_at("/a");
        assert_eq!(
            (mount.state, mount.error, mount.starts),
            (MountState::Waiting, Some(Error::WrongFormat), 1)
        );
        assert_eq!(fs::read_dir("/").unwrap().count(), 1, "it is not shown");
        assert_eq!(kind(fs::mount("boot/refuse", "/c", "memfs", false)), Error::WrongFormat);
        assert_eq!(fs::mounts().unwrap().len(), 2, "only what stands in fstab is kept");
        fs::mount("none", "/a", "memfs", false).unwrap();
        fs::write("/a/x", "").unwrap();
    });
    let line = "vfs: warning: /a: memfs cannot mount boot/refuse: it has not the expected format; \
                `mount boot/refuse /a -t memfs` tries again\n";
    assert_eq!(report.console.matches(line).count(), 1, "{}", report.console);
}

#[test]
fn what_fstab_says_is_not_forgotten_when_trying_again_fails() {
    system("boot/refuse /a memfs\nnone /b memfs").run(|| {
        fs::metadata("/b").unwrap();
        let expected = mount_at("/a");
        for source in ["boot/refuse", "boot/refuse", "boot/panic"] {
            fs::mount(source, "/a", "memfs", true).unwrap_err();
            assert_eq!(mount_at("/a"), expected);
        }
        fs::mount("none", "/a", "memfs", false).unwrap();
        assert_eq!((fs::mounts().unwrap()[0].point.as_str(), mount_at("/a").source.as_str()), ("/a", "none"));
        fs::unmount("/a", false).unwrap();
        assert_eq!(fs::mounts().unwrap().len(), 1);
    });
}

/// Mount points may be called anything: those who list them must not use up the memory of all.
#[test]
fn long_names_of_mount_points_are_bounded() {
    system("").run(|| {
        for number in 10..26 {
            fs::mount("none", format!("/{number}{}", "x".repeat(1000)), "memfs", false).unwrap();
        }
        let mut open: Vec<_> = (0..3).map_while(|_| File::open("/").ok()).collect();
        assert_eq!(kind(File::open("/")), Error::TableFull);
        open.pop();
        assert_eq!(fs::read_dir("/").unwrap().count(), 16);
    });
}

#[test]
fn a_directory_says_which_mounts_can_be_changed() {
    system(FSTAB).run(|| {
        let fixed = |path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().is_read_only()).collect();
        let (root, mounts): (Vec<_>, Vec<_>) = (fixed("/"), fs::read_dir("/mnt").unwrap().collect());
        assert_eq!(root, [true, false], "/mnt and /tmp");
        assert!(mounts[0].as_ref().unwrap().is_read_only());
    });
}

#[test]
fn a_server_that_never_mounts_is_ended() {
    system("boot/silent /a memfs\nnone /b memfs").run(|| {
        fs::write("/b/x", "").unwrap();
        assert!(ipc::clock() > 60_000_000_000);
        assert_eq!((mount_at("/a").starts, mount_at("/a").error), (1, Some(Error::TimedOut)));
        assert_eq!(kind(fs::mount("boot/silent", "/c", "memfs", false)), Error::TimedOut);
    });
}

#[test]
fn a_server_that_fails_again_and_again_is_left_alone() {
    for (source, text) in [("boot/panic", "panicked"), ("boot/quit", "ended with status 0")] {
        let report = system(&format!("{source} /a memfs\nnone /b memfs")).run(move || {
            assert_eq!(kind(fs::metadata("/a")), Error::Aborted, "not before it is given up");
            assert!(ipc::clock() > 1_500_000_000 && ipc::clock() < 2_000_000_000, "{}", ipc::clock());
            fs::write("/b/x", "").unwrap();
            resea::sleep(Duration::from_secs(100));
            assert_eq!(mount_at("/a").starts, 6);
            fs::mount("none", "/a", "memfs", false).unwrap();
        });
        let line = format!("/a: memfs {text}, the 6th quick end in a row: it is not started again");
        assert_eq!(report.console.matches(&line).count(), 1, "{}", report.console);
    }
}

#[test]
fn a_server_that_was_killed_comes_back_at_once() {
    system("none /a memfs").run(|| {
        for round in 1..20 {
            assert_eq!(fs::exists("/a/x"), Ok(false), "it is another one");
            assert_eq!(mount_at("/a").starts, round);
            fs::write("/a/x", "old").unwrap();
            let file = File::open("/a/x").unwrap();
            let killed = ipc::clock();
            sim::kill("memfs").unwrap();
            let error = file.read_at(&mut [0; 3], 0).unwrap_err();
            assert!(error.server_ended(), "{error}");
            assert_eq!(error.to_string(), "cannot read /a/x: its file server has ended; open the file again");
            assert_eq!(fs::exists("/a"), Ok(true));
            assert!(ipc::clock() - killed < 2_000_000, "it took {} ns", ipc::clock() - killed);
        }
    });
}

#[test]
fn a_server_that_cannot_be_finished_is_ended_in_the_end() {
    system("boot/hang /a memfs\nboot/full /b memfs").run(|| {
        fs::write("/a/x", "").unwrap();
        let begin = ipc::clock();
        assert_eq!(kind(fs::unmount("/a", false)), Error::TimedOut);
        assert!(ipc::clock() - begin < 31_000_000_000);
        assert_eq!((fs::mounts().unwrap().len(), sim::task("watchdog")), (1, None));
        assert_eq!(kind(fs::unmount("/b", false)), Error::NoSpace);
        fs::write("/b/x", "it is still there").unwrap();
        assert_eq!(sim::task("watchdog"), None);
        assert_eq!(kind(fs::unmount("/b", true)), Error::NoSpace, "what was lost is told");
        assert_eq!(fs::mounts(), Ok(vec![]));
    });
}

/// File servers of a vfs that was killed end before new ones are started: never do two write to one disk.
#[test]
fn a_killed_vfs_comes_back_with_its_mounts() {
    let report = system(FSTAB).run(|| {
        for _ in 0..3 {
            fs::write("/tmp/x", "").unwrap();
            let file = File::open("/tmp/x").unwrap();
            sim::kill("vfs").unwrap();
            assert_eq!(fs::exists("/tmp/x"), Ok(false));
            assert!(file.metadata().unwrap_err().server_ended());
        }
    });
    let (mut launches, mut living) = (0, 0);
    for line in report.trace.lines() {
        if line.contains("vfs → vm.launch(path=\"memfs\"") {
            assert!(living < 2, "another vfs's is not gone:\n{}", report.trace);
            launches += 1;
            living += 1;
        }
        living -= i32::from(line.contains("* memfs is gone"));
    }
    assert_eq!(launches, 8, "two for each vfs");
}

#[test]
fn a_second_vfs_touches_nothing() {
    system(FSTAB).run(|| {
        fs::write("/tmp/x", "").unwrap();
        let second = resea::launch("vfs", []).unwrap();
        resea::watch(second).unwrap();
        while resea::wait() & NOTIFY_CHILD == 0 {}
        assert_eq!(resea::next_exit().unwrap().unwrap().status, 1);
        assert_eq!(fs::exists("/tmp/x"), Ok(true));
    });
}

/// Whatever is killed at whatever instant: an operation works, or says that a server has ended, and the next one works.
#[test]
fn kills_at_any_instant_are_survived() {
    let work = || {
        fs::write("/tmp/a", "hello")?;
        fs::copy("/tmp/a", "/tmp/b")?;
        let content = fs::read("/tmp/b")?;
        fs::unmount("/tmp", false)?;
        fs::mount("none", "/tmp", "memfs", false)?;
        Ok::<_, fs::Error>((content, fs::exists("/tmp/a")?))
    };
    // Time passes by leaps in these runs, so a server that has done nothing wrong may be ended for taking too long.
    let is_expected = |error: &fs::Error| sim::was_killed() || error.kind == Error::TimedOut;
    system(FSTAB).killable(["vfs", "memfs", "watchdog"]).explore(2000, move || {
        match work() {
            Ok((content, exists)) => assert_eq!((content.as_slice(), exists), (&b"hello"[..], false)),
            Err(error) => assert!(is_expected(&error), "{error} without a reason"),
        }
        let again = || {
            for (point, read_only) in [("/tmp", false), ("/mnt/other", true)] {
                let mounts = fs::mounts()?;
                match mounts.iter().find(|mount| mount.point == point).map(|mount| mount.state) {
                    Some(MountState::Mounted | MountState::Starting) => drop(fs::metadata(point)?),
                    Some(MountState::Waiting) | None => fs::mount("none", point, "memfs", read_only)?,
                }
            }
            fs::write("/tmp/again", "x")?;
            assert_eq!(fs::read("/tmp/again")?, b"x");
            Ok(())
        };
        let mut attempts = 0;
        while let Err(error) = again() {
            assert!(is_expected(&error), "{error} without a reason");
            attempts += 1;
            assert!(attempts < 20, "{error}, for ever");
        }
    });
}

// Random messages, good and bad, of the interfaces that it provides.
sim::messages!(vfs::run);
