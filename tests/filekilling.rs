//! The drivers of disks and the file server die in the middle of long copies: the right bytes come out, or an error that says so.
//!
//! How far the copies are is seen from outside, by what QEMU has read and written; a seed decides how far they are when
//! something dies.

use std::time::{Duration, Instant};

use system_tests::disks::{Image, Scheme, noise};
use system_tests::online::long;
use system_tests::{Disk, DiskOptions, Interface, MachineOptions, Profile, System, built};

/// How much is copied in a round, in MiB.
const SIZE: u64 = 32;

/// How often something dies in a round.
const KILLS: usize = 4;

/// How long a round may take: much longer than it does.
const PATIENCE: Duration = Duration::from_secs(120);

/// A machine with a disk that has files to be copied.
struct Copies {
    system: System,
    image: Image,
    /// What is copied, all at once.
    sources: Vec<Vec<u8>>,
    /// The number of the next round.
    round: usize,
    /// Copies of which was said that they are complete: name and number of the source.
    complete: Vec<(String, usize)>,
    /// How many were said to have failed.
    failed: usize,
    random: std::vec::IntoIter<u8>,
    _folder: tempfile::TempDir,
}

impl Copies {
    fn boot(interface: Interface, at_once: usize, rounds: usize, seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = folder.path().join("files");
        std::fs::create_dir(&files).expect("there is room");
        let length = (SIZE << 20) as usize / at_once;
        let sources: Vec<_> =
            (0..at_once).map(|number| noise(seed + 100 * number as u64, length + number)).collect();
        for (number, content) in sources.iter().enumerate() {
            std::fs::write(files.join(format!("source{number}")), content).expect("there is room");
        }
        let mebibytes = (rounds as u64 + 3) * SIZE;
        let image = Image::new(folder.path().join("disk.img"), mebibytes, 32, 1, Scheme::Bare);
        image.fill(&files);
        let disks = DiskOptions { disks: vec![Disk::new(&image.file, interface)], fstab: None };
        let machine = MachineOptions { disks, ..MachineOptions::default() };
        let mut system = System::boot_build(&built(Profile::Release), &machine);
        system.succeed("ls /mnt/disk0");
        let random = noise(seed ^ 0x5eed, 64 * (rounds + 1)).into_iter();
        let (complete, failed) = (Vec::new(), 0);
        Self { system, image, sources, round: 0, complete, failed, random, _folder: folder }
    }

    fn random(&mut self, limit: u64) -> u64 {
        let mut byte = || u64::from(self.random.next().expect("there are enough"));
        (byte() << 24 | byte() << 16 | byte() << 8 | byte()) % limit
    }

    /// Bytes that QEMU has read and written, above all of the disk.
    fn progress(&self) -> u64 {
        let path = format!("/proc/{}/io", self.system.process_id());
        let text = std::fs::read_to_string(path).expect("QEMU runs");
        let numbers = text.lines().filter(|line| line.starts_with("rchar") || line.starts_with("wchar"));
        numbers.filter_map(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).sum()
    }

    /// Copies everything, while some of `victims` are killed.
    fn copy(&mut self, victims: &[&str]) {
        let (place, start) = (self.system.place(), self.progress());
        // Everything is read and written.
        let mut kills: Vec<_> = (0..KILLS)
            .map(|_| (self.random((2 * SIZE) << 20), self.random(victims.len().max(1) as u64)))
            .collect();
        kills.sort_unstable();
        kills.truncate(if victims.is_empty() { 0 } else { KILLS });
        let mut tasks = Vec::new();
        for number in 0..self.sources.len() {
            let name = format!("copy{}-{number}", self.round);
            let printed = self.system.succeed(&format!("cp /mnt/disk0/source{number} /mnt/disk0/{name} &"));
            let task = printed.split("as task ").nth(1).and_then(|rest| rest.trim_end().strip_suffix('.'));
            tasks.push((task.expect("the shell says the task").to_string(), name));
        }
        self.round += 1;
        let end = Instant::now() + PATIENCE;
        while !self.have_ended(&tasks, place) {
            if kills.first().is_some_and(|(when, _)| self.progress() - start >= *when) {
                let (when, victim) = kills.remove(0);
                let victim = victims[victim as usize];
                println!("{victim} is killed after {} KiB", when >> 10);
                // It may be starting.
                self.system.run(&format!("kill {victim}"));
            } else {
                self.system.watch(Duration::from_millis(5));
            }
            assert!(Instant::now() < end, "a copy hangs:\n{}", self.system.printed(place));
        }
        let printed = self.system.printed(place);
        for (number, (task, name)) in tasks.into_iter().enumerate() {
            if printed.contains(&format!("[{task}] cp has ended.")) {
                self.complete.push((name, number));
            } else {
                let told = format!("cp: /mnt/disk0/{name} is not complete: ");
                let told = printed.contains(&told) || printed.contains("cp: cannot open ");
                assert!(told && printed.contains(&format!("[{task}] cp ended with status 1.")), "{printed}");
                self.failed += 1;
            }
        }
    }

