//! The system calls as safe functions. What each takes, requires and refuses is said in [`abi::Syscall`]; here is only
//! what differs.
//!
//! All work on plain values and borrowed buffers. The message itself is in the message page: generated stubs put it
//! there. On bare metal each function is one instruction; on the host the backend of `crate::host` answers.

#[cfg(target_os = "none")]
use crate::bare as system;
#[cfg(not(target_os = "none"))]
use crate::host as system;

use crate::{
    Affinity, Error, MapFlags, MessageInfo, Policy, Received, Region, SendFlags, TaskCreate, TaskId, TaskInfo,
};
use abi::{COUNTED_TASKS, IrqOperation, LendSelector, MAX_CONSOLE};

/// How a task is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// 0 (lowest) to 31.
    pub priority: usize,
    /// Nanoseconds, 0 for the default of 10 ms.
    pub quantum: usize,
    /// What happens when the quantum is used up.
    pub policy: Policy,
    /// CPUs that it may run on.
    pub affinity: Affinity,
}

/// What [`map`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// The page is mapped; if not, call again with another page for the next missing level.
    pub mapped: bool,
    /// The page given for the page table is now part of it.
    pub table_used: bool,
    /// How many further pages are mapped.
    pub more: usize,
}

/// The caller's own task ID.
#[inline]
pub fn own_id() -> TaskId {
    system::own_id()
}

/// Sends the message in the message page; waits until it is received.
#[inline(always)]
pub fn send(to: TaskId, info: MessageInfo) -> Result<(), Error> {
    system::send(to, info, SendFlags(0))
}

/// Sends the message in the message page if the receiver is waiting for one; `WouldBlock` if not.
#[inline(always)]
pub fn send_nonblocking(to: TaskId, info: MessageInfo) -> Result<(), Error> {
    system::send(to, info, SendFlags::NOBLOCK)
}

/// Sends the message in the message page with any flags.
#[inline(always)]
pub fn send_with(to: TaskId, info: MessageInfo, flags: SendFlags) -> Result<(), Error> {
    system::send(to, info, flags)
}

/// Waits for a message: from one task, or from anyone including the kernel.
#[inline(always)]
pub fn receive(from: Option<TaskId>) -> Result<Received, Error> {
    system::receive(from)
}

