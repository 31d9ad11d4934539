//! The system calls: the one place that says what each takes, requires, returns and refuses.
//!
//! A call is one instruction with its number and up to five arguments in registers. It returns a result register
//! ([`Error::decode`](crate::Error::decode)); calls that receive also return the sender (0 for the kernel) and the
//! [`MessageInfo`](crate::MessageInfo). On x86_64: `syscall`, number in `rax`, arguments in `rdi rsi rdx r10 r8`,
//! result in `rax`, sender in `rdi`, info in `rsi`; `rcx rdx r8 r9 r10 r11` are lost, everything else is kept.
//!
//! Every call either does what it says or returns one of its errors and changes nothing. Rules for all:
//! an unknown number is [`NotSupported`](crate::Error::NotSupported); a task ID that names no living task is
//! [`NoTask`](crate::Error::NoTask); memory of its own that the caller passes and that is not mapped is paged in as
//! if the caller had touched it, and kills it with a report if that is impossible.
//!
//! "May send to": the caller's [`Rights::may_send`](crate::Rights) meets the target's `provides`, or the target is
//! its pager.

/// The number of each system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Syscall {
    /// `own_id() -> id`: the caller's own task ID. Needs no right, has no errors.
    OwnId = 0,
    /// `send(to, info, flags)`: sends the message in the message page; blocks until it is received, or with
    /// [`SendFlags::NOBLOCK`] fails if no receiver waits.
    ///
    /// Right: may send to `to`. Errors: `NoTask`, `NotPermitted`, `InvalidArgument` (info, flags, lends in a send,
    /// sending to itself), `WouldBlock`, `Aborted` (the receiver ended first).
    Send = 1,
    /// `receive(from) -> sender, info`: waits for a message; `from` 0: from anyone, pending notifications first.
    ///
    /// Needs no right. Errors: `NoTask`, `InvalidArgument` (from itself), `Aborted` (`from` ended first).
    Receive = 2,
    /// `call(to, info) -> sender, info`: sends, lending what the info says, and waits for the reply. The message page
    /// then holds the reply; info may be an error that the server answered with.
    ///
    /// Right: may send to `to`. Errors: as `Send`, without `WouldBlock`.
    Call = 3,
    /// `reply(to, info)`: answers a task that waits for this caller's reply; never blocks; ends the lends.
    ///
    /// Needs no right but the call. Errors: `NoTask`, `NotWaiting`, `InvalidArgument` (info, lends in a reply).
    Reply = 4,
    /// `reply_receive(to, info) -> sender, info`: `reply`, then `receive` from anyone. A failed reply is dropped: the
    /// client has ended, and a server cannot do anything about that.
    ///
    /// Needs no right. Errors: `InvalidArgument` (info, lends in a reply; nothing is sent or received).
    ReplyReceive = 5,
    /// `notify(to, bits)`: sets bits in the target's notifications; it receives them with its next open receive.
    ///
    /// Right: may send to `to`, or `to` may send to the caller. Errors: `NoTask`, `NotPermitted`.
    Notify = 6,
    /// `lend_copy(lender, selector, offset, buffer, length) -> bytes`: copies between the caller's buffer and a region
    /// that `lender`, waiting for the caller's reply, has lent. At most [`MAX_COPY`] bytes a call.
    ///
    /// Needs no right but the lend. Errors: `NoTask`, `NotWaiting`, `InvalidArgument` (selector, or a length above
    /// [`MAX_COPY`]), `OutOfBounds` (past the end of the lend), `NotPermitted` (writing to a read-only lend),
    /// `BadLend` (the lender's memory is not there).
    LendCopy = 7,
    /// `timer(nanoseconds)`: sets the caller's timer to expire once after this time, with [`crate::NOTIFY_TIMER`];
    /// 0 stops it. Needs no right, has no errors.
    Timer = 8,
    /// `clock() -> nanoseconds`: time since the machine started, never going back. Needs no right, has no errors.
    Clock = 9,
    /// `task_create(address) -> id`: makes a task from the [`TaskCreate`](crate::TaskCreate) words at `address`, with the caller as its
    /// pager. It runs after the first `schedule`.
    ///
    /// Right: [`Powers::CREATE`](crate::Powers::CREATE) and, as it names physical pages,
    /// [`Powers::MAP`](crate::Powers::MAP); and every right that the new task gets. Errors: `NotPermitted`,
    /// `TableFull`, `InvalidArgument` (addresses), `PageInUse` (frames).
    TaskCreate = 10,
    /// `task_destroy(id) -> remaining`: ends a task and gives back its place and its page tables. Clients and senders
    /// that wait for it get `Aborted`; tasks whose pager it was get the caller as pager. The work is done in bounded
    /// steps: while the result is 1, call again.
    ///
    /// Right: the caller is the task's pager. Errors: `NoTask`, `NotPermitted`.
    TaskDestroy = 11,
    /// `exit(status, panicked)`: ends the caller; its pager gets [`crate::kind::EXIT`]. Does not return.
    ///
    /// Needs no right, has no errors.
    Exit = 12,
    /// `schedule(id, priority, quantum, policy, affinity)`: sets how a task is scheduled; starts it if it is new.
    /// Quantum in nanoseconds, 0 for the default of 10 ms, at least 100 µs otherwise.
    ///
    /// Right: the caller is the task's pager. Errors: `NoTask`, `NotPermitted`, `InvalidArgument` (priority above the
    /// last, quantum, policy, an affinity without this CPU).
    Schedule = 13,
    /// `map(id, address, frame, flags, table) -> bits`: maps a physical page. `table` is a page for a missing level of
    /// the page table, or 0. Result: bit 0, it is mapped; bit 1, `table` was used. Not mapped: call again with
    /// another page. [`MapFlags::and_more`] pages behind it, of the task and of the physical memory, follow as far as
    /// that needs no table and meets no error; how many have followed is in the bits from 2 on.
    ///
    /// Right: [`Powers::MAP`](crate::Powers::MAP), and the caller is the task's pager or itself. Memory that is not
    /// RAM: the *task* has the MMIO right to it. Errors: `NoTask`, `NotPermitted`, `InvalidArgument` (unaligned,
    /// kernel or non-canonical address, unknown flags, writable and executable), `AlreadyExists` (mapped),
    /// `NeedsTable`, `PageInUse` (the kernel's, or a page table; RAM as device memory; or as `table`: mapped somewhere),
    /// `NotSupported` (no MMU).
    Map = 14,
    /// `unmap(id, address) -> frame`: removes a mapping.
    ///
    /// Right: as `map`. Errors: `NoTask`, `NotPermitted`, `InvalidArgument`, `NotFound`, `NotSupported`.
    Unmap = 15,
    /// `irq(operation, irq, bits) -> value`: [`IrqOperation`]: acquire an interrupt to be notified with `bits`,
    /// acknowledge it (it stays masked until then), release it, ask for the message that raises it.
    ///
    /// Right: the IRQ is in the caller's rights. Errors: `NotPermitted` (the right; or not the owner),
    /// `AlreadyExists` (taken), `InvalidArgument` (no such IRQ or operation, no bits, not message-signalled).
    Irq = 16,
    /// `console(operation, address, length) -> bytes`: [`ConsoleOperation`]: write text to the kernel log and the
    /// console, or read input.
    ///
    /// Right: none to write; [`Powers::CONSOLE`](crate::Powers::CONSOLE) to read, which also makes the caller the one
    /// that [`crate::NOTIFY_CONSOLE`] goes to. Errors: `NotPermitted`, `InvalidArgument` (operation).
    Console = 17,
    /// `inspect(operation, argument, address, length) -> value`: [`InspectOperation`]: look at a task, read the kernel
    /// log, count messages, halt.
    ///
    /// Right: [`Powers::INSPECT`](crate::Powers::INSPECT), to halt [`Powers::POWER`](crate::Powers::POWER). Errors:
    /// `NotPermitted`, `NoTask`, `InvalidArgument` (operation).
    Inspect = 18,
}

