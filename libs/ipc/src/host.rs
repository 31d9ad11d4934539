//! The seam for the host: system calls go to a [`Backend`] that a test or a simulator installs for its thread.
//!
//! A thread stands for a task. Its message page is thread-local memory; without a backend every call that can fail
//! fails with `NotSupported`. [`Loopback`] is the backend for unit tests: clients and servers in one thread. The crate
//! `sim` has the other one: the real kernel, with a thread for each task.

mod loopback;

pub use loopback::Loopback;

use crate::calls::Schedule;
use crate::{
    Error, MapFlags, MessageInfo, Received, Region, SendFlags, TaskCreate, TaskId, TaskIndex, TaskInfo, page,
};
use abi::{COUNTED_TASKS, IrqOperation, Lend, LendSelector, MAX_LENDS, MessagePage, PAYLOAD_WORDS};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; page::PAGE_SIZE]>);

std::thread_local! {
    static PAGE: Page = const { Page(UnsafeCell::new([0; page::PAGE_SIZE])) };
    static BACKEND: RefCell<Option<Rc<dyn Backend>>> = const { RefCell::new(None) };
    /// How many calls of backends the thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The arguments once they have been read.
    static ARGUMENTS: Cell<Option<&'static [u8]>> = const { Cell::new(None) };
}

/// The thread's message page.
pub(crate) fn page() -> *mut u8 {
    PAGE.with(|page| page.0.get().cast())
}

