//! The name space with the real file server of trees in memory.

use fs::{File, Write};
use sim::System;

const FSTAB: &str = "none /other tarfs ro\nnone /tmp tarfs\nboot /boot tarfs ro\n";

fn system() -> System {
    System::new()
        .memory(32 << 20)
        .file("fstab", FSTAB)
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(sim::program!(tarfs::run))
}

#[test]
fn files_are_written_read_and_gone_with_their_server() {
    system().run(|| {
        assert_eq!(fs::write("/other/x", "").unwrap_err().kind, ipc::Error::ReadOnly);
        fs::create_dir_all("/tmp/a/b").unwrap();
        let content: Vec<u8> = (0..50_000_u32).map(|number| (number % 251) as u8).collect();
        fs::write("/tmp/a/b/c", &content).unwrap();
        fs::copy("/tmp/a/b/c", "/tmp/copy").unwrap();
        fs::rename("/tmp/copy", "/tmp/a/moved").unwrap();
        assert!(fs::read("/tmp/a/moved").unwrap() == content);
        let mapped = File::open("/tmp/a/moved").unwrap().map().unwrap();
        let mut buffer = [0; 100];
        assert_eq!((mapped.len(), mapped.read(49_950, &mut buffer)), (50_000, 50));
        assert_eq!(buffer[..50], content[49_950..]);
        drop(mapped);
        let mut names: Vec<_> =
            fs::read_dir("/tmp/a").unwrap().map(|entry| entry.unwrap().name().to_string()).collect();
        names.sort();
        assert_eq!(names, ["b", "moved"]);
        fs::remove_dir_all("/tmp/a").unwrap();
        assert_eq!(fs::read_dir("/tmp").unwrap().count(), 0);

        let mut file = File::create("/tmp/open").unwrap();
        assert_eq!(fs::unmount("/tmp", false).unwrap_err().kind, ipc::Error::Busy);
        sim::kill("vfs").unwrap();
        assert_eq!(fs::exists("/tmp/open"), Ok(false), "the next vfs has another server");
        assert!(file.write(b"x").unwrap_err().server_ended());
        fs::unmount("/tmp", false).unwrap();
        assert_eq!(fs::read_dir("/").unwrap().count(), 2);
    });
}

#[test]
fn the_boot_image_can_be_read_and_not_changed() {
    system().run(|| {
        assert_eq!(fs::read("/boot/fstab").unwrap(), FSTAB.as_bytes());
        let mut programs: Vec<_> =
            fs::read_dir("/boot/bin").unwrap().map(|entry| entry.unwrap().name().to_string()).collect();
        programs.sort();
        assert!(programs.iter().any(|name| name == "tarfs"), "{programs:?}");
        let program = fs::metadata("/boot/bin/tarfs").unwrap();
        assert!(program.is_read_only() && fs::metadata("/boot/bin").unwrap().is_dir());
        for error in [
            fs::write("/boot/fstab", "").unwrap_err(),
            fs::write("/boot/new", "").unwrap_err(),
            fs::remove_file("/boot/fstab").unwrap_err(),
            fs::rename("/boot/fstab", "/boot/other").unwrap_err(),
            fs::create_dir_all("/boot/directory").unwrap_err(),
        ] {
            assert_eq!(error.kind, ipc::Error::ReadOnly, "{error}");
        }
        fs::copy("/boot/fstab", "/tmp/fstab").unwrap();
        assert_eq!(fs::read("/tmp/fstab").unwrap(), FSTAB.as_bytes());
        // It is there again after its server has ended, whichever of the three that was.
        for _ in 0..3 {
            sim::kill("tarfs").unwrap();
            assert_eq!(fs::read("/boot/fstab").unwrap(), FSTAB.as_bytes());
        }
    });
}
