//! Physical pages of this program's own, and tasks made of them.
//!
//! A page is taken by touching a spare one and unmapping it: vm goes on counting it as this task's and frees it when
//! the task ends. Relies on nobody using a spare page once it is taken, which is why [`Spare`] hands out each once.

use super::{Address, PAGE, system_call, write};
use abi::{Error, MapFlags, Syscall, TaskCreate};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How many pages can be taken in the life of this task.
const SPARES: usize = 96;

/// Pages that no Rust code reads or writes but through [`read`](super::read) and [`write`].
#[repr(C, align(4096))]
struct Pages(UnsafeCell<[u8; SPARES * PAGE]>);

// SAFETY: a task has one thread.
unsafe impl Sync for Pages {}

static PAGES: Pages = Pages(UnsafeCell::new([0; SPARES * PAGE]));

/// How many have been taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A page of constants that nothing reads: a whole page of the file, with nothing else on it.
#[repr(C, align(4096))]
struct Constants([u8; PAGE]);

static CONSTANTS: Constants = Constants([0x5a; PAGE]);

/// A page of physical memory that this task has taken from itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spare {
    /// Its physical address.
    pub frame: usize,
    /// Where it was mapped.
    address: Address,
}

impl Spare {
    /// A page whose first words are `words` and the others zero; mapped nowhere. `OutOfMemory` after the last.
    pub fn take(words: &[u64]) -> Result<Self, Error> {
        let index = TAKEN.fetch_add(1, Ordering::Relaxed);
        if index >= SPARES {
            return Err(Error::OutOfMemory);
        }
        let address = Address(PAGES.0.get().addr() + index * PAGE);
        // Without an access, vm has not put a page there yet.
        write(address, 0);
        for (word, offset) in words.iter().take(PAGE / 8).zip((0..).step_by(8)) {
            write(address.plus(offset), *word);
        }
        Ok(Self { frame: super::unmap(super::own_id(), address)?, address })
    }

    /// Maps it again where it was.
    pub fn put_back(self) -> Result<(), Error> {
        super::map(super::own_id(), self.address, self.frame, MapFlags::WRITE, 0).map(drop)
    }
}

/// The physical page of constants of this program: a part of the boot files, which every instance maps. It stays mapped.
pub fn boot_file_frame() -> Result<usize, Error> {
    let address = Address((&raw const CONSTANTS).addr());
    super::read(address);
    let frame = super::unmap(super::own_id(), address)?;
    super::map(super::own_id(), address, frame, MapFlags::READ, 0)?;
    Ok(frame)
}

/// A task that this one has created and is the pager of. Its memory is nothing of Rust's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Child(usize);

impl Child {
    /// `task_create`.
    pub fn create(parameters: &TaskCreate) -> Result<Self, Error> {
        for (word, offset) in parameters.encode().into_iter().zip((0..).step_by(8)) {
            write(Address::scratch(offset), word);
        }
        super::task_create(Address::scratch(0)).map(Self)
    }

    /// Its ID.
    pub fn id(self) -> usize {
        self.0
    }

    /// `map`, into the child.
    pub fn map(self, address: usize, frame: usize, flags: MapFlags, table: usize) -> Result<usize, Error> {
        // SAFETY: the mapping is the child's; this task's memory stays as it is.
        let (result, _) =
            unsafe { system_call(Syscall::Map as usize, [self.0, address, frame, flags.0, table]) };
        Error::decode(result)
    }

    /// `unmap`, out of the child.
    pub fn unmap(self, address: usize) -> Result<usize, Error> {
        // SAFETY: the mapping is the child's; this task's memory stays as it is.
        let (result, _) = unsafe { system_call(Syscall::Unmap as usize, [self.0, address, 0, 0, 0]) };
        Error::decode(result)
    }

    /// `schedule`: priority, quantum, policy, affinity.
    pub fn schedule(self, [priority, quantum, policy, affinity]: [usize; 4]) -> Result<usize, Error> {
        super::plain(Syscall::Schedule as usize, [self.0, priority, quantum, policy, affinity])
    }

    /// One step of `task_destroy`.
    pub fn destroy_step(self) -> Result<usize, Error> {
        super::plain(Syscall::TaskDestroy as usize, [self.0, 0, 0, 0, 0])
    }
}
