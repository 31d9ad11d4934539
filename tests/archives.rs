//! Archives that the usual program has made, as disks: what is in them is in the tree, and what is no archive does no harm.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use system_tests::disks::{Image, Scheme, assert_same, noise, sample, tree};
use system_tests::{Disk, DiskOptions, Interface, MachineOptions, Profile, System, built};

/// A system with these disks, and nothing but this mounted.
fn boot(disks: Vec<Disk>, folder: &Path, fstab: &str) -> System {
    let file = folder.join("fstab");
    std::fs::write(&file, fstab).expect("there is room");
    let disks = DiskOptions { disks, fstab: Some(file) };
    let machine = MachineOptions { disks, ..MachineOptions::default() };
    System::boot_build(&built(Profile::Release), &machine)
}

/// Packs all that is in a folder.
fn pack(folder: &Path, format: &str, archive: &Path) {
    let mut tar = Command::new("tar");
    let tar = tar.arg(format!("--format={format}")).arg("-C").arg(folder).arg("-cf").arg(archive).arg("tree");
    let output = tar.output().expect("tar is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with all kinds of files, one of 10 MiB, and one whose path fits into no header.
fn source(folder: &Path) {
    let inner = folder.join("tree");
    sample(&inner);
    std::fs::write(inner.join("large.bin"), noise(7, 10 << 20)).expect("there is room");
    let long = inner.join("a directory with a long name ".repeat(4).trim_end()).join("n".repeat(120));
    std::fs::create_dir_all(long.parent().expect("it has one")).expect("there is room");
    std::fs::write(long, "long\n").expect("there is room");
}

/// Whether there is a prompt behind what the shell tells of the end of a command in the background.
fn shows_prompt(printed: &str) -> bool {
    printed.rsplit_once("has ended.").is_some_and(|(_, rest)| rest.contains("resea> "))
}

/// What the system copies from an archive to a FAT volume is there what it was on this machine, also when the driver of all these
/// disks is killed meanwhile.
#[test]
fn archives_are_read_from_disks() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    source(&files);
    let archives = ["gnu", "pax"].map(|format| {
        let archive = folder.path().join(format);
        pack(&files, format, &archive);
        archive
    });
    let before = archives.each_ref().map(|archive| std::fs::read(archive).expect("it can be read"));
    let image = Image::new(folder.path().join("fat.img"), 60, 16, 4, Scheme::Bare);
    let disks = archives.iter().chain([&image.file]).map(|file| Disk::new(file, Interface::Virtio)).collect();
    let mut system = boot(disks, folder.path(), "disk0 /mnt/gnu tarfs\ndisk2 /mnt/disk2 fatfs\n");
    system.succeed("mount disk1 /mnt/pax -t tarfs");
    for format in ["gnu", "pax"] {
        assert_eq!(system.succeed(&format!("cat /mnt/{format}/tree/README")), "short\n");
        let place = system.place();
        system.succeed(&format!("cp -r /mnt/{format}/tree /mnt/disk2/{format} &"));
        system.watch(Duration::from_millis(100));
        system.run("kill virtio_blk");
        // The shell tells how a command in the background has ended, and shows its prompt again.
        system.expect("cp has ended.", place);
        while !shows_prompt(&system.printed(place)) {
            system.watch(Duration::from_millis(20));
        }
        system.watch(Duration::from_millis(100));
        assert!(!system.printed(place).contains("cannot"), "{}", system.printed(place));
        // What is written is there, and only there.
        system.succeed(&format!("echo written > /mnt/{format}/tree/README"));
        let now = system.succeed(&format!("cat /mnt/{format}/tree/README"));
        assert_eq!(now, "written\n", "{}", system.printed(place));
    }
    assert!(system.succeed("df").contains("/mnt/gnu"));
    system.succeed("umount /mnt/gnu");
    system.succeed("mount disk0 /mnt/gnu -t tarfs");
    assert_eq!(system.succeed("cat /mnt/gnu/tree/README"), "short\n");
    system.succeed("umount /mnt/disk2");
    system.halt();
    image.check();
    let (found, expected) = (image.tree(), tree(&files.join("tree")));
    for format in ["gnu", "pax"] {
        let copied = found.iter().filter_map(|(name, content)| {
            Some((name.strip_prefix(&format!("{format}/"))?.to_string(), content.clone()))
        });
        assert_same(&copied.filter(|(name, _)| !name.is_empty()).collect(), &expected);
    }
    for (archive, before) in archives.iter().zip(before) {
        assert!(std::fs::read(archive).expect("it can be read") == before, "the disk was written");
    }
}

/// What is no archive is told, and everything else goes on.
#[test]
fn disks_without_an_archive_are_told_and_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    sample(&files.join("tree"));
    let image = |name: &str, content: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, content).expect("there is room");
        Disk::new(&file, Interface::Virtio)
    };
    let archive = folder.path().join("archive.tar");
    pack(&files, "pax", &archive);
    let content = std::fs::read(&archive).expect("it can be read");
    let disks = vec![
        image("empty", &[0; 1 << 20]),
        image("noise", &noise(3, 1 << 20)),
        image("cut", &content[..300 << 10]),
        image("whole", &content),
    ];
    let mut system = boot(disks, folder.path(), "disk3 /mnt/whole tarfs\n");
    for disk in 0..3 {
        let output = system.run(&format!("mount disk{disk} /mnt/tar -t tarfs"));
        assert!(output.status != 0, "disk{disk}: {output:?}");
    }
    system.succeed("umount /mnt/whole");
    let output = system.run("mount disk3p1 /mnt/tar -t tarfs");
    assert!(output.status != 0, "{output:?}");
    let printed = system.transcript();
    for told in [
        "`disk0` is not a tar archive, or empty",
        "`disk1` is not a tar archive, or empty",
        "the archive `disk2` is damaged or cut off",
        "there is no source `disk3p1`",
    ] {
        assert!(printed.contains(told), "{told:?} is not in:\n{printed}");
    }
    system.succeed("mount disk3 /mnt/tar -t tarfs -r");
    assert!(system.succeed("ls /mnt/tar/tree").contains("size-70000.bin"));
    assert!(system.run("rm /mnt/tar/tree/README").status != 0, "it is read-only");
    system.halt();
}
