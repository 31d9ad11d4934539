//! FAT, with names that are the same but for their case, on a disk in memory that outlives its file server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use blocks::{Operation, PAGE, Request, SECTOR};
use edit::stored::Stored;
use fatfs::files::Files;
use fatfs::medium::Medium;
use ipc::{Error, Region};
use resea::SharedMemory;
use sim::{Program, System};

use crate::person::{self, Person};

const SECTORS: usize = 400;
const PAGES: u16 = 32;

/// What is on the disks, by their names.
static DISKS: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// A disk that does one request at a time.
struct Disk {
    name: String,
    memory: SharedMemory,
    answer: Option<u16>,
}

impl Medium for Disk {
    fn sectors(&self) -> u64 {
        SECTORS as u64
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn is_volatile(&self) -> bool {
        false
    }

    fn pages(&self) -> u16 {
        PAGES
    }

    fn page(&self, page: u16) -> Region {
        self.memory.region().part(usize::from(page) * PAGE, PAGE).unwrap()
    }

    fn submit(&mut self, tag: u16, request: &Request<'_>) -> Result<(), Error> {
        let mut disks = DISKS.lock().unwrap();
        let image = disks.get_mut(&self.name).unwrap();
        let start = request.sector as usize * SECTOR;
        let bytes = &mut image[start..start + usize::from(request.sectors) * SECTOR];
        for (part, page) in bytes.chunks_mut(PAGE).zip(request.pages) {
            let page = self.page(*page);
            match request.operation {
                Operation::Read => page.write(0, part).unwrap(),
                Operation::Write => page.read(0, part).unwrap(),
                Operation::Flush => {}
            }
        }
        self.answer = Some(tag);
        Ok(())
    }

    fn wait(&mut self) -> Result<(u16, Result<(), Error>), Error> {
        // Here it can be killed.
        let _ = ipc::notify(resea::own_id(), 0);
        Ok((self.answer.take().ok_or(Error::Empty)?, Ok(())))
    }

    fn most_requests(&self) -> u16 {
        1
    }
}

/// Serves the disk that its source names.
fn serve() {
    let name = resea::arguments().next().unwrap().into();
    let disk = Disk { name, memory: SharedMemory::create(usize::from(PAGES) * PAGE).unwrap(), answer: None };
    let files = Files::new(fatfs::mount(disk, None, false).unwrap());
    fileserver::serve(files, || 1_000_000_000_000)
}

fn program() -> Program {
    Program::new(
        "fatfs",
        "provides = [\"fs\"]\nuses = [\"vfs\"]\nstack = \"80KiB\"\nheap = \"1MiB\"\nshared = \"1MiB\"",
        serve,
    )
}

/// Puts in a new disk, and mounts it.
fn mount_new() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("boot/disk{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut image = Image(vec![0; SECTORS * SECTOR]);
    fat::format(&mut image, &fat::Format::default()).unwrap();
    DISKS.lock().unwrap().insert(name.clone(), image.0);
    fs::mount(&name, "/mnt/fat", "fatfs", false).unwrap();
    name
}

struct Image(Vec<u8>);

impl fat::Storage for Image {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0[at as usize..at as usize + buffer.len()]);
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], _: fat::Class) -> Result<(), Error> {
        self.0[at as usize..at as usize + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn write_out(&mut self, _: fat::Class) -> Result<(), Error> {
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

#[test]
fn a_directory_is_not_copied_into_itself_by_another_name() {
    person::system().program(program()).run(|| {
        mount_new();
        let mut person = Person::new();
        person.does("mkdir -p /mnt/fat/a/b/c a/b A");
        for to in ["A/B/x", "a/B", "A", "A/b/c"] {
            let said = person.fails(&format!("cp -r /mnt/fat/a /mnt/fat/{to}"));
            assert!(said.contains("cannot be copied into itself"), "{to}: {said}");
        }
        assert_eq!(person.does("ls /mnt/fat/a"), "b/\n");
        assert_eq!(person.does("ls /mnt/fat/a/b"), "c/\n");
        assert_eq!(person.does("ls /mnt/fat/a/b/c"), "");
        person.does("cp -r a A");
        assert_eq!(person.does("ls A/a"), "b/\n", "here they are two");
    });
}

/// Whatever happens to the file server: what was edited is there whole, before or after, and saving works in the end.
#[test]
fn a_text_is_saved_whole_or_not_at_all() {
    const PATH: &str = "/mnt/fat/text";
    let system = System::new()
        .memory(16 << 20)
        .program(sim::program!(vfs::run))
        .program(sim::program!(watchdog::run))
        .program(program());
    system.run(|| {
        // Wherever it ends in the middle of saving.
        let mut calls = 0;
        while is_saved_or_not(PATH, calls) {
            calls += 1;
        }
        assert!(calls > 15, "{calls} are not all");
    });
}

/// Saves to a new disk, whose file server ends after so many system calls; false if saving needs no more than that.
fn is_saved_or_not(path: &str, calls: u64) -> bool {
    let disk = mount_new();
    fs::write(path, [b'o'; 3000]).unwrap();
    // So many that the next entry is in another sector of the directory.
    (0..20).for_each(|number| fs::write(format!("/mnt/fat/{number}"), "").unwrap());
    fs::sync(path).unwrap();
    let (stored, _) = Stored::load(path).unwrap();
    let (new, server) = ("n".repeat(5000), sim::task("fatfs"));
    sim::crash_after("fatfs", calls);
    let saved = stored.save(&new);
    if sim::task("fatfs") == server {
        return false;
    }
    // Nobody else has its clusters, as those who fill the disk would find out.
    let fill = || {
        fs::write("/mnt/fat/rest", vec![b'r'; SECTORS * SECTOR]).unwrap_err();
        fs::sync(path).unwrap();
        fs::read(path).unwrap()
    };
    let found = fill();
    assert!(found == new.as_bytes() || (saved.is_err() && found == [b'o'; 3000]), "{saved:?}");
    fs::remove_file("/mnt/fat/rest").unwrap();
    stored.save(&new).unwrap();
    assert!(fill() == new.as_bytes());
    fs::unmount("/mnt/fat", false).unwrap();
    DISKS.lock().unwrap().remove(&disk);
    true
}
