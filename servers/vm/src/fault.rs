//! Page faults and exceptions: the kernel tells, vm gives the page or ends the task.
//!
//! The path of a legal fault is short on purpose: find the task, find the place, take a frame, fill it, map it. The reply
//! that resumes the task is the server loop's.

use crate::frames::PAGE;
use crate::kernel::Kernel;
use crate::memory::{Memory, Owned};
use crate::program::{Fill, Layout, Place, STACK_TOP, Segment};
use crate::report::{Cause, Context, Problem};
use crate::state::Vm;
use crate::watches::EndKind;
use abi::{Access, Error, Exception, MapFlags, TaskId};

/// With a page of the boot image, the others of its group of so many pages are mapped too: they cost no memory, and a
/// system call costs less than a fault.
const GROUP: u64 = 8;

impl<K: Kernel> Vm<'_, K> {
    /// A task has touched a page that is not there. Returns whether it goes on; if not, it has been ended.
    pub fn page_fault(&mut self, id: TaskId, address: u64, access: Access, context: Context) -> bool {
        match self.give_page(id, address, access) {
            Ok(()) => true,
            Err(cause) => {
                self.crash(id, cause, context);
                false
            }
        }
    }

    /// A task has caused an exception, which ends it.
    pub fn exception(&mut self, id: TaskId, exception: Exception, detail: u64, context: Context) {
        self.crash(id, Cause::Exception { exception, detail }, context);
    }

    /// A task has ended by itself.
    pub fn exit(&mut self, id: TaskId, status: i32, panicked: bool, context: Context) {
        if panicked {
            self.report(id, Cause::Panic, context);
        }
        self.end(id, status, if panicked { EndKind::Panicked } else { EndKind::Exited });
    }

    #[cold]
    fn crash(&mut self, id: TaskId, cause: Cause, context: Context) {
        self.report(id, cause, context);
        self.end(id, -1, EndKind::Crashed);
    }

    #[cold]
    fn report(&mut self, id: TaskId, cause: Cause, context: Context) {
        let (state, memory) = (&*self.state, &self.memory);
        if let Some(task) = state.tasks.get(id)
            && let Some(program) = state.catalog.get(task.program)
        {
            crate::report::print(&mut self.kernel, memory, id, task, program, cause, context);
        }
    }

    #[inline]
    fn give_page(&mut self, id: TaskId, address: u64, access: Access) -> Result<(), Cause> {
        let wrong = |problem| Cause::Access { address, access, problem };
        let state = &mut *self.state;
        let (kernel, memory) = (&mut self.kernel, &mut self.memory);
        let task = state.tasks.get_mut(id).ok_or(wrong(Problem::Unmapped))?;
        let program = state.catalog.get(task.program).and_then(|program| program.layout.as_ref());
        let layout = program.ok_or(wrong(Problem::Unmapped))?;
        let page = address & !(PAGE - 1);
        let (fill, flags, segment) = match layout.find(address) {
            Place::Zeros => (Fill::Zeros, MapFlags::WRITE, None),
            Place::Segment(segment) => (segment.fill(page), segment.flags, Some(segment)),
            Place::Guard => return Err(wrong(Problem::StackOverflow)),
            Place::Nothing if address < PAGE => return Err(wrong(Problem::Null)),
            Place::Nothing => return Err(wrong(Problem::Unmapped)),
        };
        let forbidden = access.contains(Access::PRESENT)
            || access.contains(Access::WRITE) && !flags.contains(MapFlags::WRITE)
            || access.contains(Access::EXECUTE) && !flags.contains(MapFlags::EXECUTE);
        if forbidden {
            return Err(wrong(Problem::Forbidden));
        }
        let result = match (fill, segment) {
            (Fill::InPlace(_), Some(segment)) => {
                map_in_place(kernel, memory, id, &mut task.owned, segment, page)
            }
            _ => map_filled(kernel, memory, id, &mut task.owned, page, fill, flags),
        };
        result.or_else(|error| tolerate(error, wrong(Problem::Refused(error)), address))
    }
}

/// Gives a new task the pages that it will touch first: those around its entry, and the top of its stack. Each saves a
/// fault.
///
/// Errors: as [`Memory::map_frame`].
pub(crate) fn give_first_pages<K: Kernel>(
    kernel: &mut K,
    memory: &mut Memory,
    id: TaskId,
    owned: &mut Owned,
    layout: &Layout,
) -> Result<(), Error> {
    if let Place::Segment(segment) = layout.find(layout.entry) {
        map_in_place(kernel, memory, id, owned, segment, layout.entry & !(PAGE - 1))?;
    }
    for page in [STACK_TOP - PAGE, STACK_TOP - 2 * PAGE] {
        if page >= layout.stack() {
            map_filled(kernel, memory, id, owned, page, Fill::Zeros, MapFlags::WRITE)?;
        }
    }
    Ok(())
}

/// Maps a page of a frame of its own.
#[inline]
fn map_filled<K: Kernel>(
    kernel: &mut K,
    memory: &mut Memory,
    id: TaskId,
    owned: &mut Owned,
    page: u64,
    fill: Fill,
    flags: MapFlags,
) -> Result<(), Error> {
    let frame = memory.take_page(kernel)?;
    let physical = memory.address(frame);
    if !matches!(fill, Fill::Copy { content, .. } if content.len() as u64 == PAGE) {
        kernel.zero(physical);
    }
    if let Fill::Copy { offset, content } = fill {
        kernel.write(physical + offset, content);
    }
    memory.map_page(kernel, id, owned, page, frame, flags)
}

/// Maps a page of the boot image, and those of the same group that can be mapped in place too. If the page cannot be
/// mapped in place itself, nothing happens.
fn map_in_place<K: Kernel>(
    kernel: &mut K,
    memory: &mut Memory,
    id: TaskId,
    owned: &mut Owned,
    segment: &Segment,
    page: u64,
) -> Result<(), Error> {
    let tables = &mut owned.tables;
    let mut map = |page: u64| match segment.fill(page) {
        Fill::InPlace(physical) => {
            memory.map_frame(kernel, id, tables, page, physical, segment.flags).map(drop)
        }
        _ => Ok(()),
    };
    map(page)?;
    let group = page & !(GROUP * PAGE - 1);
    let pages = segment.pages();
    for other in (group.max(pages.start)..(group + GROUP * PAGE).min(pages.end)).step_by(PAGE as usize) {
        // If it is there already, or memory is out: the page is not needed yet.
        if other != page {
            let _ = map(other);
        }
    }
    Ok(())
}

/// What a refused mapping means: a page that is there already is nothing wrong.
#[cold]
fn tolerate(error: Error, wrong: Cause, address: u64) -> Result<(), Cause> {
    match error {
        Error::AlreadyExists => Ok(()),
        Error::OutOfMemory => Err(Cause::OutOfMemory { address }),
        _ => Err(wrong),
    }
}
