//! The file server in a simulated system, over disks that outlive it.

use crate::support::Disk;
use blocks::PAGE;
use fat::{Class, Error, FatKind, Format, Storage};
use fatfs::files::Files;
use interfaces::fs::Client;
use interfaces::vfs::NOTIFY_MOUNTED;
use resea::SharedMemory;
use sim::{Program, System};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

#[path = "../../../../libs/fat/tests/volumes/programs.rs"]
pub mod programs;

/// Disks by their numbers: those of the runs that are going on.
static DISKS: Mutex<BTreeMap<u64, Disk>> = Mutex::new(BTreeMap::new());

/// A volume in memory.
pub struct Image(pub Vec<u8>);

impl Storage for Image {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(self.0.get(at as usize..).and_then(|rest| rest.get(..buffer.len())).unwrap());
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], _: Class) -> Result<(), Error> {
        self.0[at as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn write_out(&mut self, _: Class) -> Result<(), Error> {
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

/// Empty volumes of all kinds.
fn volumes() -> &'static [Vec<u8>] {
    static VOLUMES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    VOLUMES.get_or_init(|| {
        let shapes = [
            (300 << 10, FatKind::Fat12, 512),
            (700 << 10, FatKind::Fat12, 4096),
            (2300 << 10, FatKind::Fat16, 512),
        ];
        let made = shapes.map(|(size, kind, cluster)| {
            let mut image = Image(vec![0; size]);
            let wanted = Format { kind: Some(kind), cluster: Some(cluster), ..Format::default() };
            fat::format(&mut image, &wanted).unwrap();
            image.0
        });
        let mut made = Vec::from(made);
        made.extend([(400 << 10, 1), (1 << 20, 2)].map(|(size, cluster)| {
            // Smaller than the specification allows, which nobody minds and keeps tests quick.
            let file = tempfile::NamedTempFile::new().unwrap();
            file.as_file().set_len(size).unwrap();
            let mut command = programs::dosfstools("mkfs.fat");
            programs::run(command.args(["-F", "32", "-s", &format!("{cluster}")]).arg(file.path()));
            std::fs::read(file.path()).unwrap()
        }));
        made
    })
}

/// A new disk with an empty volume, for the run with this number, which decides what is random.
pub fn new_disk(number: u64) -> Disk {
    let image = volumes()[number as usize % volumes().len()].clone();
    // Its pages are the server's.
    let disk = Disk::of(image, ipc::Region::new(ipc::Region::FIRST, 0).unwrap(), number);
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(number, disk.clone());
    disk
}

/// The run is over.
pub fn forget_disk(number: u64) {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
}

/// The program: serves the volume on the disk with the number that is its argument, with 24 to 87 pages.
fn server() {
    let number: u64 = resea::arguments().next().unwrap().parse().unwrap();
    let disk = DISKS.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned().unwrap();
    let memory = SharedMemory::create((24 + number as usize / 8 % 64) * PAGE).unwrap();
    let volume = fatfs::mount(disk.with_memory(*memory.region()), None, false).unwrap();
    fileserver::serve(Files::new(volume), || 1_790_000_000_000);
}

/// A system with the program, with the rights that it has.
pub fn system() -> System {
    let program = Program::of_package(env!("CARGO_MANIFEST_DIR"), "fatfs", server);
    System::new().memory(8 << 20).program(program)
}

/// Starts the file server as vfs does, and waits until it serves.
pub fn mount(number: u64) -> Client {
    let own = format!("VFS={}", resea::own_id().raw());
    let task = resea::launch_in("fatfs", [&number.to_string()[..]], [&own[..]]).unwrap();
    while resea::wait() & NOTIFY_MOUNTED as usize == 0 {}
    Client::new(task)
}

/// Calls `look` with a file that has this content.
pub fn with_file<T>(content: &[u8], look: impl FnOnce(&Path) -> T) -> T {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    look(file.path())
}