macro_rules! backend {
    ($($(#[$doc:meta])+ fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty = $default:expr;)+) => {
        /// An emulation of the kernel. Each method is the system call of the same name in [`crate::calls`]; what a
        /// backend leaves out is not supported.
        pub trait Backend {
            $($(#[$doc])+
            fn $name(&self, $($argument: $type),*) -> $result { $(let _ = $argument;)* $default })+
        }

        $(pub(crate) fn $name($($argument: $type),*) -> $result {
            match installed() {
                Some(backend) => {
                    let _inside = Inside::enter();
                    backend.$name($($argument),*)
                }
                None => { $(let _ = $argument;)* $default }
            }
        })+
    };
}

backend! {
    /// The ID of the task that runs; the first task's by default.
    fn own_id() -> TaskId = first_task();
    /// Sends what is in the thread's message page (see [`payload`]).
    fn send(to: TaskId, info: MessageInfo, flags: SendFlags) -> Result<(), Error> = Err(Error::NotSupported);
    /// Receives into the thread's message page (see [`set_payload`]).
    fn receive(from: Option<TaskId>) -> Result<Received, Error> = Err(Error::NotSupported);
    /// Sends, and waits for the reply; the info may be an error.
    fn call(to: TaskId, info: MessageInfo, lends: &mut [Lent<'_>]) -> Result<MessageInfo, Error>
        = Err(Error::NotSupported);
    /// Replies with what is in the message page.
    fn reply(to: TaskId, info: MessageInfo) -> Result<(), Error> = Err(Error::NotSupported);
    /// Replies, then receives from anyone.
    fn reply_receive(to: TaskId, info: MessageInfo) -> Result<Received, Error> = Err(Error::NotSupported);
    /// Sets notification bits.
    fn notify(to: TaskId, bits: usize) -> Result<(), Error> = Err(Error::NotSupported);
    /// Fills the buffer from a lend.
    fn lend_read(lender: TaskId, selector: LendSelector, offset: usize, buffer: &mut [u8]) -> Result<(), Error>
        = Err(Error::NotSupported);
    /// Writes to a lend.
    fn lend_write(lender: TaskId, selector: LendSelector, offset: usize, data: &[u8]) -> Result<(), Error>
        = Err(Error::NotSupported);
    /// A number from the processor's source of random numbers; by default it has none.
    fn hardware_random() -> Option<u64> = None;
    /// Sets the task's timer.
    fn timer(nanoseconds: u64) -> () = ();
    /// The time, 0 by default.
    fn clock() -> u64 = 0;
    /// Makes a task.
    fn task_create(parameters: &TaskCreate) -> Result<TaskId, Error> = Err(Error::NotSupported);
    /// Takes a step of ending a task.
    fn task_destroy(task: TaskId) -> Result<bool, Error> = Err(Error::NotSupported);
    /// Sets how a task is scheduled.
    fn schedule(task: TaskId, schedule: &Schedule) -> Result<(), Error> = Err(Error::NotSupported);
    /// Maps a page; the bits of the system call.
    fn map(task: TaskId, address: usize, frame: usize, flags: MapFlags, table: usize) -> Result<usize, Error>
        = Err(Error::NotSupported);
    /// Removes a mapping.
    fn unmap(task: TaskId, address: usize) -> Result<usize, Error> = Err(Error::NotSupported);
    /// Acquires, acknowledges, releases an interrupt.
    fn irq(operation: IrqOperation, irq: usize, bits: usize) -> Result<(), Error> = Err(Error::NotSupported);
    /// The message that raises an interrupt; the value of the system call.
    fn irq_message(irq: usize) -> Result<usize, Error> = Err(Error::NotSupported);
    /// Writes to the console; by default to the program's standard output.
    fn console_write(text: &[u8]) -> Result<usize, Error> = print(text);
    /// Reads from the console.
    fn console_read(buffer: &mut [u8]) -> Result<usize, Error> = Err(Error::NotSupported);
    /// Looks at a task.
    fn inspect_task(index: usize) -> Result<TaskInfo, Error> = Err(Error::NotSupported);
    /// Reads the log: length and next position.
    fn inspect_log(position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> = Err(Error::NotSupported);
    /// How many messages a task has received from each.
    fn inspect_messages(receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error>
        = Err(Error::NotSupported);
    /// Halts the machine; returns if it cannot.
    fn halt(status: usize) -> Error = Error::NotSupported;
    /// Reads foreign memory (see [`crate::Region`]); false: it is memory that was leaked for tests.
    fn region_read(address: usize, buffer: &mut [u8]) -> bool = leaked(address, buffer.len());
    /// Writes foreign memory; false: it is memory that was leaked for tests.
    fn region_write(address: usize, data: &[u8]) -> bool = leaked(address, data.len());
    /// Reads a number of `width` bytes (1, 2, 4) from an I/O port; ones where there is no device.
    fn port_read(port: u16, width: usize) -> u32 = u32::MAX;
    /// Writes a number of `width` bytes to an I/O port.
    fn port_write(port: u16, width: usize, value: u32) -> () = ();
    /// The boot image, which [`crate::memory::map_image`] maps; empty by default.
    fn boot_image() -> &'static [u8] = &[];
    /// Ends the task: must unwind or end the thread.
    fn exit(status: i32, panicked: bool) -> ! = panic!("the task has ended with status {status}");
}

/// Keeps a backend installed for the thread; dropping it puts back the one before.
pub struct Installed {
    before: Option<Rc<dyn Backend>>,
}

/// Makes `backend` answer the system calls of this thread as long as the result lives.
#[must_use = "the backend is installed only as long as this lives"]
pub fn install(backend: Rc<dyn Backend>) -> Installed {
    Installed { before: BACKEND.replace(Some(backend)) }
}

impl Drop for Installed {
    fn drop(&mut self) {
        BACKEND.replace(self.before.take());
    }
}

/// Whether the thread is in a backend: what it does now is not the program's, but the kernel's or the machine's.
pub fn is_in_backend() -> bool {
    DEPTH.get() > 0
}

/// Counts a call of a backend while it lives.
struct Inside;

impl Inside {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Not borrowed while it is used: a backend may run a server, which makes system calls.
fn installed() -> Option<Rc<dyn Backend>> {
    BACKEND.with_borrow(Clone::clone)
}

fn print(text: &[u8]) -> Result<usize, Error> {
    std::print!("{}", std::string::String::from_utf8_lossy(text));
    Ok(text.len())
}

/// The ID that a thread has without a backend.
pub fn first_task() -> TaskId {
    match TaskId::new(TaskIndex::new(0), 1) {
        Some(id) => id,
        None => unreachable!("index 0 and generation 1 make an ID"),
    }
}

/// The payload in the thread's message page.
pub fn payload() -> [u64; PAYLOAD_WORDS] {
    page::payload_words()
}

/// Replaces the first words of the payload in the thread's message page; at most all of them.
pub fn set_payload(words: &[u64]) {
    for (index, word) in words.iter().enumerate() {
        page::set_payload_word(index, *word);
    }
}

/// Addresses and lengths of the memory that [`leak_region`] gave.
static LEAKED: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Zeroed memory that lives forever and is nobody's, word-aligned: its address.
pub(crate) fn leak_region(length: usize) -> usize {
    let memory = std::vec![0_u64; length.div_ceil(8)].leak();
    let address = memory.as_mut_ptr().expose_provenance();
    LEAKED.lock().unwrap_or_else(PoisonError::into_inner).push((address, length));
    address
}

/// Makes sure that an access that no backend answers is to leaked memory, by panicking if it is not; false, as no
/// backend has done it.
fn leaked(address: usize, length: usize) -> bool {
    let leaked = LEAKED.lock().unwrap_or_else(PoisonError::into_inner);
    let inside = |&(first, size): &(usize, usize)| {
        address >= first && length <= size && address - first <= size - length
    };
    assert!(length == 0 || leaked.iter().any(inside), "there is no foreign memory at {address:#x}");
    false
}

/// Copies between a lend and foreign memory, through a buffer: it may be the backend's or leaked.
pub(crate) fn lend_copy_region(
    lender: TaskId,
    selector: LendSelector,
    offset: usize,
    region: Region,
) -> Result<(), Error> {
    let mut buffer = std::vec![0; region.len()];
    if selector.write {
        region.read(0, &mut buffer)?;
        return lend_write(lender, selector, offset, &buffer);
    }
    lend_read(lender, selector, offset, &mut buffer)?;
    region.write(0, &buffer)
}

/// The word of foreign memory at `address`; `None`: it is memory that was leaked for tests.
pub(crate) fn region_load(address: usize) -> Option<u64> {
    let mut bytes = [0; 8];
    region_read(address, &mut bytes).then(|| u64::from_ne_bytes(bytes))
}

/// Memory that the caller lends for the duration of a call.
#[derive(Debug)]
pub enum Lent<'a> {
    /// For reading.
    Readable(&'a [u8]),
    /// For reading and writing.
    Writable(&'a mut [u8]),
}

impl Lent<'_> {
    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Readable(bytes) => bytes,
            Self::Writable(bytes) => bytes,
        }
    }
}

/// Makes the call with the lends that stand in the message page.
///
/// # Safety
///
/// They must be memory that is borrowed during the call, mutably if it is lent for writing.
pub(crate) unsafe fn call_lending(to: TaskId, info: MessageInfo) -> Result<MessageInfo, Error> {
    // SAFETY: the lends lie in the thread's page, aligned, and consist of integers.
    let lends =
        unsafe { page().add(std::mem::offset_of!(MessagePage, lends)).cast::<[Lend; MAX_LENDS]>().read() };
    let lent = |(index, lend): (usize, &Lend)| {
        let (first, length) =
            (std::ptr::with_exposed_provenance_mut(lend.address as usize), lend.length as usize);
        // SAFETY: the memory is borrowed until this function returns, exclusively if it is writable (the caller's
        // duty), and it is the address and length of a slice.
        unsafe {
            match info.is_writable(index) {
                true => Lent::Writable(std::slice::from_raw_parts_mut(first, length)),
                false => Lent::Readable(std::slice::from_raw_parts(first, length)),
            }
        }
    };
    let mut lends: Vec<_> = lends.iter().take(info.lends()).enumerate().map(lent).collect();
    call(to, info, &mut lends)
}

/// Replaces the whole message page of the thread: what a task finds in it when it starts.
pub fn set_page(content: &[u8; page::PAGE_SIZE]) {
    // SAFETY: the page is as large as the content and belongs to this thread; no reference into it exists.
    unsafe { page().copy_from_nonoverlapping(content.as_ptr(), content.len()) };
    ARGUMENTS.set(None);
}

/// The arguments in the message page. They live forever, as a task's do: a copy is kept for each task.
pub(crate) fn arguments(offset: usize, length: usize) -> &'static [u8] {
    assert!(offset <= page::PAGE_SIZE && length <= page::PAGE_SIZE - offset, "outside of the message page");
    ARGUMENTS.get().unwrap_or_else(|| {
        let mut copy = std::vec![0; length];
        // SAFETY: the assertion keeps the copy inside of the page; no mutable reference into it exists.
        unsafe { copy.as_mut_ptr().copy_from_nonoverlapping(page().add(offset), length) };
        let arguments: &'static [u8] = copy.leak();
        ARGUMENTS.set(Some(arguments));
        arguments
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_backend_nothing_is_supported() {
        assert_eq!(crate::send(first_task(), MessageInfo::new(40, 0)), Err(Error::NotSupported));
        assert_eq!(crate::receive(None), Err(Error::NotSupported));
        assert_eq!(crate::own_id(), first_task());
    }

    #[test]
    fn a_backend_is_installed_as_long_as_its_guard_lives() {
        struct Fixed(u64);
        impl Backend for Fixed {
            fn clock(&self) -> u64 {
                self.0
            }
        }
        let outer = install(Rc::new(Fixed(1)));
        let inner = install(Rc::new(Fixed(2)));
        assert_eq!(crate::clock(), 2);
        drop(inner);
        assert_eq!(crate::clock(), 1);
        drop(outer);
        assert_eq!(crate::clock(), 0);
    }
}
