//! Everything that safe Rust cannot say: system calls with bad arguments, and instructions that must not work.
//!
//! The only module of the program with `unsafe`, parts included. What it touches on purpose is never Rust's memory: the message page,
//! a scratch page of its own, and addresses at which nothing is. Everything else of the program is safe.

use abi::{Error, LendSelector, MESSAGE_PAGE, MapFlags, MessageInfo, Syscall};
use core::arch::asm;
use core::cell::UnsafeCell;

mod instructions;
mod pages;
mod vectors;

pub use instructions::{FORBIDDEN, forbidden, jump, segment_limit, stack_at, with_flags, without_segments};
pub use pages::{Child, Spare, boot_file_frame};
pub use vectors::{set_vectors, vectors_are, vectors_are_empty};

/// Size of a page in bytes.
pub const PAGE: usize = 4096;

/// An address that is not Rust's: the kernel and other tasks may do with it what they like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address(usize);

/// Two pages that no Rust code reads or writes but through [`read`] and [`write`].
#[repr(C, align(4096))]
struct Scratch(UnsafeCell<[u8; 2 * PAGE]>);

// SAFETY: a task has one thread.
unsafe impl Sync for Scratch {}

static SCRATCH: Scratch = Scratch(UnsafeCell::new([0; 2 * PAGE]));

