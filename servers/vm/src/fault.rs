//! Page faults and exceptions: the kernel tells, vm gives the page or ends the task.
//!
//! The path of a legal fault is short on purpose: find the task, find the place, take a frame, fill it, map it. The reply
//! that resumes the task is the server loop's.

use crate::frames::{Chain, PAGE};
use crate::kernel::Kernel;
use crate::memory::Memory;
use crate::program::{Fill, Place, Segment};
use crate::report::{Cause, Context, Problem};
use crate::state::Vm;
use crate::watches::EndKind;
use abi::{Access, Error, Exception, MapFlags, TaskId};

/// After a fault on a page of the boot image, so many of the pages that follow are mapped too: they cost no memory, and
/// code that runs on runs into them.
const AROUND: u64 = 4;

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
        if let (Fill::InPlace(physical), Some(segment)) = (fill, segment) {
            let tables = &mut task.owned.tables;
            return map_in_place(kernel, memory, id, tables, segment, page, physical)
                .or_else(|error| tolerate(error, wrong(Problem::Refused(error)), address));
        }
        let frame = memory.take_page(kernel).map_err(|_| Cause::OutOfMemory { address })?;
        let physical = memory.address(frame);
        if !matches!(fill, Fill::Copy { content, .. } if content.len() as u64 == PAGE) {
            kernel.zero(physical);
        }
        if let Fill::Copy { offset, content } = fill {
            kernel.write(physical + offset, content);
        }
        memory
            .map_page(kernel, id, &mut task.owned, page, frame, flags)
            .or_else(|error| tolerate(error, wrong(Problem::Refused(error)), address))
    }
}

/// Maps a page of the boot image, and some that follow.
fn map_in_place<K: Kernel>(
    kernel: &mut K,
    memory: &mut Memory,
    id: TaskId,
    tables: &mut Chain,
    segment: &Segment,
    page: u64,
    physical: u64,
) -> Result<(), Error> {
    memory.map_frame(kernel, id, tables, page, physical, segment.flags)?;
    for next in (1..AROUND).map(|step| page + step * PAGE) {
        let Fill::InPlace(physical) = segment.fill(next) else { break };
        // If it is there already, so are those after it most likely; if memory is out, the page is not needed yet.
        if memory.map_frame(kernel, id, tables, next, physical, segment.flags).is_err() {
            break;
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
