//! The drivers of disks and the file server die in the middle of a long copy: the right bytes come out, or an error that says so.

use std::time::Duration;

use system_tests::disks::{Image, Scheme, noise};
use system_tests::online::long;
use system_tests::{Disk, DiskOptions, Interface, MachineOptions, Profile, System, built};

/// How much is copied, in MiB.
const SIZE: u64 = 32;

/// Copies while `victims` are killed in turn after pauses that `seed` decides; what was copied is compared outside.
fn copy_survives(interface: Interface, victims: &[&str], seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    std::fs::create_dir(&files).expect("there is room");
    let content = noise(seed, (SIZE << 20) as usize);
    std::fs::write(files.join("long.bin"), &content).expect("there is room");
    let image = Image::new(folder.path().join("disk.img"), 100, 32, 1, Scheme::Bare);
    image.fill(&files);
    let disks = DiskOptions { disks: vec![Disk::new(&image.file, interface)], fstab: None };
    let machine = MachineOptions { disks, ..MachineOptions::default() };
    let mut system = System::boot_build(&built(Profile::Release), &machine);
    system.succeed("ls /mnt/disk0");
    let random = noise(seed ^ 0x5eed, 64);
    let mut copied = false;
    let mut failures = 0;
    for attempt in 0..20 {
        let place = system.place();
        system.succeed("cp /mnt/disk0/long.bin /mnt/disk0/copy.bin &");
        // The last attempts are left alone, so that one succeeds.
        for (victim, pause) in victims.iter().zip(&random[attempt % 32..]).filter(|_| attempt < 4) {
            system.watch(Duration::from_millis(u64::from(*pause)));
            system.run(&format!("kill {victim}"));
        }
        // The shell tells how a command in the background has ended.
        while system.succeed("ps").contains(" cp") {
            system.watch(Duration::from_millis(100));
        }
        let printed = system.printed(place);
        let told = printed.contains("cannot copy")
            || printed.contains("cannot write")
            || printed.contains("cannot read")
            || printed.contains("cannot sync")
            || printed.contains("cannot open");
        failures += usize::from(told);
        if !told {
            copied = true;
            if attempt >= 4 || long() {
                break;
            }
        }
    }
    assert!(copied, "no copy has succeeded:\n{}", system.transcript());
    println!("{victims:?}: {failures} copies said that they had failed");
    system.succeed("umount /mnt/disk0");
    system.halt();
    let tree = image.tree();
    assert!(tree["long.bin"] == content, "the original has changed");
    assert!(tree["copy.bin"] == content, "the copy is not right, and nobody has said so");
}

#[test]
fn a_copy_survives_the_death_of_the_driver() {
    copy_survives(Interface::Virtio, &["virtio_blk", "virtio_blk"], 1);
}

#[test]
fn a_copy_survives_the_death_of_ide() {
    copy_survives(Interface::Ide, &["ide"], 2);
}

#[test]
fn a_copy_fails_or_is_right_when_the_file_server_dies() {
    copy_survives(Interface::Virtio, &["fatfs", "virtio_blk"], 3);
}
