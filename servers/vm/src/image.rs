//! Programs that are no files of the boot image: whoever launches one has its file in shared memory.
//!
//! They are loaded whole, since what is shared may change or be gone when a page is needed. They have no manifest: their
//! rights are to send to whom their launcher may send, their memory has the sizes below, and their functions no names.

use crate::frames::{Frame, PAGE};
use crate::kernel::Kernel;
use crate::launch::Beginning;
use crate::memory::{Memory, Owned};
use crate::program::{Layout, Name, Program, Segment, Starts};
use crate::shares::Share;
use crate::state::Vm;
use crate::tasks::Task;
use crate::told::Told;
use abi::{Error, MapFlags, Powers, Rights, ServiceSet, TaskId};
use interfaces::stdio;
use ipc::Handle;
use symbols::Symbols;

/// Sizes of their stacks, heaps and shared memory, in bytes; and their priority.
const STACK: u64 = 64 << 10;
const HEAP: u64 = 16 << 20;
const SHARED: u64 = 4 << 20;
const PRIORITY: usize = manifest::DEFAULT_PRIORITY as usize;

/// A program's file in shared memory.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    first: Option<Frame>,
    size: u64,
    /// Where the content of each of the layout's segments begins in the file, and its length.
    contents: [(u64, u64); crate::program::MAX_SEGMENTS],
}

impl<K: Kernel> Vm<'_, K> {
    /// Starts the program in shared memory of `sender`. Errors: as in the interface.
    pub fn launch_shared(
        &mut self,
        sender: TaskId,
        name: &str,
        handle: Handle,
        told: Told<'_>,
    ) -> Result<TaskId, Error> {
        self.require(sender, Powers::LAUNCH)?;
        if name.is_empty() {
            return Err(Error::BadText);
        }
        let share = self.state.shares.get(sender, handle)?;
        let (image, layout) = self.read_image(&share)?;
        let stdio = self.state.services.add(stdio::NAME)?.get();
        let may_send = self.program_of(sender)?.rights.may_send.with(stdio);
        let rights = Rights { may_send, provides: ServiceSet::EMPTY, ..Rights::default() };
        let program = Program {
            name: Name::own(name),
            description: "",
            layout: Some(layout),
            manifest: &[],
            symbols: Symbols::EMPTY,
            rights,
            shared_pages: SHARED / PAGE,
            priority: PRIORITY,
            starts: Starts::default(),
        };
        let mut owned = Owned::EMPTY;
        let beginning = Beginning {
            own: self.own,
            program: &program,
            layout: &layout,
            rights: &rights,
            told,
            image: Some(image),
        };
        let place = self.state.catalog.room().ok_or(Error::TableFull)?;
        match beginning.start(&mut self.kernel, &mut self.memory, &mut owned) {
            Ok(id) => {
                self.state.catalog.set(place, program);
                self.state.tasks.insert(id, Task::new(id, place, Some(sender), 0, owned));
                Ok(id)
            }
            Err(error) => {
                self.memory.give_back(&mut owned);
                Err(error)
            }
        }
    }

    /// Where the parts of a program go. `BadProgram`: it is none.
    fn read_image(&mut self, share: &Share) -> Result<(Image, Layout), Error> {
        let first = share.first.ok_or(Error::BadProgram)?;
        let mut head = [0; PAGE as usize];
        self.kernel.read(self.memory.address(first), &mut head);
        let size = u64::from(share.pages) * PAGE;
        let program = elf::Program::parse_head(&head, size).map_err(|_| Error::BadProgram)?;
        let mut layout = Layout::new(program.entry, STACK, HEAP);
        let mut image = Image { first: Some(first), size, contents: Default::default() };
        for segment in program.segments() {
            let flags = match segment.access {
                elf::Access::Read => MapFlags::READ,
                elf::Access::Write => MapFlags::WRITE,
                elf::Access::Execute => MapFlags::EXECUTE,
            };
            let place = layout.segments().len();
            let (start, length) = (segment.address, segment.size);
            let added = layout.add(Segment { start, length, content: &[], physical: 0, flags });
            added.map_err(|_| Error::BadProgram)?;
            let content = image.contents.get_mut(place).ok_or(Error::BadProgram)?;
            *content = (segment.offset as u64, segment.in_file);
        }
        Ok((image, layout))
    }
}

impl Image {
    /// Gives a new task all pages of its segments.
    ///
    /// Errors: as [`Memory::map_page`].
    pub(crate) fn load<K: Kernel>(
        &self,
        kernel: &mut K,
        memory: &mut Memory,
        id: TaskId,
        owned: &mut Owned,
        layout: &Layout,
    ) -> Result<(), Error> {
        for (segment, (offset, length)) in layout.segments().iter().zip(self.contents) {
            let mut reader = Reader { next: self.first, skipped: 0 };
            for page in segment.pages().step_by(PAGE as usize) {
                let frame = memory.take_page(kernel)?;
                let physical = memory.address(frame);
                kernel.zero(physical);
                let start = page.max(segment.start);
                let end = (page + PAGE).min(segment.start + length);
                if start < end {
                    let at = offset + (start - segment.start);
                    let range = at..(at + (end - start)).min(self.size);
                    reader.copy(kernel, memory, range, physical + start % PAGE);
                }
                memory.map_page(kernel, id, owned, page, frame, segment.flags)?;
            }
        }
        Ok(())
    }
}

/// A walk along the frames of a file.
struct Reader {
    next: Option<Frame>,
    /// How many frames lie before `next`.
    skipped: u64,
}

impl Reader {
    /// Copies bytes of the file, of one page and not before those copied last, to a frame. File and memory agree modulo the page
    /// size, so they are of one frame of the file too.
    fn copy<K: Kernel>(
        &mut self,
        kernel: &mut K,
        memory: &Memory,
        bytes: core::ops::Range<u64>,
        physical: u64,
    ) {
        while self.skipped < bytes.start / PAGE
            && let Some(frame) = self.next
        {
            self.next = memory.next(frame);
            self.skipped += 1;
        }
        let mut buffer = [0; PAGE as usize];
        let length = bytes.end.saturating_sub(bytes.start) as usize;
        if let (Some(frame), Some(part)) = (self.next, buffer.get_mut(..length)) {
            kernel.read(memory.address(frame) + bytes.start % PAGE, part);
            kernel.write(physical, part);
        }
    }
}
