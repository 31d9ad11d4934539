//! The seam between the kernel and the machine: everything that the core asks of hardware.
//!
//! A machine crate implements [`Machine`] and calls the core's entries; a host test or the simulator does the same
//! with models. The core assumes no MMU: addresses are numbers that the machine interprets, and every access to a
//! task's memory goes through [`Machine::copy`] and its siblings.

use abi::{Error, Lend, MapFlags, Range, TaskId, TaskIndex};

/// A system call's arguments and number, as the registers had them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Request {
    /// The number in [`abi::Syscall`], if it is one.
    pub number: usize,
    /// The arguments; those that a call does not have are ignored.
    pub arguments: [usize; 5],
}

/// Why a copy between tasks stopped: the memory of one side is not there, or not for this access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyFault {
    /// True: the address is in the source's memory; false: in the destination's.
    pub in_source: bool,
    /// The first address that could not be accessed.
    pub address: usize,
}

/// Where a task was: what its pager needs for a report.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Frame {
    /// The instruction pointer.
    pub instruction: usize,
    /// The stack pointer.
    pub stack: usize,
    /// The frame pointer, if the code keeps one.
    pub frame: usize,
}

/// What RAM is used for, in page frames.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MemoryUse {
    /// The kernel's, and the boot files.
    pub kernel: usize,
    /// Page tables.
    pub tables: usize,
    /// Mapped by tasks.
    pub mapped: usize,
    /// Neither: in nobody's use, as far as the kernel knows.
    pub unmapped: usize,
}

/// Where an address space stands while it is taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reclaim {
    /// Nothing is left.
    Done,
    /// One bounded step was done; there are more.
    More,
}

/// What the core needs from a machine. One instance per CPU. No method blocks, none may panic.
///
/// Tasks are named by their place in the table: the machine keeps its part of a task (registers, page table, message
/// page) in a table of its own with the same index. All methods but `create` are called only for places between
/// `create` and `release`.
pub trait Machine {
    /// Bytes of a page.
    const PAGE: usize;

    /// Nanoseconds since the machine started; never goes back.
    fn now(&mut self) -> u64;

    /// Arms the one-shot timer interrupt for `deadline` (which may have passed), or disarms it.
    fn set_timer(&mut self, deadline: Option<u64>);

    /// Prepares a place for a task: its address space with the top-level page at `root`, its message page at
    /// physical address `message`, its registers set to start at `entry`.
    ///
    /// Errors: `InvalidArgument` (unaligned or not RAM; an entry or stack outside of user memory), `PageInUse`.
    fn create(&mut self, task: TaskIndex, parameters: &abi::TaskCreate) -> Result<(), Error>;

    /// Takes one bounded step of giving back the page-table pages and mappings of a task that never runs again.
    fn reclaim(&mut self, task: TaskIndex) -> Reclaim;

    /// Gives up a place after [`Reclaim::Done`].
    fn release(&mut self, task: TaskIndex);

    /// Sets what the system call that the task is in will return.
    fn set_result(&mut self, task: TaskIndex, result: isize, sender: Option<TaskId>, info: usize);

    /// Makes the task repeat the system call that it is in when it runs next.
    fn repeat_syscall(&mut self, task: TaskIndex, request: &Request);

    /// Where the task was when it last entered the kernel.
    fn frame(&mut self, task: TaskIndex) -> Frame;

    /// Copies `words` (at most [`abi::PAYLOAD_WORDS`]) of payload between two different tasks' message pages.
    fn copy_message(&mut self, from: TaskIndex, to: TaskIndex, words: usize);

    /// Writes the kernel's own message (at most [`abi::PAYLOAD_WORDS`] words) to a task's message page.
    fn write_message(&mut self, to: TaskIndex, payload: &[u64]);

    /// The lend `index` (below [`abi::MAX_LENDS`]) in a task's message page, unchecked.
    fn lend(&mut self, task: TaskIndex, index: usize) -> Lend;

    /// Copies `length` bytes (at most [`abi::MAX_COPY`]) from one task's memory to another's, checking that each page
    /// is user memory, mapped and for the destination writable. Stops at the first that is not; bytes before it may
    /// have been copied.
    fn copy(
        &mut self,
        from: (TaskIndex, usize),
        to: (TaskIndex, usize),
        length: usize,
    ) -> Result<(), CopyFault>;

    /// Copies from a task's memory into the kernel; as [`Machine::copy`]. The fault holds the address.
    fn read(&mut self, from: (TaskIndex, usize), to: &mut [u8]) -> Result<(), usize>;

    /// Copies from the kernel to a task's memory; as [`Machine::copy`].
    fn write(&mut self, from: &[u8], to: (TaskIndex, usize)) -> Result<(), usize>;

    /// As the system call: maps `frame` at `address`, using `table` (0: none) for a missing level. Frames outside RAM
    /// must lie in `mmio`. Returns the bits that the call returns. The core asks for further pages one by one.
    fn map(
        &mut self,
        task: TaskIndex,
        address: usize,
        frame: usize,
        flags: MapFlags,
        table: usize,
        mmio: &[Range],
    ) -> Result<usize, Error>;

    /// As the system call: removes a mapping and returns the frame.
    fn unmap(&mut self, task: TaskIndex, address: usize) -> Result<usize, Error>;

    /// Gives a new task the I/O ports in `ports` (machines without I/O ports do nothing).
    fn allow_ports(&mut self, task: TaskIndex, ports: &[Range]);

    /// What RAM is used for. Looks at every frame: for the debugger only.
    fn memory_use(&mut self) -> MemoryUse;

    /// Whether there is an IRQ with this number; all are below [`crate::MAX_IRQS`].
    fn has_irq(&self, irq: usize) -> bool;

    /// The message that raises an IRQ: the physical address to write to, and the word to write (below 2^31). `None` if it
    /// is raised by a line.
    fn message(&self, irq: usize) -> Option<(u32, u32)>;

    /// Lets an IRQ through, or stops it. One that is raised by messages and comes while it is stopped is kept, and given
    /// to [`crate::Kernel::interrupt`] once it is let through.
    fn set_irq_enabled(&mut self, irq: usize, enabled: bool);

    /// Writes a byte to the console; waits a bounded time for room.
    fn put(&mut self, byte: u8);

    /// Ends everything: powers off, or tells the emulator `status`. Does not return on a real machine; a model
    /// records it.
    fn halt(&mut self, status: usize);
}
