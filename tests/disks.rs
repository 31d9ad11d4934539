//! Disks that other systems have made, and files that other systems read, by every kind of disk there is.

use std::path::Path;

use system_tests::disks::{Image, Scheme, assert_same, noise, sample, tree};
use system_tests::online::long;
use system_tests::{Disk, DiskOptions, Interface, MachineOptions, Profile, System, built};

/// A system with these disks.
fn boot(disks: Vec<Disk>) -> System {
    let disks = DiskOptions { disks, fstab: None };
    let machine = MachineOptions { disks, mem: "512M".into(), ..MachineOptions::default() };
    machine.check().unwrap_or_else(|error| panic!("{error:#}"));
    let mut system = System::boot_build(&built(Profile::Release), &machine);
    // What vfs says when it mounts does not get into what a test reads.
    machine
        .disks
        .disks
        .iter()
        .enumerate()
        .for_each(|(number, _)| drop(system.run(&format!("ls /mnt/disk{number}"))));
    system
}

/// Everything on one disk is copied to another by the system: what it read and what it wrote are then the same as what
/// mtools put there, if both are right; and fsck.fat finds nothing.
fn copies(folder: &Path, from: (&Image, Interface), to: (&Image, Interface)) {
    let mut system = boot(vec![Disk::new(&from.0.file, from.1), Disk::new(&to.0.file, to.1)]);
    let (first, second) = ("/mnt/disk0", "/mnt/disk1");
    let listed = system.succeed(&format!("ls {first}"));
    assert!(listed.contains("README") && listed.contains("size-70000.bin"), "{listed}");
    system.succeed(&format!("cp -r {first}/tree {second}/copy"));
    system.succeed(&format!("umount {first}"));
    system.succeed(&format!("umount {second}"));
    system.halt();
    to.0.check();
    from.0.check();
    let mut expected = tree(folder);
    expected.retain(|name, _| name.starts_with("tree/"));
    let mut found = to.0.tree();
    found = found.into_iter().map(|(name, content)| (name.replacen("copy/", "tree/", 1), content)).collect();
    assert_same(&found, &expected);
}

/// A folder with what is to be on a disk: a tree, and the same files in the root.
fn source(folder: &Path) {
    sample(folder);
    sample(&folder.join("tree"));
}

fn interface_works(interface: Interface) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    std::fs::create_dir(&files).expect("there is room");
    source(&files);
    let from = Image::new(folder.path().join("from.img"), 20, 16, 4, Scheme::Mbr);
    from.fill(&files);
    let to = Image::new(folder.path().join("to.img"), 20, 16, 2, Scheme::Bare);
    copies(&files, (&from, interface), (&to, interface));
}

#[test]
fn virtio_disks_are_read_and_written() {
    interface_works(Interface::Virtio);
}

#[test]
fn virtio_disks_with_packed_rings_are_read_and_written() {
    interface_works(Interface::VirtioPacked);
}

#[test]
fn legacy_virtio_disks_are_read_and_written() {
    interface_works(Interface::VirtioLegacy);
}

#[test]
fn ide_disks_are_read_and_written() {
    interface_works(Interface::Ide);
}

/// What is on a RAM disk is read, and what is written to it stays in memory.
#[test]
fn a_ram_disk_is_read_and_its_file_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    std::fs::create_dir(&files).expect("there is room");
    sample(&files);
    let image = Image::new(folder.path().join("ram.img"), 4, 12, 4, Scheme::Bare);
    image.fill(&files);
    let before = std::fs::read(&image.file).expect("it can be read");
    let mut system = boot(vec![Disk::new(&image.file, Interface::Ram)]);
    system.succeed("ls /mnt/ramdisk0");
    assert_eq!(system.succeed("cat /mnt/ramdisk0/a/b/c/d/e/deep.txt"), "deep\n");
    system.succeed("cp /mnt/ramdisk0/size-300001.bin /mnt/ramdisk0/new.bin");
    system.succeed("kill ramdisk");
    assert!(system.succeed("ls /mnt/ramdisk0").contains("new.bin"));
    system.succeed("rm /mnt/ramdisk0/README");
    system.halt();
    assert!(std::fs::read(&image.file).expect("it can be read") == before, "the file has changed");
}