impl Syscall {
    /// How many there are.
    pub const COUNT: usize = 19;
}

/// Most bytes that one `lend_copy` moves: what bounds its time.
pub const MAX_COPY: usize = 16 * 1024;

/// Most bytes that one `console` call, or one reading of the log, moves: what bounds its time.
pub const MAX_CONSOLE: usize = 256;

/// Flags of `send`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendFlags(pub usize);

impl SendFlags {
    /// Fail with `WouldBlock` instead of waiting.
    pub const NOBLOCK: Self = Self(1);
}

/// Which lend, and which way to copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LendSelector {
    /// The lend, 0 to `MAX_LENDS - 1`.
    pub index: usize,
    /// True: from the caller's buffer into the lend; false: from the lend into the buffer.
    pub write: bool,
}

impl LendSelector {
    /// The selector in a register; `None` if it is out of range.
    pub const fn from_raw(raw: usize) -> Option<Self> {
        let index = raw & !(1 << 8);
        if index >= crate::MAX_LENDS {
            return None;
        }
        Some(Self { index, write: raw & 1 << 8 != 0 })
    }

    /// The word for the register.
    pub const fn raw(self) -> usize {
        self.index | (self.write as usize) << 8
    }
}

/// How a page is mapped. Every mapping is readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapFlags(pub usize);

