//! The system calls on bare metal: packs arguments into registers and results out of them.
//!
//! Relies on the kernel for what comes back: info words and sender IDs are its own, so they are not checked again.

use crate::calls::Schedule;
use crate::raw::{Returned, call0, call1, call2, call3, call4, call5};
use crate::{Error, MapFlags, MessageInfo, Received, Region, SendFlags, TaskCreate, TaskId, TaskInfo};
use abi::{COUNTED_TASKS, ConsoleOperation, InspectOperation, IrqOperation, LendSelector, Syscall};

/// The value of a call, or its error.
#[inline(always)]
fn value(returned: Returned) -> Result<usize, Error> {
    Error::decode(returned.result)
}

/// The info word that the kernel gave.
#[inline(always)]
fn info(raw: usize) -> MessageInfo {
    // SAFETY: `MessageInfo` is a transparent `u32` whose every value is valid.
    unsafe { core::mem::transmute::<u32, MessageInfo>(raw as u32) }
}

/// The sender that the kernel gave; 0 is `None`.
#[inline(always)]
fn sender(raw: usize) -> Option<TaskId> {
    // SAFETY: `TaskId` is a transparent `NonZeroU32`, so `Option<TaskId>` is a `u32` in which 0 is `None`, and every
    // value is valid.
    unsafe { core::mem::transmute::<u32, Option<TaskId>>(raw as u32) }
}

#[inline(always)]
fn received(returned: Returned) -> Result<Received, Error> {
    value(returned)?;
    Ok(Received { sender: sender(returned.sender), info: info(returned.info) })
}

// SAFETY (all blocks below): what the kernel writes to is the message page, in which this crate keeps no references,
// or a buffer that is borrowed mutably for the call, within its length. What others may access during a call are the
// regions lent in the message page, which `call_lending`'s caller answers for. Mappings: see `calls::map`.

pub(crate) fn own_id() -> TaskId {
    // SAFETY: as said above; it touches no memory.
    let returned = unsafe { call0(Syscall::OwnId as usize) };
    // A task's own ID is never 0; the kernel has no other answer.
    sender(returned.result as usize).unwrap_or_else(|| unreachable!("the kernel does not know its caller"))
}

#[inline(always)]
pub(crate) fn send(to: TaskId, info: MessageInfo, flags: SendFlags) -> Result<(), Error> {
    // SAFETY: as said above.
    value(unsafe { call3(Syscall::Send as usize, to.raw(), info.raw(), flags.0) }).map(drop)
}

#[inline(always)]
pub(crate) fn receive(from: Option<TaskId>) -> Result<Received, Error> {
    // SAFETY: as said above.
    received(unsafe { call1(Syscall::Receive as usize, from.map_or(0, TaskId::raw)) })
}

/// Makes the call with the lends that stand in the message page.
///
/// # Safety
///
/// They must be memory that is borrowed during the call, mutably if it is lent for writing.
#[inline(always)]
pub(crate) unsafe fn call_lending(to: TaskId, message: MessageInfo) -> Result<MessageInfo, Error> {
    // SAFETY: as said above.
    let returned = unsafe { call2(Syscall::Call as usize, to.raw(), message.raw()) };
    value(returned)?;
    Ok(info(returned.info))
}

#[inline(always)]
pub(crate) fn reply(to: TaskId, info: MessageInfo) -> Result<(), Error> {
    // SAFETY: as said above.
    value(unsafe { call2(Syscall::Reply as usize, to.raw(), info.raw()) }).map(drop)
}

#[inline(always)]
pub(crate) fn reply_receive(to: TaskId, info: MessageInfo) -> Result<Received, Error> {
    // SAFETY: as said above.
    received(unsafe { call2(Syscall::ReplyReceive as usize, to.raw(), info.raw()) })
}

#[inline]
pub(crate) fn notify(to: TaskId, bits: usize) -> Result<(), Error> {
    // SAFETY: as said above.
    value(unsafe { call2(Syscall::Notify as usize, to.raw(), bits) }).map(drop)
}

#[inline]
pub(crate) fn lend_read(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    buffer: &mut [u8],
) -> Result<(), Error> {
    let (address, length) = (buffer.as_mut_ptr().expose_provenance(), buffer.len());
    let number = Syscall::LendCopy as usize;
    // SAFETY: as said above; the kernel writes `length` bytes to the buffer.
    value(unsafe { call5(number, lender.raw(), selector.raw(), offset, address, length) }).map(drop)
}

#[inline]
pub(crate) fn lend_write(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    data: &[u8],
) -> Result<(), Error> {
    let (address, length) = (data.as_ptr().expose_provenance(), data.len());
    let number = Syscall::LendCopy as usize;
    // SAFETY: as said above; the kernel reads `length` bytes of `data`.
    value(unsafe { call5(number, lender.raw(), selector.raw(), offset, address, length) }).map(drop)
}

#[inline]
pub(crate) fn lend_copy_region(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    region: Region,
) -> Result<(), Error> {
    let (address, length) = (region.address(), region.len());
    let number = Syscall::LendCopy as usize;
    // SAFETY: as said above, or foreign memory: the kernel reads or writes `length` bytes of the region, where no Rust
    // object lies and which may change at any time; what is not mapped faults, or is an error.
    value(unsafe { call5(number, lender.raw(), selector.raw(), offset, address, length) }).map(drop)
}