/// All widths of the table, with the smallest and the largest clusters, and each kind of partition table.
#[test]
fn volumes_of_all_kinds_are_read_and_written() {
    let short = [(12, 8, 8, Scheme::Gpt), (32, 40, 1, Scheme::Bare)];
    let more = [
        (12, 2, 1, Scheme::Bare),
        (12, 100, 64, Scheme::Mbr),
        (16, 16, 1, Scheme::Gpt),
        (16, 300, 64, Scheme::Bare),
        (32, 300, 8, Scheme::Mbr),
        (32, 600, 16, Scheme::Gpt),
    ];
    let volumes = short.iter().chain(if long() { &more[..] } else { &[] });
    for &(bits, mebibytes, cluster, scheme) in volumes {
        println!("FAT{bits}, {mebibytes} MiB, {cluster} sectors in a cluster, {scheme:?}");
        let folder = tempfile::tempdir().expect("a folder");
        let files = folder.path().join("files");
        std::fs::create_dir(&files).expect("there is room");
        source(&files);
        let from = Image::new(folder.path().join("from.img"), mebibytes, bits, cluster, scheme);
        from.fill(&files);
        let to = Image::new(folder.path().join("to.img"), mebibytes, bits, cluster, scheme);
        copies(&files, (&from, Interface::Virtio), (&to, Interface::Virtio));
    }
}

/// What the system cannot mount is told, and everything else goes on.
#[test]
fn disks_without_a_volume_are_told_and_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.img");
    std::fs::write(&empty, vec![0; 1 << 20]).expect("there is room");
    let foreign = folder.path().join("foreign.img");
    let mut bytes = vec![0; 1 << 20];
    // A superblock of ext2 has this number.
    bytes[1080..1082].copy_from_slice(&[0x53, 0xef]);
    bytes[2048..].copy_from_slice(&noise(1, (1 << 20) - 2048));
    std::fs::write(&foreign, bytes).expect("there is room");
    let truncated = Image::new(folder.path().join("truncated.img"), 64, 32, 1, Scheme::Bare);
    let file = std::fs::File::options().write(true).open(&truncated.file).expect("it is there");
    file.set_len(100_000).expect("it can be cut");
    let mut system = boot([&empty, &foreign].map(|file| Disk::new(file, Interface::Virtio)).to_vec());
    for disk in 0..2 {
        let output = system.run(&format!("ls /mnt/disk{disk}"));
        assert!(output.status != 0 && !output.text.trim().is_empty(), "disk{disk}: {output:?}");
    }
    let mut printed = system.transcript();
    system.halt();
    let good = Image::new(folder.path().join("good.img"), 4, 12, 4, Scheme::Bare);
    let mut system =
        boot([&truncated, &good].map(|image| Disk::new(&image.file, Interface::Virtio)).to_vec());
    assert!(system.run("ls /mnt/disk0").status != 0);
    printed += &system.transcript();
    for told in [
        "disk0 cannot be mounted: there is no FAT volume",
        "disk1 cannot be mounted: there is no FAT volume",
        "disk0 cannot be mounted: the volume is damaged or cut off",
    ] {
        assert!(printed.contains(told), "{told:?} is not in:\n{printed}");
    }
    system.succeed("mkdir /mnt/disk1/works");
    assert!(system.succeed("ls /mnt/disk1").contains("works"));
    system.halt();
    good.check();
}

/// A disk that is protected is read, and nothing is written to it.
#[test]
fn a_protected_disk_is_only_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    std::fs::create_dir(&files).expect("there is room");
    sample(&files);
    let image = Image::new(folder.path().join("disk.img"), 8, 12, 8, Scheme::Bare);
    image.fill(&files);
    let before = std::fs::read(&image.file).expect("it can be read");
    let disk = Disk { read_only: true, ..Disk::new(&image.file, Interface::Virtio) };
    let mut system = boot(vec![disk]);
    assert_eq!(system.succeed("cat /mnt/disk0/README"), "short\n");
    let output = system.run("rm /mnt/disk0/README");
    assert!(output.status != 0, "{output:?}");
    system.halt();
    assert!(std::fs::read(&image.file).expect("it can be read") == before, "the file has changed");
}

/// As many disks as there can be, by virtio and by IDE: each is where it was attached. For virtio disks the firmware reserves memory at
/// the top, where QEMU puts the boot image: with this many, part of the image.
#[test]
fn four_disks_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    for interfaces in [[Interface::Virtio; 4], [Interface::Ide; 4]] {
        let images: Vec<_> = (0..4)
            .map(|number| Image::new(folder.path().join(format!("{number}.img")), 4, 12, 4, Scheme::Bare))
            .collect();
        let disks = images.iter().zip(interfaces);
        let mut system = boot(disks.map(|(image, interface)| Disk::new(&image.file, interface)).collect());
        for number in 0..4 {
            system.succeed(&format!("echo this is {number} > /mnt/disk{number}/name.txt"));
        }
        (0..4).for_each(|number| drop(system.succeed(&format!("umount /mnt/disk{number}"))));
        system.halt();
        for (number, image) in images.iter().enumerate() {
            image.check();
            assert_eq!(image.tree()["name.txt"], format!("this is {number}\n").into_bytes());
        }
    }
}