    /// Whether the shell has told of all these that they have ended.
    fn have_ended(&self, tasks: &[(String, String)], place: usize) -> bool {
        let printed = self.system.printed(place);
        let ended = |task: &str| {
            ["has ended.", "ended with status", "panicked", "crashed", "was killed"]
                .iter()
                .any(|how| printed.contains(&format!("[{task}] cp {how}")))
        };
        tasks.iter().all(|(task, _)| ended(task))
    }

    /// Makes sure that what was given up, since it died too often, runs again.
    fn revive(&mut self) {
        if self.system.run("ls /mnt/disk0").status != 0 {
            self.system.run("restart disk0");
            self.system.run("mount disk0 /mnt/disk0");
            self.system.succeed("ls /mnt/disk0");
        }
    }
}

/// Copies, `at_once` files at the same time, while `victims` die, and at last once in peace. All that was said to be complete is
/// compared outside.
fn copies_survive(interface: Interface, victims: &[&str], at_once: usize, seed: u64) {
    // A round in which the file server dies ends there.
    let rounds = if long() { 8 } else { 1 + usize::from(victims.contains(&"fatfs")) };
    let mut copies = Copies::boot(interface, at_once, rounds, seed);
    for _ in 0..rounds {
        copies.copy(victims);
        copies.revive();
    }
    let complete = copies.complete.len();
    copies.copy(&[]);
    println!(
        "{interface:?}, {victims:?}, {at_once} at once: {complete} complete, {} said that they had failed",
        copies.failed
    );
    assert_eq!(copies.complete.len(), complete + at_once, "in peace:\n{}", copies.system.transcript());
    copies.system.succeed("umount /mnt/disk0");
    copies.system.halt();
    // A file server that dies is a power cut to its volume.
    if victims.contains(&"fatfs") {
        copies.image.repair()
    } else {
        copies.image.check()
    }
    let tree = copies.image.tree();
    for (number, source) in copies.sources.iter().enumerate() {
        assert!(tree[&format!("source{number}")] == *source, "source{number} has changed");
    }
    for (name, number) in &copies.complete {
        assert!(tree[name] == copies.sources[*number], "{name} is not right, and nobody has said so");
    }
}

#[test]
fn a_copy_survives_the_death_of_the_driver() {
    copies_survive(Interface::Virtio, &["virtio_blk"], 1, 1);
}

#[test]
fn a_copy_survives_the_death_of_ide() {
    copies_survive(Interface::Ide, &["ide"], 1, 2);
}

#[test]
fn a_copy_fails_or_is_right_when_the_file_server_or_the_driver_dies() {
    copies_survive(Interface::Virtio, &["fatfs", "virtio_blk"], 1, 3);
}

#[test]
fn a_copy_fails_or_is_right_when_the_file_server_or_ide_dies() {
    copies_survive(Interface::Ide, &["fatfs", "ide"], 1, 4);
}

#[test]
fn copies_at_the_same_time_fail_or_are_right() {
    copies_survive(Interface::Virtio, &["virtio_blk", "fatfs", "virtio_blk"], 3, 5);
}