impl MapFlags {
    /// Read only.
    pub const READ: Self = Self(0);
    /// Writable.
    pub const WRITE: Self = Self(1);
    /// Executable; excludes writable.
    pub const EXECUTE: Self = Self(2);
    /// Device memory: not cached.
    pub const DEVICE: Self = Self(4);

    /// Most pages that can follow the first in one call.
    pub const MORE_MAX: usize = 63;
    const MORE_SHIFT: u32 = 16;

    /// So, with `pages` further pages, [`MapFlags::MORE_MAX`] at most.
    #[must_use]
    pub const fn and_more(self, pages: usize) -> Self {
        let pages = if pages > Self::MORE_MAX { Self::MORE_MAX } else { pages };
        Self(self.of_each().0 | pages << Self::MORE_SHIFT)
    }

    /// How many further pages.
    pub const fn more(self) -> usize {
        self.0 >> Self::MORE_SHIFT
    }

    /// The flags of each page.
    #[must_use]
    pub const fn of_each(self) -> Self {
        Self(self.0 & ((1 << Self::MORE_SHIFT) - 1))
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags in a register; `None` if unknown ones are set, there are too many further pages, or a page would be
    /// writable and executable.
    pub const fn from_raw(raw: usize) -> Option<Self> {
        let flags = Self(raw);
        let is_sound = flags.of_each().0 <= 7 && raw & 3 != 3 && flags.more() <= Self::MORE_MAX;
        if is_sound { Some(flags) } else { None }
    }
}

/// What happens when a task has used up its quantum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Policy {
    /// It gets a new one and goes behind the ready tasks of its priority.
    Refill = 0,
    /// It stops, and its pager gets [`crate::kind::QUANTUM`].
    Report = 1,
}

/// CPUs that a task may run on, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Affinity(pub usize);

/// IRQs from this one on are raised by a message: a device writes a word to an address ([`IrqOperation::Message`]).
/// They have no line, are never shared, and one that comes while it is masked is kept and raised when it is unmasked.
pub const FIRST_MESSAGE_IRQ: usize = 48;

/// How many IRQs are raised by messages, from [`FIRST_MESSAGE_IRQ`] on, on machines that have them.
pub const MESSAGE_IRQS: usize = 32;

/// Operations of `irq`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum IrqOperation {
    /// Become the owner and unmask it.
    Acquire = 0,
    /// Handled: unmask it again.
    Acknowledge = 1,
    /// Mask it and give it up.
    Release = 2,
    /// Tell the message that raises it: the value's lower 32 bits are the physical address that a device has to write
    /// to, the bits above are the word that it has to write. The IRQ need not be acquired.
    Message = 3,
}

/// Operations of `console`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ConsoleOperation {
    /// Write text; at most [`MAX_CONSOLE`] bytes a call, the result says how many.
    Write = 0,
    /// Read what input there is, at most [`MAX_CONSOLE`] bytes, 0 if none.
    Read = 1,
}

/// Messages are counted between tasks with an index below this.
pub const COUNTED_TASKS: usize = 64;

/// Operations of `inspect`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum InspectOperation {
    /// Writes the [`TaskInfo`](crate::TaskInfo) words of the task at index `argument` to `address`; `NoTask` if the place is free,
    /// `InvalidArgument` if there is no such place.
    Task = 0,
    /// Reads up to `length` (at most [`MAX_CONSOLE`]) bytes of the kernel log, from position `argument`, to `address`; result: how many. The
    /// register of the info word gets the position after them; text that has been overwritten is skipped.
    Log = 1,
    /// Halts the machine; `argument` is the status given to an emulator, 0 for success.
    Halt = 2,
    /// Writes [`COUNTED_TASKS`] words of 32 bits to `address`: how many messages (calls, sends, replies, faults) the task at
    /// index `argument` has received from the task at each index, by living tasks only, wrapping around;
    /// `InvalidArgument` unless the index is below [`COUNTED_TASKS`].
    Messages = 3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_out_of_range_are_refused() {
        assert_eq!(MapFlags::from_raw(3), None);
        assert_eq!(MapFlags::from_raw(8), None);
        assert_eq!(MapFlags::from_raw(7), None);
        assert_eq!(MapFlags::from_raw(3 | 1 << 16), None);
        assert_eq!(MapFlags::from_raw(64 << 16), None);
        let many = MapFlags::WRITE.and_more(100);
        assert_eq!(MapFlags::from_raw(many.0), Some(many));
        assert_eq!((many.more(), many.of_each(), many.and_more(1).more()), (63, MapFlags::WRITE, 1));
        assert_eq!(MapFlags::from_raw(5), Some(MapFlags(5)));
        assert_eq!(LendSelector::from_raw(4), None);
        assert_eq!(LendSelector::from_raw(1 << 9), None);
        assert_eq!(LendSelector::from_raw(0x103), Some(LendSelector { index: 3, write: true }));
    }
}
