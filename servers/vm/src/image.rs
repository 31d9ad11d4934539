//! Programs that are no files of the boot image: whoever launches one has its file in shared memory.
//!
//! The content of their segments is copied at once, since what is shared may change or be gone when a page is needed. The headers are read
//! once, before they are checked; content may change while it is copied, and is the program's own business. Whatever the file
//! says, vm takes no more memory for it than [`MEMORY`]. They have no manifest: their
//! rights are to send to whom their launcher may send, their memory has the sizes below, and their functions no names.

use crate::catalog::Defect;
use crate::frames::{Frame, PAGE};
use crate::kernel::Kernel;
use crate::launch::Beginning;
use crate::memory::{Memory, Owned};
use crate::print::log;
use crate::program::{Layout, LayoutError, Name, Program, Segment, Starts};
use crate::shares::Share;
use crate::state::Vm;
use crate::tasks::Task;
use crate::told::Told;
use crate::versions;
use abi::{Error, MapFlags, Powers, Rights, ServiceSet, TaskId};
use interfaces::{stdio, vm};
use ipc::Handle;
use symbols::Symbols;

/// Sizes of their stacks, heaps and shared memory, in bytes; and their priority.
const STACK: u64 = 64 << 10;
const HEAP: u64 = 16 << 20;
const SHARED: u64 = 4 << 20;
const PRIORITY: usize = manifest::DEFAULT_PRIORITY as usize;

/// Most bytes of all segments together, in whole pages.
pub const MEMORY: u64 = 16 << 20;

/// A program's file in shared memory.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    first: Option<Frame>,
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
        let name = Name::own(name);
        let stdio = self.state.services.add(stdio::NAME)?.get();
        let may_send = self.program_of(sender)?.rights.may_send.with(stdio);
        let (image, layout) = match self.read_image(&share, may_send) {
            Ok(read) => read,
            Err(defect) => {
                log!(self.kernel, "{} cannot be launched: {defect}", name.text());
                return Err(if defect.is_of_version() { Error::Outdated } else { Error::BadProgram });
            }
        };
        let rights = Rights { may_send, provides: ServiceSet::EMPTY, ..Rights::default() };
        let program = Program {
            name,
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

    /// Where the parts of a program go that may send to `may_send`; else what is wrong with it.
    fn read_image(&mut self, share: &Share, may_send: ServiceSet) -> Result<(Image, Layout), Defect> {
        let mut reader = Reader::new(share.first);
        let mut head = [0; PAGE as usize];
        reader.read(&mut self.kernel, &self.memory, 0, &mut head);
        let size = u64::from(share.pages) * PAGE;
        let program = elf::Program::parse_head(&head, size).map_err(Defect::Elf)?;
        let mut layout = Layout::new(program.entry, STACK, HEAP);
        let mut image = Image { first: share.first, contents: Default::default() };
        let mut memory = 0;
        for segment in program.segments() {
            let flags = match segment.access {
                elf::Access::Read => MapFlags::READ,
                elf::Access::Write => MapFlags::WRITE,
                elf::Access::Execute => MapFlags::EXECUTE,
            };
            let place = layout.segments().len();
            let (start, length) = (segment.address, segment.size);
            let added = Segment { start, length, content: &[], physical: 0, flags };
            layout.add(added).map_err(Defect::Layout)?;
            let content = image.contents.get_mut(place);
            *content.ok_or(Defect::Layout(LayoutError::TooManySegments))? =
                (segment.offset as u64, segment.in_file);
            // Each is smaller than the address space, and there are few.
            memory += added.pages().end - added.pages().start;
        }
        if memory > MEMORY {
            return Err(Defect::TooLarge);
        }
        self.check_versions(share, may_send).map(|()| (image, layout))
    }

    /// Whether the program understands those to whom it may send.
    fn check_versions(&mut self, share: &Share, may_send: ServiceSet) -> Result<(), Defect> {
        let (kernel, memory) = (&mut self.kernel, &self.memory);
        let mut reader = Reader::new(share.first);
        let part =
            elf::find_section(versions::SECTION, |offset, bytes| reader.read(kernel, memory, offset, bytes));
        let part = part.ok_or(Defect::Silent)?;
        let mut section = [0; versions::MAX_LENGTH];
        let length = part.size.min(section.len() as u64) as usize;
        let section = section.get_mut(..length).unwrap_or_default();
        if !reader.read(kernel, memory, part.offset, section) {
            return Err(Defect::Silent);
        }
        let services = &self.state.services;
        let is_service = |name: &str| {
            let service = services.find(name);
            service.is_some_and(|service| ServiceSet::EMPTY.with(service.get()).meets(may_send))
        };
        let outdated = versions::outdated(section, |name| name == vm::NAME || is_service(name));
        outdated.map_or(Ok(()), |interface| Err(Defect::Outdated(interface)))
    }
}

impl Image {
    /// Gives a new task the pages of its segments that have content. Others are zeros when they are touched.
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
        let mut buffer = [0; PAGE as usize];
        for (segment, (offset, length)) in layout.segments().iter().zip(self.contents) {
            let mut reader = Reader::new(self.first);
            for page in segment.pages().step_by(PAGE as usize) {
                let start = page.max(segment.start);
                let end = (page + PAGE).min(segment.start + length);
                if start >= end {
                    break;
                }
                // What the content does not reach of its first and its last page is zeros.
                buffer.fill(0);
                let bytes = (start - page) as usize..(end - page) as usize;
                if let Some(bytes) = buffer.get_mut(bytes) {
                    reader.read(kernel, memory, offset + (start - segment.start), bytes);
                }
                let frame = memory.take_page(kernel)?;
                kernel.write(memory.address(frame), &buffer);
                memory.map_page(kernel, id, owned, page, frame, segment.flags)?;
            }
        }
        Ok(())
    }
}

/// A walk along the frames of a file.
struct Reader {
    first: Option<Frame>,
    /// The frame that was read last, or the first, and how many lie before it.
    at: Option<Frame>,
    before: u64,
}

impl Reader {
    const fn new(first: Option<Frame>) -> Self {
        Self { first, at: first, before: 0 }
    }

    /// Fills a buffer with what is in the file from `offset` on; false, and then it is filled in part, if the file ends before. Reading
    /// forwards costs a step for each page, reading backwards begins at the start.
    fn read<K: Kernel>(
        &mut self,
        kernel: &mut K,
        memory: &Memory,
        mut offset: u64,
        mut bytes: &mut [u8],
    ) -> bool {
        while !bytes.is_empty() {
            let Some(frame) = self.seek(memory, offset / PAGE) else { return false };
            let in_page = offset % PAGE;
            let length = bytes.len().min((PAGE - in_page) as usize);
            let Some((now, rest)) = bytes.split_at_mut_checked(length) else { return false };
            kernel.read(memory.address(frame) + in_page, now);
            bytes = rest;
            offset = offset.saturating_add(length as u64);
        }
        true
    }

    /// The frame with this number.
    fn seek(&mut self, memory: &Memory, number: u64) -> Option<Frame> {
        if number < self.before || self.at.is_none() {
            (self.at, self.before) = (self.first, 0);
        }
        while self.before < number {
            self.at = memory.next(self.at?);
            self.before += 1;
        }
        self.at
    }
}