/// Sends the message in the message page and waits for the reply, which is then in the message page. An error that the
/// server answers with is returned as one. `InvalidArgument` if the message has lends: those need [`crate::stub::call`].
#[inline(always)]
pub fn call(to: TaskId, info: MessageInfo) -> Result<MessageInfo, Error> {
    if info.lends() != 0 {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: it has no lends.
    unsafe { system::call_lending(to, info) }?.as_error()
}

/// As [`call`], with the lends that stand in the message page.
///
/// # Safety
///
/// They must be memory that is borrowed during the call, mutably if it is lent for writing.
#[inline(always)]
pub(crate) unsafe fn call_lending(to: TaskId, info: MessageInfo) -> Result<MessageInfo, Error> {
    // SAFETY: the caller's duty is the same.
    unsafe { system::call_lending(to, info) }?.as_error()
}

/// Answers a task that waits for this caller's reply.
#[inline(always)]
pub fn reply(to: TaskId, info: MessageInfo) -> Result<(), Error> {
    system::reply(to, info)
}

/// Answers with an error.
#[inline]
pub fn reply_error(to: TaskId, error: Error) -> Result<(), Error> {
    system::reply(to, MessageInfo::error(error))
}

/// Answers one client and waits for the next message from anyone.
#[inline(always)]
pub fn reply_receive(to: TaskId, info: MessageInfo) -> Result<Received, Error> {
    system::reply_receive(to, info)
}

/// Sets bits in the target's notifications.
#[inline]
pub fn notify(to: TaskId, bits: usize) -> Result<(), Error> {
    system::notify(to, bits)
}

/// Copies from a client's lend to `buffer`, at most [`abi::MAX_COPY`] bytes.
#[inline]
pub fn lend_read(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    buffer: &mut [u8],
) -> Result<(), Error> {
    system::lend_read(lender, LendSelector { write: false, ..selector }, offset, buffer)
}

/// Copies `data` to a client's lend, at most [`abi::MAX_COPY`] bytes.
#[inline]
pub fn lend_write(lender: TaskId, selector: LendSelector, offset: usize, data: &[u8]) -> Result<(), Error> {
    system::lend_write(lender, LendSelector { write: true, ..selector }, offset, data)
}

/// As [`lend_read`], to foreign memory.
#[inline]
pub(crate) fn lend_read_region(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    region: Region,
) -> Result<(), Error> {
    system::lend_copy_region(lender, LendSelector { write: false, ..selector }, offset, region)
}

/// As [`lend_write`], from foreign memory.
#[inline]
pub(crate) fn lend_write_region(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    region: Region,
) -> Result<(), Error> {
    system::lend_copy_region(lender, LendSelector { write: true, ..selector }, offset, region)
}

/// Sets the task's one timer to expire after `nanoseconds`; 0 stops it. Programs with several use `resea::Timers`.
#[inline]
pub fn timer(nanoseconds: u64) {
    system::timer(nanoseconds)
}

/// Nanoseconds since the machine started.
#[inline]
pub fn clock() -> u64 {
    system::clock()
}

/// Makes a task. It runs after the first [`task_schedule`].
#[inline]
pub fn task_create(parameters: &TaskCreate) -> Result<TaskId, Error> {
    system::task_create(parameters)
}

/// Takes one bounded step of ending a task; true if there are more.
#[inline]
pub fn task_destroy_step(task: TaskId) -> Result<bool, Error> {
    system::task_destroy(task)
}

/// Ends a task, all steps.
pub fn task_destroy(task: TaskId) -> Result<(), Error> {
    while task_destroy_step(task)? {}
    Ok(())
}

/// Sets how a task is scheduled; starts it if it is new.
#[inline]
pub fn task_schedule(task: TaskId, schedule: &Schedule) -> Result<(), Error> {
    system::schedule(task, schedule)
}

/// Maps a physical page into a task, and those behind it as [`MapFlags::and_more`] says; `table` is a page for a missing
/// level of its page table, or 0.
///
/// It is the pager's duty not to map a frame that backs memory of its own.
#[inline]
pub fn map(
    task: TaskId,
    address: usize,
    frame: usize,
    flags: MapFlags,
    table: usize,
) -> Result<Mapped, Error> {
    let bits = system::map(task, address, frame, flags, table)?;
    Ok(Mapped { mapped: bits & 1 != 0, table_used: bits & 2 != 0, more: bits >> 2 })
}

/// Removes a mapping and returns the frame.
#[inline]
pub fn unmap(task: TaskId, address: usize) -> Result<usize, Error> {
    system::unmap(task, address)
}

/// Becomes the owner of an interrupt and unmasks it; it then sets `bits` in the caller's notifications.
pub fn irq_acquire(irq: usize, bits: usize) -> Result<(), Error> {
    system::irq(IrqOperation::Acquire, irq, bits)
}

/// Unmasks an interrupt that has been handled.
#[inline]
pub fn irq_acknowledge(irq: usize) -> Result<(), Error> {
    system::irq(IrqOperation::Acknowledge, irq, 0)
}

/// Masks an interrupt and gives it up.
pub fn irq_release(irq: usize) -> Result<(), Error> {
    system::irq(IrqOperation::Release, irq, 0)
}

/// The message that raises a message-signalled interrupt when a device writes it: where (physical) and what.
pub fn irq_message(irq: usize) -> Result<(u64, u32), Error> {
    let value = system::irq_message(irq)? as u64;
    Ok((value & 0xffff_ffff, (value >> 32) as u32))
}

/// Writes text to the console and the kernel log. Any length.
pub fn console_write(text: &[u8]) {
    for chunk in text.chunks(MAX_CONSOLE) {
        // Writing needs no right, and the text is the caller's own: it has no errors.
        let _ = system::console_write(chunk);
    }
}

/// Reads what console input there is; 0 bytes if none. Also makes the caller the one that is notified of input.
pub fn console_read(buffer: &mut [u8]) -> Result<usize, Error> {
    let length = buffer.len().min(MAX_CONSOLE);
    let Some(buffer) = buffer.get_mut(..length) else { return Ok(0) };
    system::console_read(buffer)
}

/// Looks at the task at place `index` of the task table.
pub fn inspect_task(index: usize) -> Result<TaskInfo, Error> {
    system::inspect_task(index)
}

/// Reads the kernel log from `position` on: how many bytes, and the position after them.
pub fn inspect_log(position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
    system::inspect_log(position, buffer)
}

/// How many messages the task at place `receiver` of the task table has received from the task at each place.
///
/// Places from [`COUNTED_TASKS`] on are not counted: `InvalidArgument` for those. Counters wrap around.
pub fn inspect_messages(receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
    system::inspect_messages(receiver, counts)
}

/// Halts the machine with a status for an emulator, 0 for success. Returns only if that fails.
pub fn halt(status: usize) -> Error {
    system::halt(status)
}

/// Ends the task with a status. Its pager is told.
pub fn exit(status: i32) -> ! {
    system::exit(status, false)
}

/// Ends the task because it has panicked. Its pager is told, and where from the frame pointer.
#[inline(always)]
pub fn exit_panicked(status: i32) -> ! {
    system::exit(status, true)
}