impl Address {
    /// Each class of address at which a task has no memory, with its name.
    pub const BAD: [(&'static str, Self); 9] = [
        ("null", Self(0)),
        ("page-0", Self(8)),
        ("unmapped", Self(0x7000_0000_0000)),
        ("end-of-user-memory", Self(0x7fff_ffff_fffc)),
        ("non-canonical", Self(0x8000_0000_0000)),
        ("non-canonical-high", Self(0xffff_7fff_ffff_fff8)),
        ("kernel", Self(0xffff_8000_0000_0000)),
        ("kernel-image", Self(0xffff_ffff_8010_0000)),
        ("wraps-around", Self(usize::MAX - 3)),
    ];

    /// The address of this class.
    pub fn bad(class: &str) -> Option<Self> {
        Self::BAD.iter().find(|(name, _)| *name == class).map(|(_, address)| *address)
    }

    /// `offset` bytes (below two pages) into memory that is mapped and writable.
    pub fn scratch(offset: usize) -> Self {
        Self(SCRATCH.0.get().addr() + offset % (2 * PAGE))
    }

    /// This program's code: readable and executable, not writable.
    pub fn code() -> Self {
        Self(Self::code as fn() -> Self as usize)
    }

    /// Memory that nothing uses: where this program maps pages of its own.
    pub const fn window() -> Self {
        Self(0x20_0000_0000)
    }

    /// `bytes` further.
    pub const fn plus(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

/// What a call that receives returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// The sender as a number; 0 for the kernel.
    pub sender: usize,
    /// The info word.
    pub info: usize,
}

impl Message {
    /// The notification bits, if the message holds notifications.
    pub fn notifications(self) -> Option<usize> {
        let notifications = MessageInfo::new(abi::kind::NOTIFICATIONS, 1).raw();
        (self.sender == 0 && self.info == notifications).then(|| word(0) as usize)
    }
}

/// One system call. Any number and any values.
///
/// # Safety
///
/// Addresses among the arguments that the call would write to, and the pages that it would map or unmap, must not be
/// Rust's memory.
pub unsafe fn system_call(number: usize, arguments: [usize; 5]) -> (isize, Message) {
    let (result, sender, info): (isize, usize, usize);
    let [first, second, third, fourth, fifth] = arguments;
    // SAFETY: the instruction keeps all registers but those listed; about memory, the caller promises.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            inlateout("rdi") first => sender,
            inlateout("rsi") second => info,
            inlateout("rdx") third => _,
            inlateout("r10") fourth => _,
            inlateout("r8") fifth => _,
            lateout("rcx") _,
            lateout("r9") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (result, Message { sender, info })
}

/// The number of system call that takes no memory, with any arguments.
///
/// `map`, `unmap`, and calls with addresses have functions of their own; for them this returns `NotSupported` without
/// asking the kernel.
pub fn plain(number: usize, arguments: [usize; 5]) -> Result<usize, Error> {
    const MEMORY: [Syscall; 6] = [
        Syscall::LendCopy,
        Syscall::TaskCreate,
        Syscall::Map,
        Syscall::Unmap,
        Syscall::Console,
        Syscall::Inspect,
    ];
    if MEMORY.iter().any(|call| *call as usize == number) {
        return Err(Error::NotSupported);
    }
    // SAFETY: no call but those above takes an address from a register; lends come from the message page, where
    // `set_lend` takes only addresses that are not Rust's.
    let (result, _) = unsafe { system_call(number, arguments) };
    Error::decode(result)
}

/// The system calls that receive a message.
fn receiving(number: Syscall, arguments: [usize; 5]) -> Result<Message, Error> {
    // SAFETY: none of these takes an address from a register.
    let (result, message) = unsafe { system_call(number as usize, arguments) };
    Error::decode(result).map(|_| message)
}

/// `own_id`.
pub fn own_id() -> usize {
    // The call has no errors.
    plain(Syscall::OwnId as usize, [0; 5]).unwrap_or(0)
}

/// `send`.
pub fn send(to: usize, info: usize, flags: usize) -> Result<(), Error> {
    plain(Syscall::Send as usize, [to, info, flags, 0, 0]).map(drop)
}

/// `receive`.
pub fn receive(from: usize) -> Result<Message, Error> {
    receiving(Syscall::Receive, [from, 0, 0, 0, 0])
}

/// `call`.
pub fn call(to: usize, info: usize) -> Result<Message, Error> {
    receiving(Syscall::Call, [to, info, 0, 0, 0])
}

/// `reply`.
pub fn reply(to: usize, info: usize) -> Result<(), Error> {
    plain(Syscall::Reply as usize, [to, info, 0, 0, 0]).map(drop)
}

/// `reply_receive`.
pub fn reply_receive(to: usize, info: usize) -> Result<Message, Error> {
    receiving(Syscall::ReplyReceive, [to, info, 0, 0, 0])
}

/// `notify`.
pub fn notify(to: usize, bits: usize) -> Result<(), Error> {
    plain(Syscall::Notify as usize, [to, bits, 0, 0, 0]).map(drop)
}

/// `lend_copy`.
pub fn lend_copy(
    lender: usize,
    selector: usize,
    offset: usize,
    buffer: Address,
    length: usize,
) -> Result<usize, Error> {
    // SAFETY: the buffer is not Rust's.
    let (result, _) =
        unsafe { system_call(Syscall::LendCopy as usize, [lender, selector, offset, buffer.0, length]) };
    Error::decode(result)
}

/// The selector of `lend_copy` for reading lend `index`.
pub fn reading(index: usize) -> usize {
    LendSelector { index, write: false }.raw()
}

/// The selector of `lend_copy` for writing lend `index`.
pub fn writing(index: usize) -> usize {
    LendSelector { index, write: true }.raw()
}

/// `task_create`.
pub fn task_create(address: Address) -> Result<usize, Error> {
    // SAFETY: the call only reads.
    let (result, _) = unsafe { system_call(Syscall::TaskCreate as usize, [address.0, 0, 0, 0, 0]) };
    Error::decode(result)
}

/// `map`, at an address that is not Rust's.
pub fn map(
    task: usize,
    address: Address,
    frame: usize,
    flags: MapFlags,
    table: usize,
) -> Result<usize, Error> {
    // SAFETY: what is mapped there is not Rust's, and neither is what was there before.
    let (result, _) = unsafe { system_call(Syscall::Map as usize, [task, address.0, frame, flags.0, table]) };
    Error::decode(result)
}

/// `unmap`, at an address that is not Rust's.
pub fn unmap(task: usize, address: Address) -> Result<usize, Error> {
    // SAFETY: what was mapped there is not Rust's.
    let (result, _) = unsafe { system_call(Syscall::Unmap as usize, [task, address.0, 0, 0, 0]) };
    Error::decode(result)
}

/// `console`.
pub fn console(operation: usize, address: Address, length: usize) -> Result<usize, Error> {
    // SAFETY: the buffer is not Rust's.
    let (result, _) = unsafe { system_call(Syscall::Console as usize, [operation, address.0, length, 0, 0]) };
    Error::decode(result)
}

/// `inspect`.
pub fn inspect(operation: usize, argument: usize, address: Address, length: usize) -> Result<usize, Error> {
    // SAFETY: the buffer is not Rust's.
    let (result, _) =
        unsafe { system_call(Syscall::Inspect as usize, [operation, argument, address.0, length, 0]) };
    Error::decode(result)
}

/// Reads a word; ends the task if it cannot be read.
pub fn read(address: Address) -> u64 {
    let value: u64;
    // SAFETY: reading changes nothing; an address without memory ends the task. Not a pointer of Rust's, which must
    // not be null.
    unsafe {
        asm!("mov {value}, [{address}]", address = in(reg) address.0, value = out(reg) value, options(nostack, readonly));
    }
    value
}

/// Writes a word; ends the task if it cannot be written.
pub fn write(address: Address, value: u64) {
    // SAFETY: the address is not Rust's; one without write access ends the task. (Code is not written: it is mapped
    // without that right, and if it were written after all, the test fails.)
    unsafe {
        asm!("mov [{address}], {value}", address = in(reg) address.0, value = in(reg) value, options(nostack))
    }
}

/// Word `index` (below [`abi::PAYLOAD_WORDS`]) of the payload in the message page.
pub fn word(index: usize) -> u64 {
    read(Address(MESSAGE_PAGE + index % abi::PAYLOAD_WORDS * 8))
}

/// Sets word `index` of the payload in the message page.
pub fn set_word(index: usize, value: u64) {
    write(Address(MESSAGE_PAGE + index % abi::PAYLOAD_WORDS * 8), value);
}

/// Sets lend `index` in the message page.
pub fn set_lend(index: usize, address: Address, length: usize) {
    let lend = MESSAGE_PAGE + 256 + index % abi::MAX_LENDS * 16;
    write(Address(lend), address.0 as u64);
    write(Address(lend + 8), length as u64);
}