#[inline]
pub(crate) fn timer(nanoseconds: u64) {
    // SAFETY: as said above; it touches no memory.
    unsafe { call1(Syscall::Timer as usize, nanoseconds as usize) };
}

#[inline]
pub(crate) fn clock() -> u64 {
    // SAFETY: as said above; it touches no memory.
    unsafe { call0(Syscall::Clock as usize) }.result as u64
}

pub(crate) fn task_create(parameters: &TaskCreate) -> Result<TaskId, Error> {
    let words = parameters.encode();
    // SAFETY: as said above; the kernel reads the words.
    let id = value(unsafe { call1(Syscall::TaskCreate as usize, words.as_ptr().expose_provenance()) })?;
    TaskId::from_raw(id).ok_or(Error::Unknown)
}

pub(crate) fn task_destroy(task: TaskId) -> Result<bool, Error> {
    // SAFETY: as said above; the memory that goes away is another task's.
    value(unsafe { call1(Syscall::TaskDestroy as usize, task.raw()) }).map(|remaining| remaining != 0)
}

pub(crate) fn schedule(task: TaskId, schedule: &Schedule) -> Result<(), Error> {
    let Schedule { priority, quantum, policy, affinity } = *schedule;
    let number = Syscall::Schedule as usize;
    // SAFETY: as said above; it touches no memory.
    value(unsafe { call5(number, task.raw(), priority, quantum, policy as usize, affinity.0) }).map(drop)
}

#[inline]
pub(crate) fn map(
    task: TaskId,
    address: usize,
    frame: usize,
    flags: MapFlags,
    table: usize,
) -> Result<usize, Error> {
    // SAFETY: as said above. A mapping appears where none was; which frames a pager maps is its duty.
    value(unsafe { call5(Syscall::Map as usize, task.raw(), address, frame, flags.0, table) })
}

#[inline]
pub(crate) fn unmap(task: TaskId, address: usize) -> Result<usize, Error> {
    // SAFETY: as said above. Memory that is gone faults when it is used; it does not become other memory.
    value(unsafe { call2(Syscall::Unmap as usize, task.raw(), address) })
}

pub(crate) fn irq(operation: IrqOperation, irq: usize, bits: usize) -> Result<(), Error> {
    // SAFETY: as said above; it touches no memory.
    value(unsafe { call3(Syscall::Irq as usize, operation as usize, irq, bits) }).map(drop)
}

pub(crate) fn irq_message(irq: usize) -> Result<usize, Error> {
    // SAFETY: as said above; it touches no memory.
    value(unsafe { call3(Syscall::Irq as usize, IrqOperation::Message as usize, irq, 0) })
}

pub(crate) fn console_write(text: &[u8]) -> Result<usize, Error> {
    let (operation, address) = (ConsoleOperation::Write as usize, text.as_ptr().expose_provenance());
    // SAFETY: as said above; the kernel reads the text.
    value(unsafe { call3(Syscall::Console as usize, operation, address, text.len()) })
}

pub(crate) fn console_read(buffer: &mut [u8]) -> Result<usize, Error> {
    let (operation, address) = (ConsoleOperation::Read as usize, buffer.as_mut_ptr().expose_provenance());
    // SAFETY: as said above; the kernel writes to the buffer within its length.
    value(unsafe { call3(Syscall::Console as usize, operation, address, buffer.len()) })
}

pub(crate) fn inspect_task(index: usize) -> Result<TaskInfo, Error> {
    let mut words = [0_u64; TaskInfo::WORDS];
    let (address, length) = (words.as_mut_ptr().expose_provenance(), size_of_val(&words));
    // SAFETY: as said above; the kernel writes the words.
    value(unsafe {
        call4(Syscall::Inspect as usize, InspectOperation::Task as usize, index, address, length)
    })?;
    TaskInfo::decode(&words)
}

pub(crate) fn inspect_log(position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
    let (address, length) = (buffer.as_mut_ptr().expose_provenance(), buffer.len());
    let operation = InspectOperation::Log as usize;
    // SAFETY: as said above; the kernel writes to the buffer within its length.
    let returned = unsafe { call4(Syscall::Inspect as usize, operation, position, address, length) };
    Ok((value(returned)?.min(length), returned.info))
}

pub(crate) fn inspect_messages(receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
    let (address, length) = (counts.as_mut_ptr().expose_provenance(), size_of_val(counts));
    let operation = InspectOperation::Messages as usize;
    // SAFETY: as said above; the kernel writes the counts.
    value(unsafe { call4(Syscall::Inspect as usize, operation, receiver, address, length) }).map(drop)
}

pub(crate) fn halt(status: usize) -> Error {
    // SAFETY: as said above; it touches no memory.
    let returned = unsafe { call4(Syscall::Inspect as usize, InspectOperation::Halt as usize, status, 0, 0) };
    value(returned).err().unwrap_or(Error::Unknown)
}

#[inline(always)]
pub(crate) fn exit(status: i32, panicked: bool) -> ! {
    loop {
        // SAFETY: as said above. The call does not return; if it did there would be nothing else to do.
        unsafe { call2(Syscall::Exit as usize, status as usize, panicked as usize) };
    }
}
