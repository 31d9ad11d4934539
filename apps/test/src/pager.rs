//! Tasks that this program makes by itself, for the tests of a pager's calls.
//!
//! What becomes a page table must be mapped nowhere, and vm keeps all pages of programs mapped for itself. So tables
//! are made of memory that vm has not used yet, from its end: the power to map reaches all of it. It is given back
//! when the child is destroyed, before vm comes to it; no program is launched in between.

use crate::kit::{Failure, Outcome, equal, refused};
use crate::raw::{self, Child, PAGE, Spare};
use abi::{Error, MapFlags, MessageInfo, Rights, TaskCreate};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Where the children's code is. It shares its leaf table with the message page.
pub const CODE: usize = 0x21_0000;
/// The end of what tasks can map.
pub const USER_END: usize = 0x7fff_ffff_f000;
/// Where the last page that was found lies; the next ones are sought below.
static FOUND: AtomicUsize = AtomicUsize::new(0);
/// The message page of the tasks that are made to find pages.
static MESSAGE: AtomicUsize = AtomicUsize::new(0);

/// A physical page that nobody has mapped. Each is found once in the life of this task.
pub fn unmapped() -> Result<usize, Failure> {
    if FOUND.load(Ordering::Relaxed) == 0 {
        // The kernel and the holes below 1 MiB come on top of what vm has: this is past the end of memory.
        let end = resea::vm().memory()?.total as usize + (64 << 20);
        FOUND.store(end.next_multiple_of(PAGE), Ordering::Relaxed);
        MESSAGE.store(Spare::take(&[])?.frame, Ordering::Relaxed);
    }
    let message = MESSAGE.load(Ordering::Relaxed);
    while FOUND.load(Ordering::Relaxed) > PAGE {
        let page = FOUND.fetch_sub(PAGE, Ordering::Relaxed) - PAGE;
        match Child::create(&task_of(page, message)) {
            Ok(child) => {
                destroy(child)?;
                return Ok(page);
            }
            Err(Error::PageInUse | Error::InvalidArgument) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure("every page of memory is mapped".into()))
}

/// What makes a task, of these pages.
pub fn task_of(root: usize, message: usize) -> TaskCreate {
    let (root, message) = (root as u64, message as u64);
    TaskCreate {
        entry: CODE as u64,
        stack: USER_END as u64,
        argument: 7,
        root,
        message,
        rights: Rights::NONE,
    }
}

/// What makes a task, of two new pages.
pub fn parameters() -> Result<TaskCreate, Failure> {
    Ok(task_of(unmapped()?, Spare::take(&[])?.frame))
}

/// Tries something with a child that has not been started, and destroys it in any case.
pub fn with_child(test: impl FnOnce(Child) -> Outcome) -> Outcome {
    let child = Child::create(&parameters()?)?;
    let outcome = test(child);
    // The test may have destroyed it itself.
    let destroyed = match destroy(child) {
        Err(Error::NoTask) => Ok(()),
        result => result.map_err(Failure::from),
    };
    outcome.and(destroyed)
}

pub fn destroy(child: Child) -> Result<(), Error> {
    while child.destroy_step()? != 0 {}
    Ok(())
}

/// Maps a page where no table is, giving one table after the other.
pub fn map_with_tables(child: Child, address: usize, frame: usize, flags: MapFlags) -> Outcome {
    for expected in [2, 2, 3] {
        let table = unmapped()?;
        equal("what map has done", child.map(address, frame, flags, table)?, expected)?;
        refused("a table as a table", child.map(address, frame, flags, table), used_again(expected))?;
    }
    Ok(())
}

/// What a table page gives when it is passed a second time: a level is still missing, or the page is mapped.
fn used_again(result: usize) -> Error {
    if result & 1 == 0 { Error::PageInUse } else { Error::AlreadyExists }
}

/// Receives from the child a message of the kernel, whose first two words must be these.
pub fn report(child: Child, kind: u16, first: u64, second: u64) -> Outcome {
    let message = raw::receive(child.id())?;
    equal("sender of the report", message.sender, child.id())?;
    equal("info of the report", message.info, MessageInfo::new(kind, 5).raw())?;
    equal("words of the report", (raw::word(0), raw::word(1)), (first, second))
}

/// Leaves one child that was never started and one that waits for a page, and ends. Its parent gets their IDs.
pub fn abandon(parent: usize) -> Result<i32, Error> {
    let children = [(); 2].map(|()| parameters().and_then(|parameters| Ok(Child::create(&parameters)?)));
    let [Ok(fresh), Ok(started)] = children else { return Err(Error::OutOfMemory) };
    started.schedule([31, 0, 0, 1])?;
    raw::set_word(0, fresh.id() as u64);
    raw::set_word(1, started.id() as u64);
    raw::send(parent, MessageInfo::new(100, 2).raw(), 0)?;
    Ok(0)
}
