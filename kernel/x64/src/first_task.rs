//! The first task: the first file of bootfs, loaded in place as far as possible.
//!
//! Code and constants are mapped where they lie in the boot image; variables, the stack and the message page get
//! memory of their own. It starts with all rights and a record of what memory there is, and loads everything else.

use abi::{
    BootInfo, Error, MAX_BOOT_REGIONS, MESSAGE_PAGE, MapFlags, Region, STARTUP_OFFSET, TaskCreate, TaskId,
};
use elf::{Access, Program};
use kernel_core::{Kernel, Machine as _};

use crate::loader::MOST_REGIONS;
use crate::machine::X64;
use crate::memory::{self, DIRECT, Physical};
use crate::paging::{MAPPED, Memory as _, TABLE_USED};
use crate::regions::{PAGE, Regions};

/// Past the end of the stack: below the message page, with a page between them.
const STACK_END: u64 = 0x1f_f000;
const STACK_SIZE: u64 = 64 * 1024;

/// Memory to take from, and what to tell.
pub struct Memory<'a> {
    /// All RAM in bytes.
    pub total: u64,
    /// What is free.
    pub free: &'a mut Regions<MOST_REGIONS>,
    /// The PCI configuration space.
    pub configuration: Region,
}

/// Why there is no first task.
#[derive(Clone, Copy, Debug)]
pub enum Problem {
    /// The boot image is damaged, or has no file.
    Image(&'static str),
    /// Its first file is not a program.
    Program(elf::Error),
    /// Memory has run out.
    NoMemory,
    /// The kernel has refused an address: a segment lies where the stack or the message page is.
    Refused(Error),
}

impl Problem {
    /// What is wrong, for a report.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Image(text) => text,
            Self::Program(error) => error.text(),
            Self::NoMemory => "there is not enough memory for the first task; boot files of bytes",
            Self::Refused(error) => error.text(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Creates the first task from the image `bootfs`, which lies at `place`.
pub fn create(
    kernel: &mut Kernel<X64>,
    bootfs: &'static [u8],
    place: Region,
    memory: Memory<'_>,
) -> Result<(), Problem> {
    let image = bootfs::Bootfs::parse(bootfs).map_err(|error| Problem::Image(image_problem(error)))?;
    let file = image.files().next().ok_or(Problem::Image("the boot image has no files; its size is"))?;
    let program = Program::parse(file.content).map_err(Problem::Program)?;
    let (root, message) = (take(memory.free)?, take(memory.free)?);
    clear(message);
    let parameters =
        TaskCreate { entry: program.entry, stack: STACK_END - 8, root, message, ..TaskCreate::default() };
    let id = kernel.start(&parameters)?;
    let mut loader = Loader { machine: &mut kernel.machine, task: id, free: memory.free };
    for segment in program.segments() {
        loader.segment(&segment, place.start + file.offset as u64)?;
    }
    for address in (STACK_END - STACK_SIZE..STACK_END).step_by(PAGE as usize) {
        loader.fresh_page(address, MapFlags::WRITE)?;
    }
    loader.map(MESSAGE_PAGE as u64, message, MapFlags::WRITE)?;
    let bootfs = Region { length: image.size() as u64, ..place };
    write_boot_info(message, id, bootfs, &memory);
    Ok(())
}

fn image_problem(error: bootfs::Error) -> &'static str {
    match error {
        bootfs::Error::Version { .. } => "the boot image is of another version; build it again; its size is",
        _ => "the boot image is damaged; build it again; its size is",
    }
}

/// Takes a free page.
fn take(free: &mut Regions<MOST_REGIONS>) -> Result<u64, Problem> {
    free.take(PAGE, u64::MAX).ok_or(Problem::NoMemory)
}

fn clear(frame: u64) {
    Physical::direct().clear(frame);
}

/// Fills the address space of the first task.
struct Loader<'a> {
    machine: &'a mut X64,
    task: TaskId,
    free: &'a mut Regions<MOST_REGIONS>,
}

impl Loader<'_> {
    /// Maps a segment of a file that lies at physical address `file`.
    fn segment(&mut self, segment: &elf::Segment<'_>, file: u64) -> Result<(), Problem> {
        let flags = match segment.access {
            Access::Read => MapFlags::READ,
            Access::Execute => MapFlags::EXECUTE,
            Access::Write => MapFlags::WRITE,
        };
        let (first, end) = segment.pages();
        let in_place = segment.access != Access::Write && segment.content.len() as u64 == segment.size;
        if in_place {
            let frame = file + segment.offset as u64 - (segment.address - first);
            for offset in (0..end - first).step_by(PAGE as usize) {
                self.map(first + offset, frame + offset, flags)?;
            }
            return Ok(());
        }
        let mut content = segment.content;
        let mut start = segment.address - first;
        for address in (first..end).step_by(PAGE as usize) {
            let frame = self.fresh_page(address, flags)?;
            let count = content.len().min((PAGE - start) as usize);
            let Some((now, rest)) = content.split_at_checked(count) else { return Ok(()) };
            // SAFETY: the page was just taken, and `start + count` is at most its size.
            unsafe { memory::copy(now.as_ptr() as u64, DIRECT + frame + start, count) }
            (content, start) = (rest, 0);
        }
        Ok(())
    }

    /// Maps a page of zeros.
    fn fresh_page(&mut self, address: u64, flags: MapFlags) -> Result<u64, Problem> {
        let frame = take(self.free)?;
        clear(frame);
        self.map(address, frame, flags)?;
        Ok(frame)
    }

    fn map(&mut self, address: u64, frame: u64, flags: MapFlags) -> Result<(), Problem> {
        let mut table = 0;
        // Each round but the last adds one of the three levels.
        for _ in 0..5 {
            let (address, frame) = (address as usize, frame as usize);
            match self.machine.map(self.task.index(), address, frame, flags, table, &[]) {
                Ok(bits) if bits & MAPPED != 0 => {
                    let used = bits & TABLE_USED != 0;
                    if table != 0 && !used {
                        self.free.add(table as u64, table as u64 + PAGE);
                    }
                    return Ok(());
                }
                Ok(_) | Err(Error::NeedsTable) => table = take(self.free)? as usize,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::NoMemory)
    }
}

/// Tells the first task what there is.
fn write_boot_info(message: u64, id: TaskId, bootfs: Region, memory: &Memory<'_>) {
    let mut info = BootInfo {
        own_id: id.raw() as u64,
        bootfs,
        configuration: memory.configuration,
        memory: memory.total,
        regions: 0,
        free: [Region::default(); MAX_BOOT_REGIONS],
    };
    for (place, region) in info.free.iter_mut().zip(memory.free.iter()) {
        *place = region;
        info.regions += 1;
    }
    let place = (DIRECT + message + STARTUP_OFFSET as u64) as *mut BootInfo;
    // SAFETY: the message page is the first task's, which does not run yet; the record is aligned and fits into it.
    unsafe { place.write(info) }
}

const _: () = assert!(STARTUP_OFFSET + size_of::<BootInfo>() <= PAGE as usize);
